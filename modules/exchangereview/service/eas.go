package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"

	"banyan/modules/exchangereview"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// PrepareEAS implements Service.
func (s *service) PrepareEAS(ctx context.Context, q exchangereview.EASDraft) (prepared exchangereview.PreparedEAS, err error) {
	row, err := s.attestable(ctx, q.Slug, q.Wallet)
	if err != nil {
		return prepared, err
	}
	if row.Site == "" {
		return prepared, fault.New(fault.Conflict, "it is not known for which site this review was signed, so nobody could check it elsewhere: its writer can edit it first")
	}
	salt := make([]byte, len(attestation.Hash{}))
	if _, err := rand.Read(salt); err != nil {
		return prepared, fmt.Errorf("make a salt: %w", err)
	}
	chain := q.ChainID
	if chain == 0 {
		chain = 1
	}
	domain := attestation.DomainOf(chain)
	signed, err := signedEAS(row.review(), &easRow{
		ChainID: chain, Contract: domain.VerifyingContract, DomainVersion: domain.Version, TimeS: s.clock().Unix(), Salt: salt,
	})
	if err != nil {
		return prepared, err
	}
	return exchangereview.PreparedEAS{TypedData: signed.Document(), Attestation: attestation.Package{Sig: signed, Signer: q.Wallet}}, nil
}

// PublishEAS implements Service.
func (s *service) PublishEAS(ctx context.Context, q exchangereview.EASUpload) (attestation.Package, error) {
	row, err := s.attestable(ctx, q.Slug, q.Wallet)
	if err != nil {
		return attestation.Package{}, err
	}
	p := q.Attestation
	if err := s.checkEAS(ctx, &p, q.Wallet); err != nil {
		return attestation.Package{}, err
	}
	kept, err := s.keepEAS(ctx, &row, &p)
	if err == nil && !kept {
		err = fault.New(fault.Conflict, "this attestation is not of the review as it is now, which was edited meanwhile, or it was changed after it was made: prepare it again, and sign the new document")
	}
	if err != nil {
		return attestation.Package{}, fmt.Errorf("keep the attestation of a review of %s: %w", q.Slug, err)
	}
	return p, nil
}

// ReviewEAS implements Service.
func (s *service) ReviewEAS(ctx context.Context, q exchangereview.EASQuery) (attestation.Package, error) {
	row, err := s.attestable(ctx, q.Slug, q.Wallet)
	if err != nil {
		return attestation.Package{}, err
	}
	stored, err := easOf(ctx, s.store.db.Read(), row.ID)
	if database.IsNoRows(err) {
		return attestation.Package{}, fault.NoSuch("attestation", "%s has not signed the review of %s, as it is now, as an attestation of EAS: its writer can do so on the page of the exchange", q.Wallet, q.Slug)
	}
	if err != nil {
		return attestation.Package{}, fmt.Errorf("read the attestation of a review: %w", err)
	}
	signed, err := signedEAS(row.review(), &stored)
	return attestation.Package{Sig: signed, Signer: q.Wallet}, err
}

// attestable returns a wallet's live review, if it is shown.
func (s *service) attestable(ctx context.Context, slug string, of wallet.Address) (row reviewRow, err error) {
	exchange, err := s.catalogue.id(ctx, slug)
	if err != nil {
		return row, err
	}
	row, err = shownReview(ctx, s.store.db.Read(), exchange, of)
	if database.IsNoRows(err) || err == nil && row.State > stateHeld {
		return row, noReview(of)
	}
	if err != nil {
		return row, fmt.Errorf("read a review: %w", err)
	}
	return row, nil
}

// checkEAS refuses what is no attestation of a review, signed by its writer.
func (s *service) checkEAS(ctx context.Context, p *attestation.Package, writer wallet.Address) error {
	if err := p.Sig.CheckUpTo(exchangereview.MaxEASData); err != nil {
		return err
	}
	m := &p.Sig.Message
	var wrong []fault.Field
	is := func(so bool, field, message string) {
		if !so {
			wrong = append(wrong, fault.Field{Name: field, Message: message})
		}
	}
	schema := exchangereview.ReviewSchemaUID()
	is(m.Schema.Hash() == schema, "message.schema", "must be "+schema.String()+", that of reviews")
	is(string(m.Schema) == strings.ToLower(string(m.Schema)), "message.schema", "must be in small letters: the UID is made of them")
	is(p.Sig.Version == attestation.Version2, "version", "must be 2, with a salt")
	is(m.Recipient.IsZero(), "message.recipient", "must be the zero address: an exchange has none")
	is(m.RefUID.IsZero(), "message.refUID", "must be zero")
	is(m.ExpirationTime == 0, "message.expirationTime", "must be 0: a review does not expire")
	is(m.Revocable, "message.revocable", "must be true")
	is(int64(min(m.Time, 1<<62)) <= s.clock().Add(maxSkew).Unix(), "message.time", "is in the future; it is in seconds since 1970")
	is(p.Signer.IsZero() || p.Signer == writer, "signer", "must be the writer of the review, "+writer.String())
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "this is no attestation of a review of this wallet: see the fields").With(wrong...)
	}
	p.Signer = writer
	_, err := signature.Verifier{Contracts: s.contracts}.Verify(ctx, signature.Claim{
		Digest: p.Sig.Digest(), Signer: writer, ChainID: uint64(p.Sig.Domain.ChainID), What: "this attestation",
	}, p.Sig.Signature)
	return err
}

// keepEAS stores an attestation that was checked, if it is of this version, and that is
// still the live one.
func (s *service) keepEAS(ctx context.Context, row *reviewRow, p *attestation.Package) (kept bool, err error) {
	r := easRowOf(&p.Sig)
	made, err := signedEAS(row.review(), &r)
	if err != nil || made.UID != p.Sig.UID {
		return false, err
	}
	err = s.store.db.Write(ctx, func(tx *database.Tx) error {
		now, err := live(ctx, tx, row.ExchangeID, row.Wallet)
		if kept = err == nil && now.ID == row.ID && now.State <= stateHeld; !kept {
			if database.IsNoRows(err) {
				return nil
			}
			return err
		}
		return storeEAS(ctx, tx, row.ID, &r)
	})
	return kept, err
}

// signedEAS makes the attestation of a review.
func signedEAS(v exchangereview.Review, r *easRow) (attestation.Signed, error) {
	data, err := easData(&v)
	if err != nil {
		return attestation.Signed{}, fmt.Errorf("encode a review: %w", err)
	}
	salt := attestation.Hash(r.Salt)
	signed := attestation.New(attestation.Domain{
		Name: attestation.DomainName, Version: r.DomainVersion, ChainID: attestation.Uint(r.ChainID), VerifyingContract: r.Contract,
	}, attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(exchangereview.ReviewSchemaUID().String()),
		Time: attestation.Uint(r.TimeS), Revocable: true, Data: data, Salt: &salt,
	})
	signed.Signature = r.Signature
	return signed, nil
}

// easArguments returns the members of the schema.
func easArguments() (list abi.Arguments, err error) {
	for member := range strings.SplitSeq(exchangereview.ReviewSchema, ",") {
		kind, name, _ := strings.Cut(member, " ")
		t, err := abi.NewType(kind, "", nil)
		if err != nil {
			return nil, err
		}
		list = append(list, abi.Argument{Name: name, Type: t})
	}
	return list, nil
}

// easData is the ABI encoding of a review by its schema.
func easData(v *exchangereview.Review) ([]byte, error) {
	list, err := easArguments()
	if err != nil {
		return nil, err
	}
	values := []any{v.Site, v.Exchange}
	for _, stars := range exchangereview.StarsOf(v.Overall, v.Aspects) {
		values = append(values, uint8(stars))
	}
	return list.Pack(append(values, v.Text, uint64(v.CreatedMS), [32]byte(v.Previous), []byte(v.Signature), v.ChainID)...)
}

// easReview reads the review from an attestation's data. It fails with fault.Invalid.
func easReview(data []byte, writer wallet.Address) (v exchangereview.Review, err error) {
	list, err := easArguments()
	if err != nil {
		return v, err
	}
	wrong := func(err error) error {
		return fault.Wrap(err, fault.Invalid, "the data of the attestation is not encoded by the schema of reviews, "+exchangereview.ReviewSchema)
	}
	values, err := list.Unpack(data)
	if err != nil {
		return v, wrong(err)
	}
	var fields struct {
		Site, Exchange                                                 string
		Overall, Withdrawals, Support, Fees, Execution, Security, Ease uint8
		Text                                                           string
		CreatedAt                                                      uint64
		Previous                                                       [32]byte
		ReviewSignature                                                []byte
		ReviewChain                                                    uint64
	}
	if err := list.Copy(&fields, values); err != nil {
		return v, wrong(err)
	}
	v = exchangereview.Review{
		Exchange: fields.Exchange, Wallet: writer, Site: fields.Site, Overall: int(fields.Overall),
		Aspects: exchangereview.Aspects[int]{
			Withdrawals: int(fields.Withdrawals), Support: int(fields.Support), Fees: int(fields.Fees), Execution: int(fields.Execution),
			Security: int(fields.Security), Ease: int(fields.Ease),
		},
		Text: fields.Text, CreatedMS: int64(min(fields.CreatedAt, 1<<62)), Previous: fields.Previous,
		Signature: exchangereview.Signature(fields.ReviewSignature), ChainID: fields.ReviewChain,
	}
	if again, err := easData(&v); err != nil || !bytes.Equal(again, data) { // a second way to write the same
		return v, wrong(err)
	}
	return v, nil
}
