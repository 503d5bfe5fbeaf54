package service

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// PrepareRevocation implements Service.
func (s service) PrepareRevocation(ctx context.Context, q reputation.RevocationDraft) (reputation.PreparedRevocation, error) {
	row, err := revocable(ctx, s.o.DB.Read(), q.Attester, q.UID)
	if err != nil {
		return reputation.PreparedRevocation{}, err
	}
	chain := q.ChainID
	if chain == 0 {
		chain = 1
	}
	r := attestation.Revocation{
		UID: q.UID, Attester: q.Attester, Time: attestation.Uint(max(s.o.Clock().Unix(), row.TimeS)), ChainID: attestation.Uint(chain),
	}
	return reputation.PreparedRevocation{
		TypedData:  r.Document(),
		Revocation: reputation.SignedRevocation{Attester: q.Attester, UID: q.UID, Time: r.Time, ChainID: chain, Signature: attestation.Signature{}},
	}, nil
}

// Revoke implements Service.
func (s service) Revoke(ctx context.Context, q reputation.SignedRevocation) (reputation.Attestation, error) {
	r := attestation.Revocation{UID: q.UID, Attester: q.Attester, Time: q.Time, ChainID: attestation.Uint(q.ChainID), Signature: q.Signature}
	if r.ChainID == 0 {
		r.ChainID = 1
	}
	digest := r.Digest()
	w := idempotency.Write{
		DB: s.o.DB, Operation: "revoke", Key: seam.IdempotencyKey(ctx), Signer: q.Attester,
		Request: func() ([sha256.Size]byte, error) { return sha256.Sum256(append(digest[:], q.Signature...)), nil },
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Attestation]) (answer reputation.Attestation, err error) {
		row, err := revocable(ctx, s.o.DB.Read(), q.Attester, q.UID)
		if err != nil {
			return answer, err
		}
		if err := s.checkRevocation(ctx, &r, &row, digest); err != nil {
			return answer, err
		}
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			answer, err = s.takeBack(ctx, tx, &r)
			if err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		if err == nil {
			s.noted(&row)
		}
		return answer, err
	})
}

func (s service) checkRevocation(ctx context.Context, r *attestation.Revocation, row *attestationRow, digest attestation.Hash) error {
	now := s.o.Clock()
	wrong := func(message string) error {
		return fault.New(fault.Invalid, "the revocation's time is wrong: prepare it again, and sign the new document").With(fault.Field{Name: "time", Message: message})
	}
	switch {
	case uint64(r.Time) > uint64(now.Add(maxSkew).Unix()):
		return wrong("is in the future: the server has " + now.UTC().Format(time.RFC3339) + ", in seconds since 1970")
	case int64(r.Time) < row.TimeS:
		return wrong("is before the attestation's, " + secondsOf(attestation.Uint(row.TimeS)))
	}
	_, err := signature.Verifier{Contracts: s.o.Contracts}.Verify(ctx, signature.Claim{
		Digest: digest, Signer: r.Attester, ChainID: uint64(r.ChainID), What: "this revocation",
	}, r.Signature)
	return err
}

func (s service) takeBack(ctx context.Context, tx *database.Tx, r *attestation.Revocation) (reputation.Attestation, error) {
	if err := tx.Lock(ctx, "attestations of "+r.Attester.String()); err != nil {
		return reputation.Attestation{}, err
	}
	row, err := revocable(ctx, tx, r.Attester, r.UID)
	if err != nil {
		return reputation.Attestation{}, err
	}
	nowMS := s.o.Clock().UnixMilli()
	if err := revokeAttestation(ctx, tx, row.ID, r, nowMS); err != nil {
		return reputation.Attestation{}, err
	}
	row.Live, row.EndedMS, row.RevokedS = false, nowMS, int64(r.Time)
	return s.attestation(&row), nil
}

// revocable returns an attestation that can be taken back.
func revocable(ctx context.Context, q database.Queryer, attester wallet.Address, uid attestation.Hash) (attestationRow, error) {
	row, err := readAttestation(ctx, q, attester, uid)
	switch {
	case database.IsNoRows(err):
		return row, noAttestation(attester, uid)
	case err != nil:
		return row, fmt.Errorf("read an attestation: %w", err)
	case row.RevokedS > 0:
		return row, fault.Newf(fault.Conflict, "this attestation was taken back on %s already: there is nothing left to do", secondsOf(attestation.Uint(row.RevokedS)))
	case !row.Revocable:
		return row, fault.New(fault.Conflict, "this attestation was signed as one that cannot be taken back (revocable: false)")
	}
	return row, nil
}
