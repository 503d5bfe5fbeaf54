package trustlist

import (
	"cmp"
	"context"
	"math"
	"slices"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// Explained is a score in its parts, with names: Score = Seed + Dangling +
// Σ Parts.Share + Residual.
type Explained struct {
	ID         string  `json:"id"`
	Score      float64 `json:"score"`
	Rank       int     `json:"rank"` // 0 = none
	Of         int     `json:"of"`   // ids with a rank
	Percentile float64 `json:"percentile"`
	Weight     float64 `json:"weight"`
	Trust      float64 `json:"trust"` // share of all trust
	Seed       float64 `json:"seed"`
	Dangling   float64 `json:"dangling"`
	Residual   float64 `json:"residual"`
	Parts      []Part  `json:"parts"` // the largest first
	Report     Report  `json:"report"`
}

// Part is a rating's part of a score.
type Part struct {
	Kind   string  `json:"kind"` // trust, distrust, conduct
	ID     string  `json:"id"`   // who rated; of conduct who was rated
	Trust  float64 `json:"trust"`
	Weight float64 `json:"weight"`
	TimeMS int64   `json:"time_ms,omitempty"`
	Share  float64 `json:"share"`
}

// Explain explains the score of an id of a trust list.
func Explain(ctx context.Context, in Inputs, id string) (Explained, error) {
	x := Explained{ID: id}
	if err := in.check(); err != nil {
		return x, err
	}
	l, err := in.load(ctx, &x.Report, nil)
	if err != nil {
		return x, err
	}
	node, ok := l.names.Lookup(id)
	if !ok {
		return x, fault.Newf(fault.NotFound, "%s is not in the trust list: ids are compared letter by letter, upper and lower case differ", table.Short([]byte(id)))
	}
	why := trust.NewExplainer(l.graph, l.pre, l.ranking, in.Options).Of(node)
	x.Score, x.Weight, x.Trust = why.Value, l.ranking.Weight(node), l.ranking.Trust[node]
	x.Seed, x.Dangling, x.Residual = why.Seed, why.Dangling, why.Residual
	for _, p := range Order(l.ranking.Value) {
		if p.Rank > 0 {
			x.Of++
		}
		if p.Node == node {
			x.Rank, x.Percentile = p.Rank, p.Percentile
		}
	}
	for _, c := range why.Edges {
		kind := "trust"
		if c.Weight < 0 {
			kind = "distrust"
		}
		x.Parts = append(x.Parts, l.part(kind, c))
	}
	for _, c := range why.Conduct {
		x.Parts = append(x.Parts, l.part("conduct", c))
	}
	slices.SortStableFunc(x.Parts, func(a, b Part) int { return cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)) })
	return x, nil
}

func (l loaded) part(kind string, c trust.Contribution) Part {
	return Part{Kind: kind, ID: l.names.Key(c.Node), Trust: c.Trust, Weight: c.Weight, TimeMS: max(0, c.Time), Share: c.Share}
}
