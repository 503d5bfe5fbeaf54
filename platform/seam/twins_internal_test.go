package seam

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

type echo struct {
	ID    string   `path:"id" json:"-"`
	Items []string `json:"items"`
	Flag  bool     `json:"flag"`
}

type echoed struct {
	ID    string   `json:"id"`
	Items []string `json:"items"`
	Flag  bool     `json:"flag"`
}

// TestReusedMemoryIsAsNewMemory: whatever the requests before were, the answers are
// those of a server that uses nothing again.
func TestReusedMemoryIsAsNewMemory(t *testing.T) {
	answers := func(plain bool) (all []string) {
		c := NewContract("echo", 1, "For tests.")
		op := Write[echo, echoed](c, "echo", "POST /{id}", Public, "")
		memory := newExchanges(op)
		memory.plain = plain
		op.d.serve = memory.serve
		router := chi.NewRouter()
		NewRoute(c.Bind(op.To(func(_ context.Context, q echo) (echoed, error) {
			return echoed(q), nil
		}))).Mount(router, MountOptions{})
		for _, body := range []string{`{"items":["a","b"],"flag":true}`, `{}`, `{"items":7}`, `{"flag":true}`, `{`, `{"items":[]}`} {
			recorder := httptest.NewRecorder()
			router.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/api/v1/echo/x", strings.NewReader(body)))
			all = append(all, recorder.Body.String())
		}
		return all
	}
	reused, fresh := answers(false), answers(true)
	for i := range fresh {
		if reused[i] != fresh[i] {
			t.Errorf("answer %d is %q with reused memory, %q with new", i, reused[i], fresh[i])
		}
	}
}

// appended writes its own JSON, as the answers do that are asked for all the time.
type appended struct{ Text string }

func (a appended) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil) }

func (a appended) AppendJSON(to []byte) ([]byte, error) {
	text, err := json.Marshal(a.Text)
	return append(append(append(to, `{"text":`...), text...), '}'), err
}

var _ jsonAppender = appended{}

func TestAppendedJSONIsAsMarshalledJSON(t *testing.T) {
	for _, text := range []string{"", "plain", `"quoted" & <b>`, strings.Repeat("long ", 2000)} {
		var quick, slow bytes.Buffer
		if err := appendAnswer(&quick, appended{text}); err != nil {
			t.Fatal(err)
		}
		if err := marshalAnswer(&slow, appended{text}); err != nil {
			t.Fatal(err)
		}
		if quick.String() != slow.String() {
			t.Errorf("appended %q, marshalled %q", quick.String(), slow.String())
		}
	}
}
