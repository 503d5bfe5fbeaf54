package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
)

// mayAppeal refuses appeals against nothing.
func mayAppeal(row *liveRow) error {
	if row.State != stateRemoved && row.State != stateHeld {
		return fault.New(fault.Conflict, "nothing was decided about this review that an appeal could change")
	}
	return nil
}

// PrepareAppeal implements Service.
func (s *service) PrepareAppeal(ctx context.Context, q exchangereview.AppealDraft) (prepared exchangereview.PreparedAppeal, err error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return prepared, err
	}
	before, err := live(ctx, s.store.db.Read(), exchange, q.Wallet)
	if database.IsNoRows(err) || err == nil && before.State == stateWithdrawn {
		return prepared, noReview(q.Wallet)
	}
	if err == nil {
		err = mayAppeal(&before)
	}
	if err != nil {
		return prepared, fmt.Errorf("prepare an appeal: %w", err)
	}
	a := exchangereview.SignedAppeal{Slug: q.Slug, Wallet: q.Wallet, Text: q.Text, CreatedMS: s.clock().UnixMilli()}
	copy(a.Review[:], before.Hash)
	return exchangereview.PreparedAppeal{TypedData: s.digester.AppealDocument(&a), Appeal: a}, nil
}

// PublishAppeal implements Service.
func (s *service) PublishAppeal(ctx context.Context, q exchangereview.SignedAppeal) (exchangereview.Reported, error) {
	hash := s.digester.HashAppeal(&q)
	w := idempotency.Write{
		DB: s.store.db, Operation: "publishAppeal", Key: seam.IdempotencyKey(ctx), Signer: q.Wallet,
		Request: func() ([sha256.Size]byte, error) { return requestSum(hash, q.Signature, q.ChainID), nil },
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[exchangereview.Reported]) (done exchangereview.Reported, err error) {
		if err := s.checkTime(q.CreatedMS); err != nil {
			return done, err
		}
		exchange, err := s.catalogue.id(ctx, q.Slug)
		if err != nil {
			return done, err
		}
		if _, err := s.signedBy(ctx, q.Wallet, hash, q.Signature, q.ChainID, "this appeal"); err != nil {
			return done, err
		}
		err = s.store.db.Write(ctx, func(tx *database.Tx) error {
			if done.Flag, err = s.appeal(ctx, tx, exchange, &q, hash); err != nil {
				return err
			}
			return keep(ctx, tx, done)
		})
		if err != nil {
			return exchangereview.Reported{}, fmt.Errorf("appeal about a review of %s: %w", q.Slug, err)
		}
		return done, nil
	})
}

func (s *service) appeal(ctx context.Context, tx *database.Tx, exchange int64, q *exchangereview.SignedAppeal, hash exchangereview.Hash) (flag int64, err error) {
	before, err := live(ctx, tx, exchange, q.Wallet)
	if database.IsNoRows(err) {
		return 0, noReview(q.Wallet)
	}
	if err != nil {
		return 0, err
	}
	if err := mayAppeal(&before); err != nil {
		return 0, err
	}
	if !bytes.Equal(before.Hash, q.Review[:]) {
		return 0, fault.New(fault.Conflict, "the appeal is about another version of the review than the one that is live: prepare it again, and sign what comes")
	}
	flag, err = addFlag(ctx, tx, before.ID, flagRow{Kind: exchangereview.FlagAppeal, By: q.Wallet[:], Evidence: q.Text, CreatedMS: q.CreatedMS})
	if err != nil {
		return 0, err
	}
	return flag, signFlag(ctx, tx, flag, s.site, hash, q.Signature)
}
