package contracttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// A small contract in the states it may pass through. Every state is built from
// one base and one change.

type query struct {
	Wallet string  `path:"wallet" json:"-"`
	Limit  int     `query:"limit" json:"-"`
	Depth  float64 `json:"depth"`
}

func (q query) Validate() error {
	if q.Limit > 100 {
		return fault.New(fault.Invalid, "too many")
	}
	return nil
}

type ship struct {
	Name  string  `json:"name"`
	Tons  int64   `json:"tons"`
	Crew  []mate  `json:"crew"`
	Berth *string `json:"berth,omitempty"`
}

type mate struct {
	Name string `json:"name"`
}

// The evolved types: one more of everything that may come along.
type queryMore struct {
	Wallet string  `path:"wallet" json:"-"`
	Limit  int     `query:"limit" json:"-"`
	Tide   bool    `query:"tide" json:"-"`
	Depth  float64 `json:"depth"`
	Width  float64 `json:"width"`
}

type shipMore struct {
	Name  string     `json:"name"`
	Flag  string     `json:"flag"`
	Tons  int64      `json:"tons"`
	Crew  []mateMore `json:"crew"`
	Berth *string    `json:"berth,omitempty"`
}

type mateMore struct {
	Rank int    `json:"rank"`
	Name string `json:"name"`
}

type shipRenamed struct {
	Name  string  `json:"name"`
	Load  int64   `json:"load"`
	Crew  []mate  `json:"crew"`
	Berth *string `json:"berth,omitempty"`
}

type shipRetyped struct {
	Name  string  `json:"name"`
	Tons  string  `json:"tons"`
	Crew  []mate  `json:"crew"`
	Berth *string `json:"berth,omitempty"`
}

type shipWithout struct {
	Name string `json:"name"`
	Tons int64  `json:"tons"`
	Crew []mate `json:"crew"`
}

type queryWithout struct {
	Wallet string  `path:"wallet" json:"-"`
	Depth  float64 `json:"depth"`
}

type queryRetyped struct {
	Wallet string  `path:"wallet" json:"-"`
	Limit  string  `query:"limit" json:"-"`
	Depth  float64 `json:"depth"`
}

const dock = "POST /docks/{wallet}"

func declare[Q, A any](version int, pattern string, access seam.Access) (*seam.Contract, seam.Operation[Q, A]) {
	c := seam.NewContract("port", version, "For tests.")
	return c, seam.Read[Q, A](c, "dock", pattern, access, "Dock")
}

func made[Q, A any](version int, pattern string, access seam.Access) *seam.Contract {
	c, _ := declare[Q, A](version, pattern, access)
	return c
}

func first() *seam.Contract { return made[query, ship](1, dock, seam.Public) }

func text(problems []error) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// kept returns a folder with the files of the first version.
func kept(t *testing.T) Options {
	t.Helper()
	o := Options{Dir: filepath.Join(t.TempDir(), "contract"), Update: true}
	if problems := check(first(), o); len(problems) > 0 {
		t.Fatal(text(problems))
	}
	o.Update = false
	return o
}

func TestChangesAndWhatToDo(t *testing.T) {
	two := first()
	seam.Write[query, ship](two, "leave", "POST /leave/{wallet}", seam.SignedIn, "Leave")
	written := seam.NewContract("port", 1, "For tests.")
	seam.Write[query, ship](written, "dock", dock, seam.Public, "Dock")
	for _, c := range []struct {
		what     string
		contract *seam.Contract
		says     string // "" = nothing to say
		breaks   bool   // and -update must not write it
	}{
		{"nothing", first(), "", false},
		{"fields and a parameter more", made[queryMore, shipMore](1, dock, seam.Public), "dock.answer.json has new fields", false},
		{"an operation more", two, "the operation leave is new", false},
		{"another access", made[query, ship](1, dock, seam.Operators), "was for public and is for operator", false},
		{"a field renamed", made[query, shipRenamed](1, dock, seam.Public), "dock.answer.tons is gone", true},
		{"a field of another type", made[query, shipRetyped](1, dock, seam.Public), `dock.answer.tons was`, true},
		{"an optional field gone", made[query, shipWithout](1, dock, seam.Public), "dock.answer.berth is gone", true},
		{"a parameter gone", made[queryWithout, ship](1, dock, seam.Public), "had the parameter limit=", true},
		{"a parameter of another type", made[queryRetyped, ship](1, dock, seam.Public), "had the parameter limit=", true},
		{"another path", made[query, ship](1, "POST /quays/{wallet}", seam.Public), "/docks/", true},
		{"another method", made[query, ship](1, "PUT /docks/{wallet}", seam.Public), "PUT", true},
		{"another kind", written, "Kind:write", true},
		{"the operation gone", seam.NewContract("port", 1, ""), "the operation dock is gone", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := kept(t)
			before, err := read(versionDir(o.Dir, 1))
			if err != nil {
				t.Fatal(err)
			}
			problems := check(c.contract, o)
			advice := "the version stays 1"
			if c.breaks {
				advice = "increase the version to 2"
			}
			if got := text(problems); c.says == "" && got != "" || !strings.Contains(got, c.says) || c.says != "" && (!strings.Contains(got, advice) || !strings.Contains(got, "make generate")) {
				t.Errorf("says %q, want %q and %q", got, c.says, advice)
			}
			o.Update = true
			problems = check(c.contract, o)
			after, err := read(versionDir(o.Dir, 1))
			if err != nil {
				t.Fatal(err)
			}
			same := fmt.Sprint(before) == fmt.Sprint(after)
			if c.breaks && (len(problems) == 0 || !same) {
				t.Errorf("-update wrote an incompatible change over the version's files (%s)", text(problems))
			}
			if !c.breaks {
				o.Update = false
				if problems = append(problems, check(c.contract, o)...); len(problems) > 0 || same != (c.says == "") {
					t.Errorf("after -update: changed %v, %s", !same, text(problems))
				}
			}
		})
	}
}

func TestANewVersionKeepsTheFilesOfTheOld(t *testing.T) {
	o := kept(t)
	next := made[query, shipRenamed](2, dock, seam.Public)
	if got := text(check(next, o)); !strings.Contains(got, "is not in the repository") {
		t.Errorf("without its files: %s", got)
	}
	o.Update = true
	if got := text(check(next, o)); got != "" {
		t.Error(got)
	}
	o.Update = false
	if got := text(check(next, o)); got != "" {
		t.Error(got)
	}
	if err := os.RemoveAll(versionDir(o.Dir, 1)); err != nil {
		t.Fatal(err)
	}
	if got := text(check(next, o)); !strings.Contains(got, "the files of version 1 are missing") {
		t.Errorf("the old version's files are gone: %q", got)
	}
}

// tight keeps its shape and refuses what older clients send.
type tight query

func (tight) Validate() error { return fault.New(fault.Invalid, "never") }

func TestARequestThatCannotBeMadeUpSaysSo(t *testing.T) {
	if got := text(check(made[tight, ship](1, dock, seam.Public), kept(t))); !strings.Contains(got, "Options.Known") {
		t.Errorf("says %q", got)
	}
	c := seam.NewContract("port", 1, "")
	seam.Read[query, seam.Stream](c, "log", "POST /log/{wallet}", seam.Public, "Log")
	if got := text(check(c, kept(t))); !strings.Contains(got, `Options.Also["log.line"]`) {
		t.Errorf("a stream without an example of its lines: %q", got)
	}
}

// TestReleasesMeet lets processes of two releases talk over real HTTP.
func TestReleasesMeet(t *testing.T) {
	oldContract, oldDock := declare[query, ship](1, dock, seam.Public)
	newContract, newDock := declare[queryMore, shipMore](1, dock, seam.Public)
	nextContract, nextDock := declare[queryMore, shipRenamed](2, dock, seam.Public)
	berth := "north"
	var got any
	serve := func(c *seam.Contract, answer any) string {
		router := chi.NewRouter()
		router.Use(func(next http.Handler) http.Handler { // the other release is one of our processes, too
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(identity.WithProcess(r.Context(), identity.Caller{}, identity.TrunkIssuer)))
			})
		})
		seam.NewRoute(c.BindAny(func(_ context.Context, _ seam.Info, q any) (any, error) {
			got = q
			return answer, nil
		})).Mount(router, seam.MountOptions{})
		server := httptest.NewServer(router)
		t.Cleanup(server.Close)
		return server.URL
	}
	route := func(c *seam.Contract, url string) *seam.Route {
		remote, err := seam.NewRemote(c, seam.RemoteOptions{URLs: []string{url}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(remote.Close)
		return seam.NewRemoteRoute(c, remote)
	}
	oldURL := serve(oldContract, ship{"Ida", 7, []mate{{"Jo"}}, &berth})
	newURL := serve(newContract, shipMore{"Ida", "DK", 7, []mateMore{{3, "Jo"}}, &berth})
	nextURL := serve(nextContract, shipRenamed{"Ida", 7, nil, &berth})
	ctx := t.Context()

	a, err := oldDock.Call(ctx, route(oldContract, newURL), query{"w", 5, 1.5})
	if err != nil || a.Name != "Ida" || a.Tons != 7 || a.Crew[0].Name != "Jo" || *a.Berth != berth || got != (queryMore{Wallet: "w", Limit: 5, Depth: 1.5}) {
		t.Errorf("an older client at a newer server: %+v, %v; arrived %+v", a, err, got)
	}
	b, err := newDock.Call(ctx, route(newContract, oldURL), queryMore{"w", 5, true, 1.5, 2.5})
	if err != nil || b.Name != "Ida" || b.Flag != "" || b.Crew[0] != (mateMore{0, "Jo"}) || got != (query{"w", 5, 1.5}) {
		t.Errorf("a newer client at an older server: %+v, %v; arrived %+v", b, err, got)
	}
	got = nil
	if _, err := oldDock.Call(ctx, route(oldContract, nextURL), query{"w", 5, 1.5}); !fault.Is(err, fault.Unsupported) || got != nil {
		t.Errorf("version 1 at a server of version 2: %v; arrived %v", err, got)
	}
	if _, err := nextDock.Call(ctx, route(nextContract, newURL), queryMore{"w", 5, true, 1, 1}); !fault.Is(err, fault.Unsupported) || got != nil {
		t.Errorf("version 2 at a server of version 1: %v; arrived %v", err, got)
	}
}

// TestTheFillerLeavesNothingOut looks at one value of every kind.
func TestTheFillerLeavesNothingOut(t *testing.T) {
	type inner struct{ A, B int }
	type all struct {
		inner
		Inner  inner
		Text   string
		Yes    bool
		Number int8
		Amount uint64
		Share  float64
		Raw    json.RawMessage
		Words  []string
		Hash   [4]byte
		Some   *inner
		Any    any
		Names  map[string]inner
	}
	one, err := newFiller([]any{inner{A: 1}}).example(reflect.TypeFor[all]())
	if err != nil {
		t.Fatal(err)
	}
	again, _ := newFiller([]any{inner{A: 1}}).example(reflect.TypeFor[all]())
	v := one.(all)
	if w := again.(all); fmt.Sprint(v.Inner, v.Words, v.Hash) != fmt.Sprint(w.Inner, w.Words, w.Hash) {
		t.Error("two examples differ")
	}
	if v.A == 0 || v.B == 0 || v.Inner.A != 1 || v.Inner.B == 0 || v.Text == "" || !v.Yes || v.Number == 0 || v.Amount == 0 || v.Share == 0 || v.Raw == nil ||
		len(v.Words) != 2 || v.Words[0] == v.Words[1] || slices.Contains(v.Hash[:], 0) ||
		v.Some == nil || v.Some.B == 0 || v.Any == nil || len(v.Names) != 1 {
		t.Errorf("something is zero in %+v", v)
	}
	if _, err := newFiller(nil).example(reflect.TypeFor[struct{ F func() }]()); err == nil {
		t.Error("a function was filled")
	}
}
