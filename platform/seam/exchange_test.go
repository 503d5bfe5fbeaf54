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

	"banyan/platform/seam"
)

// hoist is a module whose answer lies in a hold that it uses again.
type hoist struct {
	hold  [3]int
	lifts int
	given int // how often the hold was given back
}

type liftQuery struct {
	Fail bool `query:"fail" json:"-"`
}

type load struct {
	Marks []int `json:"marks"`
	of    *hoist
}

func (l *load) GiveBack() {
	l.of.given++
	l.of.hold = [3]int{-1, -1, -1}
}

func (h *hoist) lift(_ context.Context, q liftQuery) (load, error) {
	if q.Fail {
		return load{}, errors.New("the rope broke")
	}
	h.lifts++
	h.hold = [3]int{h.lifts, h.lifts, h.lifts}
	return load{Marks: h.hold[:], of: h}, nil
}

func TestAnAnswerIsGivenBackWhenItIsWrittenAndNotBefore(t *testing.T) {
	cranes := seam.NewContract("cranes", 1, "For tests.")
	opLift := seam.Read[liftQuery, load](cranes, "lift", "GET /lift", seam.Public, "Lift")
	h := &hoist{}
	route := seam.NewRoute(cranes.Bind(opLift.To(h.lift)))
	router := chi.NewRouter()
	route.Mount(router, mountOptions)
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	for i := 1; i <= 3; i++ {
		want := fmt.Sprintf(`{"marks":[%d,%d,%d]}`+"\n", i, i, i)
		if got := get("/api/v1/cranes/lift").Body.String(); got != want || h.given != i {
			t.Errorf("lift %d is %q and was given back %d times", i, got, h.given)
		}
	}
	if answer := get("/api/v1/cranes/lift?fail=true"); answer.Code != http.StatusInternalServerError || h.given != 3 {
		t.Errorf("a failure is %d, and there were %d given back", answer.Code, h.given)
	}
	if got, err := opLift.Call(context.Background(), route, liftQuery{}); err != nil || got.Marks[0] != 4 || h.given != 3 {
		t.Errorf("a caller in process got %v, %v, and lost it", got.Marks, err)
	}
}

func TestNothingOfOneRequestIsSeenInTheNext(t *testing.T) {
	router := chi.NewRouter()
	router.Use(readPlainToken)
	seam.NewRoute(harbour{}.bind()).Mount(router, mountOptions)
	token, _ := plainTokens{}.Token(sailor, "harbour")
	unload := func(body string) string {
		req := httptest.NewRequest(http.MethodPost, "/api/v1/harbour/ships/a/cargo", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, req)
		text, _ := io.ReadAll(answer.Body)
		return strings.TrimSpace(string(text))
	}
	for range 20 {
		if got := unload(`{"goods":["tea","silk"],"tons":12}`); got != `{"ship":"a","goods":["tea","silk"],"tons":12,"key":""}` {
			t.Fatalf("cargo arrived as %s", got)
		}
		if got := unload(`{"tons":"many"}`); !strings.Contains(got, "wrong type") {
			t.Fatalf("what is no number was taken: %s", got)
		}
		if got := unload(`{}`); got != `{"ship":"a","goods":null,"tons":0,"key":""}` {
			t.Fatalf("no cargo arrived as %s", got)
		}
	}
}
