package trust

import "math"

// conductPrior is how many ratings of a well-known wallet everybody starts with
// that contradict nobody.
const conductPrior = 2

// unbacked is the part of what its largest rater gives a node that is no part of its
// voice when it praises; when it accuses, none of it is. Who is trusted by one other
// alone may be somebody's who deceived that one.
const unbacked = 0.5

// judgement is the method Banyan after EigenTrust: one pass over the edges by
// target and one by source.
type judgement struct {
	g        *Graph
	p        Parameters
	alpha    float64
	doubt    float64   // κu
	most     float64   // the most that one rater contributes
	praise   []float64 // per rater and unit of weight: (1−α)·t·v/Σ+
	blame    []float64 // ν·t·a/(Σ− + λ·largest)
	operator []float64 // α·p: nil but for the seeds' pre-trust
	largest  []float64 // the most trust that flows to a node from one rater who is no seed, in a step
	full     float64   // the weight that means full trust

	evidence []float64 // D
	word     []float64 // F: what others say, and the operator
	opposed  []float64 // Σ over own ratings that the trusted contradict
	rated    []float64 // prior + Σ over all own ratings
	value    []float64
}

// hill is 0 at 0, ½ at 1 and 1 far above: a rater who is ten times below the
// voice is as good as unheard.
func hill(x float64) float64 {
	cube := float64(x * x * x)
	if math.IsInf(cube, 1) {
		return 1
	}
	return cube / (1 + cube)
}

func judge(g *Graph, pre PreTrust, r Ranking, opt Options) *judgement {
	n := g.nodes
	j := &judgement{
		g: g, p: r.parameters, alpha: opt.Alpha, doubt: float64(r.parameters.Doubt * r.Unit), operator: pre.share,
		praise: make([]float64, n), blame: make([]float64, n), evidence: make([]float64, n), word: make([]float64, n),
		opposed: make([]float64, n), rated: make([]float64, n), value: make([]float64, n),
		largest: make([]float64, n),
	}
	j.most = float64(j.p.Cap * j.doubt)
	j.back(r, opt.Workers)
	voiced := make([]bool, n)
	for i, t := range r.Trust {
		voice := j.p.praises(t, j.largest[i], r.Unit)
		voiced[i] = voice >= 0.5
		if g.trusts[i] > 0 {
			j.praise[i] = float64((1-j.alpha)*t) * voice / g.trusts[i]
		}
		if g.distrusts[i] > 0 {
			accusing := j.p.accuses(t, j.largest[i], r.Unit)
			whole := g.distrusts[i] + float64(j.p.Reserve*g.mostDistrust[i])
			j.blame[i] = float64(j.p.Distrust*t) * accusing / whole
		}
	}
	j.hear(opt.Workers)
	j.full = g.full(voiced)
	j.compare()
	for i := range j.value {
		if j.evidence[i] > 0 {
			j.value[i] = j.word[i] + float64(j.p.Conduct*j.opposed[i])/j.rated[i]
		}
	}
	return j
}

// praises returns v, how much a node's praise counts, by its trust and the largest part of
// it that comes from one rater.
func (p Parameters) praises(trust, largest, unit float64) float64 {
	return hill(max(0, trust-float64(unbacked*largest)) / float64(p.Voice*unit))
}

// accuses returns a², how much a node's distrust counts.
func (p Parameters) accuses(trust, largest, unit float64) float64 {
	a := hill(max(0, trust-largest) / float64(p.AccusingVoice*unit))
	return float64(a * a)
}

// nodesAtOnce is how many nodes a goroutine takes: what is computed of a node does not
// depend on it.
const nodesAtOnce = 4096

// back finds the largest flow into each node from one that is no seed: who seeds trust
// needs nobody else.
func (j *judgement) back(r Ranking, workers int) {
	g := j.g
	inParallel(workers, (g.nodes+nodesAtOnce-1)/nodesAtOnce, func(part int) {
		for i := part * nodesAtOnce; i < min(g.nodes, (part+1)*nodesAtOnce); i++ {
			for k := g.start[i]; k < g.split[i]; k++ {
				if t := r.Trust[g.source[k]]; t > 0 && j.operator[g.source[k]] == 0 {
					j.largest[i] = max(j.largest[i], float64((1-j.alpha)*t)*g.part(k, j.p.Reserve))
				}
			}
		}
	})
}

// contribution returns c of edge k: positive for praise, negative for distrust.
func (j *judgement) contribution(k uint32) float64 {
	w, source := j.g.weightAt(k), j.g.source[k]
	c := 0.0
	if w > 0 {
		c = float64(j.praise[source] * w)
	} else {
		c = float64(j.blame[source] * w)
	}
	if j.g.fading != nil {
		c = float64(c * j.g.freshness(k))
	}
	return min(j.most, max(-j.most, c))
}

// operatorOf returns o: what being a seed contributes.
func (j *judgement) operatorOf(node uint32) float64 {
	return float64(j.alpha * j.operator[node])
}

// hear computes what trusted raters and the operator say of each node.
func (j *judgement) hear(workers int) {
	inParallel(workers, (j.g.nodes+nodesAtOnce-1)/nodesAtOnce, func(part int) {
		for i := part * nodesAtOnce; i < min(j.g.nodes, (part+1)*nodesAtOnce); i++ {
			said := j.operatorOf(uint32(i))
			size := said
			for k := j.g.start[i]; k < j.g.start[i+1]; k++ {
				c := j.contribution(k)
				said += c
				size += math.Abs(c)
			}
			j.evidence[i] = size
			if size > 0 {
				j.word[i] = said / (size + j.doubt)
			}
		}
	})
}

// full returns the largest weight by a node whose voice counts half or more:
// nobody else may stretch the scale. Without one it is the largest of all.
func (g *Graph) full(voiced []bool) float64 {
	full := 0.0
	for k, source := range g.source {
		if voiced[source] {
			full = max(full, math.Abs(g.weightAt(uint32(k))))
		}
	}
	if full == 0 {
		return g.scale
	}
	return full
}

// known returns q: how much trusted evidence there is of a node, 0…1.
func (j *judgement) known(node uint32) float64 {
	return j.evidence[node] / (j.evidence[node] + j.doubt)
}

// against returns x of edge k, to target: 0 unless trusted nodes contradict the
// rating.
func (j *judgement) against(k, target uint32) float64 {
	w := j.g.weightAt(k)
	if float64(w*j.word[target]) >= 0 {
		return 0
	}
	size := min(1, math.Sqrt(math.Abs(w)/j.full))
	return -float64(float64(j.known(target)*math.Abs(j.word[target])) * size)
}

// compare holds each node's own ratings against what trusted nodes say. One
// goroutine, because it adds up by source while it reads by target.
func (j *judgement) compare() {
	for i := range j.rated {
		j.rated[i] = conductPrior
	}
	if j.p.Conduct == 0 {
		return
	}
	for d := range uint32(j.g.nodes) {
		q := j.known(d)
		if q == 0 {
			continue
		}
		for k := j.g.start[d]; k < j.g.start[d+1]; k++ {
			source := j.g.source[k]
			j.rated[source] += q
			j.opposed[source] += j.against(k, d)
		}
	}
}
