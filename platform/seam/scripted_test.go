package seam_test

import (
	"cmp"
	"context"
	"io"
	"math"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/wallet"
)

// scripted is a module whose answers each test makes up, in this process and
// at the remote apart.

type profileQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Mark   string         `query:"mark" json:"-"`
	Names  []string       `json:"names"`
	Token  string         `json:"token"`
}

type profile struct {
	Place  string   `json:"place"`
	Parts  []part   `json:"parts"`
	Token  string   `json:"token"`
	TookMS int64    `json:"took_ms"`
	Names  []string `json:"names"`
}

type part struct {
	Weight float64 `json:"weight"`
	Count  int64   `json:"range"`
}

type numberQuery struct {
	N int `query:"n" json:"-"`
}

type number struct {
	N int `json:"n"`
}

type changed struct {
	By string `json:"by"`
}

var (
	scriptedContract = seam.NewContract("scripted", 1, "For tests of shadow and canary.")
	opProfile        = seam.Read[profileQuery, profile](scriptedContract, "profile", "POST /profiles/{wallet}", seam.Public, "A profile",
		seam.Ignore("took_ms"))
	opNumber   = seam.Read[numberQuery, number](scriptedContract, "numberQuery", "GET /numberQuery", seam.Public, "Small and quick")
	opChangeIt = seam.Write[numberQuery, changed](scriptedContract, "change", "PUT /light", seam.Public, "Change the light")
	opImport   = seam.Write[upload, changed](scriptedContract, "import", "PUT /import", seam.Public, "An upload")
	opExport   = seam.Read[nothing, seam.Stream](scriptedContract, "export", "GET /export", seam.Public, "A stream")
)

// scripted answers by its functions; nil ones answer with what they are
// asked.
type scripted struct {
	name        string
	profile     func(context.Context, profileQuery) (profile, error)
	numberQuery func(context.Context, numberQuery) (number, error)
	change      func(context.Context, numberQuery) (changed, error)
	imports     func(context.Context, upload) (changed, error)
	exports     atomic.Int64
}

func (l *scripted) bind() *seam.Local {
	return scriptedContract.Bind(
		opProfile.To(func(ctx context.Context, q profileQuery) (profile, error) {
			if l.profile != nil {
				return l.profile(ctx, q)
			}
			return profile{Place: "north", Parts: []part{{0.5, 3}}, Names: q.Names}, nil
		}),
		opNumber.To(func(ctx context.Context, q numberQuery) (number, error) {
			if l.numberQuery != nil {
				return l.numberQuery(ctx, q)
			}
			return number(q), nil
		}),
		opChangeIt.To(func(ctx context.Context, q numberQuery) (changed, error) {
			if l.change != nil {
				return l.change(ctx, q)
			}
			return changed{l.name}, nil
		}),
		opImport.To(func(ctx context.Context, m upload) (changed, error) {
			if l.imports != nil {
				return l.imports(ctx, m)
			}
			if _, err := io.Copy(io.Discard, m.Body); err != nil || l.change == nil {
				return changed{l.name}, err
			}
			return l.change(ctx, numberQuery{})
		}),
		opExport.To(func(context.Context, nothing) (seam.Stream, error) {
			l.exports.Add(1)
			return seam.Stream{ContentType: "text/plain", Write: func(w io.Writer) error {
				_, err := io.WriteString(w, l.name)
				return err
			}}, nil
		}),
	)
}

// serveScripted serves a scripted in another place.
func serveScripted(t testing.TB, l *scripted) (*seam.Remote, *httptest.Server) {
	router := chi.NewRouter()
	router.Use(readPlainToken)
	seam.NewRoute(l.bind()).Mount(router, mountOptions)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return scriptedRemote(t, server.URL), server
}

func scriptedRemote(t testing.TB, url string) *seam.Remote {
	remote, err := seam.NewRemote(scriptedContract, seam.RemoteOptions{URLs: []string{url}, Tokens: plainTokens{}})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// begin makes a route with its Run, ended with the test. On a busy machine the
// remote may be slow at any time: unless the test says otherwise the route waits
// for it, and no guard acts on it.
func begin(t testing.TB, here *scripted, o seam.RouteOptions) *seam.Route {
	o.Shadow.Again = cmp.Or(o.Shadow.Again, time.Millisecond)
	o.Shadow.Timeout = cmp.Or(o.Shadow.Timeout, time.Minute)
	o.CanaryTimeout = cmp.Or(o.CanaryTimeout, time.Minute)
	o.Guard.MinCalls = cmp.Or(o.Guard.MinCalls, math.MaxUint64)
	r := seam.NewRoute(here.bind()).With(o)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	return r
}

func set(t testing.TB, r *seam.Route, mode seam.Mode, percent float64, remote *seam.Remote) {
	t.Helper()
	if err := r.Set(seam.Plan{Mode: mode, Percent: percent}, remote); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition that is bound to come.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// figures returns an operation's part of the status.
func figures(r *seam.Route, operation string) analysis.OperationStats {
	for _, o := range r.Status().Operations {
		if o.Operation == operation {
			return o
		}
	}
	panic("no operation " + operation)
}
