package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// PrepareWithdrawal implements Service.
func (s *service) PrepareWithdrawal(ctx context.Context, q exchangereview.WithdrawalDraft) (exchangereview.PreparedWithdrawal, error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.PreparedWithdrawal{}, err
	}
	before, err := live(ctx, s.store.db.Read(), exchange, q.Wallet)
	if database.IsNoRows(err) || err == nil && before.State == stateWithdrawn {
		return exchangereview.PreparedWithdrawal{}, noReview(q.Wallet)
	}
	if err != nil {
		return exchangereview.PreparedWithdrawal{}, fmt.Errorf("look for the review: %w", err)
	}
	w := exchangereview.SignedWithdrawal{Slug: q.Slug, Wallet: q.Wallet, CreatedMS: s.clock().UnixMilli()}
	copy(w.Previous[:], before.Hash)
	return exchangereview.PreparedWithdrawal{TypedData: s.digester.WithdrawalDocument(&w), Withdrawal: w}, nil
}

// WithdrawReview implements Service.
func (s *service) WithdrawReview(ctx context.Context, q exchangereview.SignedWithdrawal) (exchangereview.Review, error) {
	hash := s.digester.HashWithdrawal(&q)
	w := idempotency.Write{
		DB: s.store.db, Operation: "withdrawReview", Key: seam.IdempotencyKey(ctx), Signer: q.Wallet,
		Request: func() ([sha256.Size]byte, error) { return requestSum(hash, q.Signature, q.ChainID), nil },
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[exchangereview.Review]) (exchangereview.Review, error) {
		return s.withdraw(ctx, &q, hash, keep)
	})
}

func (s *service) withdraw(ctx context.Context, q *exchangereview.SignedWithdrawal, hash exchangereview.Hash, keep idempotency.Keep[exchangereview.Review]) (r exchangereview.Review, err error) {
	if err := s.checkTime(q.CreatedMS); err != nil {
		return r, err
	}
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return r, err
	}
	checked, err := s.signedBy(ctx, q.Wallet, hash, q.Signature, q.ChainID, "this withdrawal")
	if err != nil {
		return r, err
	}
	now, err := s.now.forWrite(ctx, s.store.db.Read())
	if err != nil {
		return r, err
	}
	p := publication{
		review: exchangereview.SignedReview{Slug: q.Slug, Wallet: q.Wallet, CreatedMS: q.CreatedMS, Previous: q.Previous, Signature: q.Signature},
		site:   s.site, exchange: exchange, hash: hash, checked: checked, now: now,
	}
	err = s.store.db.Write(ctx, func(tx *database.Tx) error {
		if err := p.takeBack(ctx, tx); err != nil {
			return err
		}
		row, err := reviewByHash(ctx, tx, p.exchange, q.Wallet, hash)
		if err != nil {
			return err
		}
		r = row.review()
		return keep(ctx, tx, r)
	})
	if err != nil {
		return exchangereview.Review{}, fmt.Errorf("withdraw a review of %s: %w", q.Slug, err)
	}
	return r, nil
}

// takeBack erases the texts of the review, puts a tombstone in its place and
// takes it out of the sums: all or nothing.
func (p *publication) takeBack(ctx context.Context, tx *database.Tx) (err error) {
	p.outcome = outcome{State: stateWithdrawn, askedAt: p.checked}
	writer := p.review.Wallet
	if p.reviewer, err = admitReviewer(ctx, tx, writer, weight{units: weightLeast, epoch: epochUnknown}, p.now.Day); err != nil {
		return err
	}
	before, err := live(ctx, tx, p.exchange, writer)
	switch {
	case database.IsNoRows(err):
		return noReview(writer)
	case err != nil:
		return err
	case !bytes.Equal(before.Hash, p.review.Previous[:]):
		return p.misplaced(ctx, tx)
	case before.State == stateWithdrawn:
		return noReview(writer)
	}
	if err := eraseTexts(ctx, tx, p.exchange, writer); err != nil {
		return err
	}
	if err := dropEAS(ctx, tx, p.exchange, writer); err != nil {
		return err
	}
	if err := retire(ctx, tx, before.ID); err != nil {
		return err
	}
	p.Version, p.Proof, p.review.Overall, p.review.Aspects = before.Version+1, before.Proof, before.Overall, before.aspects()
	if stored, err := insertReview(ctx, tx, p); err != nil || !stored {
		return err
	}
	err = changeSums(ctx, tx, p.exchange, &p.now, func(s *sums) { before.uncount(s, p.reviewer) })
	if err != nil {
		return err
	}
	activity := reputation.Activity{Wallet: writer, Kind: exchangereview.ActivityWithdrawn, Ref: p.review.Slug, TimeMS: p.review.CreatedMS}
	return outbox.Publish(ctx, tx, reputation.ActivityTopic, writer.String(), activity)
}

// eraseTexts replaces the texts of all versions of a review by their hashes.
func eraseTexts(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address) error {
	rows, err := textsOf(ctx, tx, exchange, writer)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := eraseText(ctx, tx, row.ID, exchangereview.TextHash(row.Text)); err != nil {
			return err
		}
	}
	return nil
}
