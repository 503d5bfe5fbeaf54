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
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// testModule is a small module with one operation of every shape, which the tests
// run in process and over HTTP.

type findQuery struct {
	Group  string         `path:"group" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
	Ratio  float64        `query:"ratio" json:"-"`
	Limit  int            `query:"limit" json:"-"`
	Exact  bool           `query:"exact" json:"-"`
	Mark   uint64         `query:"mark" json:"-"`
}

func (q findQuery) Validate() error {
	if q.Limit > 100 {
		return fault.New(fault.Invalid, "too many").With(fault.Field{Name: "limit", Message: "is at most 100"})
	}
	return nil
}

type found struct {
	Echo   findEcho `json:"echo"`
	Caller string   `json:"caller"`
	LeftMS int64    `json:"left_ms"`
}

type findEcho struct {
	Group  string         `json:"group"`
	Wallet wallet.Address `json:"wallet"`
	Ratio  float64        `json:"ratio"`
	Limit  int            `json:"limit"`
	Exact  bool           `json:"exact"`
	Mark   uint64         `json:"mark"`
}

type batch struct {
	ID     string   `path:"id" json:"-"`
	Items  []string `json:"items"`
	Amount int64    `json:"amount"`
}

type receipt struct {
	ID     string   `json:"id"`
	Items  []string `json:"items"`
	Amount int64    `json:"amount"`
	Key    string   `json:"key"`
}

type upload struct {
	Body io.Reader `stream:"text/csv" json:"-"`
}

type measured struct {
	Bytes int64 `json:"bytes"`
}

type logQuery struct {
	Lines int  `query:"lines" json:"-"`
	Break bool `query:"break" json:"-"`
}

type nothing struct{}

var (
	contract        = seam.NewContract("testModule", 3, "For tests.")
	opFind          = seam.Read[findQuery, found](contract, "found", "GET /groups/{group}/members/{wallet}", seam.Public, "Find a found")
	opStore         = seam.Write[batch, receipt](contract, "store", "POST /batches/{id}/batch", seam.SignedIn, "Store")
	opMeasure       = seam.Write[upload, measured](contract, "measure", "PUT /upload", seam.Operators, "Measure an upload")
	opLog           = seam.Read[logQuery, seam.Stream](contract, "log", "GET /log", seam.Public, "Read the log")
	opFail          = seam.Read[batch, nothing](contract, "fail", "POST /fail/{id}", seam.Public, "Fail with the code named by id")
	opInternal      = seam.Write[nothing, nothing](contract, "internalCall", "POST /internalCall", seam.Modules, "For other modules")
	opMeasurePublic = seam.Write[upload, measured](contract, "public-upload", "PUT /public-upload", seam.Public, "Measure anybody's upload")
)

// testModule counts what reaches it.
type testModule struct{ delay chan struct{} }

func (h testModule) found(ctx context.Context, q findQuery) (found, error) {
	if h.delay != nil {
		select {
		case <-h.delay:
		case <-ctx.Done():
			return found{}, ctx.Err()
		}
	}
	var left int64
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline).Milliseconds()
	}
	return found{Echo: findEcho(q), Caller: identity.From(ctx).Name(), LeftMS: left}, nil
}

func (h testModule) store(ctx context.Context, c batch) (receipt, error) {
	return receipt{ID: c.ID, Items: c.Items, Amount: c.Amount, Key: seam.IdempotencyKey(ctx)}, nil
}

func (h testModule) measure(_ context.Context, m upload) (measured, error) {
	n, err := io.Copy(io.Discard, m.Body)
	return measured{n}, err
}

func (h testModule) log(_ context.Context, q logQuery) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		for i := range q.Lines {
			if _, err := fmt.Fprintf(w, "{\"line\":%d}\n", i); err != nil {
				return err
			}
		}
		if q.Break {
			return fault.New(fault.Conflict, "the log was closed")
		}
		return nil
	}}, nil
}

func (h testModule) fail(_ context.Context, c batch) (nothing, error) {
	if c.ID == "plain" {
		return nothing{}, errors.New("secret cause")
	}
	return nothing{}, fault.New(fault.Code(c.ID), "as asked").With(fault.Field{Name: "id", Line: 7, Message: "named it"})
}

func (h testModule) internalCall(context.Context, nothing) (nothing, error) { return nothing{}, nil }

func (h testModule) bind() *seam.Local {
	return contract.Bind(opFind.To(h.found), opStore.To(h.store), opMeasure.To(h.measure), opMeasurePublic.To(h.measure), opLog.To(h.log), opFail.To(h.fail), opInternal.To(h.internalCall))
}

// plainTokens carries the caller in clear text: signing is identity's subject.
type plainTokens struct{}

func (plainTokens) Token(c identity.Caller, audience string) (string, error) {
	return fmt.Sprintf("%s|%s|%d|%s", audience, c.Wallet, c.Role, c.Service), nil
}

func readPlainToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
		if len(parts) == 4 && (parts[0] == "testModule" || parts[0] == "scripted") {
			c := identity.Caller{Wallet: wallet.MustParse(parts[1]), Role: identity.Role(parts[2][0] - '0'), Service: parts[3]}
			r = r.WithContext(identity.WithProcess(r.Context(), c, identity.TrunkIssuer))
		}
		next.ServeHTTP(w, r)
	})
}

// bodyLimit stands for the server's, in bytes.
const bodyLimit = 64 << 10

func limitBody(next http.Handler) http.Handler { return http.MaxBytesHandler(next, bodyLimit) }

var mountOptions = seam.MountOptions{Timeout: 5 * time.Second}

// serve runs a testModule in another place and returns the far end of a route to it.
func serve(t testing.TB, h testModule) (*seam.Remote, *httptest.Server) {
	return serveAt(t, "127.0.0.1:0", h)
}

func serveAt(t testing.TB, address string, h testModule) (*seam.Remote, *httptest.Server) {
	router := chi.NewRouter()
	router.Use(limitBody, readPlainToken)
	seam.NewRoute(h.bind()).Mount(router, mountOptions)
	server := listenAt(t, address, router)
	remote, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: plainTokens{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	return remote, server
}

// everywhere runs a test in process and over HTTP: what a call means must not
// depend on the route.
func everywhere(t *testing.T, test func(t *testing.T, r *seam.Route)) {
	t.Run("local", func(t *testing.T) { test(t, seam.NewRoute(testModule{}.bind())) })
	t.Run("remote", func(t *testing.T) {
		remote, _ := serve(t, testModule{})
		test(t, seam.NewRemoteRoute(contract, remote))
	})
}

var member = identity.Caller{Wallet: wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7"), Role: identity.Member}

func as(c identity.Caller) context.Context { return identity.With(context.Background(), c) }
