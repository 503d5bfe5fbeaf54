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

// claimedNow returns the claim of an exchange that holds.
func (s *service) claimedNow(ctx context.Context, q database.Queryer, exchange int64) (claimRow, error) {
	row, err := latestClaim(ctx, q, exchange)
	if database.IsNoRows(err) || err == nil && !row.holds(s.clock().UnixMilli()) {
		return row, notClaimed("by anybody")
	}
	return row, err
}

// PrepareReply implements Service.
func (s *service) PrepareReply(ctx context.Context, q exchangereview.ReplyDraft) (prepared exchangereview.PreparedReply, err error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return prepared, err
	}
	claim, err := s.claimedNow(ctx, s.store.db.Read(), exchange)
	if err != nil {
		return prepared, fmt.Errorf("prepare an answer: %w", err)
	}
	before, err := live(ctx, s.store.db.Read(), exchange, q.Reviewer)
	if database.IsNoRows(err) || err == nil && before.State > stateHeld {
		return prepared, noReview(q.Reviewer)
	}
	if err != nil {
		return prepared, fmt.Errorf("look for the review: %w", err)
	}
	r := exchangereview.SignedReply{Slug: q.Slug, Reviewer: q.Reviewer, Text: q.Text, CreatedMS: s.clock().UnixMilli()}
	copy(r.Review[:], before.Hash)
	return exchangereview.PreparedReply{TypedData: s.digester.ReplyDocument(&r), Wallet: claim.Wallet, Reply: r}, nil
}

// PublishReply implements Service.
func (s *service) PublishReply(ctx context.Context, q exchangereview.SignedReply) (exchangereview.Reply, error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Reply{}, err
	}
	claim, err := s.claimedNow(ctx, s.store.db.Read(), exchange)
	if err != nil {
		return exchangereview.Reply{}, fmt.Errorf("publish an answer: %w", err)
	}
	hash := s.digester.HashReply(&q)
	w := idempotency.Write{
		DB: s.store.db, Operation: "publishReply", Key: seam.IdempotencyKey(ctx), Signer: claim.Wallet,
		Request: func() ([sha256.Size]byte, error) { return requestSum(hash, q.Signature, q.ChainID), nil },
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[exchangereview.Reply]) (made exchangereview.Reply, err error) {
		if err := s.checkTime(q.CreatedMS); err != nil {
			return made, err
		}
		checked, err := s.signedBy(ctx, claim.Wallet, hash, q.Signature, q.ChainID, "this answer")
		if err != nil {
			return made, err
		}
		row := replyRow{
			ReplyWallet: claim.Wallet[:], ReplyReview: q.Review[:], ReplyText: q.Text, ReplyMS: q.CreatedMS, ReplySite: s.site,
			ReplyHash: hash[:], ReplySignature: []byte(q.Signature), ReplyChain: checked.ChainID, ReplyBlock: checked.Block,
		}
		err = s.store.db.Write(ctx, func(tx *database.Tx) error {
			if err := s.answer(ctx, tx, &claim, &q, &row); err != nil {
				return err
			}
			made = *row.reply()
			return keep(ctx, tx, made)
		})
		if err != nil {
			return exchangereview.Reply{}, fmt.Errorf("answer a review of %s: %w", q.Slug, err)
		}
		return made, nil
	})
}

// answer stores an answer, or takes the one that is there back.
func (s *service) answer(ctx context.Context, tx *database.Tx, by *claimRow, q *exchangereview.SignedReply, row *replyRow) error {
	now, err := s.claimedNow(ctx, tx, by.ExchangeID)
	if err != nil {
		return err
	}
	if now.ID != by.ID {
		return notClaimed("by the wallet that has signed")
	}
	before, err := live(ctx, tx, by.ExchangeID, q.Reviewer)
	switch {
	case database.IsNoRows(err), err == nil && before.State > stateHeld:
		return noReview(q.Reviewer)
	case err != nil:
		return err
	case !bytes.Equal(before.Hash, q.Review[:]):
		return fault.New(fault.Conflict, "the review was edited after this answer was prepared: read it again, and sign a new answer").
			With(fault.Field{Name: "review", Message: "is the hash of the live version, " + exchangereview.Hash(before.Hash).String()})
	}
	return storeReply(ctx, tx, by, q.Reviewer, row)
}
