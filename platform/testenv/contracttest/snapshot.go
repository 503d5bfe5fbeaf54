package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/platform/seam"
)

// The files of a version.
const (
	operationsFile = "operations.json"
	requestSuffix  = ".request.json"
	answerSuffix   = ".answer.json"
	lineSuffix     = ".line" // an entry of Options.Also: a line of the stream that the operation answers with
)

// snapshot is the JSON of a contract: files by name.
type snapshot map[string][]byte

// operation is one entry of operations.json.
type operation struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Access  string `json:"access"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Upload  string `json:"upload,omitempty"`  // media types of the stream in the request
	Streams bool   `json:"streams,omitempty"` // the answer is a stream
}

// message is a request on the wire.
type message struct {
	Target string          `json:"target"`         // path and query
	Body   json.RawMessage `json:"body,omitempty"` // absent for none and for a stream
}

// stage is a contract with a server that answers with a given value.
type stage struct {
	contract *seam.Contract
	filler   filler
	router   chi.Router
	got      any // the request that arrived last
	answer   any // the answer to return
}

func newStage(c *seam.Contract, o Options) *stage {
	s := &stage{contract: c, filler: newFiller(o.Known), router: chi.NewRouter()}
	// a caller who may call every operation
	caller := identity.Caller{Service: "contracttest", Role: identity.Operator}
	s.router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(identity.WithProcess(r.Context(), caller, identity.TrunkIssuer)))
		})
	})
	local := c.BindAny(func(_ context.Context, _ seam.Info, q any) (any, error) {
		s.got = q
		return s.answer, nil
	})
	seam.NewRoute(local).Mount(s.router, seam.MountOptions{})
	return s
}

// exchange sends a request to the server as another process would, and returns the
// request as the module got it and the answer.
func (s *stage) exchange(i seam.Info, m message, answer any) (got any, text []byte, err error) {
	s.got, s.answer = nil, answer
	req := httptest.NewRequestWithContext(context.Background(), i.Method, m.Target, bytes.NewReader(m.Body))
	req.Header.Set("Banyan-Contract", strconv.Itoa(s.contract.Version))
	if media, _, _ := strings.Cut(i.Media, ","); media != "" {
		req.Header.Set("Content-Type", media)
	}
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		return nil, nil, fmt.Errorf("%s %s is answered %d: %s", i.Method, m.Target, w.Code, strings.TrimSpace(w.Body.String()))
	}
	return s.got, w.Body.Bytes(), nil
}

// encode returns a request's message without what cannot be compared.
func encode(i seam.Info, request any) (message, error) {
	target, body, err := i.Encode(request)
	return message{Target: target, Body: body}, err
}

// take returns the snapshot of today's types.
func (s *stage) take(also map[string]any) (snapshot, error) {
	files := make(snapshot)
	var list []operation
	for _, i := range s.contract.Operations() {
		list = append(list, operation{
			ID: i.ID, Kind: i.Kind.String(), Access: i.Access.String(), Method: i.Method, Path: i.Path, Upload: i.Media, Streams: i.Streams,
		})
		if err := s.takeOperation(files, i); err != nil {
			return nil, fmt.Errorf("%s: %w", i.ID, err)
		}
		if _, told := also[i.ID+lineSuffix]; i.Streams && !told {
			return nil, fmt.Errorf("%s answers with a stream: add an example of its lines to Options.Also[%q]", i.ID, i.ID+lineSuffix)
		}
	}
	for name, value := range also {
		filled, err := s.filler.complete(reflect.ValueOf(value))
		if err != nil {
			return nil, err
		}
		if files[name+".json"], err = document(filled); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	text, err := document(list)
	files[operationsFile] = text
	return files, err
}

func (s *stage) takeOperation(files snapshot, i seam.Info) error {
	request, err := s.filler.example(i.Request)
	if err != nil {
		return err
	}
	sent, err := encode(i, request)
	if err != nil {
		return err
	}
	var answer any = seam.Stream{ContentType: "application/x-ndjson", Write: writeNothing}
	if !i.Streams {
		if answer, err = s.filler.example(i.Answer); err != nil {
			return err
		}
	}
	got, text, err := s.exchange(i, sent, answer)
	if err != nil {
		return fmt.Errorf("the generated request is refused, add a valid one to Options.Known: %w", err)
	}
	back, err := encode(i, got)
	if err != nil {
		return err
	}
	if back.Target != sent.Target || !bytes.Equal(back.Body, sent.Body) {
		return fmt.Errorf("the request changed on the way: %s %s became %s %s", sent.Target, sent.Body, back.Target, back.Body)
	}
	if files[i.ID+requestSuffix], err = document(sent); err != nil || i.Streams {
		return err
	}
	files[i.ID+answerSuffix], err = document(json.RawMessage(text))
	return err
}

// document returns JSON in the form of the repository's files.
func document(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(value)
	return b.Bytes(), err
}
