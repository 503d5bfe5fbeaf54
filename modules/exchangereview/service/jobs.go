package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/periodic"
	"banyan/platform/wallet"
)

// reweighBatch is how many reviewers get their weights in one call and one
// transaction, so that reviews are published in between.
const reweighBatch = 200

// Jobs is the module's background work: it keeps the weights of reviewers at
// the current epoch of reputation, moves them out of the fresh group when they
// are old enough, orders the exchanges again every day, and counts what was held
// for seven days.
//
// A reviewer's row has the epoch of its weight. A new epoch makes all of them
// outdated; they are updated in batches. So the work may be interrupted, or
// done by two processes at once.
type Jobs struct {
	store      store
	reputation Reputation
	now        *parameters
	epochs     *epochCloser
	every      time.Duration
	epochEvery time.Duration // 0 = never
	log        *slog.Logger
}

// NewJobs returns the module's jobs; Run runs them.
func NewJobs(o Options) *Jobs {
	o = o.withDefaults()
	st, now := store{o.DB}, &parameters{clock: o.Clock}
	return &Jobs{
		store: st, reputation: o.Reputation, now: now, epochs: newEpochCloser(st, now, o.Site),
		every: o.ReweighEvery, epochEvery: o.EpochEvery, log: o.Log,
	}
}

// Run works until ctx ends, and then returns nil. Failures are logged and tried
// again.
func (j *Jobs) Run(ctx context.Context) error {
	failing := false
	periodic.Run(ctx, j.every, func(ctx context.Context) {
		changed, err := j.Reweigh(ctx)
		if err == nil {
			err = j.Age(ctx)
		}
		if err == nil {
			err = j.ReleaseHeld(ctx)
		}
		if err == nil {
			err = j.ReadTexts(ctx)
		}
		if err == nil {
			err = j.FindRings(ctx)
		}
		if err == nil {
			err = j.CloseEpochWhenDue(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			j.log.WarnContext(ctx, "the ranking cannot be updated, so reviews count with the weights of the last epoch: trying again", "error", err, "every", j.every)
		case err == nil && changed > 0:
			j.log.InfoContext(ctx, "updated the weights of reviewers to the current epoch", "reviewers", changed)
		}
		failing = err != nil
	}, periodic.AtOnce())
	return nil
}

// Age moves reviewers out of the fresh group who were first seen 30 days ago, and
// then orders the exchanges as of today. On a day when both is done it costs two
// queries.
func (j *Jobs) Age(ctx context.Context) error {
	now, err := j.now.read(ctx, j.store.db.Read())
	if err != nil {
		return err
	}
	for {
		wallets, err := j.store.aged(ctx, now.Day-ranking.FreshDays, reweighBatch)
		if err != nil {
			return fmt.Errorf("look for reviewers who are old enough: %w", err)
		}
		if len(wallets) == 0 {
			break
		}
		if err := j.store.setWeights(ctx, &now, wallets, nil); err != nil {
			return fmt.Errorf("count reviewers outside of the fresh group: %w", err)
		}
	}
	if day, err := j.store.rankedDay(ctx); err != nil || day == now.Day {
		return err
	}
	return j.store.db.Write(ctx, func(tx *database.Tx) error { return rankAgain(ctx, tx, &now) })
}

// CloseEpochWhenDue closes an epoch of the ranking when the latest one is old
// enough and there are reviews.
func (j *Jobs) CloseEpochWhenDue(ctx context.Context) error {
	if j.epochEvery == 0 {
		return nil
	}
	latest, err := j.store.latestEpoch(ctx)
	if err != nil || j.now.clock().UnixMilli()-latest.TimeMS < j.epochEvery.Milliseconds() {
		return err
	}
	if _, err := j.store.someReviewer(ctx); err != nil {
		if database.IsNoRows(err) {
			return nil
		}
		return err
	}
	made, err := j.epochs.close(ctx)
	if err == nil {
		j.log.InfoContext(ctx, "closed an epoch of the ranking", "number", made.Number, "reviews", made.Reviews, "root", made.Root)
	}
	return err
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
	current, err := fetchWeights(ctx, j.reputation, []wallet.Address{anybody})
	if err != nil {
		return 0, fmt.Errorf("get the current epoch: %w", err)
	}
	for epoch := current[0].epoch; ; {
		wallets, err := j.store.unweighed(ctx, epoch, reweighBatch)
		if err != nil {
			return reviewers, fmt.Errorf("look for reviewers of other epochs: %w", err)
		}
		if len(wallets) == 0 {
			return reviewers, nil
		}
		fetched, err := fetchWeights(ctx, j.reputation, wallets)
		if err != nil {
			return reviewers, fmt.Errorf("get weights: %w", err)
		}
		epoch = fetched[0].epoch // it may have changed since
		weights := make(map[wallet.Address]weight, len(wallets))
		for i, w := range wallets {
			weights[w] = fetched[i]
		}
		now, err := j.now.read(ctx, j.store.db.Read())
		if err != nil {
			return reviewers, err
		}
		if err := j.store.setWeights(ctx, &now, wallets, weights); err != nil {
			return reviewers, fmt.Errorf("store weights: %w", err)
		}
		reviewers += len(wallets)
	}
}
