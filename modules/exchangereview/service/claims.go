package service

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// ActionEndClaim is in the moderation log when an operator ends a claim.
const ActionEndClaim = "end-claim"

// claimsListed is how many claims of an exchange are listed.
const claimsListed = 50

// known returns an exchange of the directory as it is stored.
func (s *service) known(ctx context.Context, slug string) (row exchangeRow, err error) {
	id, err := s.catalogue.id(ctx, slug)
	if err != nil {
		return row, err
	}
	rows, err := s.store.exchangesByID(ctx, []int64{id})
	if err == nil && len(rows) == 0 { // removed since its name was read
		err = noExchange()
	}
	if err != nil {
		return row, err
	}
	return rows[0], nil
}

// PrepareClaim implements Service.
func (s *service) PrepareClaim(ctx context.Context, q exchangereview.ClaimDraft) (exchangereview.PreparedClaim, error) {
	exchange, err := s.known(ctx, q.Slug)
	if err != nil {
		return exchangereview.PreparedClaim{}, err
	}
	claim := exchangereview.SignedClaim{Slug: q.Slug, Wallet: q.Wallet, Method: q.Method, CreatedMS: s.clock().UnixMilli()}
	p := placesOfClaim(s.site, q.Slug, exchange.Website, q.Wallet)
	return exchangereview.PreparedClaim{
		TypedData: s.digester.ClaimDocument(&claim), Claim: claim, Record: p.record, File: p.file, Contains: p.contains,
	}, nil
}

// ClaimProfile implements Service.
func (s *service) ClaimProfile(ctx context.Context, q exchangereview.SignedClaim) (exchangereview.Claim, error) {
	hash := s.digester.HashClaim(&q)
	w := idempotency.Write{
		DB: s.store.db, Operation: "claimProfile", Key: seam.IdempotencyKey(ctx), Signer: q.Wallet, LookFirst: true, // a domain is asked
		Request: func() ([sha256.Size]byte, error) { return requestSum(hash, q.Signature, q.ChainID), nil },
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[exchangereview.Claim]) (exchangereview.Claim, error) {
		made, err := s.claim(ctx, &q, hash, keep)
		if err != nil {
			return exchangereview.Claim{}, fmt.Errorf("claim the profile of %s: %w", q.Slug, err)
		}
		return made, nil
	})
}

func (s *service) claim(ctx context.Context, q *exchangereview.SignedClaim, hash exchangereview.Hash, keep idempotency.Keep[exchangereview.Claim]) (made exchangereview.Claim, err error) {
	if err := s.checkTime(q.CreatedMS); err != nil {
		return made, err
	}
	exchange, err := s.known(ctx, q.Slug)
	if err != nil {
		return made, err
	}
	checked, err := s.signedBy(ctx, q.Wallet, hash, q.Signature, q.ChainID, "this claim")
	if err != nil {
		return made, err
	}
	row := claimRow{
		ExchangeID: exchange.ID, Slug: q.Slug, Wallet: q.Wallet, Method: q.Method, CreatedMS: q.CreatedMS, UntilMS: s.clock().Add(exchangereview.ClaimFor).UnixMilli(),
		Site: s.site, Hash: hash[:], Signature: []byte(q.Signature), askedAt: checked,
	}
	switch q.Method {
	case exchangereview.ClaimByAddress:
		err = listed(&exchange, q)
	case exchangereview.ClaimByDNS, exchangereview.ClaimByFile:
		row.CheckedAt, err = s.named(ctx, q.Method, placesOfClaim(s.site, q.Slug, exchange.Website, q.Wallet))
	}
	if err != nil {
		return made, err
	}
	now := s.clock().UnixMilli()
	err = s.store.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "claims"); err != nil {
			return err
		}
		latest, err := latestClaim(ctx, tx, exchange.ID)
		if err != nil && !database.IsNoRows(err) {
			return err
		}
		if q.Method == exchangereview.ClaimWithdraw {
			// One that was signed before the claim is of an earlier claim.
			if !latest.holds(now) || latest.Wallet != q.Wallet || q.CreatedMS < latest.CreatedMS {
				return notClaimed("by this wallet")
			}
			row = latest
			row.EndedMS, row.EndedBy = now, exchangereview.EndedByExchange
			err = endClaim(ctx, tx, &row)
		} else {
			err = takeOver(ctx, tx, &latest, &row, now)
		}
		if err != nil {
			return err
		}
		made = row.claim(now)
		if err := outbox.Publish(ctx, tx, exchangereview.ClaimTopic, q.Slug, made); err != nil {
			return err
		}
		return keep(ctx, tx, made)
	})
	return made, err
}

// listed fails unless the directory lists the wallet as the exchange's.
func listed(exchange *exchangeRow, q *exchangereview.SignedClaim) error {
	entry, err := exchange.entry()
	if err != nil {
		return err
	}
	for _, known := range entry.Wallets {
		if known.Address == q.Wallet {
			return nil
		}
	}
	return fault.Newf(fault.Forbidden, "the directory does not list %s as a wallet of this exchange: claim with a listed one, or let the domain of its website name this wallet (dns or file)", q.Wallet)
}

// takeOver stores a claim in place of the latest one: whoever shows now that the
// exchange is theirs has it.
func takeOver(ctx context.Context, tx *database.Tx, latest, row *claimRow, now int64) error {
	if latest.BarredMS > now {
		return fault.Newf(fault.Forbidden, "an operator has ended a claim of this profile, and refuses others until %s: the reason is in the moderation log", time.UnixMilli(latest.BarredMS).UTC().Format(time.RFC3339))
	}
	if slices.Equal(latest.Hash, row.Hash) {
		return fault.New(fault.Conflict, "this claim is stored already: there is nothing left to do")
	}
	if latest.holds(now) {
		latest.EndedMS, latest.EndedBy = now, exchangereview.EndedByClaim
		if err := endClaim(ctx, tx, latest); err != nil {
			return err
		}
	}
	return insertClaim(ctx, tx, row)
}

func notClaimed(more string) error {
	return fault.New(fault.Conflict, "this profile is not claimed "+more+" now: claim it, or prepare the document again")
}

// EndClaim implements Service.
func (s *service) EndClaim(ctx context.Context, q exchangereview.ClaimEnd) (exchangereview.Claim, error) {
	id, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Claim{}, err
	}
	now := s.clock()
	var row claimRow
	err = s.store.db.Write(ctx, func(tx *database.Tx) (err error) {
		if err := tx.Lock(ctx, "claims"); err != nil {
			return err
		}
		row, err = latestClaim(ctx, tx, id)
		if database.IsNoRows(err) || err == nil && !row.holds(now.UnixMilli()) {
			return fault.NoSuch("claim", "the profile of %s is not claimed now", q.Slug)
		}
		if err != nil {
			return err
		}
		row.EndedMS, row.EndedBy, row.Reason = now.UnixMilli(), exchangereview.EndedByOperator, q.Reason
		if q.BarDays > 0 {
			row.BarredMS = now.AddDate(0, 0, q.BarDays).UnixMilli()
		}
		if err := endClaim(ctx, tx, &row); err != nil {
			return err
		}
		if err := hideReplies(ctx, tx, row.ID); err != nil {
			return err
		}
		_, err = logDecision(ctx, tx, exchangereview.Decided{
			Decision:  exchangereview.Decision{Slug: q.Slug, Wallet: row.Wallet, Action: ActionEndClaim, Reason: q.Reason, UntilMS: row.BarredMS},
			Moderator: identity.From(ctx).Name(), CreatedMS: row.EndedMS,
		})
		return err
	})
	if err != nil {
		return exchangereview.Claim{}, fmt.Errorf("end the claim of %s: %w", q.Slug, err)
	}
	row.Slug = q.Slug
	return row.claim(now.UnixMilli()), nil
}

// Claims implements Service.
func (s *service) Claims(ctx context.Context, q exchangereview.ClaimsQuery) (exchangereview.Claims, error) {
	id, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Claims{}, err
	}
	rows, err := s.store.claimsOf(ctx, id, claimsListed)
	if err != nil {
		return exchangereview.Claims{}, fmt.Errorf("list the claims of %s: %w", q.Slug, err)
	}
	answer, now := exchangereview.Claims{Claims: []exchangereview.Claim{}}, s.clock().UnixMilli()
	for i := range rows {
		answer.Claims = append(answer.Claims, rows[i].claim(now))
	}
	return answer, nil
}
