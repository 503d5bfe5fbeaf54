package service

import (
	"context"
	"fmt"
	"math"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// caller returns the wallet that a call is for.
func caller(ctx context.Context) (wallet.Address, error) {
	w := identity.From(ctx).Wallet
	if w.IsZero() {
		return w, fault.New(fault.Forbidden, "this is a wallet's to say: sign in with one, or use a token of one")
	}
	return w, nil
}

// ReportReview implements Service.
func (s *service) ReportReview(ctx context.Context, q exchangereview.Report) (exchangereview.Reported, error) {
	reader, err := caller(ctx)
	if err != nil {
		return exchangereview.Reported{}, err
	}
	return s.flag(ctx, q.Slug, q.Wallet, flagRow{Kind: q.Reason, By: reader[:], Evidence: q.Text}, func(live *liveRow) error {
		if live.State > stateHeld {
			return noReview(q.Wallet)
		}
		return nil
	})
}

// AppealRemoval implements Service.
func (s *service) AppealRemoval(ctx context.Context, q exchangereview.Appeal) (exchangereview.Reported, error) {
	writer, err := caller(ctx)
	if err != nil {
		return exchangereview.Reported{}, err
	}
	if writer != q.Wallet {
		return exchangereview.Reported{}, fault.New(fault.Forbidden, "only the writer of a review can appeal: sign in with the wallet that wrote it")
	}
	return s.flag(ctx, q.Slug, q.Wallet, flagRow{Kind: exchangereview.FlagAppeal, By: writer[:], Evidence: q.Text}, mayAppeal)
}

// flag puts a live review into the queue if check agrees.
func (s *service) flag(ctx context.Context, slug string, writer wallet.Address, f flagRow, check func(*liveRow) error) (done exchangereview.Reported, err error) {
	exchange, err := s.catalogue.id(ctx, slug)
	if err != nil {
		return done, err
	}
	f.CreatedMS = s.clock().UnixMilli()
	err = s.store.db.Write(ctx, func(tx *database.Tx) error {
		before, err := live(ctx, tx, exchange, writer)
		if database.IsNoRows(err) {
			return noReview(writer)
		}
		if err != nil {
			return err
		}
		if err := check(&before); err != nil {
			return err
		}
		done.Flag, err = addFlag(ctx, tx, before.ID, f)
		return err
	})
	if err != nil {
		return exchangereview.Reported{}, fmt.Errorf("flag a review of %s: %w", slug, err)
	}
	return done, nil
}

// ModerationQueue implements Service.
func (s *service) ModerationQueue(ctx context.Context, q exchangereview.QueueQuery) (exchangereview.Queue, error) {
	list := page.NewList[int64]("moderation queue")
	after, err := list.After(q.Cursor, 0)
	if err != nil {
		return exchangereview.Queue{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.openFlags(ctx, after, size+1)
	if err != nil {
		return exchangereview.Queue{}, fmt.Errorf("read the moderation queue: %w", err)
	}
	rows, next := page.Cut(list, rows, size, func(row queuedRow) int64 { return row.Number })
	answer := exchangereview.Queue{Flags: []exchangereview.Flag{}, Next: next}
	for i := range rows {
		row := &rows[i]
		f := exchangereview.Flag{
			Number: row.Number, Kind: row.Kind, Evidence: row.Evidence, CreatedMS: row.FlaggedMS, Review: row.review(),
		}
		if len(row.By) == len(wallet.Address{}) {
			f.By = new(wallet.Address(row.By))
		}
		if len(row.Signed) > 0 {
			f.Signed = &exchangereview.FlagSignature{Site: row.SignedAt, Signature: exchangereview.Signature(row.Signed)}
			copy(f.Signed.Hash[:], row.Digest)
		}
		if f.Review.Text == "" {
			f.Review.Text = row.Text // moderators read what others do not
		}
		answer.Flags = append(answer.Flags, f)
	}
	return answer, nil
}

// Moderate implements Service.
func (s *service) Moderate(ctx context.Context, q exchangereview.Decision) (exchangereview.Decided, error) {
	d := exchangereview.Decided{Decision: q, Moderator: identity.From(ctx).Name(), CreatedMS: s.clock().UnixMilli()}
	write := func(tx *database.Tx) error { return nameWallet(ctx, tx, q) }
	if q.Slug != "" {
		exchange, err := s.catalogue.id(ctx, q.Slug)
		if err != nil {
			return exchangereview.Decided{}, err
		}
		now, err := s.now.forWrite(ctx, s.store.db.Read())
		if err != nil {
			return exchangereview.Decided{}, err
		}
		if q.Action == exchangereview.ActionRelease || q.Action == exchangereview.ActionConfirm {
			if err := s.decideBurst(ctx, &d, exchange, &now); err != nil {
				return exchangereview.Decided{}, fmt.Errorf("decide about a burst: %w", err)
			}
			return d, nil
		}
		write = func(tx *database.Tx) (err error) {
			d.Hash, err = decideReview(ctx, tx, exchange, q, &now)
			return err
		}
	}
	err := s.store.db.Write(ctx, func(tx *database.Tx) (err error) {
		if err := write(tx); err != nil {
			return err
		}
		d.Number, err = logDecision(ctx, tx, d)
		return err
	})
	if err != nil {
		return exchangereview.Decided{}, fmt.Errorf("decide: %w", err)
	}
	s.policy.forget()
	return d, nil
}

// becomes has, for each action about a review, the state it leads to from each
// state; -1: it changes nothing there.
var becomes = map[string][5]int{
	//                            counted       held          waiting       removed       withdrawn
	exchangereview.ActionKeep:    {stateCounted, stateCounted, stateCounted, -1, -1},
	exchangereview.ActionHold:    {stateHeld, stateHeld, stateHeld, -1, -1},
	exchangereview.ActionRemove:  {stateRemoved, stateRemoved, stateRemoved, -1, -1},
	exchangereview.ActionRestore: {-1, stateCounted, -1, stateCounted, -1},
}

// decideReview changes the state of a review and its sums, and closes its flags.
func decideReview(ctx context.Context, tx *database.Tx, exchange int64, q exchangereview.Decision, now *ranking.Parameters) (hash exchangereview.Hash, err error) {
	by, err := admitReviewer(ctx, tx, q.Wallet, weight{units: weightLeast, epoch: epochUnknown}, now.Day)
	if err != nil {
		return hash, err
	}
	before, err := live(ctx, tx, exchange, q.Wallet)
	if database.IsNoRows(err) {
		return hash, noReview(q.Wallet)
	}
	if err != nil {
		return hash, err
	}
	state := becomes[q.Action][before.State]
	if state < 0 {
		return hash, fault.Newf(fault.Conflict, "the review is %s, which %s does not change", stateNames[before.State], q.Action)
	}
	copy(hash[:], before.Hash)
	if err := setState(ctx, tx, exchange, q.Wallet, before.ID, state); err != nil {
		return hash, err
	}
	err = changeSums(ctx, tx, exchange, now, func(s *sums) {
		before.uncount(s, by)
		s.put(1, by, state, before.rated(before.CreatedMS))
	})
	if err != nil {
		return hash, err
	}
	return hash, closeFlags(ctx, tx, exchange, q.Wallet)
}

// ModerationLog implements Service.
func (s *service) ModerationLog(ctx context.Context, q exchangereview.LogQuery) (exchangereview.ModerationLog, error) {
	list := page.NewList[int64]("moderation log")
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return exchangereview.ModerationLog{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.decisions(ctx, before, size+1)
	if err != nil {
		return exchangereview.ModerationLog{}, fmt.Errorf("read the moderation log: %w", err)
	}
	rows, next := page.Cut(list, rows, size, func(row decisionRow) int64 { return row.ID })
	answer := exchangereview.ModerationLog{Decisions: []exchangereview.Decided{}, Next: next}
	for i := range rows {
		answer.Decisions = append(answer.Decisions, rows[i].decided())
	}
	return answer, nil
}
