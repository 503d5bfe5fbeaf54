package service

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const (
	// toldInflows is how many edges into a set are told.
	toldInflows = 50
	// mostInflows bounds the edges that one call reads.
	mostInflows = 200_000
)

// Bound implements Epochs: trust.BoundOf, by the edges of now and the trust of the
// current epoch.
func (s service) Bound(ctx context.Context, q reputation.BoundQuery) (reputation.Bound, error) {
	answer := reputation.Bound{Largest: []reputation.InflowEdge{}}
	inside := make(map[wallet.Address]bool, len(q.Wallets))
	for _, w := range q.Wallets {
		inside[w] = true
	}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if database.IsNoRows(err) {
			return fault.New(fault.Conflict, "no scores have been computed yet, so there is no trust to hold")
		}
		if err != nil {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch, answer.Members = epoch.Number, len(inside)
		members, err := readStandings(ctx, r, epoch.Number, q.Wallets)
		if err != nil {
			return err
		}
		for _, m := range members {
			answer.Held += m.Share
			answer.WeightPPM += int64(m.WeightPPM)
		}
		if answer.Seeded, err = s.seededShare(ctx, r, inside); err != nil {
			return err
		}
		edges, err := s.inflows(ctx, r, q.Wallets, inside, epoch)
		if err != nil {
			return err
		}
		for _, e := range edges {
			answer.Inflow += e.Flow
		}
		answer.Limit = min(1, (answer.Inflow+answer.Seeded)/epoch.Alpha)
		answer.Edges = len(edges)
		answer.Largest = append(answer.Largest, edges[:min(toldInflows, len(edges))]...)
		return nil
	})
	return answer, err
}

// seededShare returns what the members have of the pre-trust.
func (s service) seededShare(ctx context.Context, r database.Reader, inside map[wallet.Address]bool) (float64, error) {
	seeds, err := s.seeds(ctx, r)
	if err != nil {
		return 0, err
	}
	theirs, all := 0.0, 0.0
	for _, seed := range seeds {
		all += seed.Weight
		if inside[seed.Wallet] {
			theirs += seed.Weight
		}
	}
	if all == 0 {
		return 0, nil
	}
	return theirs / all, nil
}

// inflows returns the edges of trust from outside, the largest flow first.
func (s service) inflows(ctx context.Context, r database.Reader, into []wallet.Address, inside map[wallet.Address]bool, epoch epochRow) ([]reputation.InflowEdge, error) {
	type pair struct{ from, to wallet.Address }
	last := map[pair]edgeRow{}
	raters := map[wallet.Address]bool{}
	now := s.o.Clock()
	err := s.eachPairInto(ctx, r, now.Unix(), into, func(e edgeRow) error {
		if inside[e.From] {
			return nil
		}
		if len(last) == mostInflows {
			return fault.Newf(fault.TooLarge, "more than %d wallets from outside rate this set: ask for fewer wallets at once", mostInflows)
		}
		last[pair{e.From, e.To}] = e
		raters[e.From] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	from := make([]wallet.Address, 0, len(raters))
	for w := range raters {
		from = append(from, w)
	}
	known := make(map[wallet.Address]scoreRow, len(from))
	for part := range slices.Chunk(from, reputation.MaxBatch) {
		rows, err := readStandings(ctx, r, epoch.Number, part)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			known[row.Wallet] = row
		}
	}
	decay := trust.Decay{HalfLife: s.o.HalfLife, At: now.UnixMilli()}
	var edges []reputation.InflowEdge
	for p, e := range last {
		rater := known[p.from]
		if e.Weight <= 0 || rater.Share <= 0 {
			continue
		}
		weight := e.Weight * decay.Freshness(timeOf(e.TimeMS))
		// An edge that is newer than the epoch is not in the sum yet.
		flow := (1 - epoch.Alpha) * rater.Share * min(1, weight/math.Max(rater.Trusts, weight))
		edges = append(edges, reputation.InflowEdge{From: p.from, To: p.to, Weight: e.Weight, Flow: flow})
	}
	slices.SortFunc(edges, func(a, b reputation.InflowEdge) int {
		return cmp.Or(cmp.Compare(b.Flow, a.Flow), slices.Compare(a.From[:], b.From[:]), slices.Compare(a.To[:], b.To[:]))
	})
	return edges, nil
}
