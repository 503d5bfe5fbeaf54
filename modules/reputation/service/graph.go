package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"math"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// walletGraph is wallets and their edges as numbers, ready to compute with.
type walletGraph struct {
	wallets *trust.Interner[wallet.Address]
	graph   *trust.Graph
	pre     trust.PreTrust
	seeds   int
	input   []byte  // SHA-256 of edges, seeds and parameters
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
	edges, input := &trust.Edges{}, sha256.New()
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
		hashEdge(input, e.From, e.To, edge)
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
	for _, row := range seeds {
		fmt.Fprintf(input, "%s %g\n", row.Wallet, row.Weight)
	}
	text, err := json.Marshal(s.parameters())
	if err != nil {
		return g, fmt.Errorf("encode the parameters of an epoch: %w", err)
	}
	_, _ = input.Write(text) // a hash does not fail
	g.input = input.Sum(nil)
	return g, s.build(&g, edges, seeds, now)
}

// hashEdge adds an edge to what identifies an epoch's input.
func hashEdge(input hash.Hash, source, target wallet.Address, e trust.Edge) {
	var line [2*len(source) + 16]byte
	copy(line[:], source[:])
	copy(line[len(source):], target[:])
	binary.BigEndian.PutUint64(line[2*len(source):], math.Float64bits(e.Weight))
	binary.BigEndian.PutUint64(line[2*len(source)+8:], uint64(e.Time))
	_, _ = input.Write(line[:]) // a hash does not fail
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
