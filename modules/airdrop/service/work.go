package service

import (
	"context"
	"sync"

	"banyan/modules/airdrop"
)

// teller learns how far work is.
type teller func(stage string, done, total int64)

// nobody wants to know.
func nobody(string, int64, int64) {}

// works knows how far uploads and builds are that this process does now.
type works struct {
	mu sync.Mutex
	of map[string]*airdrop.ListWork // by campaign, of the work that began last
}

func newWorks() *works { return &works{of: make(map[string]*airdrop.ListWork)} }

// begin notes that work on a campaign's list begins. report says how far it is, and end
// that it is over, however it went.
func (w *works) begin(campaign string) (report teller, end func()) {
	work := &airdrop.ListWork{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of[campaign] = work
	report = func(stage string, done, total int64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*work = airdrop.ListWork{Stage: stage, Done: done, Total: total}
	}
	return report, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.of[campaign] == work {
			delete(w.of, campaign)
		}
	}
}

func (w *works) now(campaign string) airdrop.ListWork {
	w.mu.Lock()
	defer w.mu.Unlock()
	if work := w.of[campaign]; work != nil {
		return *work
	}
	return airdrop.ListWork{}
}

// ListWork implements Service.
func (s *service) ListWork(ctx context.Context, q airdrop.CampaignQuery) (airdrop.ListWork, error) {
	if _, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID); err != nil {
		return airdrop.ListWork{}, err
	}
	return s.works.now(q.ID), nil
}
