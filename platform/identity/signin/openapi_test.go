package signin_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity/signin"
)

func TestEveryEndpointIsDescribed(t *testing.T) {
	router := chi.NewRouter()
	signin.NewAPI(signin.APIOptions{}).Mount(router)
	described := make(map[string]signin.Endpoint)
	for _, e := range signin.Describe() {
		described[e.Method+" "+e.Path] = e
	}
	mounted := 0
	err := chi.Walk(router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		mounted++
		e := described[method+" "+path]
		if e.ID == "" || e.Summary == "" {
			t.Errorf("%s %s is not in the API document", method, path)
		}
		for _, q := range e.Query {
			if q[1] == "" {
				t.Errorf("%s %s: the parameter %s is not explained", method, path, q[0])
			}
		}
		return nil
	})
	if err != nil || mounted != len(described) || mounted < 7 {
		t.Errorf("walked %d endpoints of %d, %v", mounted, len(described), err)
	}
}
