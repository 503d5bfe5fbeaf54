package upkeep_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/jobs"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, upkeep.NewContract("airdrop").Seam(), contracttest.Options{
		Dir: "testdata", Update: *update, Known: []any{json.RawMessage(`{"a": 1}`), upkeep.WebhookChange{ID: 42, Change: upkeep.WebhookStop}},
	})
}

func TestAccess(t *testing.T) { accesstest.Check(t, upkeep.NewContract("airdrop").Seam(), nil) }

const module = "reputation"

// eachWay runs a test in process and over HTTP, on SQLite and PostgreSQL.
func eachWay(t *testing.T, test func(t *testing.T, ctx context.Context, db *database.DB, u upkeep.Service)) {
	contract := upkeep.NewContract(module)
	seamtest.Ways(t, module, func(t *testing.T, db *database.DB, open seamtest.Open) {
		ctx := identity.With(t.Context(), identity.Caller{Subject: "an operator", Role: identity.Operator})
		test(t, ctx, db, contract.Client(open(t, contract.Seam(), contract.Bind(db, hooksOf(db))).Route))
	})
}

// hooksOf are webhooks of one kind.
func hooksOf(db *database.DB) *webhooks.Hooks {
	return webhooks.New(webhooks.Options{DB: db, Kinds: []webhooks.Kind{
		webhooks.NewKind(said, "something.said", "Somebody has said something.", "hello", func(s string) (string, bool) { return s, true }),
	}})
}

var said = events.NewTopic[string]("test.said")

// TestDeadLettersAreReplayed: an event that a consumer refuses becomes a dead
// letter, is listed with the reason, and is delivered when it is replayed.
func TestDeadLettersAreReplayed(t *testing.T) {
	eachWay(t, func(t *testing.T, ctx context.Context, db *database.DB, u upkeep.Service) {
		var refuse atomic.Bool
		refuse.Store(true)
		consumer := outbox.Consumer{Name: "listener", Topic: said.Name(), Deliver: func(_ context.Context, b events.Batch) (events.Receipt, error) {
			var r events.Receipt
			for _, e := range b.Events {
				result := events.Result{ID: e.ID}
				if refuse.Load() {
					result.Failed = "not today"
				}
				r.Results = append(r.Results, result)
			}
			return r, nil
		}}
		relay := outbox.NewRelay(db, outbox.Options{Poll: 50 * time.Millisecond, MaxAttempts: 1, Keep: time.Hour}, consumer)
		running, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- relay.Run(running) }()
		defer func() { stop(); <-ended }()
		err := db.Write(t.Context(), func(tx *database.Tx) error {
			return outbox.Publish(t.Context(), tx, said, "somebody", "hello")
		})
		if err != nil {
			t.Fatal(err)
		}
		dead := func() upkeep.DeadLetterPage {
			page, err := u.DeadLetters(ctx, upkeep.DeadLettersQuery{})
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		until(t, func() bool { return len(dead().Letters) == 1 })
		letter := dead().Letters[0]
		if letter.LastError != "not today" || letter.Event.Key != "somebody" || letter.Consumer != "listener" {
			t.Errorf("listed %+v", letter)
		}
		if _, err := u.Replay(ctx, upkeep.ReplayRequest{Events: []string{"01936f4e-2c1f-7c3a-9d5e-1f2a3b4c5d6e"}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("replaying what is not there: %v", err)
		}
		refuse.Store(false)
		done, err := u.Replay(ctx, upkeep.ReplayRequest{Events: []string{letter.Event.ID}})
		if err != nil || done.Count != 1 {
			t.Fatalf("replayed %+v, %v", done, err)
		}
		until(t, func() bool {
			all, err := u.Consumers(ctx, upkeep.ConsumersQuery{})
			if err != nil {
				t.Fatal(err)
			}
			return len(all.Consumers) == 1 && all.Consumers[0].Dead == 0 && all.Consumers[0].Parked == 0 && all.Consumers[0].Lag == 0
		})
	})
}

func until(t *testing.T, true func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !true() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("it never came true")
		}
	}
}

// TestJobsOfAllKindsAreListedAndCancelled: newest first, a page at a time; one that
// waits is cancelled at once, one that has ended cannot be.
func TestJobsOfAllKindsAreListedAndCancelled(t *testing.T) {
	eachWay(t, func(t *testing.T, ctx context.Context, db *database.DB, u upkeep.Service) {
		var ids []int64
		for _, kind := range []string{"first", "second", "third"} {
			err := db.Write(t.Context(), func(tx *database.Tx) error {
				id, err := jobs.NewKind[string, string](kind).Add(t.Context(), tx, "work")
				ids = append(ids, id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		page, err := u.Jobs(ctx, upkeep.JobsQuery{Limit: 2})
		if err != nil || len(page.Jobs) != 2 || page.Jobs[0].Kind != "third" || page.Jobs[0].State != jobs.Waiting || page.Next == "" {
			t.Fatalf("the first page: %+v, %v", page, err)
		}
		rest, err := u.Jobs(ctx, upkeep.JobsQuery{Limit: 2, Cursor: page.Next})
		if err != nil || len(rest.Jobs) != 1 || rest.Jobs[0].Kind != "first" || rest.Next != "" {
			t.Fatalf("the second page: %+v, %v", rest, err)
		}
		if _, err := u.CancelJob(ctx, upkeep.JobCancellation{ID: ids[1]}); err != nil {
			t.Fatal(err)
		}
		if _, err := u.CancelJob(ctx, upkeep.JobCancellation{ID: ids[1]}); !fault.Is(err, fault.NotFound) {
			t.Errorf("cancelling it again: %v", err)
		}
		page, err = u.Jobs(ctx, upkeep.JobsQuery{})
		if err != nil || page.Jobs[1].State != jobs.Canceled || page.Jobs[1].EndedMS == 0 || page.Jobs[1].Error == "" {
			t.Errorf("after it was cancelled: %+v, %v", page, err)
		}
		if _, err := u.Jobs(ctx, upkeep.JobsQuery{Limit: 1000}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a page of 1000: %v", err)
		}
	})
}

// TestAJobThatRunsIsCancelledBeforeItsNextStep by an operator who knows only its
// number.
func TestAJobThatRunsIsCancelledBeforeItsNextStep(t *testing.T) {
	databasetest.Each(t, module, func(t *testing.T, db *database.DB) {
		kind := jobs.NewKind[string, string]("endless")
		begun, goOn := make(chan struct{}), make(chan struct{})
		runner := jobs.NewRunner(db, slog.New(slog.DiscardHandler), kind.By(func(ctx context.Context, j *jobs.Job, _ string) (string, error) {
			if err := j.Step(ctx, jobs.Progress{Stage: "counting", Done: 1, Work: 2}, nil); err != nil {
				return "", err
			}
			close(begun)
			select {
			case <-goOn:
			case <-ctx.Done():
				return "", ctx.Err()
			}
			return "never", j.Step(ctx, jobs.Progress{Stage: "counting", Done: 2, Work: 2}, nil)
		}))
		running, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- runner.Run(running) }()
		defer func() { stop(); <-ended }()
		var id int64
		if err := db.Write(t.Context(), func(tx *database.Tx) (err error) {
			id, err = kind.Add(t.Context(), tx, "work")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-begun:
		case <-time.After(30 * time.Second):
			t.Fatal("the job was never begun")
		}
		contract := upkeep.NewContract(module)
		u := contract.Client(seamtest.InProcess(t, contract.Seam(), contract.Bind(db, hooksOf(db))).Route)
		ctx := identity.With(t.Context(), identity.Caller{Subject: "an operator", Role: identity.Operator})
		if _, err := u.CancelJob(ctx, upkeep.JobCancellation{ID: id}); err != nil {
			t.Fatal(err)
		}
		page, err := u.Jobs(ctx, upkeep.JobsQuery{})
		if err != nil || !page.Jobs[0].Canceling || page.Jobs[0].Stage != "counting" || page.Jobs[0].Progress != 1 {
			t.Errorf("while it ends: %+v, %v", page, err)
		}
		close(goOn)
		until(t, func() bool {
			page, err := u.Jobs(ctx, upkeep.JobsQuery{})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			return page.Jobs[0].State == jobs.Canceled
		})
	})
}
