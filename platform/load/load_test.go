package load_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
	"banyan/platform/load"
)

func settings(change func(*load.Settings)) load.Settings {
	s := load.Settings{Callers: 4, Rate: 100, Duration: 10 * time.Second, Retry: time.Second}
	change(&s)
	return s
}

func same(*load.Settings) {}

// run makes a load of one visit, and reads its log.
func run(t *testing.T, ctx context.Context, s load.Settings, do func(context.Context, *load.Caller) error) (load.Report, *load.Record, error) {
	t.Helper()
	var text bytes.Buffer
	log, err := load.NewLog(&text, load.Header{Server: "http://127.0.0.1:1", Run: "RUN"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := load.Run(ctx, s, []load.Visit{{Name: "a visit", Share: 1, Do: do}}, log)
	record, readErr := load.ReadLog(&text)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return report, record, err
}

func TestALoadKeepsItsRateAndEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		report, record, err := run(t, t.Context(), settings(same), func(ctx context.Context, c *load.Caller) error {
			_, err := c.Write(ctx, load.Entry{Operation: "module/write"}, func(context.Context, string) (string, error) { return "id", nil })
			return err
		})
		if err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("it ended after %s with %v", time.Since(begun), err)
		}
		if report.Requests < 950 || report.Requests > 1015 || report.Writes != report.Requests || report.Failed != 0 { // 100 a second, 10 at once at the beginning
			t.Errorf("%+v", report)
		}
		if !record.Whole || record.AcknowledgedWrites() != report.Writes || record.Run != "RUN" {
			t.Errorf("the log has %d acknowledged writes, whole %v", record.AcknowledgedWrites(), record.Whole)
		}
	})
}

func TestAWriteIsSentAgainWithItsKeyUntilItIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		tries := make(map[string]int)
		report, record, err := run(t, t.Context(), settings(func(s *load.Settings) { s.Rate = 5 }), func(ctx context.Context, c *load.Caller) error {
			_, err := c.Write(ctx, load.Entry{Operation: "module/write"}, func(_ context.Context, key string) (string, error) {
				mu.Lock()
				defer mu.Unlock()
				if tries[key]++; tries[key] < 3 {
					return "", fault.New(fault.Unavailable, "moving")
				}
				return "id of " + key, nil
			})
			return err
		})
		if err != nil || report.Writes == 0 || report.Failed > 4 || len(record.Writes) != len(tries) { // the end leaves those of 4 callers
			t.Errorf("%d writes of %d in the log, %+v, %v", len(record.Writes), len(tries), report, err)
		}
		for _, e := range record.Writes {
			if e.Acknowledged() && (e.Tries != 3 || e.ID != "id of "+e.Key || e.TookMS != 500) {
				t.Errorf("%+v, want the third try, after two pauses", e)
			}
		}
	})
}

func TestWhatIsNeverAcknowledgedIsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report, record, err := run(t, t.Context(), settings(same), func(ctx context.Context, c *load.Caller) error {
			_, err := c.Write(ctx, load.Entry{Operation: "module/write"}, func(context.Context, string) (string, error) {
				return "", fault.New(fault.Unavailable, "gone")
			})
			return err
		})
		if err != nil || report.Writes != 0 || report.LongestGap != 10 || report.Operations[0].Errors["unavailable"] != report.Failed {
			t.Errorf("%+v, %v", report, err)
		}
		for _, e := range record.Writes {
			if e.Acknowledged() || e.Status != "unavailable" || e.Why == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestRequestsUnderWayAreFinishedAtTheEnd: their answers would be missing otherwise.
func TestRequestsUnderWayAreFinishedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		_, record, err := run(t, ctx, settings(same), func(ctx context.Context, c *load.Caller) error {
			_, err := c.Write(ctx, load.Entry{Operation: "module/write"}, func(ctx context.Context, _ string) (string, error) {
				stop() // as SIGINT does
				select {
				case <-ctx.Done():
					return "", ctx.Err()
				case <-time.After(3 * time.Second):
					return "id", nil
				}
			})
			return err
		})
		if err != nil || len(record.Writes) == 0 || record.AcknowledgedWrites() != len(record.Writes) {
			t.Errorf("%d of %d writes are acknowledged, %v", record.AcknowledgedWrites(), len(record.Writes), err)
		}
	})
}

func TestAnErrorThatIsNoAnswerEndsTheLoad(t *testing.T) {
	broken := errors.New("no key")
	if _, _, err := run(t, t.Context(), settings(same), func(context.Context, *load.Caller) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestALoadIsBounded(t *testing.T) {
	for name, change := range map[string]func(*load.Settings){
		"--callers":  func(s *load.Settings) { s.Callers = load.MaxCallers + 1 },
		"--rate":     func(s *load.Settings) { s.Rate = load.MaxRate + 1 },
		"--duration": func(s *load.Settings) { s.Duration = load.MaxDuration + 1 },
		"--retry":    func(s *load.Settings) { s.Retry = -1 },
	} {
		if err := settings(change).Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := settings(same).Check(); err != nil {
		t.Error(err)
	}
}

const (
	head = `{"log":"banyan load","format":1,"server":"http://127.0.0.1:1","run":"RUN","time_ms":1}` + "\n"
	sent = `{"time_ms":1,"operation":"m/w","key":"K","status":"sent"}` + "\n"
	done = `{"time_ms":1,"operation":"m/w","key":"K","id":"1","status":"ok"}` + "\n"
	last = `{"end_ms":2,"writes":1}` + "\n"
)

func TestALogThatIsDamagedIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "another file": "a,b\n", "another format": strings.Replace(head, `"format":1`, `"format":2`, 1),
		"an answer to nothing": head + done, "two answers": head + sent + done + done, "a key twice": head + sent + sent,
		"a missing answer": head + sent + last, "more after the end": head + sent + done + last + sent, "half a line": head + sent[:20] + "\n",
		"a line too long": head + strings.Repeat("x", 100<<10) + "\n",
	} {
		if _, err := load.ReadLog(strings.NewReader(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLogOfALoadThatWasKilledIsRead(t *testing.T) {
	for text, acknowledged := range map[string]int{head + sent: 0, head + sent + done: 1, head + sent + done[:30]: 0} {
		r, err := load.ReadLog(strings.NewReader(text))
		if err != nil || r.Whole || len(r.Writes) != 1 || r.AcknowledgedWrites() != acknowledged {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}

// TestAnAuditWaitsForEvents: what may be on its way is looked for again, and nothing else.
func TestAnAuditWaitsForEvents(t *testing.T) {
	for _, c := range []struct {
		late          bool
		after, passes int // the difference is gone after so many looks
		good          bool
	}{{true, 3, 4, true}, {true, 1000, 11, false}, {false, 3, 1, false}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				passes := 0
				v, err := load.Audit(t.Context(), &load.Record{}, 10*time.Second, []load.Check{func(context.Context, *load.Record) ([]load.Finding, error) {
					if passes++; passes > c.after {
						return nil, nil
					}
					return []load.Finding{{ID: "1", Late: c.late}}, nil
				}})
				if err != nil || v.Good != c.good || passes != c.passes {
					t.Errorf("%+v after %d looks, %v", v, passes, err)
				}
			})
		})
	}
}
