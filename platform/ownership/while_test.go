package ownership

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a register without a database, so that time can be a test's own.
type memory struct {
	mu    sync.Mutex
	claim Claim
	down  error
}

func (m *memory) read(context.Context) (Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claim, m.down
}

func (m *memory) swap(_ context.Context, expected int64, next Claim) (Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down == nil && m.claim.Epoch == expected {
		m.claim = next
	}
	return m.claim, m.down
}

func (m *memory) data(context.Context) (string, error) { return strings.Repeat("0", 32), nil }

func (m *memory) move(context.Context, Claim) error { return nil }

func (m *memory) set(c Claim, down error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claim, m.down = c, down
}

// stage is an Ownership that is watched, with one task under WhileOwner.
type stage struct {
	t      *testing.T
	rows   *memory
	own    *Ownership
	log    strings.Builder
	begun  atomic.Int64
	ended  atomic.Int64
	result chan error // what WhileOwner returned
	finish chan error // makes run return
	stop   func()
}

func play(t *testing.T, first Claim, test func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, rows: &memory{claim: first}, result: make(chan error, 1), finish: make(chan error)}
		log := slog.New(slog.NewTextHandler(&s.log, nil))
		own, err := open(t.Context(), "tally", s.rows, Process{Name: "trunk", Log: log})
		if err != nil {
			t.Fatal(err)
		}
		s.own = own
		ctx, cancel := context.WithCancel(t.Context())
		s.stop = cancel
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := own.Watch(ctx); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { s.result <- own.WhileOwner(ctx, "work", s.run) })
		synctest.Wait()
		test(s)
		cancel()
		wg.Wait()
	})
}

func (s *stage) run(ctx context.Context) error {
	s.begun.Add(1)
	defer s.ended.Add(1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-s.finish:
		return err
	}
}

func (s *stage) expect(when string, begun, ended int64) {
	s.t.Helper()
	synctest.Wait()
	if s.begun.Load() != begun || s.ended.Load() != ended {
		s.t.Errorf("%s: begun %d times and ended %d times, want %d and %d", when, s.begun.Load(), s.ended.Load(), begun, ended)
	}
}

func TestWorkRunsWhileOwnerAndOnlyThen(t *testing.T) {
	play(t, Claim{}, func(s *stage) {
		s.expect("as the first owner", 1, 0)
		s.rows.set(Claim{Epoch: 2, Owner: "tally"}, nil)
		time.Sleep(poll + time.Millisecond)
		s.expect("a poll after another took", 1, 1)
		time.Sleep(time.Hour)
		s.expect("as a follower", 1, 1)
		if _, err := s.own.Take(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		s.expect("at once after its own take", 2, 1)
		// Lost and won again between two looks: another may have written, so begin again.
		s.rows.set(Claim{Epoch: 5, Owner: "trunk"}, nil)
		time.Sleep(poll + time.Millisecond)
		s.expect("in a later epoch of its own", 3, 2)
		s.stop()
		s.expect("after the end", 3, 3)
		if err := <-s.result; err != nil {
			t.Errorf("WhileOwner ended with %v", err)
		}
		for _, want := range []string{"epoch=1 owner=trunk", "epoch=2 owner=tally url=\"\" self=false", "epoch=5 owner=trunk"} {
			if !strings.Contains(s.log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, s.log.String())
			}
		}
	})
}

func TestWorkThatIsDoneRunsAgainInTheNextEpoch(t *testing.T) {
	play(t, Claim{}, func(s *stage) {
		s.finish <- nil
		time.Sleep(time.Minute)
		s.expect("after it was done", 1, 1)
		if _, err := s.own.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.expect("in the next epoch", 2, 1)
	})
}

func TestAFailureOfWorkIsReported(t *testing.T) {
	play(t, Claim{}, func(s *stage) {
		cause := errors.New("the disk is on fire")
		s.finish <- cause
		if err := <-s.result; !errors.Is(err, cause) || !strings.Contains(err.Error(), "work of tally") {
			t.Errorf("WhileOwner ended with %v", err)
		}
	})
}

// What the fence refuses during a run is the end of the epoch, not a failure.
func TestWorkRefusedByTheFenceWaits(t *testing.T) {
	play(t, Claim{}, func(s *stage) {
		now := Claim{Epoch: 2, Owner: "tally"}
		s.rows.set(now, nil)
		s.own.learn(now) // as Check does
		synctest.Wait()
		if s.ended.Load() != 1 {
			t.Fatal("the run was not cancelled by a refusal")
		}
		if _, err := s.own.Take(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		s.expect("after taking back", 2, 1)
		if len(s.result) != 0 {
			t.Errorf("WhileOwner ended: %v", <-s.result)
		}
	})
}

func TestWithoutTheDatabaseTheBeliefStays(t *testing.T) {
	play(t, Claim{}, func(s *stage) {
		s.rows.set(Claim{Epoch: 1, Owner: "trunk"}, errors.New("no route to host"))
		time.Sleep(time.Minute)
		s.expect("while the database is away", 1, 0)
		if n := strings.Count(s.log.String(), "no route to host"); n != 1 {
			t.Errorf("logged %d times in a minute, want once", n)
		}
		s.rows.set(Claim{Epoch: 2, Owner: "tally"}, nil)
		time.Sleep(poll + time.Millisecond)
		s.expect("when it is back", 1, 1)
	})
}

// Late news is not news: an answer that was read before a take arrives after it.
func TestEpochsOnlyGrow(t *testing.T) {
	o, err := open(t.Context(), "tally", &memory{claim: Claim{Epoch: 4, Owner: "tally"}}, Process{Name: "trunk"})
	if err != nil {
		t.Fatal(err)
	}
	o.learn(Claim{Epoch: 3, Owner: "trunk"})
	if o.IsOwner() || o.Epoch() != 4 {
		t.Errorf("believes %+v", o.Believed())
	}
}
