package service

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	storedPerWrite   = 200 // keeps one write short, so that other writers run in between
	exportedPerRead  = 500
	mostReasonsNamed = 100
	// maxImportedBytes bounds an import of attestations: that many of ordinary size.
	maxImportedBytes = 64 << 20
)

// ImportAttestations implements Service. It may be sent again: what is stored
// already is counted as known.
func (s service) ImportAttestations(ctx context.Context, q reputation.AttestationsUpload) (reputation.AttestationsImported, error) {
	run := importRun{service: s, answer: reputation.AttestationsImported{Reasons: []fault.Field{}}}
	body := q.Body
	if body == nil {
		body = bytes.NewReader(nil)
	}
	err := eachPackage(&limitedReader{from: body, left: maxImportedBytes}, func(text []byte) error {
		if run.read == reputation.MaxImported {
			return fault.Newf(fault.TooLarge, "the upload has more than %d attestations: send it in parts; the first %d are stored", reputation.MaxImported, run.read)
		}
		return run.take(ctx, text)
	})
	if err == nil {
		err = run.flush(ctx)
	}
	return run.answer, err
}

// importRun is the state of one import.
type importRun struct {
	service service
	answer  reputation.AttestationsImported
	read    int
	waiting []placedRow
}

type placedRow struct {
	row   attestationRow
	place int // in the upload, from 1
}

func (r *importRun) take(ctx context.Context, text []byte) error {
	r.read++
	p, err := attestation.Parse(text)
	if err == nil {
		var row attestationRow
		if row, err = r.service.judge(ctx, &p); err == nil {
			r.waiting = append(r.waiting, placedRow{row, r.read})
			if len(r.waiting) == storedPerWrite {
				return r.flush(ctx)
			}
			return nil
		}
	}
	return r.refuse(r.read, err)
}

// refuse counts one that cannot be stored; other errors than its own end the import.
func (r *importRun) refuse(place int, err error) error {
	f := fault.From(err)
	switch f.Code {
	case fault.Invalid, fault.Forbidden, fault.Unsupported, fault.Conflict, fault.TooLarge:
	default:
		return err
	}
	r.answer.Refused++
	if len(r.answer.Reasons) < mostReasonsNamed {
		for _, line := range problemsOf(f) {
			r.answer.Reasons = append(r.answer.Reasons, fault.Field{Line: place, Message: line})
		}
	}
	return nil
}

// flush stores those that wait, in one transaction: what cannot be stored is found
// out before its first statement that writes.
func (r *importRun) flush(ctx context.Context) error {
	waiting := r.waiting
	r.waiting = r.waiting[:0]
	if len(waiting) == 0 {
		return nil
	}
	var outcomes []error
	known := 0
	err := r.service.o.DB.Write(ctx, func(tx *database.Tx) error {
		outcomes, known = make([]error, len(waiting)), 0 // this may be another run
		for i := range waiting {
			isKnown, err := r.storeOne(ctx, tx, &waiting[i].row)
			if isKnown {
				known++
			}
			outcomes[i] = err
			if f := fault.From(err); err != nil && f.Code != fault.Conflict {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range waiting {
		if outcomes[i] == nil {
			r.service.noted(&waiting[i].row)
		}
	}
	stored := len(waiting) - known
	for i, outcome := range outcomes {
		if outcome == nil {
			continue
		}
		stored--
		if err := r.refuse(waiting[i].place, outcome); err != nil {
			return err
		}
	}
	r.answer.Known += known
	r.answer.Stored += stored
	return nil
}

func (r *importRun) storeOne(ctx context.Context, tx *database.Tx, row *attestationRow) (known bool, err error) {
	stored, err := readAttestation(ctx, tx, row.Attester, attestation.Hash(row.UID))
	switch {
	case err == nil && stored.RevokedS == 0:
		return true, nil
	case err == nil:
		return false, replayed(&stored)
	case !database.IsNoRows(err):
		return false, fmt.Errorf("look for an attestation: %w", err)
	}
	return false, r.service.store(ctx, tx, row, r.service.o.Clock(), true)
}

// limitedReader fails after so many bytes.
type limitedReader struct {
	from io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fault.Newf(fault.TooLarge, "the upload has more than %d MiB: send it in parts", maxImportedBytes>>20)
	}
	n, err := l.from.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// eachPackage calls each with the text of every attestation: of a JSON array, or of
// JSON values one after the other.
func eachPackage(r io.Reader, each func(text []byte) error) error {
	buffered := bufio.NewReader(r)
	first, err := firstByte(buffered)
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the upload is empty: send attestations as JSON, an array of them or one to a line")
	}
	if err != nil {
		return err
	}
	d := json.NewDecoder(buffered)
	inArray := first == '['
	if inArray {
		if _, err := d.Token(); err != nil {
			return notJSON(err)
		}
	}
	for !inArray || d.More() {
		var text json.RawMessage
		if err := d.Decode(&text); err != nil {
			if !inArray && errors.Is(err, io.EOF) {
				return nil
			}
			return notJSON(err)
		}
		if err := each(text); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the end of the array
		return notJSON(err)
	}
	return nil
}

// firstByte returns the first byte that is not white space, without taking it.
func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = r.Discard(1) // it was peeked at
		default:
			return b[0], nil
		}
	}
}

func notJSON(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Wrap(err, fault.Invalid, "the upload is not JSON, or ends in the middle: send an array of attestations, or one to a line; what came before it is stored")
	}
	return fmt.Errorf("read attestations: %w", err)
}

// ExportAttestations implements Service.
func (s service) ExportAttestations(ctx context.Context, q reputation.ExportQuery) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		out := json.NewEncoder(w)
		f := attestationFilter{attester: q.Attester, subject: q.Subject, limit: exportedPerRead}
		for {
			rows, err := listAttestations(ctx, s.o.DB.Read(), f, firstFirst)
			if err != nil {
				return err
			}
			for i := range rows {
				if err := out.Encode(rows[i].pack()); err != nil {
					return err
				}
			}
			if len(rows) < exportedPerRead {
				return nil
			}
			f.after = rows[len(rows)-1].ID
		}
	}}, nil
}
