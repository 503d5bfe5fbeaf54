package rollout_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

// TestOverHTTP is what a person with curl sees.
func TestOverHTTP(t *testing.T) {
	c := open(t, databasetest.SQLite(t, "routes"), local(), newFakeRoute())
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				r = r.WithContext(identity.With(r.Context(), operator))
			}
			next.ServeHTTP(w, r)
		})
	})
	seam.NewRoute(rollout.Bind(c)).Mount(router, seam.MountOptions{Timeout: 10 * time.Second})
	server := httptest.NewServer(router)
	defer server.Close()
	for _, k := range []struct {
		method, path, body string
		anonymous          bool
		status             int
		says               string
	}{
		{"GET", "/modules", "", true, 401, `"unauthenticated"`},
		{"PUT", "/modules/reputation", `{"mode":"local"}`, true, 401, `"unauthenticated"`},
		{"GET", "/modules", "", false, 200, `"plan":{"module":"reputation","mode":"local","percent":0,"version":0,"configured":true}`},
		{"PUT", "/modules/reputation", `{"mode":"shadow","percent":10}`, false, 400, `"urls"`},
		{"PUT", "/modules/reputation", `{"mode":"shadow","percent":10,"url":"http://a"}`, false, 400, `is not a field of this body`},
		{"PUT", "/modules/reputation", `{"mode":"shadow","percent":10,"urls":["http://a:1"],"why":"try","if_version":0}`, false, 200, `"version":1`},
		{"PUT", "/modules/reputation", `{"mode":"remote","if_version":0}`, false, 409, `version 1 by ada (shadow)`},
		{"GET", "/modules/reputation", "", false, 200, `"why":"try"`},
		{"GET", "/modules/market", "", false, 404, `choose one of`},
		{"GET", "/modules/reputation/differences/score", "", false, 200, `"local":1,"remote":2`},
		{"GET", "/modules/reputation/audit?limit=1", "", false, 200, `"from":{"mode":"local","percent":0}`},
		{"POST", "/modules/reputation/reset", `{"if_version":1}`, false, 200, `"configured":true`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), k.method, server.URL+"/api/v1/operator"+k.path, strings.NewReader(k.body))
		if err != nil {
			t.Fatal(err)
		}
		if !k.anonymous {
			req.Header.Set("Authorization", "Bearer x")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != k.status || !strings.Contains(string(text), k.says) {
			t.Errorf("%s %s %s: %d %s, want %d with %s", k.method, k.path, k.body, resp.StatusCode, text, k.status, k.says)
		}
	}
}

func TestOperationsStandInTheAPIDocument(t *testing.T) {
	text, err := json.Marshal(seam.OpenAPI("x", "v1", rollout.Contract))
	var document struct{ Paths map[string]map[string]any }
	if err != nil || json.Unmarshal(text, &document) != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"", "/{name}", "/{name}/audit", "/{name}/differences/{operation}"} {
		if document.Paths["/api/v1/operator/modules"+p]["get"] == nil {
			t.Errorf("GET /api/v1/operator/modules%s is missing", p)
		}
	}
	if document.Paths["/api/v1/operator/modules/{name}"]["put"] == nil || document.Paths["/api/v1/operator/modules/{name}/reset"]["post"] == nil {
		t.Error("modules cannot be set or reset")
	}
}
