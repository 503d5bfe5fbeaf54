package seam

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/seam/buffer"
	"banyan/platform/seam/client"
)

// requestCodec carries one request type over HTTP, in both directions. A field
// stands in the path (`path:"name"`), in the query (`query:"name"`), is the
// body as a stream (`stream:"media/type"`), or belongs to the JSON body (all
// others). Fields outside the body also carry `json:"-"`.
type requestCodec struct {
	typ       reflect.Type
	path      []param
	query     []param
	stream    int    // index of the io.Reader field, or -1
	media     string // media types of the stream, comma separated
	hasBody   bool
	validates bool
	pieces    []string // the path cut at its wildcards: pieces[0] path[0] pieces[1] …
}

type param struct {
	name       string
	index      int
	typ        reflect.Type
	unmarshals bool // by itself, as encoding.TextUnmarshaler
}

func newParam(name string, index int, typ reflect.Type) param {
	return param{name, index, typ, reflect.PointerTo(typ).Implements(textUnmarshaler)}
}

func newRequestCodec(t reflect.Type, method, path string) (*requestCodec, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("request type %s is not a struct", t)
	}
	c := &requestCodec{typ: t, stream: -1, validates: t.Implements(reflect.TypeFor[Validator]())}
	inPath := make(map[string]param)
	for i := range t.NumField() {
		f := t.Field(i)
		if name, ok := f.Tag.Lookup("path"); ok {
			inPath[name] = newParam(name, i, f.Type)
		} else if name, ok := f.Tag.Lookup("query"); ok {
			c.query = append(c.query, newParam(name, i, f.Type))
		} else if media, ok := f.Tag.Lookup("stream"); ok {
			c.stream, c.media = i, media
		} else {
			c.hasBody = true
			continue
		}
		if f.Tag.Get("json") != "-" {
			return nil, fmt.Errorf(`field %s stands outside the body and needs json:"-"`, f.Name)
		}
		if c.stream != i && !canText(f.Type) {
			return nil, fmt.Errorf("field %s of type %s has no text form", f.Name, f.Type)
		}
	}
	rest := path
	for {
		before, after, found := strings.Cut(rest, "{")
		c.pieces = append(c.pieces, before)
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		p, ok := inPath[name]
		if !ok {
			return nil, fmt.Errorf("path wildcard {%s} has no field", name)
		}
		delete(inPath, name)
		c.path, rest = append(c.path, p), tail
	}
	switch {
	case len(inPath) > 0:
		return nil, errors.New("a path field is missing from the pattern")
	case c.hasBody && c.stream >= 0:
		return nil, errors.New("a request has a JSON body or a stream, not both")
	case (c.hasBody || c.stream >= 0) && method == http.MethodGet:
		return nil, errors.New("a GET has no body: tag the fields with query")
	}
	return c, nil
}

// encode makes the URL's path and query and the body of a request. The reader
// is nil when there is no body.
func (c *requestCodec) encode(q reflect.Value) (target string, body io.Reader, err error) {
	var b strings.Builder
	for i, piece := range c.pieces {
		b.WriteString(piece)
		if i < len(c.path) {
			text, err := formatText(q.Field(c.path[i].index))
			if err != nil {
				return "", nil, err
			}
			if text == "" {
				return "", nil, fault.Newf(fault.Invalid, "%s is missing", c.path[i].name)
			}
			b.WriteString(url.PathEscape(text))
		}
	}
	separator := byte('?')
	for _, p := range c.query {
		v := q.Field(p.index)
		if v.IsZero() {
			continue
		}
		text, err := formatText(v)
		if err != nil {
			return "", nil, err
		}
		b.WriteByte(separator)
		b.WriteString(url.QueryEscape(p.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(text))
		separator = '&'
	}
	switch {
	case c.stream >= 0:
		reader, _ := q.Field(c.stream).Interface().(io.Reader)
		if reader == nil {
			reader = http.NoBody
		}
		return b.String(), reader, nil
	case c.hasBody:
		text, err := json.Marshal(q.Interface())
		if err != nil {
			return "", nil, fmt.Errorf("encode %s: %w", c.typ, err)
		}
		return b.String(), bytes.NewReader(text), nil
	}
	return b.String(), nil, nil
}

// decode fills q from a request. A strict reading also refuses query
// parameters and body fields that do not exist (a person's typing error);
// between processes they are left aside, so that versions may differ. Texts are
// copied to room on their way.
func (c *requestCodec) decode(req *http.Request, q reflect.Value, strict bool, room []byte) error {
	var wrong []fault.Field
	route := chi.RouteContext(req.Context())
	for i := range c.path {
		p := &c.path[i]
		text, err := route.URLParam(p.name), error(nil)
		if req.URL.RawPath != "" { // chi matched the path as it was sent
			text, err = url.PathUnescape(text)
		}
		if err == nil {
			err = p.parse(text, q, room)
		}
		if err != nil {
			wrong = append(wrong, fault.Field{Name: p.name, Message: messageOf(err)})
		}
	}
	if len(c.query) > 0 || (strict && req.URL.RawQuery != "") {
		wrong = append(wrong, c.decodeQuery(req.URL, q, strict, room)...)
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the request's address is wrong: see the fields").With(wrong...)
	}
	switch {
	case c.stream >= 0:
		q.Field(c.stream).Set(reflect.ValueOf(io.Reader(uploadReader{req.Body})))
	case c.hasBody:
		return decodeJSON(req, q.Addr().Interface(), strict)
	}
	return nil
}

func (c *requestCodec) decodeQuery(u *url.URL, q reflect.Value, strict bool, room []byte) (wrong []fault.Field) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return []fault.Field{{Message: "the part after ? is not well-formed"}}
	}
	for i := range c.query {
		p := &c.query[i]
		if strict && len(values[p.name]) > 1 { // whoever looks at it before this program may take the other one
			wrong = append(wrong, fault.Field{Name: p.name, Message: "stands there more than once: write it once"})
		}
		if text := values.Get(p.name); text != "" {
			if err := p.parse(text, q, room); err != nil {
				wrong = append(wrong, fault.Field{Name: p.name, Message: messageOf(err)})
			}
		}
		delete(values, p.name)
	}
	if strict {
		for name := range values {
			wrong = append(wrong, fault.Field{Name: name, Message: "is not a parameter of this address: " + c.queryNames()})
		}
		slices.SortFunc(wrong, func(a, b fault.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return wrong
}

func (c *requestCodec) queryNames() string {
	if len(c.query) == 0 {
		return "this address takes none"
	}
	names := make([]string, len(c.query))
	for i, p := range c.query {
		names[i] = p.name
	}
	return "use " + strings.Join(names, ", ")
}

// decodeJSON reads exactly one JSON value.
func decodeJSON(req *http.Request, into any, strict bool) error {
	if media := req.Header.Get("Content-Type"); media != "" && !isJSON(media) {
		return fault.Newf(fault.Unsupported, "send the body as %s, not as %q", client.MediaJSON, media)
	}
	buf := buffer.Get()
	defer buffer.Put(buf)
	if _, err := buf.ReadFrom(req.Body); err != nil {
		return readFault(err)
	}
	if !utf8.Valid(buf.Bytes()) { // encoding/json would put U+FFFD in its place and say nothing
		return fault.New(fault.Invalid, "the body is not UTF-8: JSON has no other encoding")
	}
	if !strict {
		if err := json.Unmarshal(buf.Bytes(), into); err != nil {
			return bodyFault(err)
		}
		return nil
	}
	d := json.NewDecoder(buf)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bodyFault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the body has something after its JSON value: send one value")
	}
	return nil
}

// isJSON reports whether a media type is JSON's own, with or without parameters.
func isJSON(header string) bool {
	if header == client.MediaJSON {
		return true
	}
	media, _, err := mime.ParseMediaType(header)
	return err == nil && media == client.MediaJSON
}

// bodyFault says what was wrong with a JSON body.
func bodyFault(err error) error {
	var (
		syntax *json.SyntaxError
		wrong  *json.UnmarshalTypeError
		known  *fault.Fault
	)
	switch {
	case errors.As(err, &known):
		return fault.New(fault.Invalid, known.Message)
	case errors.As(err, &syntax):
		return fault.Newf(fault.Invalid, "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	case errors.As(err, &wrong):
		return fault.New(fault.Invalid, "a field of the body has the wrong type").With(
			fault.Field{Name: wrong.Field, Message: fmt.Sprintf("is a JSON %s: it must be of type %s", wrong.Value, wrong.Type)})
	case errors.Is(err, io.EOF):
		return fault.New(fault.Invalid, "the body is empty: send a JSON object")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "the body ends in the middle: send it whole")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return fault.New(fault.Invalid, "the body has a field that does not exist here").With(
			fault.Field{Name: name, Message: "is not a field of this body: see /docs"})
	}
	return fault.Wrap(err, fault.Invalid, "the body could not be read: send a JSON object as /docs describes it")
}

var (
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// canText reports whether a type can stand in a path or a query.
func canText(t reflect.Type) bool {
	if t.Implements(textMarshaler) && reflect.PointerTo(t).Implements(textUnmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return true
	default:
		return false
	}
}

func formatText(v reflect.Value) (string, error) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	default: // canText has admitted floats only
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), nil
	}
}

func (p *param) parse(text string, q reflect.Value, room []byte) error {
	into := q.Field(p.index)
	if p.unmarshals {
		return into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(append(room, text...)) // which keeps nothing of it
	}
	var err error
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(text); err == nil {
			into.SetBool(b)
			return nil
		}
		return fault.New(fault.Invalid, "is neither true nor false")
	case reflect.Int, reflect.Int64:
		var n int64
		if n, err = strconv.ParseInt(text, 10, into.Type().Bits()); err == nil {
			into.SetInt(n)
			return nil
		}
		return fault.New(fault.Invalid, "is not a whole number")
	case reflect.Uint64:
		var n uint64
		if n, err = strconv.ParseUint(text, 10, 64); err == nil {
			into.SetUint(n)
			return nil
		}
		return fault.New(fault.Invalid, "is not a whole number of zero or more")
	default:
		var f float64
		if f, err = strconv.ParseFloat(text, 64); err == nil {
			into.SetFloat(f)
			return nil
		}
		return fault.New(fault.Invalid, "is not a number")
	}
	return nil
}

// messageOf returns the words of a fault without its code.
func messageOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}
