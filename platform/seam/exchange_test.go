package seam_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/plain"
	"banyan/platform/seam"
)

// reuser is a module whose answer is in memory that it uses again.
type reuser struct {
	memory   [3]int
	reads    int
	released int
}

type reuseQuery struct {
	Fail bool `query:"fail" json:"-"`
}

type reused struct {
	Marks []int `json:"marks"`
	of    *reuser
}

func (a *reused) Release() {
	a.of.released++
	a.of.memory = [3]int{-1, -1, -1}
}

func (h *reuser) reuse(_ context.Context, q reuseQuery) (reused, error) {
	if q.Fail {
		return reused{}, errors.New("broken")
	}
	h.reads++
	h.memory = [3]int{h.reads, h.reads, h.reads}
	return reused{Marks: h.memory[:], of: h}, nil
}

var _ seam.Releaser = (*reused)(nil)

// releases is how often an answer is released: never by the plain twin.
func releases(n int) int {
	if plain.On {
		return 0
	}
	return n
}

func TestAnAnswerIsReleasedWhenItIsWrittenAndNotBefore(t *testing.T) {
	reusing := seam.NewContract("reusing", 1, "For tests.")
	opReuse := seam.Read[reuseQuery, reused](reusing, "reuse", "GET /reuse", seam.Public, "Reuse")
	h := &reuser{}
	route := seam.NewRoute(reusing.Bind(opReuse.To(h.reuse)))
	router := chi.NewRouter()
	route.Mount(router, mountOptions)
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	for i := 1; i <= 3; i++ {
		want := fmt.Sprintf(`{"marks":[%d,%d,%d]}`+"\n", i, i, i)
		if got := get("/api/v1/reusing/reuse").Body.String(); got != want || h.released != releases(i) {
			t.Errorf("reuse %d is %q and was released %d times", i, got, h.released)
		}
	}
	if answer := get("/api/v1/reusing/reuse?fail=true"); answer.Code != http.StatusInternalServerError || h.released != releases(3) {
		t.Errorf("a failure is %d, and %d were released", answer.Code, h.released)
	}
	if got, err := opReuse.Call(context.Background(), route, reuseQuery{}); err != nil || got.Marks[0] != 4 || h.released != releases(3) {
		t.Errorf("a caller in process got %v, %v, and lost it", got.Marks, err)
	}
}

func TestNothingOfOneRequestIsSeenInTheNext(t *testing.T) {
	router := chi.NewRouter()
	router.Use(readPlainToken)
	seam.NewRoute(testModule{}.bind()).Mount(router, mountOptions)
	token, _ := plainTokens{}.Token(member, "testModule")
	store := func(body string) string {
		req := httptest.NewRequest(http.MethodPost, "/api/v1/testModule/batches/a/batch", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, req)
		text, _ := io.ReadAll(answer.Body)
		return strings.TrimSpace(string(text))
	}
	for range 20 {
		if got := store(`{"items":["tea","silk"],"amount":12}`); got != `{"id":"a","items":["tea","silk"],"amount":12,"key":""}` {
			t.Fatalf("batch arrived as %s", got)
		}
		if got := store(`{"amount":"many"}`); !strings.Contains(got, "wrong type") {
			t.Fatalf("a text was taken for a number: %s", got)
		}
		if got := store(`{}`); got != `{"id":"a","items":null,"amount":0,"key":""}` {
			t.Fatalf("no batch arrived as %s", got)
		}
	}
}
