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
	"banyan/platform/wallet"
)

// lighthouse is a module whose answers each test makes up, in this process and
// at the remote apart.

type lampQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Mark   string         `query:"mark" json:"-"`
	Names  []string       `json:"names"`
	Token  string         `json:"token"`
}

type lamp struct {
	Place  string   `json:"place"`
	Beams  []beam   `json:"beams"`
	Token  string   `json:"token"`
	TookMS int64    `json:"took_ms"`
	Names  []string `json:"names"`
}

type beam struct {
	Angle float64 `json:"angle"`
	Range int64   `json:"range"`
}

type lens struct {
	N int `query:"n" json:"-"`
}

type glass struct {
	N int `json:"n"`
}

type kindled struct {
	By string `json:"by"`
}

var (
	lightContract = seam.NewContract("lighthouse", 1, "For tests of shadow and canary.")
	opLamp        = seam.Read[lampQuery, lamp](lightContract, "lamp", "POST /lamps/{wallet}", seam.Public, "A lamp",
		seam.Ignore("took_ms"), seam.Tolerance("beams.angle", 1e-9))
	opLens   = seam.Read[lens, glass](lightContract, "lens", "GET /lens", seam.Public, "Small and quick")
	opKindle = seam.Write[lens, kindled](lightContract, "kindle", "PUT /light", seam.Public, "Kindle the light")
	opOil    = seam.Write[manifest, kindled](lightContract, "oil", "PUT /oil", seam.Public, "An upload")
	opFilm   = seam.Read[nothing, seam.Stream](lightContract, "film", "GET /film", seam.Public, "A stream")
)

// lighthouse answers by its functions; nil ones answer with what they are
// asked.
type lighthouse struct {
	name   string
	lamp   func(context.Context, lampQuery) (lamp, error)
	lens   func(context.Context, lens) (glass, error)
	kindle func(context.Context, lens) (kindled, error)
	films  atomic.Int64
}

func (l *lighthouse) bind() *seam.Local {
	return lightContract.Bind(
		opLamp.To(func(ctx context.Context, q lampQuery) (lamp, error) {
			if l.lamp != nil {
				return l.lamp(ctx, q)
			}
			return lamp{Place: "cape", Beams: []beam{{0.5, 3}}, Names: q.Names}, nil
		}),
		opLens.To(func(ctx context.Context, q lens) (glass, error) {
			if l.lens != nil {
				return l.lens(ctx, q)
			}
			return glass(q), nil
		}),
		opKindle.To(func(ctx context.Context, q lens) (kindled, error) {
			if l.kindle != nil {
				return l.kindle(ctx, q)
			}
			return kindled{l.name}, nil
		}),
		opOil.To(func(ctx context.Context, m manifest) (kindled, error) {
			if _, err := io.Copy(io.Discard, m.Body); err != nil || l.kindle == nil {
				return kindled{l.name}, err
			}
			return l.kindle(ctx, lens{})
		}),
		opFilm.To(func(context.Context, nothing) (seam.Stream, error) {
			l.films.Add(1)
			return seam.Stream{ContentType: "text/plain", Write: func(w io.Writer) error {
				_, err := io.WriteString(w, l.name)
				return err
			}}, nil
		}),
	)
}

// lightsAt serves a lighthouse in another place.
func lightsAt(t testing.TB, l *lighthouse) (*seam.Remote, *httptest.Server) {
	router := chi.NewRouter()
	router.Use(readPlainToken)
	seam.NewRoute(l.bind()).Mount(router, mountOptions)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return lightsBehind(t, server.URL), server
}

func lightsBehind(t testing.TB, url string) *seam.Remote {
	remote, err := seam.NewRemote(lightContract, seam.RemoteOptions{URLs: []string{url}, Tokens: plainTokens{}})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// begin makes a route with its Run, ended with the test. On a busy machine the
// remote may be slow at any time: unless the test says otherwise the route waits
// for it, and no guard minds.
func begin(t testing.TB, here *lighthouse, o seam.RouteOptions) *seam.Route {
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

// figures gives an operation's part of the status.
func figures(r *seam.Route, operation string) seam.OperationStats {
	for _, o := range r.Status().Operations {
		if o.Operation == operation {
			return o
		}
	}
	panic("no operation " + operation)
}
