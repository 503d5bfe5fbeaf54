package trust

import (
	"context"
	"fmt"

	"banyan/platform/fault"
)

// The methods.
const (
	MethodEigenTrust = "eigentrust" // the share of all trust, 0…1; the sum is 1
	MethodBanyan     = "banyan"     // what the trusted say, good and bad, −2…1
)

// DefaultMethod is the method of the server and of the command.
const DefaultMethod = MethodBanyan

// The defaults of Parameters, chosen on half of the Bitcoin OTC labels and on
// splits by time: see the package's documentation.
const (
	DefaultReserve       = 0.2
	DefaultVoice         = 0.06
	DefaultAccusingVoice = 0.08
	DefaultDoubt         = 0.009
	DefaultCap           = 3
	DefaultDistrust      = 1
	DefaultConduct       = 1
)

// Parameters are a method and its constants; lengths of trust are in units
// (see unit).
type Parameters struct {
	Method        string
	Reserve       float64 // λ: what a rater holds back, in its largest ratings; 0 = it passes on all its trust
	Voice         float64 // trust with which a rater's praise counts half, over 0
	AccusingVoice float64 // trust with which a rater's distrust counts a quarter, over 0
	Doubt         float64 // κ: evidence that everybody starts with a lack of, over 0
	Cap           float64 // the most that one rater contributes, in doubts, over 0
	Distrust      float64 // ν: what distrust weighs beside praise; 0 leaves it out
	Conduct       float64 // φ: what one's own ratings weigh, 0…1; 0 leaves them out
}

// Standard returns the parameters of the default method.
func Standard() Parameters {
	return Parameters{
		Method: DefaultMethod, Reserve: DefaultReserve, Voice: DefaultVoice, AccusingVoice: DefaultAccusingVoice, Doubt: DefaultDoubt,
		Cap: DefaultCap, Distrust: DefaultDistrust, Conduct: DefaultConduct,
	}
}

// A Limit is what a parameter may be.
type Limit struct {
	Name  string // as in settings and flags
	Value float64
	Zero  bool    // may be 0
	Most  float64 // the largest allowed
}

// Limits returns the constants with their limits.
func (p Parameters) Limits() []Limit {
	const most = 1e6
	return []Limit{
		{Name: "reserve", Value: p.Reserve, Zero: true, Most: most},
		{Name: "voice", Value: p.Voice, Most: most},
		{Name: "accusing_voice", Value: p.AccusingVoice, Most: most},
		{Name: "doubt", Value: p.Doubt, Most: most},
		{Name: "cap", Value: p.Cap, Most: most},
		{Name: "distrust", Value: p.Distrust, Zero: true, Most: most},
		{Name: "conduct", Value: p.Conduct, Zero: true, Most: 1},
	}
}

// Wrong says what is wrong with the value, or "".
func (l Limit) Wrong() string {
	const least = 1e-9
	if l.Zero && l.Value == 0 || l.Value >= least && l.Value <= l.Most { // NaN is neither
		return ""
	}
	zero := ""
	if l.Zero {
		zero = "0 or "
	}
	return fmt.Sprintf("is %g, must be %sfrom %g to %g", l.Value, zero, least, l.Most)
}

// Check refuses parameters out of range with fault.Invalid.
func (p Parameters) Check() error {
	if p.Method != MethodBanyan && p.Method != MethodEigenTrust {
		return fault.Newf(fault.Invalid, "there is no method %q: choose %s or %s", p.Method, MethodBanyan, MethodEigenTrust)
	}
	for _, l := range p.Limits() {
		if wrong := l.Wrong(); wrong != "" {
			return fault.New(fault.Invalid, l.Name+" "+wrong)
		}
	}
	return nil
}

// Ranking is what a method says of every node of a graph.
type Ranking struct {
	// Trust is each node's EigenTrust, its share of all trust.
	Trust []float64
	// Value is each node's score by the method: its trust by MethodEigenTrust,
	// −2…1 by MethodBanyan. Above 0 is trusted, below 0 distrusted, and 0 has no
	// standing.
	Value []float64
	// Unit is the trust that the most trusted nodes have who together hold half
	// of it. It does not depend on the number of nodes, so lengths of trust are
	// given in it.
	Unit       float64
	Iterations int
	Delta      float64 // L2 size of the last step

	parameters Parameters
	judged     *judgement // nil by MethodEigenTrust
}

// Rank computes the scores of a graph. It fails as EigenTrust and Check do.
func Rank(ctx context.Context, g *Graph, pre PreTrust, p Parameters, opt Options) (Ranking, error) {
	if err := p.Check(); err != nil {
		return Ranking{}, err
	}
	var result Result
	var err error
	if p.Method == MethodEigenTrust {
		p.Reserve = 0
		result, err = EigenTrust(ctx, g, pre, opt)
	} else {
		result, err = flow(ctx, g, pre, opt, p.Reserve)
	}
	if err != nil {
		return Ranking{}, err
	}
	r := Ranking{
		Trust: result.Trust, Value: result.Trust, Unit: unit(result.Trust), Iterations: result.Iterations, Delta: result.Delta, parameters: p,
	}
	if p.Method == MethodBanyan {
		r.judged = judge(g, pre, r, opt.WithDefaults())
		r.Value = r.judged.value
	}
	return r, nil
}

// Weight returns W, what a node's word may weigh for other uses, from 0 to 1:
// the positive part of its score by MethodBanyan, and by MethodEigenTrust its
// trust beside the doubt that everybody starts with. One half means, by either,
// as much trusted evidence as doubt. It depends on trust alone, never on a rank
// or on the number of nodes.
func (r Ranking) Weight(node uint32) float64 {
	return r.parameters.weight(r.Value[node], r.Unit)
}
