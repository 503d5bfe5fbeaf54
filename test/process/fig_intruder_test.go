package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/ownership"
	"banyan/platform/wallet"
)

// observe opens every module's database beside the processes, to read who owns
// its writes.
func (g *cluster) observe() map[string]*ownership.Ownership {
	g.t.Helper()
	claims := make(map[string]*ownership.Ownership)
	for _, m := range modules {
		db, err := database.Open(g.t.Context(), g.place.database(m))
		if err != nil {
			g.t.Fatal(err)
		}
		g.t.Cleanup(func() { _ = db.Close() })
		if claims[m], err = ownership.Open(g.t.Context(), db, ownership.Process{Name: "observer"}); err != nil {
			g.t.Fatal(err)
		}
	}
	return claims
}

// watch reads who owns what, all the time: an epoch has one owner, and epochs
// only grow.
func (s *faultyCluster) watch(ctx context.Context) {
	last := make(map[string]int64)
	for ; ctx.Err() == nil; pause(10 * time.Millisecond) {
		for _, m := range modules {
			now, err := s.claims[m].Current(ctx)
			if err != nil {
				continue // the database is busy
			}
			owner, known := s.owners[m][now.Epoch]
			if known && owner != now.Owner || now.Epoch < last[m] {
				s.t.Errorf("%s is owned by %s in epoch %d; in it %s was, and epoch %d is the last one seen", m, now.Owner, now.Epoch, owner, last[m])
			}
			s.owners[m][now.Epoch], last[m] = now.Owner, now.Epoch
		}
	}
}

// epochs are how many were seen.
func (s *faultyCluster) epochs() (n int) {
	for _, all := range s.owners {
		n += len(all)
	}
	return n
}

const (
	intruders        = 2
	intrudedExchange = "okx" // the exchange that they write about
)

// intrusions are signed reviews that were sent straight to the module's
// process, past the trunk, which leads them to their owner; by their writers.
type intrusions struct {
	mu      sync.Mutex
	taken   map[wallet.Address]bool
	refused map[wallet.Address]bool // the rest had no answer, and may be there or not
}

// intrude sends reviews to exchange-review's process all the time. It may take
// them while it is the owner: never while the trunk is, whatever has happened to
// it before.
func (s *faultyCluster) intrude(ctx context.Context, caller int) {
	own := s.claims[exchangereview.Name]
	for turn := 0; ctx.Err() == nil; turn++ {
		pause(pace)
		a := newAuthor(100_000_000 + turn*intruders + caller)
		signed, err := a.review(s.t.Context(), s.load.base, intrudedExchange, 1)
		if err != nil {
			continue // the load judges how reads are answered
		}
		before, err := own.Current(s.t.Context())
		if err != nil {
			continue
		}
		status := s.intrudeOnce(signed)
		after, err := own.Current(s.t.Context())
		s.direct.mu.Lock()
		switch status {
		case http.StatusOK:
			s.direct.taken[a.address] = true
			if err == nil && before.Epoch == after.Epoch && before.Owner != exchangereview.Name {
				s.t.Errorf("%s took a write while %s owned all, in epoch %d: two owners", exchangereview.Name, before.Owner, before.Epoch)
			}
		case http.StatusConflict:
			s.direct.refused[a.address] = true
		}
		s.direct.mu.Unlock()
	}
}

// intrudeOnce returns the status, 0 without an answer.
func (s *faultyCluster) intrudeOnce(signed exchangereview.SignedReview) (status int) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second) // the process may be frozen
	defer cancel()
	text, _ := json.Marshal(signed)
	address := "http://" + s.at[exchangereview.Name] + "/api/v1/exchange-review/exchanges/" + intrudedExchange + "/reviews"
	status, _, err := call(ctx, "POST", address, "", bytes.NewReader(text), nil)
	if err != nil {
		return 0
	}
	return status
}

// auditIntruders: what was taken is there once, what was refused is not.
func (s *faultyCluster) auditIntruders() (taken, refused int) {
	s.t.Helper()
	found := make(map[wallet.Address]int)
	for _, r := range s.reviewsOf(intrudedExchange) {
		found[r.Wallet]++
		if found[r.Wallet] > 1 || s.direct.refused[r.Wallet] {
			s.t.Errorf("the review of %s is there %d times, refused: %v", r.Wallet, found[r.Wallet], s.direct.refused[r.Wallet])
		}
	}
	for w := range s.direct.taken {
		if found[w] != 1 {
			s.t.Errorf("the review of %s was taken and is there %d times", w, found[w])
		}
	}
	return len(s.direct.taken), len(s.direct.refused)
}
