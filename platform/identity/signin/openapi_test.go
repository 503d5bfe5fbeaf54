package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity/signin"
)

func TestEveryEndpointIsDescribed(t *testing.T) {
	router := chi.NewRouter()
	signin.NewAPI(signin.APIOptions{}).Mount(router)
	described := signin.Describe()
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
