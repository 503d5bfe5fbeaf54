package trustlist

import (
	"context"
	"io"

	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// Bounded is how much trust a set of ids holds, and how much it can: see
// trust.Bound.
type Bounded struct {
	Members int      `json:"members"`
	Unknown int      `json:"unknown"` // named, and not in the trust list
	Held    float64  `json:"held"`
	Inflow  float64  `json:"inflow"`
	Seeded  float64  `json:"seeded"`
	Limit   float64  `json:"limit"`
	Weight  float64  `json:"weight"`
	Edges   []Inflow `json:"edges"` // of trust from outside, the largest first
	Report  Report   `json:"report"`
}

// Inflow is an edge from outside into the set.
type Inflow struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	Weight float64 `json:"weight"`
	Flow   float64 `json:"flow"`
}

// Bound returns the bound of the ids that a list names, with or without weights.
func Bound(ctx context.Context, in Inputs, set string) (Bounded, error) {
	var b Bounded
	if set == "" {
		return b, fault.UsageOf("--set", "name the list of ids whose trust is to be bounded, one per line")
	}
	if err := in.check(); err != nil {
		return b, err
	}
	l, err := in.load(ctx, &b.Report, nil)
	if err != nil {
		return b, err
	}
	var named Seeds
	err = in.readFile(set, nil, func(r io.Reader) (err error) {
		var read table.Report
		named, read, err = readIDs(ctx, r, decompress.Files(), l.names)
		b.Report.pass(set, read.Passed())
		return err
	})
	if err == nil && len(named.Known) == 0 {
		err = fault.Newf(fault.Invalid, "%s: none of its %d ids is in the trust list (%s): ids are compared letter by letter, upper and lower case differ",
			set, len(named.Unknown), named.UnknownBrief())
	}
	if err != nil {
		return b, err
	}
	members := make([]uint32, len(named.Known))
	for i, m := range named.Known {
		members[i] = m.Node
	}
	found := trust.BoundOf(l.graph, l.pre, l.ranking, in.Options, members)
	b.Members, b.Unknown = found.Members, len(named.Unknown)
	b.Held, b.Inflow, b.Seeded, b.Limit, b.Weight = found.Held, found.Inflow, found.Seeded, found.Limit, found.Weight
	b.Edges = make([]Inflow, len(found.Edges))
	for i, e := range found.Edges {
		b.Edges[i] = Inflow{From: l.names.Key(e.Node), To: l.names.Key(e.Into), Weight: e.Weight, Flow: e.Share}
	}
	return b, nil
}
