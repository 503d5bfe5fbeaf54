package service

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// pack returns the attestation as it was signed.
func (r *attestationRow) pack() attestation.Package {
	version := uint16(attestation.Version1)
	var salt *attestation.Hash
	if r.Salt != nil {
		s := attestation.Hash(r.Salt)
		version, salt = attestation.Version2, &s
	}
	expiration, _ := strconv.ParseUint(r.Expiration, 10, 64) // written by describe
	signed := attestation.New(attestation.Domain{
		Name: attestation.DomainName, Version: r.DomainVersion, ChainID: attestation.Uint(r.ChainID), VerifyingContract: r.Contract,
	}, attestation.Message{
		Version: version, Schema: attestation.SchemaID(r.SchemaText), Recipient: r.Recipient, Time: attestation.Uint(r.TimeS),
		ExpirationTime: attestation.Uint(expiration), Revocable: r.Revocable, RefUID: attestation.Hash(r.RefUID), Data: r.Data, Salt: salt,
	})
	signed.Signature = r.Signature
	return attestation.Package{Sig: signed, Signer: r.Attester}
}

// attestation returns a row as callers see it, at the present time.
func (s service) attestation(r *attestationRow) reputation.Attestation {
	a := reputation.Attestation{
		UID: attestation.Hash(r.UID), Attester: r.Attester, Schema: attestation.SchemaID(r.SchemaText), Kind: r.Kind, Subject: r.Subject,
		Level: r.Level, Context: r.Context, Note: r.Note, TimeMS: r.TimeS * 1000, RefUID: attestation.Hash(r.RefUID), Revocable: r.Revocable,
		StoredMS: r.StoredMS, EndedMS: r.EndedMS, Package: r.pack(),
	}
	if r.ExpiresS != never {
		a.ExpiresMS = min(r.ExpiresS, math.MaxInt64/1000) * 1000
	}
	a.State = r.stateAt(s.o.Clock().Unix())
	a.Why = s.whyNot(r, a.State)
	a.Counts = a.Why == ""
	return a
}

func (r *attestationRow) stateAt(nowS int64) string {
	switch {
	case r.RevokedS > 0:
		return reputation.Revoked
	case !r.Live:
		return reputation.Replaced
	case r.ExpiresS <= nowS:
		return reputation.Expired
	}
	return reputation.Live
}

// whyNot says why an attestation does not count, "" if it does.
func (s service) whyNot(r *attestationRow, state string) string {
	switch {
	case r.Kind == "":
		return "attestations of this schema are shown, and do not count"
	case state == reputation.Revoked:
		return "it was taken back"
	case state == reputation.Replaced:
		return "its attester said something later about this wallet and context"
	case state == reputation.Expired:
		return "it has expired"
	case s.weightOf(r.Kind, r.Level) == 0 && r.Kind == attestation.Trust:
		return "its level is 0, which neither trusts nor distrusts"
	case s.weightOf(r.Kind, r.Level) == 0:
		return "the settings let a " + r.Kind + " weigh 0"
	}
	return ""
}

// weightOf returns what a statement weighs, in levels of trust.
func (s service) weightOf(kind string, level int) float64 {
	switch kind {
	case attestation.Trust:
		return float64(level)
	case attestation.Vouch:
		return s.o.VouchWeight
	case attestation.Report:
		return s.o.ReportWeight
	}
	return 0
}

func noAttestation(attester wallet.Address, uid attestation.Hash) error {
	return fault.NoSuch("attestation", "no attestation of %s has the UID %s here: see GET /api/v1/reputation/attestations?attester=%s", attester, uid, attester)
}

// Attestation implements Service.
func (s service) Attestation(ctx context.Context, q reputation.AttestationQuery) (reputation.Attestation, error) {
	row, err := readAttestation(ctx, s.o.DB.Read(), q.Attester, q.UID)
	if database.IsNoRows(err) {
		return reputation.Attestation{}, noAttestation(q.Attester, q.UID)
	}
	if err != nil {
		return reputation.Attestation{}, fmt.Errorf("read an attestation: %w", err)
	}
	return s.attestation(&row), nil
}

// Attestations implements Service.
func (s service) Attestations(ctx context.Context, q reputation.AttestationsQuery) (reputation.AttestationPage, error) {
	answer := reputation.AttestationPage{Attestations: []reputation.Attestation{}}
	list := page.NewList[int64]("attestations", q.Attester.String(), q.Subject.String(), q.Schema.String(), q.State)
	before, err := list.After(q.Cursor, 0)
	if err != nil {
		return answer, err
	}
	if q.Cursor != "" && before < 1 {
		return answer, list.Wrong()
	}
	size := page.Standard().Size(q.Limit)
	rows, err := listAttestations(ctx, s.o.DB.Read(), attestationFilter{
		attester: q.Attester, subject: q.Subject, schema: q.Schema, state: q.State, nowS: s.o.Clock().Unix(), before: before, limit: size + 1,
	}, lastFirst)
	if err != nil {
		return answer, err
	}
	rows, answer.Next = page.Cut(list, rows, size, func(r attestationRow) int64 { return r.ID })
	for i := range rows {
		answer.Attestations = append(answer.Attestations, s.attestation(&rows[i]))
	}
	return answer, nil
}

// VerifyAttestation implements Service.
func (s service) VerifyAttestation(ctx context.Context, q reputation.AttestationUpload) (reputation.Verification, error) {
	p := q.Package
	answer := reputation.Verification{Signer: p.Signer, UID: p.Sig.UID, Problems: []string{}}
	if err := p.Sig.Check(); err != nil {
		answer.Problems = problemsOf(err)
		answer.Why = "it is not valid"
		return answer, nil
	}
	row, notKnown := s.describe(ctx, &p)
	if notKnown != nil && !fault.Is(notKnown, fault.Invalid) {
		return answer, notKnown
	}
	if err := s.checkSigner(ctx, &p, &row); err != nil {
		if fault.Is(err, fault.Unavailable) {
			return answer, err
		}
		answer.Problems = problemsOf(err)
		answer.Why = "it is not valid"
		return answer, nil
	}
	answer.Valid, answer.Signer = true, row.Attester
	answer.Kind, answer.Subject, answer.Level, answer.Context, answer.Note = row.Kind, row.Subject, row.Level, row.Context, row.Note
	stored, err := readAttestation(ctx, s.o.DB.Read(), row.Attester, p.Sig.UID)
	switch {
	case err == nil:
		answer.Stored = true
		row = stored
	case !database.IsNoRows(err):
		return answer, fmt.Errorf("look for an attestation: %w", err)
	default:
		row.Live = true
	}
	answer.Why = s.whyNotNow(&row, &p, notKnown)
	answer.Counts = answer.Why == ""
	return answer, nil
}

// whyNotNow says why a valid attestation does not count, or would not.
func (s service) whyNotNow(row *attestationRow, p *attestation.Package, notKnown error) string {
	if notKnown != nil {
		return fault.From(notKnown).Message
	}
	if row.Kind != "" && row.Attester == row.Subject {
		return "it is about its own attester"
	}
	now := s.o.Clock()
	if uint64(p.Sig.Message.Time) > uint64(now.Add(maxSkew).Unix()) {
		return "its time is in the future"
	}
	return s.whyNot(row, row.stateAt(now.Unix()))
}

// problemsOf returns what a fault says, line by line.
func problemsOf(err error) []string {
	f := fault.From(err)
	if len(f.Fields) == 0 {
		return []string{f.Message}
	}
	lines := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		lines[i] = field.String()
	}
	return lines
}

// unscored says why a wallet has neither a score nor activity: that nobody has said
// anything of it is said only where nobody ever has.
func (s service) unscored(ctx context.Context, of wallet.Address) error {
	all, err := listAttestations(ctx, s.o.DB.Read(), attestationFilter{subject: of, limit: 20}, lastFirst)
	if err != nil {
		return err
	}
	why := "nobody trusts it and it has not been active"
	for i := range all {
		why = "what was said of it does not count any more; see GET /api/v1/reputation/attestations?subject=" + of.String()
		if s.attestation(&all[i]).Counts {
			why = "what was said of it counts from the next epoch on; see GET /api/v1/reputation/wallets/" + of.String() + "/neighbours"
			break
		}
	}
	return fault.NoSuch("wallet", "the wallet %s has no score here: %s", of, why)
}

// secondsOf formats a time of a signed form.
func secondsOf(u attestation.Uint) string {
	return time.Unix(int64(min(u, never)), 0).UTC().Format(time.RFC3339)
}
