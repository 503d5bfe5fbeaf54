package airdrop

import (
	"context"
	"io"

	"banyan/modules/airdrop/list"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	// perCheck is what a VerifyWallets needs beside its findings, in bytes: the
	// pieces of text that are being read.
	perCheck = 4 << 20
	// flushAt is how much of the answer is written at a time, in bytes.
	flushAt = 64 << 10
)

// VerifyWallets implements Service. The whole stream is read, and judged,
// before the first line of the answer: what can fail (the campaign, the stream,
// the limits) fails as a plain fault. Until then an answer is kept in about 25
// bytes a line, see finding.go.
func (s *service) VerifyWallets(ctx context.Context, u WalletsUpload) (seam.Stream, error) {
	tree, err := s.trees.get(ctx, u.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	memory := &share{of: s.checks}
	findings, err := s.judge(ctx, tree, orNothing(u.Body), memory)
	if err != nil {
		memory.giveBack()
		return seam.Stream{}, brokenOff(ctx, err)
	}
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		defer memory.giveBack()
		return tree.writeVerdicts(ctx, w, findings)
	}}, nil
}

// judge reads the stream and keeps what is found, in pieces and in order.
func (s *service) judge(ctx context.Context, tree *served, body io.Reader, memory *share) ([]findings, error) {
	if err := memory.take(perCheck); err != nil {
		return nil, err
	}
	options := list.Options{MaxRows: s.options.MaxWallets, MaxBytes: s.options.MaxWalletsBytes}
	var all []findings
	err := list.Questions(ctx, body, options, tree.find, func(f findings) error {
		if err := memory.take(int64(cap(f))); err != nil {
			return err
		}
		all = append(all, f)
		return nil
	})
	return all, err
}

// writeVerdicts writes a line of JSON for each finding.
func (t *served) writeVerdicts(ctx context.Context, w io.Writer, all []findings) error {
	to := make([]byte, 0, flushAt+flushAt/4)
	for _, piece := range all {
		line := 0
		for len(piece) > 0 {
			var f finding
			f, piece = piece.next(line)
			line = f.line
			var err error
			if to, err = t.appendVerdict(to, f); err != nil {
				return err
			}
			if len(to) < flushAt {
				continue
			}
			if err := flush(ctx, w, to); err != nil {
				return err
			}
			to = to[:0]
		}
	}
	return flush(ctx, w, to)
}

func flush(ctx context.Context, w io.Writer, text []byte) error {
	if err := ctx.Err(); err != nil {
		return fault.From(err)
	}
	_, err := w.Write(text)
	return err
}
