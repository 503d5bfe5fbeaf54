package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"banyan/platform/database"
	"banyan/platform/periodic"
	"banyan/platform/wallet"
)

// reweighBatch is how many reviewers get their weights in one call and one
// transaction, so that reviews are published in between.
const reweighBatch = 200

// Jobs is the module's background work: it keeps the weights of reviewers at
// the current epoch of reputation.
//
// A reviewer's row has the epoch of its weight. A new epoch makes all of them
// outdated; they are updated in batches. So the work may be interrupted, or
// done by two processes at once.
type Jobs struct {
	store      store
	reputation Reputation
	every      time.Duration
	log        *slog.Logger
}

// NewJobs returns the module's jobs; Run runs them.
func NewJobs(o Options) *Jobs {
	o = o.withDefaults()
	return &Jobs{store: store{o.DB}, reputation: o.Reputation, every: o.ReweighEvery, log: o.Log}
}

// Run works until ctx ends, and then returns nil. Failures are logged and tried
// again.
func (j *Jobs) Run(ctx context.Context) error {
	failing := false
	periodic.Run(ctx, j.every, func(ctx context.Context) {
		changed, err := j.Reweigh(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			j.log.WarnContext(ctx, "the weights of reviewers cannot be updated, so reviews count with those of the last epoch: trying again", "error", err, "every", j.every)
		case err == nil && changed > 0:
			j.log.InfoContext(ctx, "updated the weights of reviewers to the current epoch", "reviewers", changed)
		}
		failing = err != nil
	}, periodic.AtOnce())
	return nil
}

// Reweigh updates every reviewer to reputation's current epoch and returns how
// many it updated. When all are current it costs one call about one wallet.
func (j *Jobs) Reweigh(ctx context.Context) (reviewers int, err error) {
	anybody, err := j.store.someReviewer(ctx)
	if database.IsNoRows(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for reviewers: %w", err)
	}
	now, err := fetchWeights(ctx, j.reputation, []wallet.Address{anybody})
	if err != nil {
		return 0, fmt.Errorf("get the current epoch: %w", err)
	}
	for epoch := now[0].epoch; ; {
		wallets, err := j.store.unweighed(ctx, epoch, reweighBatch)
		if err != nil {
			return reviewers, fmt.Errorf("look for reviewers of other epochs: %w", err)
		}
		if len(wallets) == 0 {
			return reviewers, nil
		}
		weights, err := fetchWeights(ctx, j.reputation, wallets)
		if err != nil {
			return reviewers, fmt.Errorf("get weights: %w", err)
		}
		epoch = weights[0].epoch // it may have changed since
		units := make(map[wallet.Address]int64, len(wallets))
		for i, w := range wallets {
			units[w] = weights[i].units
		}
		if err := j.store.setWeights(ctx, epoch, units); err != nil {
			return reviewers, fmt.Errorf("store weights: %w", err)
		}
		reviewers += len(wallets)
	}
}
