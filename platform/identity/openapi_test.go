package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
)

func TestEveryEndpointIsDescribed(t *testing.T) {
	router := chi.NewRouter()
	identity.NewAPI(identity.APIOptions{}).Mount(router)
	described := identity.Describe()
	mounted := 0
	err := chi.Walk(router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		mounted++
		methods, _ := described[path].(map[string]any)
		if methods[strings.ToLower(method)] == nil {
			t.Errorf("%s %s is not in the API document", method, path)
		}
		return nil
	})
	if err != nil || mounted < 7 {
		t.Errorf("walked %d endpoints, %v", mounted, err)
	}
}
