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

// harbour is a small module with one operation of every shape, which the tests
// run in process and over HTTP.

type berthQuery struct {
	Pier   string         `path:"pier" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
	Depth  float64        `query:"depth" json:"-"`
	Limit  int            `query:"limit" json:"-"`
	Tide   bool           `query:"tide" json:"-"`
	Mark   uint64         `query:"mark" json:"-"`
}

func (q berthQuery) Validate() error {
	if q.Limit > 100 {
		return fault.New(fault.Invalid, "too many").With(fault.Field{Name: "limit", Message: "is at most 100"})
	}
	return nil
}

type berth struct {
	Echo   berthQueryEcho `json:"echo"`
	Caller string         `json:"caller"`
	LeftMS int64          `json:"left_ms"`
}

type berthQueryEcho struct {
	Pier   string         `json:"pier"`
	Wallet wallet.Address `json:"wallet"`
	Depth  float64        `json:"depth"`
	Limit  int            `json:"limit"`
	Tide   bool           `json:"tide"`
	Mark   uint64         `json:"mark"`
}

type cargo struct {
	Ship  string   `path:"ship" json:"-"`
	Goods []string `json:"goods"`
	Tons  int64    `json:"tons"`
}

type receipt struct {
	Ship  string   `json:"ship"`
	Goods []string `json:"goods"`
	Tons  int64    `json:"tons"`
	Key   string   `json:"key"`
}

type manifest struct {
	Body io.Reader `stream:"text/csv" json:"-"`
}

type weighed struct {
	Bytes int64 `json:"bytes"`
}

type logQuery struct {
	Lines int  `query:"lines" json:"-"`
	Break bool `query:"break" json:"-"`
}

type nothing struct{}

var (
	contract = seam.NewContract("harbour", 3, "For tests.")
	opBerth  = seam.Read[berthQuery, berth](contract, "berth", "GET /piers/{pier}/berths/{wallet}", seam.Public, "Find a berth")
	opUnload = seam.Write[cargo, receipt](contract, "unload", "POST /ships/{ship}/cargo", seam.SignedIn, "Unload")
	opWeigh  = seam.Write[manifest, weighed](contract, "weigh", "PUT /manifest", seam.Operators, "Weigh an upload")
	opLog    = seam.Read[logQuery, seam.Stream](contract, "log", "GET /log", seam.Public, "Read the log")
	opFail   = seam.Read[cargo, nothing](contract, "fail", "POST /fail/{ship}", seam.Public, "Fail with the code named by ship")
	opPilot  = seam.Write[nothing, nothing](contract, "pilot", "POST /pilot", seam.Modules, "For other modules")
	opDock   = seam.Write[manifest, weighed](contract, "dock", "PUT /dock", seam.Public, "Weigh anybody's upload")
)

// harbour counts what reaches it.
type harbour struct{ delay chan struct{} }

func (h harbour) berth(ctx context.Context, q berthQuery) (berth, error) {
	if h.delay != nil {
		select {
		case <-h.delay:
		case <-ctx.Done():
			return berth{}, ctx.Err()
		}
	}
	var left int64
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline).Milliseconds()
	}
	return berth{Echo: berthQueryEcho(q), Caller: identity.From(ctx).Name(), LeftMS: left}, nil
}

func (h harbour) unload(ctx context.Context, c cargo) (receipt, error) {
	return receipt{Ship: c.Ship, Goods: c.Goods, Tons: c.Tons, Key: seam.IdempotencyKey(ctx)}, nil
}

func (h harbour) weigh(_ context.Context, m manifest) (weighed, error) {
	n, err := io.Copy(io.Discard, m.Body)
	return weighed{n}, err
}

func (h harbour) log(_ context.Context, q logQuery) (seam.Stream, error) {
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

func (h harbour) fail(_ context.Context, c cargo) (nothing, error) {
	if c.Ship == "plain" {
		return nothing{}, errors.New("secret cause")
	}
	return nothing{}, fault.New(fault.Code(c.Ship), "as asked").With(fault.Field{Name: "ship", Line: 7, Message: "named it"})
}

func (h harbour) pilot(context.Context, nothing) (nothing, error) { return nothing{}, nil }

func (h harbour) bind() *seam.Local {
	return contract.Bind(opBerth.To(h.berth), opUnload.To(h.unload), opWeigh.To(h.weigh), opDock.To(h.weigh), opLog.To(h.log), opFail.To(h.fail), opPilot.To(h.pilot))
}

// plainTokens carries the caller in clear text: signing is identity's subject.
type plainTokens struct{}

func (plainTokens) Token(c identity.Caller, audience string) (string, error) {
	return fmt.Sprintf("%s|%s|%d|%s", audience, c.Wallet, c.Role, c.Service), nil
}

func readPlainToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
		if len(parts) == 4 && (parts[0] == "harbour" || parts[0] == "lighthouse") {
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

// serve runs a harbour in another place and gives the far end of a route to it.
func serve(t testing.TB, h harbour) (*seam.Remote, *httptest.Server) {
	return serveAt(t, "127.0.0.1:0", h)
}

func serveAt(t testing.TB, address string, h harbour) (*seam.Remote, *httptest.Server) {
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
	t.Run("local", func(t *testing.T) { test(t, seam.NewRoute(harbour{}.bind())) })
	t.Run("remote", func(t *testing.T) {
		remote, _ := serve(t, harbour{})
		test(t, seam.NewRemoteRoute(contract, remote))
	})
}

var sailor = identity.Caller{Wallet: wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7"), Role: identity.Member}

func as(c identity.Caller) context.Context { return identity.With(context.Background(), c) }
