package service

import (
	"bytes"
	"context"
	"fmt"

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
	g, err := s.loadGraph(ctx)
	if err != nil {
		return reputation.Epoch{}, err
	}
	options := trust.Options{Alpha: s.o.Alpha, Epsilon: s.o.Epsilon}
	if options.Alpha == 0 {
		options.Alpha = trust.DefaultAlpha
	}
	if options.Epsilon == 0 {
		options.Epsilon = trust.DefaultEpsilon
	}
	result, err := trust.EigenTrust(ctx, g.graph, g.pre, options)
	if err != nil {
		return reputation.Epoch{}, err
	}
	epoch := epochRow{
		TimeMS: s.o.Clock().UnixMilli(), Wallets: g.graph.Nodes(), Edges: g.graph.Counts().Positive,
		Seeds: g.seeds, Iterations: result.Iterations, Alpha: options.Alpha, Epsilon: options.Epsilon,
	}
	err = s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
		epoch.Number, err = beginEpoch(ctx, tx, epoch)
		return err
	})
	if err != nil {
		return reputation.Epoch{}, err
	}
	if err := s.writeScores(ctx, epoch.Number, g, result.Trust, options); err != nil {
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

// wallets and their edges as numbers, ready to compute with.
type walletGraph struct {
	wallets *trust.Interner[wallet.Address]
	graph   *trust.Graph
	pre     trust.PreTrust
	seeds   int // of the settings, found in the graph
}

func (s service) loadGraph(ctx context.Context) (walletGraph, error) {
	if len(s.o.Seeds) == 0 {
		return walletGraph{}, fault.Wrap(trust.NoSeeds(), fault.Conflict,
			"there are no seeds: set reputation.seeds to some trusted wallets; without them anybody could create wallets that trust each other")
	}
	var edges []trust.Edge
	wallets := trust.NewInterner[wallet.Address](1024)
	err := eachEdge(ctx, s.o.DB.Read(), func(source, target wallet.Address, weight float64, timeMS *int64) error {
		from, err := wallets.Number(source)
		if err != nil {
			return err
		}
		to, err := wallets.Number(target)
		if err != nil {
			return err
		}
		edge := trust.Edge{Source: from, Target: to, Weight: weight, Time: trust.NoTime}
		if timeMS != nil {
			edge.Time = *timeMS
		}
		edges = append(edges, edge)
		return nil
	})
	if err != nil {
		return walletGraph{}, err
	}
	if len(edges) == 0 {
		return walletGraph{}, fault.New(fault.Conflict, "there are no trust edges to compute scores from: import them with POST /api/v1/reputation/trust/import first")
	}
	renumbered := wallets.Sort(func(a, b wallet.Address) int { return bytes.Compare(a[:], b[:]) })
	for i := range edges {
		edges[i].Source, edges[i].Target = renumbered[edges[i].Source], renumbered[edges[i].Target]
	}
	return s.withSeeds(wallets, edges)
}

func (s service) withSeeds(wallets *trust.Interner[wallet.Address], edges []trust.Edge) (g walletGraph, err error) {
	var seeds []trust.Seed
	for _, w := range s.o.Seeds {
		if node, ok := wallets.Lookup(w); ok {
			seeds = append(seeds, trust.Seed{Node: node})
		}
	}
	if len(seeds) == 0 {
		return g, fault.New(fault.Conflict, "none of the wallets in reputation.seeds occurs in the trust edges: check the setting, or import their edges first")
	}
	g = walletGraph{wallets: wallets, seeds: len(seeds)}
	if g.graph, err = trust.NewGraph(wallets.Len(), edges, trust.Decay{}); err != nil {
		return g, fmt.Errorf("build the trust graph: %w", err)
	}
	if g.pre, err = trust.Seeded(wallets.Len(), seeds); err != nil {
		return g, fmt.Errorf("place the seeds: %w", err)
	}
	return g, nil
}

func (s service) writeScores(ctx context.Context, epoch int64, g walletGraph, scores []float64, options trust.Options) error {
	explainer := trust.NewExplainer(g.graph, g.pre, scores, options)
	places := trustlist.Order(scores)
	for begin := 0; begin < len(places); begin += scoresPerWrite {
		part := places[begin:min(begin+scoresPerWrite, len(places))]
		rows := make([]scoreRow, len(part))
		for i, p := range part {
			rows[i] = scoreRow{
				Wallet: g.wallets.Key(p.Node), Score: scores[p.Node], Place: begin + i + 1, Rank: p.Rank, Percentile: p.Percentile,
				Reasons: encodeReasons(explainer.Trust(p.Node), g.wallets.Key),
			}
		}
		if err := s.o.DB.Write(ctx, func(tx *database.Tx) error { return saveScores(ctx, tx, epoch, rows) }); err != nil {
			return err
		}
	}
	return nil
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
