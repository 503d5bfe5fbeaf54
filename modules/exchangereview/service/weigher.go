package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// pauseAfterFailure is how long reputation is not called after it failed, so
// that only one review waits for the time-out and not every one.
const pauseAfterFailure = 2 * time.Second

// weigher gets the weights of new reviewers from reputation. Callers who come
// while a call is in flight wait for the next one, which is for all who wait:
// under load that is one call for dozens of reviews, and without load nobody
// waits for a batch to fill.
type weigher struct {
	reputation Reputation
	wait       time.Duration
	clock      func() time.Time
	log        *slog.Logger

	mu          sync.Mutex
	asking      bool
	waiting     []*weightRequest
	pausedUntil time.Time
}

// weightRequest is one caller who waits for a weight.
type weightRequest struct {
	wallet wallet.Address
	answer chan weight   // 1 buffered
	lead   chan struct{} // closed: fetch the batch of all who wait
}

// weigh returns the wallet's weight, or the least one, of epochUnknown, when
// reputation does not answer in time. It returns within about twice the wait,
// whatever becomes of ctx: the caller who fetches does so for others.
func (w *weigher) weigh(ctx context.Context, of wallet.Address) weight {
	q := &weightRequest{wallet: of, answer: make(chan weight, 1), lead: make(chan struct{})}
	w.mu.Lock()
	if w.clock().Before(w.pausedUntil) {
		w.mu.Unlock()
		return weight{units: weightLeast, epoch: epochUnknown}
	}
	w.waiting = append(w.waiting, q)
	if !w.asking {
		w.asking = true
		close(q.lead)
	}
	w.mu.Unlock()
	select {
	case a := <-q.answer:
		return a
	case <-q.lead:
	}
	w.fetchBatch(ctx)
	return <-q.answer
}

// fetchBatch answers those who wait now, then makes one who has come meanwhile
// the leader. Both happen whatever reputation does, a panic included: otherwise
// all later callers would wait for ever.
func (w *weigher) fetchBatch(ctx context.Context) {
	w.mu.Lock()
	n := min(len(w.waiting), reputation.MaxBatch)
	batch := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	w.mu.Unlock()

	var weights []weight
	defer func() { w.deliver(batch, weights) }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.wait)
	defer cancel()
	wallets := make([]wallet.Address, n)
	for i, q := range batch {
		wallets[i] = q.wallet
	}
	var err error
	if weights, err = fetchWeights(ctx, w.reputation, wallets); err != nil {
		w.log.WarnContext(ctx, "reputation does not answer, so new reviewers have the least weight until it does: check the reputation module", "error", err)
	}
}

// deliver sends the answers, nil when reputation has failed, and chooses the
// next leader.
func (w *weigher) deliver(batch []*weightRequest, weights []weight) {
	for i, q := range batch {
		if weights == nil {
			q.answer <- weight{units: weightLeast, epoch: epochUnknown}
			continue
		}
		q.answer <- weights[i]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if weights == nil {
		w.pausedUntil = w.clock().Add(pauseAfterFailure)
	}
	if len(w.waiting) == 0 {
		w.waiting = nil
		w.asking = false
		return
	}
	close(w.waiting[0].lead)
}

// fetchWeights calls reputation as this module itself: the weight of a wallet
// does not depend on who publishes.
func fetchWeights(ctx context.Context, from Reputation, wallets []wallet.Address) ([]weight, error) {
	answer, err := from.Weights(identity.AsService(ctx, exchangereview.Name), reputation.WeightsQuery{Wallets: wallets})
	if err != nil {
		return nil, err
	}
	if len(answer.Weights) != len(wallets) {
		return nil, fault.Newf(fault.Internal, "reputation returned %d weights for %d wallets", len(answer.Weights), len(wallets))
	}
	weights := make([]weight, len(wallets))
	for i, asked := range wallets {
		w := answer.Weights[i]
		if w.Wallet != asked {
			return nil, fault.Newf(fault.Internal, "reputation returned the weight of %s for %s", w.Wallet, asked)
		}
		weights[i] = weightOf(w, answer.Epoch)
	}
	return weights, nil
}
