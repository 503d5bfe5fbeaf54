package trust

import (
	"context"
	"math"

	"banyan/platform/fault"
)

// The defaults of Options.
const (
	DefaultAlpha         = 0.15
	DefaultEpsilon       = 1e-10
	DefaultMaxIterations = 1000
)

// Options tunes EigenTrust. The zero value is the defaults above.
type Options struct {
	Alpha         float64   // share of trust that returns to the seeds in each step, over 0 up to 1
	Epsilon       float64   // stop when a step changes the scores by no more than this (L2)
	MaxIterations int       // fail after so many steps
	Start         []float64 // start here instead of at the pre-trust: the last epoch's scores save about a third of the steps
	Workers       int       // 0 = one per core; changes the speed, never the result
}

func (o Options) withDefaults() Options {
	if o.Alpha == 0 {
		o.Alpha = DefaultAlpha
	}
	if o.Epsilon == 0 {
		o.Epsilon = DefaultEpsilon
	}
	if o.MaxIterations == 0 {
		o.MaxIterations = DefaultMaxIterations
	}
	return o
}

func (o Options) check(nodes int) error {
	switch {
	case !(o.Alpha > 0 && o.Alpha <= 1):
		return fault.Newf(fault.Invalid, "alpha must be over 0 and at most 1, not %g: without a share that returns to the seeds, sybils keep the trust they get", o.Alpha)
	case !(o.Epsilon > 0 && o.Epsilon <= 1):
		return fault.Newf(fault.Invalid, "epsilon must be over 0 and at most 1, not %g: the default is %g", o.Epsilon, DefaultEpsilon)
	case o.MaxIterations < 0:
		return fault.Newf(fault.Invalid, "the number of iterations must be 1 or more, not %d", o.MaxIterations)
	case o.Start != nil && len(o.Start) != nodes:
		return fault.Newf(fault.Invalid, "the start has %d scores, the graph %d nodes", len(o.Start), nodes)
	}
	return nil
}

// Result is the result of EigenTrust. Trust has a score per node, not negative,
// with the sum 1. Delta is the L2 size of the last step.
type Result struct {
	Trust      []float64
	Iterations int
	Delta      float64
}

// EigenTrust computes t = (1−α)·(Cᵀt + d·p) + α·p, where C is the trusting
// edges with every row made to sum 1, p the pre-trust, and d the trust held by
// nodes that trust nobody (it returns to the seeds). Source: Kamvar et al.,
// "The EigenTrust Algorithm", WWW 2003. It fails with fault.Invalid on options
// out of range or when it has not converged after MaxIterations, and with the
// context's error when that ends.
func EigenTrust(ctx context.Context, g *Graph, pre PreTrust, opt Options) (Result, error) {
	opt = opt.withDefaults()
	if len(pre.share) == 0 {
		return Result{}, NoSeeds()
	}
	if len(pre.share) != g.nodes {
		return Result{}, fault.Newf(fault.Invalid, "the pre-trust is for %d nodes, the graph has %d", len(pre.share), g.nodes)
	}
	if err := opt.check(g.nodes); err != nil {
		return Result{}, err
	}
	start, err := startFrom(opt.Start, pre)
	if err != nil {
		return Result{}, err
	}
	if g.weight32 != nil {
		return settle(ctx, newSolver(g, g.weight32, pre, start), opt)
	}
	return settle(ctx, newSolver(g, g.weight64, pre, start), opt)
}

// startFrom returns a copy of the given start, scaled to the sum 1, or else of
// the pre-trust.
func startFrom(given []float64, pre PreTrust) ([]float64, error) {
	start := make([]float64, len(pre.share))
	total := 0.0
	for i, t := range given {
		if !(t >= 0 && t <= MaxWeight) {
			return nil, fault.Newf(fault.Invalid, "the start has the score %g at node %d: a score must not be negative", t, i)
		}
		total += t
	}
	if total < MinWeight {
		copy(start, pre.share)
		return start, nil
	}
	for i, t := range given {
		start[i] = t / total
	}
	return start, nil
}

func settle[W float32 | float64](ctx context.Context, s *solver[W], opt Options) (Result, error) {
	delta := math.Inf(1)
	for step := 1; step <= opt.MaxIterations; step++ {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if delta = s.step(opt.Alpha, opt.Workers); delta <= opt.Epsilon {
			return Result{Trust: s.trust, Iterations: step, Delta: delta}, nil
		}
	}
	return Result{}, fault.Newf(fault.Invalid,
		"trust has not converged after %d iterations (the last changed it by %.3g, epsilon is %.3g): allow more iterations, a larger epsilon or a larger alpha",
		opt.MaxIterations, delta, opt.Epsilon)
}
