// Package seamtest opens modules for their tests: in process, and behind a real HTTP
// server with callers signed and verified as between real processes. It is imported by tests only.
package seamtest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/database"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

// BodyLimit is the servers' limit on a request's body, in bytes.
const BodyLimit = 16 << 20

// Way is the access of a test to a module.
type Way struct {
	Route    *seam.Route
	URL      string       // of the module's server; "" in process
	Requests atomic.Int64 // requests that reached the server

	losing atomic.Int64
	module string
	keys   *identity.Keyring
}

// Open returns the access to a module: InProcess or OverHTTP.
type Open func(t testing.TB, c *seam.Contract, local *seam.Local) *Way

// Ways runs a conformance test four times: in process and over HTTP, on SQLite
// and PostgreSQL. The database is the module's, and empty.
func Ways(t *testing.T, module string, test func(t *testing.T, db *database.DB, open Open)) {
	t.Helper()
	for name, open := range map[string]Open{"in process": InProcess, "over HTTP": OverHTTP} {
		t.Run(name, func(t *testing.T) {
			databasetest.Each(t, module, func(t *testing.T, db *database.DB) { test(t, db, open) })
		})
	}
}

// InProcess returns direct access to the module.
func InProcess(_ testing.TB, _ *seam.Contract, local *seam.Local) *Way {
	return &Way{Route: seam.NewRoute(local)}
}

// OverHTTP serves the module until the test ends. Requests without a token are
// anonymous.
func OverHTTP(t testing.TB, c *seam.Contract, local *seam.Local) *Way {
	t.Helper()
	keys, err := identity.NewKeyring(identity.KeyringOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{module: c.Module, keys: keys}
	verifier := identity.NewVerifier(time.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
	router := chi.NewRouter()
	router.Use(
		w.line,
		func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, BodyLimit) },
		identity.BearerOnly(verifier, c.Module, nil),
	)
	seam.NewRoute(local).Mount(router, seam.MountOptions{Timeout: 30 * time.Second})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	remote, err := seam.NewRemote(c, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	w.Route, w.URL = seam.NewRemoteRoute(c, remote), server.URL
	return w
}

// Lose makes the server lose the answers to the next n requests: the module executes
// the operation, and then the connection is closed.
func (w *Way) Lose(n int) { w.losing.Store(int64(n)) }

// line is middleware that counts requests and loses answers.
func (w *Way) line(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.Requests.Add(1)
		if w.losing.Add(-1) < 0 {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	})
}

// Token returns a token for the server, for requests without a client.
func (w *Way) Token(t testing.TB, caller identity.Caller) string {
	t.Helper()
	token, err := w.keys.Token(caller, w.module)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
