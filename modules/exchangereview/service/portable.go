package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	exportedPerRead = 200 // keeps what is in memory of an export small
	// maxImportedBytes bounds an import: that many of the longest reviews, with room.
	maxImportedBytes = exchangereview.MaxImportedReviews * 4 * exchangereview.MaxText
	mostReasons      = 100
)

// ExportReviews implements Service.
func (s *service) ExportReviews(ctx context.Context, q exchangereview.ReviewsExport) (seam.Stream, error) {
	exchange := int64(0)
	if q.Exchange != "" {
		var err error
		if exchange, err = s.catalogue.id(ctx, q.Exchange); err != nil {
			return seam.Stream{}, err
		}
	}
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		lines := json.NewEncoder(w)
		for after, more := int64(0), true; more; {
			rows, err := s.store.exportedReviews(ctx, exchange, after, exportedPerRead)
			if err != nil {
				return fmt.Errorf("read reviews for an export: %w", err)
			}
			for i := range rows {
				after = rows[i].ID
				if err := lines.Encode(rows[i].review()); err != nil {
					return err
				}
			}
			more = len(rows) == exportedPerRead
		}
		return nil
	}}, nil
}

// ImportReviews implements Service.
func (s *service) ImportReviews(ctx context.Context, q exchangereview.ReviewsUpload) (exchangereview.ReviewsImported, error) {
	answer := exchangereview.ReviewsImported{Reasons: []fault.Field{}}
	if q.Body == nil {
		q.Body = strings.NewReader("")
	}
	limited := &io.LimitedReader{R: q.Body, N: maxImportedBytes + 1}
	lines := json.NewDecoder(limited)
	for place := 1; ; place++ {
		var r importedLine
		err := lines.Decode(&r)
		var wrongType *json.UnmarshalTypeError
		var f *fault.Fault
		switch {
		case errors.Is(err, io.EOF) && place > 1:
			return answer, nil
		case errors.Is(err, io.EOF):
			return answer, fault.New(fault.Invalid, "the upload is empty: send reviews as an export has them, one JSON object on each line")
		case limited.N <= 0 || place > exchangereview.MaxImportedReviews:
			return answer, fault.Newf(fault.TooLarge, "an import has at most %d reviews and %d MB: send it in parts; the first %d are stored", exchangereview.MaxImportedReviews, maxImportedBytes/1_000_000, place-1)
		case errors.As(err, &wrongType), errors.As(err, &f):
			err = fault.Wrap(err, fault.Invalid, "it is no review as an export has it: "+err.Error())
		case err != nil:
			return answer, fault.Wrap(err, fault.Invalid, fmt.Sprintf("review %d is not JSON, or ends in the middle: send one JSON object on each line; those before it are stored", place))
		default:
			err = s.importLine(ctx, &r, &answer)
		}
		if err == nil {
			continue
		}
		if err := refuse(&answer, place, err); err != nil {
			return answer, err
		}
	}
}

// importedLine is a review, or with sig an attestation of one.
type importedLine struct {
	exchangereview.Review
	Sig    json.RawMessage `json:"sig"`
	Signer json.RawMessage `json:"signer"`
}

func (s *service) importLine(ctx context.Context, line *importedLine, answer *exchangereview.ReviewsImported) error {
	if len(line.Sig) == 0 {
		return s.importReview(ctx, &line.Review, answer)
	}
	text, err := json.Marshal(map[string]json.RawMessage{"sig": line.Sig, "signer": line.Signer})
	if err != nil {
		return err
	}
	p, err := attestation.Parse(text)
	if err != nil {
		return err
	}
	return s.importEAS(ctx, &p, answer)
}

// importEAS stores the review that an attestation has in it, with the attestation. Both
// signatures are checked: that of the attestation is none of the review.
func (s *service) importEAS(ctx context.Context, p *attestation.Package, answer *exchangereview.ReviewsImported) error {
	if p.Signer.IsZero() {
		return fault.New(fault.Invalid, "the attestation does not name its signer: send it as {sig, signer}")
	}
	if err := s.checkEAS(ctx, p, p.Signer); err != nil {
		return err
	}
	v, err := easReview(p.Sig.Message.Data, p.Signer)
	if err != nil {
		return err
	}
	if err := s.importReview(ctx, &v, answer); err != nil {
		return err
	}
	row, err := s.attestable(ctx, v.Exchange, v.Wallet)
	switch {
	case fault.Is(err, fault.NotFound): // it waits for a moderator
		return nil
	case err != nil:
		return err
	}
	_, err = s.keepEAS(ctx, &row, p) // of a version that was edited since there is none
	return err
}

// importReview stores a review as it was published.
func (s *service) importReview(ctx context.Context, r *exchangereview.Review, answer *exchangereview.ReviewsImported) error {
	q := exchangereview.SignedReview{
		Slug: r.Exchange, Wallet: r.Wallet, Overall: r.Overall, Aspects: r.Aspects, Text: r.Text, CreatedMS: r.CreatedMS,
		Previous: r.Previous, Signature: r.Signature, ChainID: r.ChainID,
	}
	if err := q.Validate(); err != nil {
		return err
	}
	if r.Site != "" && r.Site != s.site {
		return fault.Newf(fault.Forbidden, "it was signed for %s, and this site is %s: a review counts where its writer meant it to", r.Site, s.site)
	}
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return err
	}
	hash := s.digester.Hash(&q)
	known, err := isStored(ctx, s.store.db.Read(), exchange, q.Wallet, hash)
	if err != nil {
		return fmt.Errorf("look for a review: %w", err)
	}
	if known {
		answer.Known++
		return nil
	}
	if _, err := s.publish(ctx, &q, hash, true, nothingKept); err != nil {
		return err
	}
	answer.Stored++
	return nil
}

// refuse counts a review that cannot be stored; other errors than its own end the import.
func refuse(answer *exchangereview.ReviewsImported, place int, err error) error {
	f := fault.From(err)
	switch f.Code {
	case fault.Invalid, fault.Forbidden, fault.NotFound, fault.Unsupported, fault.Conflict:
	default:
		return err
	}
	answer.Refused++
	if len(answer.Reasons) >= mostReasons {
		return nil
	}
	message := f.Message
	for _, field := range f.Fields {
		message += "; " + field.Name + " " + field.Message
	}
	answer.Reasons = append(answer.Reasons, fault.Field{Name: "review", Line: place, Message: message})
	return nil
}

// nothingKept keeps no answer: what is imported again is known.
func nothingKept(context.Context, *database.Tx, outcome) error { return nil }
