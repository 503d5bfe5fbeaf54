package service

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync/atomic"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/fault"
	"banyan/platform/memory"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// perCheck is what a VerifyWallets call needs beside its text and its findings,
// in bytes: the first pieces of the answer. Later ones use the memory that the
// text had.
const perCheck = 3 << 20

// checkWorkers is the most goroutines of one check: each needs some 4 MiB, and
// a single one reads the text for all of them.
const checkWorkers = 8

// VerifyWallets implements Service. The whole stream is read and checked before
// the first line of the answer, so that every failure (of the campaign, the
// stream, a limit) is a plain fault. Until then an answer takes about 25 bytes
// a line, see finding.go.
func (s *service) VerifyWallets(ctx context.Context, u airdrop.WalletsUpload) (seam.Stream, error) {
	tree, err := s.trees.get(ctx, u.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	may := s.allowanceOf(ctx)
	share := s.checks.Share(may.memory)
	findings, note, err := s.judge(ctx, tree, u, may, share)
	if err != nil {
		share.Return()
		err, _ = s.dropDamaged(ctx, err)
		tree.leave()
		return seam.Stream{}, incompleteUpload(ctx, err)
	}
	var written atomic.Bool
	return seam.Stream{ContentType: "application/x-ndjson", Note: note, Write: func(w io.Writer) error {
		if written.Swap(true) {
			return errors.New("the verdicts were written already: call VerifyWallets again")
		}
		defer tree.leave()
		defer share.Return()
		err, _ := s.dropDamaged(ctx, tree.writeVerdicts(ctx, w, findings))
		return err
	}}, nil
}

// judge reads the stream and returns its findings, in batches and in order, and
// what of the stream was not used.
func (s *service) judge(ctx context.Context, tree *served, u airdrop.WalletsUpload, may allowance, share *memory.Share) (all []findings, note string, err error) {
	if err := share.Take(perCheck); err != nil {
		return nil, "", err
	}
	body := orEmpty(u.Body)
	sent := &counted{Reader: body}
	if may.sent > 0 {
		whole, err := readBody(ctx, body, may.sent, share)
		if err != nil {
			return nil, "", err
		}
		sent.Reader = whole
	}
	options := list.Options{
		MaxRows: may.lines, Workers: min(runtime.GOMAXPROCS(0), checkWorkers), Limits: may.decompress,
		Columns: list.Columns{Address: u.AddressColumn, Amount: u.AmountColumn},
		Flags:   list.Flags{Address: columnParameters.Address, Amount: columnParameters.Amount},
		Seen:    func(r airdrop.ListReport) { note = r.PassedOver },
	}
	if options.Chain, err = wallet.ParseChain(u.Chain); err != nil {
		return nil, "", err
	}
	options.Limits.Reserve = share.Take
	var answer atomic.Int64 // bytes
	find := func(questions []list.Question) (findings, error) {
		f, length, err := tree.find(questions)
		if err != nil {
			return nil, err
		}
		if most := may.answer.Proportion(sent.bytes.Load()); answer.Add(length) > most && most >= 0 {
			return nil, fault.Newf(fault.TooLarge,
				"the answer would be longer than %d times what was sent, and than %d MiB: send fewer wallets at a time, and no lines without wallets",
				may.answer.Ratio, may.answer.AtLeast>>20)
		}
		return f, share.Take(int64(cap(f)))
	}
	err = list.Questions(ctx, sent, options, find, func(f findings) error {
		all = append(all, f)
		return nil
	})
	return all, note, err
}

// counted counts the bytes that are read.
type counted struct {
	io.Reader
	bytes atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}
