// Package seamtest runs a module on the far side of the seam for the tests of
// modules: a real HTTP server, with callers signed and verified as between real
// processes. It is imported by tests only.
package seamtest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/database"
	"banyan/platform/database/databasetest"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// BodyLimit is what the servers take, in bytes.
const BodyLimit = 64 << 20

// Ways runs a conformance test four times: in process and over HTTP, on SQLite
// and PostgreSQL. build makes the module on an empty database; test gets the
// route that its callers use.
func Ways(t *testing.T, c *seam.Contract, build func(t *testing.T, db *database.DB) *seam.Local, test func(t *testing.T, route *seam.Route)) {
	t.Helper()
	t.Run("in process", func(t *testing.T) {
		databasetest.Each(t, c.Module, func(t *testing.T, db *database.DB) { test(t, seam.NewRoute(build(t, db))) })
	})
	t.Run("over HTTP", func(t *testing.T) {
		databasetest.Each(t, c.Module, func(t *testing.T, db *database.DB) {
			route, _ := Remote(t, c, build(t, db))
			test(t, route)
		})
	})
}

// Remote serves the module and gives the route to it, and the server's URL.
// Requests without a token are anonymous.
func Remote(t testing.TB, c *seam.Contract, local *seam.Local) (*seam.Route, string) {
	t.Helper()
	return serve(t, c, local, func(next http.Handler) http.Handler { return next })
}

// Line is a connection to a module that can lose answers.
type Line struct {
	losing   atomic.Int64
	Requests atomic.Int64 // that have reached the module
}

// Lose has the answers to the next n requests lost: the module has done what
// was asked, and then the connection breaks.
func (l *Line) Lose(n int) { l.losing.Store(int64(n)) }

// Lossy is Remote over such a line.
func Lossy(t testing.TB, c *seam.Contract, local *seam.Local) (*seam.Route, *Line) {
	t.Helper()
	line := new(Line)
	route, _ := serve(t, c, local, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			line.Requests.Add(1)
			if line.losing.Add(-1) < 0 {
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		})
	})
	return route, line
}

func serve(t testing.TB, c *seam.Contract, local *seam.Local, outermost func(http.Handler) http.Handler) (*seam.Route, string) {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{})
	if err != nil {
		t.Fatal(err)
	}
	verifier := identity.NewVerifier(time.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: ring})
	router := chi.NewRouter()
	router.Use(
		outermost,
		func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, BodyLimit) },
		identity.BearerOnly(verifier, c.Module, nil),
	)
	seam.NewRoute(local).Mount(router, seam.MountOptions{Timeout: 30 * time.Second})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	remote, err := seam.NewRemote(c, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	return seam.NewRemoteRoute(c, remote), server.URL
}
