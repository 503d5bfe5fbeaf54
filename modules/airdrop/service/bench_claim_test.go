package service_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

// BenchmarkClaimHandler is a claim below the router: the request's path is
// matched already, and the answer is discarded. The tree is a mapped file of a
// million rows, and the requested wallets are spread over it.
func BenchmarkClaimHandler(b *testing.B) {
	const rows = 1_000_000
	w := open(b, service.Options{DB: databasetest.SQLite(b, airdrop.Name), Trees: filepath.Join(b.TempDir(), "trees")}, seamtest.InProcess)
	c := w.built(b, draft(merkle.OZ), numberedList(rows))
	handler := claimHandler(b, w.way.Route)
	requests := make([]*http.Request, benchWallets)
	for i := range requests {
		requests[i] = claimRequest(b, c.ID, numbered(i*(rows/benchWallets)).String())
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, requests[i])
		if answer.Code != http.StatusOK {
			b.Fatal(answer.Code, answer.Body)
		}
	}
	answer := discarded{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		clear(answer)
		handler.ServeHTTP(answer, requests[i*7919%len(requests)])
	}
}

// claimHandler returns the handler that the router has for claims.
func claimHandler(b *testing.B, route *seam.Route) (found http.Handler) {
	b.Helper()
	router := chi.NewRouter()
	route.Mount(router, seam.MountOptions{Timeout: time.Minute})
	err := chi.Walk(router, func(_, pattern string, handler http.Handler, _ ...func(http.Handler) http.Handler) error {
		if pattern == "/api/v1/airdrop/campaigns/{id}/claims/{wallet}" {
			found = handler
		}
		return nil
	})
	if err != nil || found == nil {
		b.Fatal("claims have no handler: ", err)
	}
	return found
}

// claimRequest is a request with all that a server and its router put into the
// context.
func claimRequest(b *testing.B, campaign, wallet string) *http.Request {
	b.Helper()
	matched := chi.NewRouteContext()
	matched.URLParams.Add("id", campaign)
	matched.URLParams.Add("wallet", wallet)
	ctx := context.WithValue(context.Background(), http.ServerContextKey, (*http.Server)(nil))
	ctx, cancel := context.WithCancel(ctx)
	b.Cleanup(cancel)
	ctx = context.WithValue(ctx, chi.RouteCtxKey, matched)
	path := "/api/v1/airdrop/campaigns/" + campaign + "/claims/" + wallet
	return httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
}

// discarded is the answer's header; the body is discarded.
type discarded http.Header

func (d discarded) Header() http.Header            { return http.Header(d) }
func (d discarded) Write(text []byte) (int, error) { return len(text), nil }
func (d discarded) WriteHeader(int)                {}
