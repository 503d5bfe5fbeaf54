package diff

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"banyan/platform/redact"
)

// maxFields bounds what is looked for in one comparison.
const maxFields = 20

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	name  string
	index []int
}

// jsonFields lists what of a struct goes over the wire, with the fields of
// embedded structs as its own.
func jsonFields(t reflect.Type) (fields []jsonField) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inside := f.Type
		if inside.Kind() == reflect.Pointer {
			inside = inside.Elem()
		}
		switch {
		case f.Tag.Get("json") == "-":
		case f.Anonymous && name == "" && inside.Kind() == reflect.Struct:
			for _, promoted := range jsonFields(inside) {
				fields = append(fields, jsonField{promoted.name, append([]int{i}, promoted.index...)})
			}
		case f.IsExported() && name == "":
			fields = append(fields, jsonField{f.Name, []int{i}})
		case f.IsExported():
			fields = append(fields, jsonField{name, []int{i}})
		}
	}
	return fields
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	timeType      = reflect.TypeFor[time.Time]()
)

// writesItself reports whether a type makes its own JSON; then that is what is
// compared.
func writesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

// Compare returns the fields in which two answers of one type differ, at most 20;
// none when they say the same over the wire. A nil list equals an empty one:
// which of both an answer has depends on the way it came.
func Compare(rules Rules, here, there reflect.Value) []Field {
	c := comparison{rules: rules, structs: make(map[reflect.Type][]jsonField)}
	c.values(here, there)
	return c.fields
}

// comparison is a walk through two answers at once.
type comparison struct {
	rules   Rules
	structs map[reflect.Type][]jsonField // met so far
	at      []step
	fields  []Field
}

// step is a name, a key of a map, or a place in a list.
type step struct {
	name  string
	index int // -1: a name
	key   bool
}

func (c *comparison) below(s step, look func()) {
	c.at = append(c.at, s)
	if len(c.fields) < maxFields {
		look()
	}
	c.at = c.at[:len(c.at)-1]
}

func (c *comparison) fieldsOf(t reflect.Type) []jsonField {
	fields, met := c.structs[t]
	if !met {
		fields = jsonFields(t)
		c.structs[t] = fields
	}
	return fields
}

func (c *comparison) values(a, b reflect.Value) {
	if c.ignored() {
		return
	}
	t := a.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			c.same(a.IsNil() && b.IsNil(), a, b)
			return
		}
		c.values(a.Elem(), b.Elem())
	case t.Kind() == reflect.Interface:
		c.trees(tree(a), tree(b))
	case t == timeType:
		c.same(a.Interface().(time.Time).Equal(b.Interface().(time.Time)), a, b)
	case writesItself(t):
		c.same(a.Comparable() && b.Comparable() && a.Equal(b) || bytes.Equal(asJSON(a), asJSON(b)), a, b)
	default:
		c.kinds(a, b)
	}
}

func (c *comparison) kinds(a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Struct:
		for _, f := range c.fieldsOf(a.Type()) {
			x, errX := a.FieldByIndexErr(f.index)
			y, errY := b.FieldByIndexErr(f.index)
			if errX != nil || errY != nil { // below an embedded pointer that is nil
				if (errX == nil) != (errY == nil) {
					c.below(step{name: f.name, index: -1}, func() { c.differ(presence(errX), presence(errY)) })
				}
				continue
			}
			c.below(step{name: f.name, index: -1}, func() { c.values(x, y) })
		}
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			c.below(step{name: "length", index: -1}, func() { c.differ(strconv.Itoa(a.Len()), strconv.Itoa(b.Len())) })
		}
		for i := range min(a.Len(), b.Len()) {
			c.below(step{index: i}, func() { c.values(a.Index(i), b.Index(i)) })
		}
	case reflect.Map:
		c.maps(a, b)
	default:
		c.same(a.Comparable() && a.Equal(b), a, b)
	}
}

func (c *comparison) maps(a, b reflect.Value) {
	keys := a.MapKeys()
	for _, k := range b.MapKeys() {
		if !a.MapIndex(k).IsValid() {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(keyText(x), keyText(y)) })
	for _, k := range keys {
		x, y := a.MapIndex(k), b.MapIndex(k)
		c.below(step{name: keyText(k), index: -1, key: true}, func() { c.entries(x, y) })
	}
}

// entries compares what two maps have under one key; an invalid value stands
// for nothing.
func (c *comparison) entries(x, y reflect.Value) {
	if x.IsValid() && y.IsValid() {
		c.values(x, y)
		return
	}
	if !c.ignored() {
		c.differ(c.text(x), c.text(y))
	}
}

// keyText is a map's key as JSON has it.
func keyText(k reflect.Value) string {
	if m, ok := k.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(k.Interface())
}

// trees compares what has no type of its own: as the JSON that it makes.
func (c *comparison) trees(a, b any) {
	if c.ignored() {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			c.maps(reflect.ValueOf(x), reflect.ValueOf(y))
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			c.kinds(reflect.ValueOf(x), reflect.ValueOf(y))
			return
		}
	case json.Number:
		if y, ok := b.(json.Number); ok {
			// A number without a type has become a float64 on its way.
			p, errP := x.Float64()
			q, errQ := y.Float64()
			if x == y || errP == nil && errQ == nil && p == q {
				return
			}
		}
	default:
		if a == b {
			return
		}
	}
	c.differ(c.text(reflect.ValueOf(a)), c.text(reflect.ValueOf(b)))
}

// tree is the plain JSON of an interface's value. What is inside of lists and
// maps becomes plain when the walk comes to it. A value that cannot be JSON
// could not have come over the wire either.
func tree(v reflect.Value) any {
	switch plain := v.Interface().(type) {
	case nil, string, bool, map[string]any, []any, json.Number:
		return plain
	default:
		made, err := Tree(plain)
		if err != nil {
			return err.Error()
		}
		return made
	}
}

func (c *comparison) same(same bool, a, b reflect.Value) {
	if !same {
		c.differ(c.text(a), c.text(b))
	}
}

func (c *comparison) differ(here, there string) {
	if len(c.fields) < maxFields {
		c.fields = append(c.fields, Field{Path: c.path(), Local: here, Remote: there})
	}
}

func presence(missing error) string {
	if missing != nil {
		return "nothing"
	}
	return "a value"
}

// text is a value for people, masked where the path names a secret.
func (c *comparison) text(v reflect.Value) string {
	if v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return "nothing"
	}
	for _, s := range c.at {
		if s.index < 0 && redact.IsSecret(s.name) && !isNumber(v.Type()) {
			return mask
		}
	}
	return Cut(string(Shown(v.Interface())), MaxValue)
}

func asJSON(v reflect.Value) []byte {
	if v.CanAddr() {
		v = v.Addr() // methods of the pointer count, too
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// path is where the walk is, as standings[3].score.
func (c *comparison) path() string {
	var b strings.Builder
	for _, s := range c.at {
		switch {
		case s.index >= 0 && s.name == "":
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(s.name)
	}
	if b.Len() == 0 {
		return "answer"
	}
	return b.String()
}
