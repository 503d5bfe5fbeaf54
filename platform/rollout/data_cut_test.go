package rollout_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
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
	"banyan/platform/transfer"
)

// dataHost is a process with a file of its own.
type dataHost struct {
	db    *database.DB
	owner *ownership.Ownership
}

func newDataHost(t *testing.T, name string) dataHost {
	t.Helper()
	db := databasetest.Open(t, database.Options{Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"events", "ownership"}})
	owner, err := ownership.Open(t.Context(), db, ownership.Process{Name: name, URL: "http://" + name, Waits: name != rollout.Trunk, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return dataHost{db, owner}
}

func (h dataHost) rows(t *testing.T) (n int) {
	t.Helper()
	if err := h.db.Read().Get(t.Context(), &n, `SELECT COUNT(*) FROM event_outbox`); err != nil {
		t.Fatal(err)
	}
	return n
}

// cut ends the connection of the first request to a path that has this end, at some moment of it.
type cut struct {
	path, when string
	done       atomic.Bool
}

func (c *cut) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req = req.WithContext(identity.WithProcess(req.Context(), identity.Caller{Service: rollout.Trunk}, identity.TrunkIssuer))
		if !strings.HasSuffix(req.URL.Path, c.path) || c.done.Swap(true) {
			next.ServeHTTP(w, req)
			return
		}
		switch c.when {
		case "in its body":
			_, _ = io.CopyN(io.Discard, req.Body, 1000)
		case "before its answer":
			next.ServeHTTP(httptest.NewRecorder(), req)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
}

// The network is cut in each call of a move to another host: before, in the middle, or when
// it has been done and not answered. The move goes on, or the same command makes it, and one
// side owns the data.
func TestAMoveOverHTTPGoesOnAfterTheNetworkWasCut(t *testing.T) {
	for _, path := range []string{"begin", "recall", "rows", "sum", "claim"} {
		for _, when := range []string{"before it", "in its body", "before its answer"} {
			t.Run(path+", "+when, func(t *testing.T) {
				t.Parallel()
				from, to := newDataHost(t, rollout.Trunk), newDataHost(t, module)
				if err := from.db.Write(t.Context(), func(tx *database.Tx) error {
					for n := range 200 {
						if _, err := tx.Exec(t.Context(), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', '{}')`, fmt.Sprint(n)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				contract := rollout.NewDataContract(module)
				receiver := transfer.NewReceiver(transfer.ReceiverOptions{DB: to.db, Owner: to.owner, Name: "the other host", Log: quiet, Now: time.Now})
				defer receiver.Close()
				network := &cut{path: "/move/" + path, when: when}
				router := chi.NewRouter()
				router.Use(network.through)
				seam.NewRoute(contract.Bind(rollout.DataEnd{In: receiver, Peer: rollout.Trunk})).Mount(router, seam.MountOptions{Timeout: time.Minute})
				server := httptest.NewServer(router)
				defer server.Close()
				o := transfer.MoveOptions{
					Source: from.db, Owner: from.owner, Remote: server.URL, FromName: "here", ToName: server.URL, Log: quiet,
					Dial: func(address string) (transfer.Far, error) {
						return contract.Client(seam.RemoteOptions{URLs: []string{address}, Log: quiet}, rollout.Trunk)
					},
				}
				move, err := transfer.NewMove(t.Context(), o)
				if path == "begin" && fault.Is(err, fault.Unavailable) {
					move, err = transfer.NewMove(t.Context(), o)
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := move.Run(t.Context()); err != nil || move.Status().Step != transfer.StepDone {
					t.Fatalf("it ended so: %v, %+v", err, move.Status())
				}
				if !network.done.Load() {
					t.Error("nothing was cut")
				}
				if _, err := from.owner.Current(t.Context()); err != nil {
					t.Fatal(err)
				}
				if from.owner.IsOwner() || !to.owner.IsOwner() || to.rows(t) != 200 {
					t.Errorf("the trunk owns: %v, the other host: %v, with %d rows", from.owner.IsOwner(), to.owner.IsOwner(), to.rows(t))
				}
			})
		}
	}
}
