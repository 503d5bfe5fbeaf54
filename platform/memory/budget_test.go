package memory_test

import (
	"sync"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/memory"
)

func TestABudgetIsSharedAndNeverExceeded(t *testing.T) {
	b := memory.NewBudget(100, "too many: try again later")
	one, low := b.Share(0), b.Share(60)
	if err := one.Take(50); err != nil {
		t.Fatal(err)
	}
	if err := low.Take(10); err != nil {
		t.Errorf("below its own limit a share is refused: %v", err)
	}
	err := low.Take(1)
	if !fault.Is(err, fault.Busy) || fault.From(err).RetryAfter <= 0 || fault.From(err).Message != "too many: try again later" {
		t.Errorf("over its own limit a share got %v", err)
	}
	if err := one.Take(41); !fault.Is(err, fault.Busy) {
		t.Errorf("over the budget a share got %v", err)
	}
	if err := one.Take(40); err != nil {
		t.Errorf("refusals count: %v", err)
	}
	one.Return()
	one.Return()
	low.Return()
	if err := b.Share(0).Take(100); err != nil {
		t.Errorf("what was returned is missing: %v", err)
	}
	if err := b.Share(0).Take(1); err == nil {
		t.Error("returning twice counts twice")
	}
}

func TestAShareServesManyGoroutines(t *testing.T) {
	b := memory.NewBudget(1000, "too many")
	s := b.Share(0)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for range 100 {
				if err := s.Take(1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := s.Take(1); err == nil {
		t.Error("some of what was taken is not counted")
	}
	s.Return()
	if err := s.Take(1000); err != nil {
		t.Error(err)
	}
}
