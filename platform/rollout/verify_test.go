package rollout_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

const verifyWait = 10 * time.Second

// eachDatabase runs a test with a trunk over a database of its own, on SQLite
// and PostgreSQL. fresh makes another database of the same kind.
func eachDatabase(t *testing.T, test func(t *testing.T, trunk *ownership.Ownership, db *database.DB, fresh func() *database.DB)) {
	kinds := map[string]func(t *testing.T) database.Options{
		"sqlite": func(t *testing.T) database.Options {
			return database.Options{Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"ownership"}}
		},
		"postgres": func(t *testing.T) database.Options {
			o := databasetest.PostgresOptions(t, module, migrations.FS)
			o.Sets = []string{"ownership"}
			return o
		},
	}
	for name, options := range kinds {
		t.Run(name, func(t *testing.T) {
			fresh := func() *database.DB { return databasetest.Open(t, options(t)) }
			db := fresh()
			test(t, openAs(t, db, rollout.Trunk), db, fresh)
		})
	}
}

// alone serves the hand-over of a module's process over db.
func alone(t *testing.T, db *database.DB) (*ownership.Ownership, string) {
	t.Helper()
	own := openAs(t, db, module)
	return own, serve(t, seam.NewRoute(rollout.NewHandoverContract(module).Bind(own)))
}

// serve mounts the route for the trunk alone: who may ask is TestWhoMayAskWhat's.
func serve(t *testing.T, route *seam.Route) string {
	t.Helper()
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(identity.WithProcess(r.Context(), identity.Caller{Service: rollout.Trunk}, identity.TrunkIssuer)))
		})
	})
	route.Mount(router, seam.MountOptions{})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return server.URL
}

func remoteAt(t *testing.T, c *rollout.HandoverContract, urls ...string) *seam.Remote {
	t.Helper()
	remote, err := seam.NewRemote(c.Seam(), seam.RemoteOptions{URLs: urls})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	return remote
}

func says(err error, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(fault.From(err).Message, w) {
			return false
		}
	}
	return true
}

func TestOneURLOverOtherDataIsFoundAmongSeveral(t *testing.T) {
	eachDatabase(t, func(t *testing.T, trunk *ownership.Ownership, db *database.DB, fresh func() *database.DB) {
		c := rollout.NewHandoverContract(module)
		_, same := alone(t, databasetest.Again(t, db))
		_, second := alone(t, databasetest.Again(t, db))
		foreign, other := alone(t, fresh())
		found, err := c.Verify(t.Context(), remoteAt(t, c, same, second), trunk.DataID(), verifyWait)
		if err != nil || found.Same != 2 || found.Older != nil || found.Silent != nil {
			t.Errorf("two over the same data: %+v, %v", found, err)
		}
		for _, urls := range [][]string{{other}, {same, second, other}} {
			_, err = c.Verify(t.Context(), remoteAt(t, c, urls...), trunk.DataID(), verifyWait)
			if !fault.Is(err, fault.OtherData) || !says(err, other, trunk.DataID()[:8], foreign.DataID()[:8], "database.url", "data") || says(err, same) {
				t.Errorf("at %v: %v", urls, err)
			}
		}
	})
}

func TestAProcessWithOtherDataTakesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, trunk *ownership.Ownership, _ *database.DB, fresh func() *database.DB) {
		c := rollout.NewHandoverContract(module)
		foreign, url := alone(t, fresh())
		before := foreign.Believed()
		client := c.Client(seam.NewRemoteRoute(c.Seam(), remoteAt(t, c, url)))
		ctx := identity.AsService(t.Context(), rollout.Trunk)
		if _, err := client.Take(ctx, before.Epoch, trunk.DataID()); !fault.Is(err, fault.OtherData) || !says(err, foreign.DataID()[:8], trunk.DataID()[:8]) {
			t.Errorf("a take over other data: %v", err)
		}
		if _, err := client.Take(ctx, before.Epoch, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("a take without the trunk's id: %v", err)
		}
		if now, err := foreign.Current(t.Context()); err != nil || now != before {
			t.Errorf("the row over there went from %+v to %+v, %v", before, now, err)
		}
	})
}

// A process of the release before has version 1.
func TestAnOlderProcessIsNamedAndASilentOneIsNot(t *testing.T) {
	c := rollout.NewHandoverContract(module)
	db := databasetest.SQLite(t, module)
	trunk := openAs(t, db, rollout.Trunk)
	older := seam.NewContract(module, 1, "As it was before data had an id.")
	state := seam.Read[rollout.OwnershipQuery, ownership.Claim](older, "ownership", "GET /ownership", seam.Public, "Who owns the writes")
	url := serve(t, seam.NewRoute(older.Bind(state.To(func(context.Context, rollout.OwnershipQuery) (ownership.Claim, error) {
		return ownership.Claim{Epoch: 1, Owner: rollout.Trunk}, nil
	}))))
	found, err := c.Verify(t.Context(), remoteAt(t, c, url), trunk.DataID(), verifyWait)
	if err != nil || found.Same != 0 || !fault.Is(found.Older, fault.Unsupported) || !says(found.Older, url, "bring both to one release") {
		t.Errorf("an older process: %+v, %v", found, err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, same := alone(t, databasetest.Again(t, db))
	found, err = c.Verify(t.Context(), remoteAt(t, c, gone.URL, same), trunk.DataID(), verifyWait)
	if err != nil || found.Same != 1 || !fault.Is(found.Silent, fault.Unavailable) {
		t.Errorf("one of two does not answer: %+v, %v", found, err)
	}
}

// A copy has the id of the original; the take shows it.
func TestATakeInACopyOfTheDataIsFound(t *testing.T) {
	options := database.Options{Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"ownership"}}
	db := databasetest.Open(t, options)
	trunk := openAs(t, db, rollout.Trunk)
	copied := t.TempDir()
	path := filepath.Join(copied, filepath.Base(db.Path()))
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `CREATE TABLE note (id INTEGER PRIMARY KEY) STRICT`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(db.Path() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options.URL = "sqlite:" + copied
	there, url := alone(t, databasetest.Open(t, options))
	c := rollout.NewHandoverContract(module)
	if found, err := c.Verify(t.Context(), remoteAt(t, c, url), trunk.DataID(), verifyWait); err != nil || found.Same != 1 || there.Epoch() != 1 {
		t.Fatalf("the copy: %+v, %v, epoch %d", found, err, there.Epoch())
	}
	taken, err := there.Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rollout.TakenHere(t.Context(), trunk, taken); !fault.Is(err, fault.OtherData) || !says(err, "copy", "database.url") {
		t.Errorf("a take in the copy: %v", err)
	}
	itself := openAs(t, databasetest.Again(t, db), module)
	if taken, err = itself.Take(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if here, err := rollout.TakenHere(t.Context(), trunk, taken); err != nil || here != taken {
		t.Errorf("a take in the database itself: %+v, %v", here, err)
	}
}
