package seam_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

func TestABodyIsJSONByItsExactMediaType(t *testing.T) {
	router := chi.NewRouter()
	seam.NewRoute(testModule{}.bind()).Mount(router, mountOptions)
	for media, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "APPLICATION/JSON": 200, "": 200,
		"application/jsonp": 415, "application/json-patch+json": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json;;": 415,
	} {
		req := httptest.NewRequestWithContext(identity.With(t.Context(), member), http.MethodPost, "/api/v1/testModule/fail/none", strings.NewReader(`{}`))
		if media != "" {
			req.Header.Set("Content-Type", media)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, req)
		if (w.Code == 415) != (status == 415) {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
	}
}

// What people with a role do, by whatever way, is told with its outcome.
func TestAWriteThatNeedsARoleIsTold(t *testing.T) {
	contract := seam.NewContract("told", 1, "Told")
	type request struct {
		ID   string `path:"id" json:"-"`
		Name string `json:"name"`
	}
	change := seam.Write[request, nothing](contract, "change", "POST /things/{id}", seam.Operators, "Change")
	look := seam.Read[nothing, nothing](contract, "look", "GET /things", seam.Operators, "Look")
	own := seam.Write[request, nothing](contract, "own", "POST /own/{id}", seam.SignedIn, "Own")
	local := contract.BindAny(func(_ context.Context, o seam.Info, q any) (any, error) {
		if r, ok := q.(request); ok && r.Name == "wrong" {
			return nil, fault.New(fault.Invalid, "no such name")
		}
		return nil, nil
	})
	var told []seam.Action
	r := seam.NewRoute(local).With(seam.RouteOptions{Action: func(_ context.Context, a seam.Action) { told = append(told, a) }})
	ctx := identity.With(t.Context(), identity.Caller{Subject: "ada", Role: identity.Operator})
	_, _ = look.Call(ctx, r, nothing{})
	_, _ = own.Call(ctx, r, request{ID: "1"})
	_, _ = change.Call(identity.With(t.Context(), member), r, request{ID: "1"})
	_, _ = change.Call(ctx, r, request{ID: "1", Name: "right"})
	_, _ = change.Call(ctx, r, request{ID: "2", Name: "wrong"})
	if len(told) != 2 || told[0].Operation != "told.change" || told[0].Request != `{"id":"1","name":"right"}` || told[0].Err != nil || !fault.Is(told[1].Err, fault.Invalid) {
		t.Errorf("told %+v", told)
	}
}
