package service

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/holiman/uint256"
	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop/rules"
	"banyan/platform/database"
	"banyan/platform/jobs"
	"banyan/platform/wallet"
)

// decisionsPerChunk makes a chunk about 10 KB, which is found and decompressed in less
// than a millisecond.
const decisionsPerChunk = 500

// chunksPerStep keeps a write short.
const chunksPerStep = 40

// decision is what the rules say of a wallet. A chunk has for each
//
//	20 bytes  wallet
//	uvarint   length of the amount, and the amount, big-endian
//	uvarint   length of the reason, and the reason
type decision struct {
	wallet wallet.Address
	amount uint256.Int
	reason string
}

// writeDecisions stores what a result says of each wallet, under a run that nobody
// reads yet.
func (s *service) writeDecisions(ctx context.Context, j *jobs.Job, campaign string, run int64, result *rules.Result) error {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("pack decisions: %w", err)
	}
	defer func() { _ = packer.Close() }() // it writes to memory
	type packed struct {
		first wallet.Address
		body  []byte
	}
	var waiting []packed
	var text []byte
	total := int64(len(result.Wallets))
	for begin := 0; begin < len(result.Wallets); begin += decisionsPerChunk {
		end := min(begin+decisionsPerChunk, len(result.Wallets))
		text = text[:0]
		for i := begin; i < end; i++ {
			text = append(text, result.Wallets[i][:]...)
			amount := result.Amounts[i].Bytes()
			text = append(binary.AppendUvarint(text, uint64(len(amount))), amount...)
			why := result.Why(i)
			text = append(binary.AppendUvarint(text, uint64(len(why))), why...)
		}
		waiting = append(waiting, packed{result.Wallets[begin], packer.EncodeAll(text, nil)})
		if len(waiting) < chunksPerStep && end < len(result.Wallets) {
			continue
		}
		err := j.Step(ctx, jobs.Progress{Stage: "writing reasons", Done: int64(end), Work: total}, func(tx *database.Tx) error {
			for _, p := range waiting {
				if err := s.store.addDecisions(ctx, tx, campaign, run, p.first, p.body); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		waiting = waiting[:0]
	}
	return nil
}

// dropDecisions deletes the decisions of all runs but kept.
func (s *service) dropDecisions(ctx context.Context, campaign string, kept int64) error {
	for {
		deleted, err := s.store.dropDecisions(ctx, campaign, kept, chunksPerStep)
		if err != nil || deleted < chunksPerStep {
			return err
		}
	}
}

// decisionOf returns what a run says of a wallet; found is false when no source has it.
func (s *service) decisionOf(ctx context.Context, campaign string, run int64, w wallet.Address) (d decision, found bool, err error) {
	body, err := s.store.decisionsAt(ctx, campaign, run, w)
	if err != nil || body == nil {
		return d, false, err
	}
	all, err := decisionsIn(body)
	if err != nil {
		return d, false, damaged(campaign, "its decisions", err)
	}
	at, found := slices.BinarySearchFunc(all, w, func(d decision, w wallet.Address) int { return bytes.Compare(d.wallet[:], w[:]) })
	if !found {
		return d, false, nil
	}
	return all[at], true, nil
}

// amountsOf returns what the wallets of a run get, by address, and where an error goes.
func (s *service) amountsOf(ctx context.Context, campaign string, run int64, failed *error) iter.Seq2[wallet.Address, uint256.Int] {
	return func(yield func(wallet.Address, uint256.Int) bool) {
		*failed = s.store.eachDecisions(ctx, campaign, run, func(body []byte) error {
			all, err := decisionsIn(body)
			if err != nil {
				return damaged(campaign, "its decisions", err)
			}
			for _, d := range all {
				if !yield(d.wallet, d.amount) {
					return errors.New("the comparison ended early")
				}
			}
			return nil
		})
	}
}

var errChunk = errors.New("a chunk ends in the middle")

// decisionsIn returns the decisions of a chunk.
func decisionsIn(body []byte) (all []decision, err error) {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	text, err := reader.DecodeAll(body, nil)
	if err != nil {
		return nil, err
	}
	part := func() ([]byte, error) {
		n, size := binary.Uvarint(text)
		if size <= 0 || n > uint64(len(text)-size) {
			return nil, errChunk
		}
		value := text[size : size+int(n)]
		text = text[size+int(n):]
		return value, nil
	}
	for len(text) > 0 {
		var d decision
		if len(text) < len(d.wallet) {
			return nil, errChunk
		}
		text = text[copy(d.wallet[:], text):]
		amount, err := part()
		if err != nil || len(amount) > 32 {
			return nil, errChunk
		}
		d.amount.SetBytes(amount)
		reason, err := part()
		if err != nil {
			return nil, err
		}
		d.reason = string(reason)
		all = append(all, d)
	}
	return all, nil
}
