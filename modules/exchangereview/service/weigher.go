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

// weight is what a wallet's reviews weigh, and the epoch of reputation it is
// from.
type weight struct {
	units int64
	epoch int64
}

// unasked is the epoch of a weight that reputation has yet to give. Epochs
// begin at 0: none has been computed.
const unasked = -1

// restAfterFailure is how long reputation is left alone when it has failed, so
// that its absence costs one review the waiting and not every one.
const restAfterFailure = 2 * time.Second

// weigher asks reputation for the weights of new reviewers. Whoever comes while
// a question is under way waits for the next one, which then asks for all who
// wait at once: under load that is one call for dozens of reviews, and without
// load nobody waits for company.
type weigher struct {
	reputation Reputation
	wait       time.Duration
	clock      func() time.Time
	log        *slog.Logger

	mu      sync.Mutex
	asking  bool
	waiting []*question
	restTil time.Time
}

// question is one caller who waits for a weight.
type question struct {
	wallet wallet.Address
	answer chan weight   // 1 buffered
	lead   chan struct{} // closed: ask for everybody who waits
}

// weigh gives the wallet's weight, or the least one, unasked, when reputation
// does not answer in time. It returns within about twice the wait, whatever
// becomes of ctx: the caller who asks does so for others.
func (w *weigher) weigh(ctx context.Context, of wallet.Address) weight {
	q := &question{wallet: of, answer: make(chan weight, 1), lead: make(chan struct{})}
	w.mu.Lock()
	if w.clock().Before(w.restTil) {
		w.mu.Unlock()
		return weight{weightLeast, unasked}
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
	w.askForAll(ctx)
	return <-q.answer
}

// askForAll answers those who wait now, then hands the lead to one who has come
// meanwhile. Both happen whatever reputation does, a panic included: otherwise
// everybody after would wait for ever.
func (w *weigher) askForAll(ctx context.Context) {
	w.mu.Lock()
	n := min(len(w.waiting), reputation.MaxBatch)
	batch := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	w.mu.Unlock()

	var weights []weight
	defer func() { w.handOn(batch, weights) }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.wait)
	defer cancel()
	wallets := make([]wallet.Address, n)
	for i, q := range batch {
		wallets[i] = q.wallet
	}
	var err error
	if weights, err = askWeights(ctx, w.reputation, wallets); err != nil {
		w.log.WarnContext(ctx, "reputation does not answer: new reviewers have the least weight until it does", "error", err)
	}
}

// handOn gives the answers, of which there are none when reputation has failed,
// and the lead.
func (w *weigher) handOn(batch []*question, weights []weight) {
	for i, q := range batch {
		if weights == nil {
			q.answer <- weight{weightLeast, unasked}
			continue
		}
		q.answer <- weights[i]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if weights == nil {
		w.restTil = w.clock().Add(restAfterFailure)
	}
	if len(w.waiting) == 0 {
		w.waiting = nil
		w.asking = false
		return
	}
	close(w.waiting[0].lead)
}

// askWeights asks reputation as this module itself: what a wallet weighs does
// not depend on who publishes.
func askWeights(ctx context.Context, from Reputation, wallets []wallet.Address) ([]weight, error) {
	scores, err := from.Scores(identity.AsService(ctx, exchangereview.Name), reputation.ScoresQuery{Wallets: wallets})
	if err != nil {
		return nil, err
	}
	if len(scores.Standings) != len(wallets) {
		return nil, fault.Newf(fault.Internal, "reputation gave %d standings for %d wallets", len(scores.Standings), len(wallets))
	}
	weights := make([]weight, len(wallets))
	for i, asked := range wallets {
		s := scores.Standings[i]
		if s.Wallet != asked {
			return nil, fault.Newf(fault.Internal, "reputation gave the standing of %s for %s", s.Wallet, asked)
		}
		weights[i] = weight{weightOf(s.Percentile), scores.Epoch}
	}
	return weights, nil
}
