package service

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/seam"
)

// perCheck is what a VerifyWallets needs beside its findings, in bytes: the
// pieces of text that are being read, and later those of the answer.
const perCheck = 4 << 20

// VerifyWallets implements Service. The whole stream is read, and judged,
// before the first line of the answer: what can fail (the campaign, the stream,
// the limits) fails as a plain fault. Until then an answer is kept in about 25
// bytes a line, see finding.go.
func (s *service) VerifyWallets(ctx context.Context, u airdrop.WalletsUpload) (seam.Stream, error) {
	tree, err := s.trees.get(ctx, u.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	memory := &share{of: s.checks}
	findings, err := s.judge(ctx, tree, orNothing(u.Body), memory)
	if err != nil {
		memory.giveBack()
		err, _ = s.mend(ctx, err)
		tree.leave()
		return seam.Stream{}, brokenOff(ctx, err)
	}
	var written atomic.Bool
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		if written.Swap(true) {
			return errors.New("the verdicts were written already: ask again")
		}
		defer tree.leave()
		defer memory.giveBack()
		err, _ := s.mend(ctx, tree.writeVerdicts(ctx, w, findings))
		return err
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
