package service

import (
	"bytes"
	"context"
	"fmt"
	"sort"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

const (
	// scoresPerWrite keeps one write short, so that other writers run in
	// between.
	scoresPerWrite = 2000
	// keptEpochs lets readers finish the pages of the previous epoch.
	keptEpochs = 2
)

// ComputeEpoch implements Service. The scores are written in parts under a
// number that nobody reads yet; the last write makes them the current ones.
func (s service) ComputeEpoch(ctx context.Context, q reputation.EpochRequest) (reputation.Epoch, error) {
	w := idempotency.Write{
		DB: s.o.DB, Operation: "computeEpoch", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q), LookFirst: true,
	}
	return idempotency.Do(ctx, w, s.computeEpoch)
}

func (s service) computeEpoch(ctx context.Context, keep idempotency.Keep[reputation.Epoch]) (reputation.Epoch, error) {
	now := s.o.Clock().UnixMilli()
	g, err := s.loadGraph(ctx, now)
	if err != nil {
		return reputation.Epoch{}, err
	}
	ranking, err := trust.Rank(ctx, g.graph, g.pre, s.o.Method, s.o.Trust)
	if err != nil {
		return reputation.Epoch{}, err
	}
	places := trustlist.Order(ranking.Value)
	counts := g.graph.Counts()
	epoch := epochRow{
		TimeMS: now, Wallets: g.graph.Nodes(), Edges: counts.Positive, Seeds: g.seeds, Iterations: ranking.Iterations,
		Alpha: s.o.Trust.Alpha, Epsilon: s.o.Trust.Epsilon, Method: s.o.Method.Method, Ranked: ranked(places),
	}
	if epoch.Method == trust.MethodBanyan {
		epoch.Edges += counts.Negative
	}
	err = s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
		epoch.Number, err = beginEpoch(ctx, tx, epoch)
		return err
	})
	if err != nil {
		return reputation.Epoch{}, err
	}
	if err := s.writeScores(ctx, epoch.Number, g, ranking, places); err != nil {
		return reputation.Epoch{}, err
	}
	if err := s.o.DB.Write(ctx, func(tx *database.Tx) error {
		if err := completeEpoch(ctx, tx, epoch.Number); err != nil {
			return err
		}
		return keep(ctx, tx, reputation.Epoch(epoch))
	}); err != nil {
		return reputation.Epoch{}, err
	}
	s.o.Log.InfoContext(ctx, "epoch computed", "epoch", epoch.Number, "wallets", epoch.Wallets, "edges", epoch.Edges, "iterations", epoch.Iterations)
	// The epoch is committed: an error from here on is not a failure of the
	// request. The next epoch also deletes what was left.
	if err := s.prune(ctx, epoch.Number); err != nil {
		s.o.Log.WarnContext(ctx, "the scores of former epochs could not be deleted: they take space until the next epoch is computed", "epoch", epoch.Number, "error", err)
	}
	return reputation.Epoch(epoch), nil
}

// ranked returns how many places have a rank; they are the first.
func ranked(places []trustlist.Place) int {
	return sort.Search(len(places), func(i int) bool { return places[i].Rank == 0 })
}

// walletGraph is wallets and their edges as numbers, ready to compute with.
type walletGraph struct {
	wallets *trust.Interner[wallet.Address]
	graph   *trust.Graph
	pre     trust.PreTrust
	seeds   int
	firstMS []int64 // per wallet, the earliest time of a statement of or by it; 0 = not known
}

func (s service) loadGraph(ctx context.Context, now int64) (walletGraph, error) {
	seeds, err := s.seeds(ctx, s.o.DB.Read())
	if err != nil {
		return walletGraph{}, err
	}
	if len(seeds) == 0 {
		return walletGraph{}, fault.Wrap(trust.NoSeeds(), fault.Conflict, noSeeds)
	}
	g := walletGraph{wallets: trust.NewInterner[wallet.Address](1024)}
	edges := &trust.Edges{}
	number := func(w wallet.Address, timeMS int64) (uint32, error) {
		n, err := g.wallets.Number(w)
		if int(n) == len(g.firstMS) {
			g.firstMS = append(g.firstMS, timeMS)
		} else if timeMS > 0 && (g.firstMS[n] == 0 || timeMS < g.firstMS[n]) {
			g.firstMS[n] = timeMS
		}
		return n, err
	}
	err = s.eachPair(ctx, s.o.DB.Read(), now/1000, func(e edgeRow) error {
		edge, first := trust.Edge{Weight: e.Weight, Time: timeOf(e.TimeMS)}, int64(0)
		if e.TimeMS != nil {
			first = *e.TimeMS
		}
		var err error
		if edge.Source, err = number(e.From, first); err != nil {
			return err
		}
		if edge.Target, err = number(e.To, first); err != nil {
			return err
		}
		return edges.Add(edge)
	})
	if err != nil {
		return walletGraph{}, err
	}
	if edges.Len() == 0 {
		return walletGraph{}, fault.New(fault.Conflict, "there are no trust edges to compute scores from: import them with POST /api/v1/reputation/trust/import, or state some on the pages of wallets")
	}
	if err := placeSeeds(&g, seeds, number); err != nil {
		return g, err
	}
	renumbered := g.wallets.Sort(func(a, b wallet.Address) int { return bytes.Compare(a[:], b[:]) })
	edges.Renumber(renumbered)
	first := make([]int64, len(g.firstMS))
	for before, after := range renumbered {
		first[after] = g.firstMS[before]
	}
	g.firstMS = first
	return g, s.build(&g, edges, seeds, now)
}

// placeSeeds makes nodes of the seeds that no statement names: they are trusted,
// though by nobody else.
func placeSeeds(g *walletGraph, seeds []seedRow, number func(wallet.Address, int64) (uint32, error)) error {
	for _, row := range seeds {
		if _, named := g.wallets.Lookup(row.Wallet); named {
			g.seeds++
		}
	}
	if g.seeds == 0 {
		return fault.New(fault.Conflict, "none of the seeds occurs in the trust edges: check the seeds, or import their edges first")
	}
	for _, row := range seeds {
		if _, err := number(row.Wallet, 0); err != nil {
			return err
		}
	}
	return nil
}

func (s service) build(g *walletGraph, edges *trust.Edges, named []seedRow, now int64) (err error) {
	var seeds []trust.Seed
	for _, row := range named {
		node, _ := g.wallets.Lookup(row.Wallet) // placeSeeds has made it
		seeds = append(seeds, trust.Seed{Node: node, Weight: row.Weight})
	}
	if g.graph, err = trust.NewGraph(g.wallets.Len(), edges, trust.Decay{HalfLife: s.o.HalfLife, At: now}); err != nil {
		return fmt.Errorf("build the trust graph: %w", err)
	}
	if g.pre, err = trust.Seeded(g.wallets.Len(), seeds); err != nil {
		return fmt.Errorf("place the seeds: %w", err)
	}
	return nil
}

func (s service) writeScores(ctx context.Context, epoch int64, g walletGraph, r trust.Ranking, places []trustlist.Place) error {
	explainer := trust.NewExplainer(g.graph, g.pre, r, s.o.Trust)
	for begin := 0; begin < len(places); begin += scoresPerWrite {
		part := places[begin:min(begin+scoresPerWrite, len(places))]
		rows := make([]scoreRow, len(part))
		for i, p := range part {
			rows[i] = scoreRow{
				Wallet: g.wallets.Key(p.Node), Share: r.Trust[p.Node], Value: r.Value[p.Node], Place: begin + i + 1, Rank: p.Rank, Percentile: p.Percentile,
				Reasons: encodeReasons(explainer.Of(p.Node), g.wallets.Key),
			}
			rows[i].Points, rows[i].WeightPPM = points(r.Weight(p.Node))
			if first := g.firstMS[p.Node]; first > 0 {
				rows[i].FirstMS = &first
			}
		}
		if err := s.o.DB.Write(ctx, func(tx *database.Tx) error { return saveScores(ctx, tx, epoch, rows) }); err != nil {
			return err
		}
	}
	return nil
}

// points returns a weight as a score and in millionths. Who has any standing is
// never shown with 0.
func points(weight float64) (score, ppm int) {
	if weight <= 0 {
		return 0, 0
	}
	return max(1, int(weight*reputation.MaxScore+0.5)), max(1, int(weight*reputation.MaxWeight))
}

// prune deletes scores that are no longer read, in small batches.
func (s service) prune(ctx context.Context, current int64) error {
	for {
		var deleted int64
		err := s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
			deleted, err = pruneScores(ctx, tx, current-keptEpochs+1, current, scoresPerWrite)
			return err
		})
		if err != nil || deleted < scoresPerWrite {
			return err
		}
	}
}
