package service

import (
	"context"
	"fmt"
	"sort"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/idempotency"
	"banyan/platform/jobs"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// scoresPerWrite keeps one write short, so that other writers run in between, and below
// the 32,766 values that a statement of SQLite may have.
const scoresPerWrite = 1900

// epochJob is the work of computing an epoch.
type epochJob struct{}

// epochKind is the kind of job that computes epochs; its result is the number.
func epochKind() jobs.Kind[epochJob, int64] { return jobs.NewKind[epochJob, int64]("epoch") }

// waitForEpoch is how long ComputeEpoch waits, below the time-out of a call to a
// module that runs elsewhere.
const waitForEpoch = 4 * time.Second

// ComputeEpoch implements Service.
func (s service) ComputeEpoch(ctx context.Context, q reputation.EpochRequest) (reputation.Epoch, error) {
	w := idempotency.Write{
		DB: s.o.DB, Operation: "computeEpoch", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q), LookFirst: true,
	}
	id, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[int64]) (id int64, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if id, err = epochKind().Add(ctx, tx, epochJob{}); err != nil {
				return err
			}
			return keep(ctx, tx, id)
		})
		return id, err
	})
	if err != nil {
		return reputation.Epoch{}, err
	}
	status, err := epochKind().Wait(ctx, s.o.DB, id, waitForEpoch)
	switch {
	case err != nil:
		return reputation.Epoch{}, err
	case status.Err != nil:
		return reputation.Epoch{}, status.Err
	case status.State != jobs.Done:
		return reputation.Epoch{}, nil
	}
	return s.EpochOf(ctx, reputation.EpochNumber{Number: status.Result})
}

// computeEpoch is the work of an epochJob. The scores are written in parts under
// a number that nobody reads yet; the last write makes them the current ones.
// What an earlier run left, of a process that ended, is dropped first: the edges
// may have changed since.
func (s service) computeEpoch(ctx context.Context, j *jobs.Job, _ epochJob) (int64, error) {
	if err := s.dropIncomplete(ctx, j); err != nil {
		return 0, err
	}
	s.o.Updates.begin()
	defer s.o.Updates.end() // when it failed: follow has ended it otherwise
	e, err := s.rankAll(ctx, j)
	if err != nil {
		return 0, err
	}
	if err := s.writeEpoch(ctx, j, &e); err != nil {
		return 0, err
	}
	s.o.Updates.follow(e)
	s.o.Log.InfoContext(ctx, "epoch computed", "epoch", e.row.Number, "wallets", e.row.Wallets, "edges", e.row.Edges, "iterations", e.row.Iterations)
	// The epoch is committed: an error from here on is not a failure of the job.
	// The next epoch also deletes what was left.
	if err := s.prune(ctx, e.row.Number); err != nil && ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "the scores of former epochs could not be deleted: they take space until the next epoch is computed", "epoch", e.row.Number, "error", err)
	}
	return e.row.Number, nil
}

// computed is an epoch before it is written.
type computed struct {
	row     epochRow
	graph   walletGraph
	ranking trust.Ranking
	places  []trustlist.Place
	tree    *merkle.Tree // over all wallets, in the order of places
	before  int64        // the number of the epoch before; 0 = none

	effects, effectsBefore trust.Effects // of this epoch and of the one before
}

// rankAll computes everything that an epoch says.
func (s service) rankAll(ctx context.Context, j *jobs.Job) (computed, error) {
	var e computed
	now := s.o.Clock().UnixMilli()
	if err := j.Step(ctx, jobs.Progress{Stage: "reading who trusts whom"}, nil); err != nil {
		return e, err
	}
	var err error
	if e.graph, err = s.loadGraph(ctx, now); err != nil {
		return e, err
	}
	if err := j.Step(ctx, jobs.Progress{Stage: "computing scores"}, nil); err != nil {
		return e, err
	}
	if e.ranking, err = trust.Rank(ctx, e.graph.graph, e.graph.pre, s.o.Method, s.o.Trust); err != nil {
		return e, err
	}
	e.places = trustlist.Order(e.ranking.Value)
	if e.tree, err = e.makeTree(ctx); err != nil {
		return e, err
	}
	before, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if err != nil && !database.IsNoRows(err) {
		return e, fmt.Errorf("read the current epoch: %w", err)
	}
	if e.before = before.Number; e.before != 0 {
		if e.effectsBefore, err = effectsOf(before); err != nil {
			return e, err
		}
	}
	e.effects = trust.Effects{Parameters: s.o.Method, Alpha: s.o.Trust.Alpha, Unit: e.ranking.Unit}
	e.row, err = s.rowOf(e, now)
	return e, err
}

// ranked returns how many places have a rank; they are the first.
func ranked(places []trustlist.Place) int {
	return sort.Search(len(places), func(i int) bool { return places[i].Rank == 0 })
}
