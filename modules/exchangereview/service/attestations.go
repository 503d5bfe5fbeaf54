package service

import (
	"context"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// PrepareAttestation implements Service.
func (s *service) PrepareAttestation(ctx context.Context, q exchangereview.AttestationDraft) (prepared exchangereview.PreparedAttestation, err error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return prepared, err
	}
	claim, err := s.claimedNow(ctx, s.store.db.Read(), exchange)
	if err != nil {
		return prepared, fmt.Errorf("prepare an attestation: %w", err)
	}
	if err := s.hasReview(ctx, exchange, q.Customer); err != nil {
		return prepared, fmt.Errorf("look for the review: %w", err)
	}
	a := exchangereview.SignedAttestation{Slug: q.Slug, Customer: q.Customer, CreatedMS: s.clock().UnixMilli()}
	return exchangereview.PreparedAttestation{TypedData: s.digester.AttestationDocument(&a), Wallet: claim.Wallet, Attestation: a}, nil
}

// AttestUse implements Service.
func (s *service) AttestUse(ctx context.Context, q exchangereview.SignedAttestation) (exchangereview.Review, error) {
	exchange, err := s.known(ctx, q.Slug)
	if err != nil {
		return exchangereview.Review{}, err
	}
	if err := s.checkTime(q.CreatedMS); err != nil {
		return exchangereview.Review{}, err
	}
	claim, err := s.claimedNow(ctx, s.store.db.Read(), exchange.ID)
	if err != nil {
		return exchangereview.Review{}, fmt.Errorf("attest the use of %s: %w", q.Slug, err)
	}
	if q.Customer == claim.Wallet {
		return exchangereview.Review{}, fault.New(fault.Conflict, "an exchange cannot say of itself that it is its customer")
	}
	checked, err := s.signedBy(ctx, claim.Wallet, s.digester.HashAttestation(&q), q.Signature, q.ChainID, "this attestation")
	if err != nil {
		return exchangereview.Review{}, err
	}
	row := &proofRow{
		Grade: proofAttestation, CheckedMS: s.clock().UnixMilli(), Attester: claim.Wallet[:], AttestedMS: q.CreatedMS, AttestedAt: s.site,
		Attested: []byte(q.Signature), SignedChain: checked.ChainID,
	}
	return s.prove(ctx, &exchange, q.Customer, func(ctx context.Context, tx *database.Tx) (*proofRow, error) {
		now, err := s.claimedNow(ctx, tx, exchange.ID)
		if err == nil && now.ID != claim.ID {
			err = notClaimed("by the wallet that has signed")
		}
		return row, err
	})
}

// attestedStill fails with fault.Forbidden when an attestation shows nothing any more:
// its signature does not hold, or an operator has ended the claim of who signed it.
func (s *service) attestedStill(ctx context.Context, q exchangereview.ProofQuery, row *proofRow) error {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return err
	}
	ended, err := s.store.endedByOperator(ctx, exchange, wallet.Address(row.Attester))
	if err != nil {
		return err
	}
	if ended {
		return fault.New(fault.Forbidden, "an operator has ended the claim of the wallet that attested this")
	}
	a := exchangereview.SignedAttestation{Slug: q.Slug, Customer: q.Wallet, CreatedMS: row.AttestedMS}
	hash := exchangereview.NewDigester(row.AttestedAt).HashAttestation(&a)
	_, err = s.signedBy(ctx, wallet.Address(row.Attester), hash, exchangereview.Signature(row.Attested), row.SignedChain, "this attestation")
	return err
}
