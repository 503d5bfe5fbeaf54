package service

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Compare implements Epochs.
func (s service) Compare(ctx context.Context, q reputation.CompareQuery) (reputation.Comparison, error) {
	answer := reputation.Comparison{Shared: []reputation.SharedRater{}}
	var err error
	if answer.A, err = s.Score(ctx, reputation.ScoreQuery{Wallet: q.A}); err != nil {
		return reputation.Comparison{}, err
	}
	if answer.B, err = s.Score(ctx, reputation.ScoreQuery{Wallet: q.B}); err != nil {
		return reputation.Comparison{}, err
	}
	raters := map[wallet.Address]float64{}
	for _, c := range answer.A.Components {
		if c.From != nil && c.Kind != reputation.FromConduct {
			raters[*c.From] = c.Share
		}
	}
	for _, c := range answer.B.Components {
		if c.From == nil || c.Kind == reputation.FromConduct {
			continue
		}
		if share, both := raters[*c.From]; both {
			answer.Shared = append(answer.Shared, reputation.SharedRater{From: *c.From, ShareA: share, ShareB: c.Share})
		}
	}
	slices.SortFunc(answer.Shared, func(a, b reputation.SharedRater) int {
		return cmp.Compare(math.Abs(b.ShareA)+math.Abs(b.ShareB), math.Abs(a.ShareA)+math.Abs(a.ShareB))
	})
	return answer, nil
}

// mostStreamBytes bounds a stream of wallets: each takes 42 characters and a line
// feed, with room for spaces.
const mostStreamBytes = 64 * reputation.MaxStream

// ScoreStream implements Epochs. All wallets are read before the first answer, so
// that an error can still be told as one.
func (s service) ScoreStream(ctx context.Context, q reputation.WalletStream) (seam.Stream, error) {
	wallets, err := readWallets(q.Body)
	if err != nil {
		return seam.Stream{}, err
	}
	epoch, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if err != nil && !database.IsNoRows(err) {
		return seam.Stream{}, fmt.Errorf("read the current epoch: %w", err)
	}
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<16)
		lines := json.NewEncoder(out)
		for part := range slices.Chunk(wallets, reputation.MaxBatch) {
			rows, err := readStandings(ctx, s.o.DB.Read(), epoch.Number, part)
			if err != nil {
				return err
			}
			for _, standing := range inOrder(part, rows) {
				if err := lines.Encode(standing); err != nil {
					return err
				}
			}
		}
		return out.Flush()
	}}, nil
}

// inOrder returns the standings of wallets, in their order.
func inOrder(wallets []wallet.Address, rows []scoreRow) []reputation.Standing {
	known := make(map[wallet.Address]*scoreRow, len(rows))
	for i := range rows {
		known[rows[i].Wallet] = &rows[i]
	}
	standings := make([]reputation.Standing, len(wallets))
	for i, w := range wallets {
		if row, ok := known[w]; ok {
			standings[i] = row.standing()
		} else {
			standings[i] = reputation.Standing{Wallet: w, Standing: reputation.NoStanding}
		}
	}
	return standings
}

// readWallets reads one wallet a line; empty lines are passed over.
func readWallets(r io.Reader) ([]wallet.Address, error) {
	var wallets []wallet.Address
	limited := &io.LimitedReader{R: r, N: mostStreamBytes + 1}
	lines := bufio.NewScanner(limited)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		if len(wallets) == reputation.MaxStream {
			return nil, fault.Newf(fault.TooLarge, "a stream has at most %d wallets: send them in parts", reputation.MaxStream)
		}
		w, err := wallet.Parse(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "a line is no wallet: see the fields").With(
				fault.Field{Name: "wallet", Line: n, Message: fault.From(err).Message})
		}
		wallets = append(wallets, w)
	}
	switch err := lines.Err(); {
	case limited.N <= 0:
		return nil, fault.Newf(fault.TooLarge, "a stream of wallets has at most %d bytes: send them in parts, one a line", mostStreamBytes)
	case err != nil:
		return nil, fmt.Errorf("read the stream of wallets: %w", err)
	case len(wallets) == 0:
		return nil, fault.New(fault.Invalid, "the stream has no wallets: send one a line")
	}
	return wallets, nil
}
