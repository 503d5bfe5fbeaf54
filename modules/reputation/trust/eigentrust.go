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
	Alpha         float64 // share of trust that returns to the seeds in each step, over 0 up to 1
	Epsilon       float64 // stop when a step changes the scores by no more than this (L2)
	MaxIterations int     // fail after so many steps
	Workers       int     // 0 = one per core; changes the speed, never the result
}

// WithDefaults returns o with the defaults in place of zeros.
func (o Options) WithDefaults() Options {
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

// Check refuses options out of range with fault.Invalid.
func (o Options) Check() error {
	o = o.WithDefaults()
	switch {
	case !(o.Alpha > 0 && o.Alpha <= 1):
		return fault.Newf(fault.Invalid, "alpha must be over 0 and at most 1, not %g: without a share that returns to the seeds, sybils keep the trust they get", o.Alpha)
	case !(o.Epsilon > 0 && o.Epsilon <= 1):
		return fault.Newf(fault.Invalid, "epsilon must be over 0 and at most 1, not %g: the default is %g", o.Epsilon, DefaultEpsilon)
	case o.MaxIterations < 0:
		return fault.Newf(fault.Invalid, "the number of iterations must be 1 or more, not %d", o.MaxIterations)
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
	return flow(ctx, g, pre, opt, 0)
}

// flow is EigenTrust in which every node passes on only a part of its trust,
// Σ/(Σ + reserve · largest) of its weights: one whose word is a single edge does
// not hand all its trust to a stranger. The rest returns to the seeds.
func flow(ctx context.Context, g *Graph, pre PreTrust, opt Options, reserve float64) (Result, error) {
	opt = opt.WithDefaults()
	if len(pre.share) == 0 {
		return Result{}, NoSeeds()
	}
	if len(pre.share) != g.nodes {
		return Result{}, fault.Newf(fault.Invalid, "the pre-trust is for %d nodes, the graph has %d", len(pre.share), g.nodes)
	}
	if err := opt.Check(); err != nil {
		return Result{}, err
	}
	if g.weight32 != nil && g.fading == nil {
		return settle(ctx, newSolver(g, g.weight32, pre, reserve), opt)
	}
	return settle(ctx, newSolver(g, g.flows(), pre, reserve), opt)
}

// flows returns the weights that trust flows by: those given, each weakened by
// its age.
func (g *Graph) flows() []float64 {
	if g.fading == nil {
		return g.weight64
	}
	faded := make([]float64, len(g.source))
	for k := range faded {
		faded[k] = float64(g.weightAt(uint32(k)) * g.fading.fresh[k])
	}
	return faded
}

// flowing returns the sum of the weights that trust flows by from a node, and
// the sum with the reserve: the first divided by the second is passed on.
func (g *Graph) flowing(node uint32, reserve float64) (passed, whole float64) {
	if g.fading != nil {
		return g.fading.trusts[node], g.fading.trusts[node] + float64(reserve*g.fading.most[node])
	}
	return g.trusts[node], g.trusts[node] + float64(reserve*g.mostTrust[node])
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

// Divisor returns what the weights of a node's ratings are divided by when its
// trust flows over them: their sum, each as fresh as it is, and the reserve.
func (g *Graph) Divisor(node uint32, p Parameters) float64 {
	if p.Method == MethodEigenTrust {
		p.Reserve = 0
	}
	_, whole := g.flowing(node, p.Reserve)
	if g.fading != nil {
		whole *= g.fading.row[node]
	}
	return whole
}
