// Package trust computes scores from who trusts whom, and explains each score.
// It is pure: no I/O, no clock, no module.
//
//	nodes are dense uint32 numbers (Interner makes them from names or wallets)
//	g, _     := trust.NewGraph(nodes, edges, trust.Decay{})
//	seeds, _ := trust.Seeded(nodes, []trust.Seed{{Node: 0}, {Node: 7}})
//	r, _     := trust.Rank(ctx, g, seeds, trust.Standard(), trust.Options{})
//	why      := trust.NewExplainer(g, seeds, r, trust.Options{}).Of(42)
//
// Results are the same bits on any number of cores and on amd64 and arm64: every
// sum has a fixed order, and no product is fused with a sum. Nodes that the
// seeds do not reach change nothing of anybody's, not even the last bit.
package trust
