package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/page"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/diff"
	"banyan/platform/testenv/databasetest"
)

var (
	operator = identity.Caller{Subject: "ada", Role: identity.Operator}
	away     = []string{"http://10.0.0.7:8081"}
	noon     = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	quiet    = slog.New(slog.NewTextHandler(io.Discard, nil))
)

// fakeRoute stands for a module's route and its hand-over.
type fakeRoute struct {
	mu       sync.Mutex
	now      rollout.Plan
	applied  int
	followed int
	refuse   error
	meantime func() // runs inside Apply
	moved    chan rollout.Plan
}

func newFakeRoute() *fakeRoute { return &fakeRoute{moved: make(chan rollout.Plan, 100)} }

func (r *fakeRoute) lead(count *int, p rollout.Plan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	*count++
	if r.refuse != nil {
		return r.refuse
	}
	if r.meantime != nil && count == &r.applied {
		r.meantime()
	}
	r.now = p
	r.moved <- p
	return nil
}

func (r *fakeRoute) apply(_ context.Context, p rollout.Plan) error  { return r.lead(&r.applied, p) }
func (r *fakeRoute) follow(_ context.Context, p rollout.Plan) error { return r.lead(&r.followed, p) }

func (r *fakeRoute) refuseWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = err
}

func (r *fakeRoute) state() (now rollout.Plan, applied, followed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, r.applied, r.followed
}

// awaitMove waits until the route follows a plan that satisfies want.
func (r *fakeRoute) awaitMove(t *testing.T, want func(rollout.Plan) bool) rollout.Plan {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case p := <-r.moved:
			if want(p) {
				return p
			}
		case <-deadline.C:
			t.Fatal("the route did not follow")
		}
	}
}

func open(t *testing.T, db *database.DB, configured rollout.Place, r *fakeRoute) *rollout.Controller {
	t.Helper()
	c, err := rollout.Open(t.Context(), db, rollout.Options{
		Modules: []rollout.Managed{{
			Name: "reputation", Configured: configured, Apply: r.apply, Follow: r.follow,
			Status: func() rollout.Status {
				return rollout.Status{Status: seam.Status{Module: "reputation"}, Ownership: ownership.Claim{Epoch: 7, Owner: "trunk"}}
			},
			Differences: func(operation string) ([]diff.Difference, error) {
				if operation != "score" {
					return nil, fault.New(fault.NotFound, "no such operation")
				}
				return []diff.Difference{{Request: json.RawMessage(`{"wallet":"0x1"}`), Local: json.RawMessage("1"), Remote: json.RawMessage("2")}}, nil
			},
		}},
		Clock: func() time.Time { return noon }, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs a Control as its own task until the test ends.
func run(t *testing.T, c *rollout.Controller) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func audit(t *testing.T, c *rollout.Controller) []rollout.Entry {
	t.Helper()
	s, err := clientOf(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Audit
}

func clientOf(c *rollout.Controller) rollout.Client {
	return rollout.NewClient(seam.NewRoute(rollout.Bind(c)))
}

func local() rollout.Place { return rollout.Place{Mode: seam.ModeLocal} }

func version(n int64) *int64 { return &n }

// exec changes the database behind the Control's back.
func exec(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSetAppliesPersistsAndAudits(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{
			Mode: seam.ModeShadow, Percent: 12.5, URLs: []string{"http://10.0.0.7:8081/", "http://10.0.0.7:8081"}, Why: "a first look",
		}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, IfVersion: version(1)})
		if err != nil {
			t.Fatal(err)
		}
		want := rollout.Plan{
			Module: "reputation", Place: rollout.Place{Mode: seam.ModeRemote, URLs: away},
			Version: 2, ChangedBy: "ada", ChangedMS: noon.UnixMilli(),
		}
		if stored, err := c.Plan(t.Context(), "reputation"); err != nil || !reflect.DeepEqual(stored, want) || !reflect.DeepEqual(got, want) {
			t.Errorf("stored %+v, answered %+v, want %+v (%v)", stored, got, want, err)
		}
		now, applied, followed := route.state()
		if !reflect.DeepEqual(now, want) || applied != 2 || followed != 0 {
			t.Errorf("the route is at %+v after %d applied and %d followed", now, applied, followed)
		}
		shadow := rollout.Place{Mode: seam.ModeShadow, Percent: 12.5, URLs: away}
		wantAudit := []rollout.Entry{
			{Version: 2, AtMS: noon.UnixMilli(), Who: "ada", From: shadow, To: want.Place},
			{Version: 1, AtMS: noon.UnixMilli(), Who: "ada", From: local(), To: shadow, Why: "a first look"},
		}
		if got := audit(t, c); !reflect.DeepEqual(got, wantAudit) {
			t.Errorf("audit\n %+v, want\n %+v", got, wantAudit)
		}
		if again, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote}); err != nil || again.Version != 2 {
			t.Errorf("asking for what is there made version %d (%v)", again.Version, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	route := newFakeRoute()
	db := databasetest.SQLite(t, "routes")
	c := open(t, db, local(), route)
	for _, k := range []struct {
		name   string
		module string
		by     identity.Caller
		change rollout.Change
		code   fault.Code
		field  string
	}{
		{"an unknown module", "market", operator, rollout.Change{Mode: seam.ModeLocal}, fault.NotFound, ""},
		{"a member", "reputation", identity.Caller{Role: identity.Member}, rollout.Change{Mode: seam.ModeRemote, URLs: away}, fault.Forbidden, ""},
		{"a module", "reputation", identity.Caller{Service: "airdrop"}, rollout.Change{Mode: seam.ModeRemote, URLs: away}, fault.Forbidden, ""},
		{"an unknown mode", "reputation", operator, rollout.Change{Mode: "far", URLs: away}, fault.Invalid, "mode"},
		{"no mode", "reputation", operator, rollout.Change{URLs: away}, fault.Invalid, "mode"},
		{"over a hundred", "reputation", operator, rollout.Change{Mode: seam.ModeCanary, Percent: 100.1, URLs: away}, fault.Invalid, "percent"},
		{"below zero", "reputation", operator, rollout.Change{Mode: seam.ModeShadow, Percent: -1, URLs: away}, fault.Invalid, "percent"},
		{"a share of remote", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, Percent: 10, URLs: away}, fault.Invalid, "percent"},
		{"no url", "reputation", operator, rollout.Change{Mode: seam.ModeShadow, Percent: 10}, fault.Invalid, "urls"},
		{"a url with a path", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"http://a/b"}}, fault.Invalid, "urls"},
		{"a url with a password", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"http://u:p@a"}}, fault.Invalid, "urls"},
		{"another scheme", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"ftp://a"}}, fault.Invalid, "urls"},
		{"too many urls", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: slices.Repeat(away, 17)}, fault.Invalid, "urls"},
		{"a reason of two lines", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, Why: "a\nb"}, fault.Invalid, "why"},
		{"a long reason", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, Why: strings.Repeat("é", 501)}, fault.Invalid, "why"},
		{"an old version", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, IfVersion: version(3)}, fault.Conflict, ""},
	} {
		_, err := c.Set(t.Context(), k.by, k.module, k.change)
		f := fault.From(err)
		if f == nil || f.Code != k.code || (k.field != "" && (len(f.Fields) != 1 || f.Fields[0].Name != k.field)) {
			t.Errorf("%s: %v, want %s of the field %q", k.name, err, k.code, k.field)
		}
	}
	if _, applied, _ := route.state(); applied != 0 || len(audit(t, c)) != 0 {
		t.Error("a refused change was applied or audited")
	}
	if _, err := rollout.Open(t.Context(), db, rollout.Options{Modules: []rollout.Managed{{Name: "a"}, {Name: "a"}}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("two modules of one name: %v", err)
	}
}

func TestWhatCannotBeAppliedIsNotKept(t *testing.T) {
	route := newFakeRoute()
	c := open(t, databasetest.SQLite(t, "routes"), local(), route)
	route.refuse = fault.New(fault.Unavailable, "nobody answers there")
	if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away}); !errors.Is(err, route.refuse) {
		t.Errorf("Set failed with %v, want what Apply said", err)
	}
	if p, err := c.Plan(t.Context(), "reputation"); err != nil || p.Version != 0 || !p.Configured || len(audit(t, c)) != 0 {
		t.Errorf("kept %+v (%v)", p, err)
	}
}

func TestWhatCannotBeKeptIsTakenBack(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 5, URLs: away}); err != nil {
			t.Fatal(err)
		}
		exec(t, db, `ALTER TABLE route_audit RENAME TO hidden`)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote}); err == nil {
			t.Error("a change without an audit entry was taken")
		}
		exec(t, db, `ALTER TABLE hidden RENAME TO route_audit`)
		stored, err := c.Plan(t.Context(), "reputation")
		now, _, followed := route.state()
		if err != nil || stored.Mode != seam.ModeShadow || stored.Version != 1 || now.Mode != seam.ModeShadow || followed != 1 {
			t.Errorf("stored %+v, the route is at %+v (%v)", stored, now, err)
		}
	})
}

func TestTheAuditIsOnlyAddedTo(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		c := open(t, db, local(), newFakeRoute())
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 1, URLs: away}); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{`DELETE FROM route_audit`, `UPDATE route_audit SET who = 'nobody'`} {
			err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			if err == nil {
				t.Errorf("%s went through", statement)
			}
		}
		if entries := audit(t, c); len(entries) != 1 || entries[0].Who != "ada" {
			t.Errorf("audit %+v", entries)
		}
	})
}

func TestOperations(t *testing.T) {
	c := open(t, databasetest.SQLite(t, "routes"), local(), newFakeRoute())
	ctx := identity.With(t.Context(), operator)
	ops := clientOf(c)
	for i := range 5 {
		if _, err := ops.Set(ctx, rollout.SetRequest{Name: "reputation", Change: rollout.Change{Mode: seam.ModeShadow, Percent: float64(i + 1), URLs: away}}); err != nil {
			t.Fatal(err)
		}
	}
	var seen []int64
	q := rollout.AuditQuery{Name: "reputation", Limit: 2}
	for pages := 0; ; pages++ {
		page, err := ops.Audit(ctx, q)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, e := range page.Entries {
			seen = append(seen, e.Version)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if !slices.Equal(seen, []int64{5, 4, 3, 2, 1}) {
		t.Errorf("the pages of the audit have %v", seen)
	}
	state, err := ops.Module(ctx, rollout.ModuleQuery{Name: "reputation"})
	if err != nil || state.Route == nil || state.Route.Module != "reputation" || state.Route.Ownership.Epoch != 7 {
		t.Errorf("the route %+v (%v)", state.Route, err)
	}
	if d, err := ops.Differences(ctx, rollout.DifferencesQuery{Name: "reputation", Operation: "score"}); err != nil || len(d.Differences) != 1 || string(d.Differences[0].Remote) != "2" {
		t.Errorf("differences %+v (%v)", d.Differences, err)
	}
	for name, call := range map[string]func(context.Context) error{
		"an unknown operation": func(ctx context.Context) error {
			_, err := ops.Differences(ctx, rollout.DifferencesQuery{Name: "reputation", Operation: "scor"})
			return err
		},
		"an unknown module": func(ctx context.Context) error {
			_, err := ops.Audit(ctx, rollout.AuditQuery{Name: "market"})
			return err
		},
	} {
		if err := call(ctx); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []rollout.AuditQuery{{Name: "reputation", Cursor: "x"}, {Name: "reputation", Limit: 201}, {Name: "reputation", Cursor: page.NewList[int64]("changes of a module", "airdrop").Cursor(3)}} {
		if _, err := ops.Audit(ctx, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	member := identity.With(t.Context(), identity.Caller{Subject: "bob", Role: identity.Moderator})
	if _, err := ops.List(member, rollout.ListQuery{}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a moderator sees the modules: %v", err)
	}
}
