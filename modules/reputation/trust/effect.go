package trust

// Rater is what has to be kept of a node to say what a rating of it does to others.
type Rater struct {
	Trust float64 // its share of all trust
	Voice float64 // how much its praise counts, 0 to 1; not used by MethodEigenTrust
	Given float64 // the sum of the weights with which it trusts
}

// Judged is what has to be kept of a node to say what one rating more or less does
// to its score.
type Judged struct {
	Evidence float64 // D: the size of what trusted raters and the operator say; 0 by MethodEigenTrust
	Word     float64 // F; 0 by MethodEigenTrust
	Value    float64 // as in Ranking
}

// Effects says, without the graph, what a single rating does, where everything else
// stays as it was in a ranking. It is the first step of what the next ranking finds:
// the trust of the rated node, and so its own voice, are not followed.
type Effects struct {
	Parameters Parameters
	Alpha      float64
	Unit       float64 // of the ranking
}

// Rater returns what is kept of a node.
func (r Ranking) Rater(g *Graph, node uint32) Rater {
	by := Rater{Trust: r.Trust[node], Given: g.trusts[node]}
	if r.judged != nil {
		by.Voice = r.parameters.praises(by.Trust, r.judged.largest[node], r.Unit)
	}
	return by
}

// Judged returns what is kept of a node.
func (r Ranking) Judged(node uint32) Judged {
	j := Judged{Value: r.Value[node]}
	if r.judged != nil {
		j.Evidence, j.Word = r.judged.evidence[node], r.judged.word[node]
	}
	return j
}

// Praise returns what a rater contributes to a node that it has not trusted before,
// with this weight over 0.
func (e Effects) Praise(by Rater, weight float64) float64 {
	passed := (1 - e.Alpha) * by.Trust * weight / (by.Given + weight)
	if e.Parameters.Method == MethodEigenTrust {
		return passed
	}
	return min(e.Parameters.Cap*e.doubt(), passed*by.Voice)
}

// Contribution returns what an edge contributes whose share in the node's value is
// known.
func (e Effects) Contribution(of Judged, share float64) float64 {
	if e.Parameters.Method == MethodEigenTrust {
		return share
	}
	return share * (of.Evidence + e.doubt())
}

// Changed returns the value of a node with some contributions gone and one more, each
// with its sign.
func (e Effects) Changed(of Judged, more float64, gone ...float64) float64 {
	if e.Parameters.Method == MethodEigenTrust {
		value := of.Value + more
		for _, c := range gone {
			value -= c
		}
		return max(0, value)
	}
	said, size := of.Word*(of.Evidence+e.doubt())+more, of.Evidence+max(more, -more)
	for _, c := range gone {
		said -= c
		size -= max(c, -c)
	}
	if size <= e.doubt()*1e-9 { // what is left of nothing is rounding
		return 0
	}
	return said/(size+e.doubt()) + of.Value - of.Word
}

// Word returns the value that contributions make alone, of their sum and their size.
func (e Effects) Word(said, size float64) float64 {
	if e.Parameters.Method == MethodEigenTrust {
		return max(0, said)
	}
	if size <= 0 {
		return 0
	}
	return said / (size + e.doubt())
}

// Weight is Ranking.Weight of a value.
func (e Effects) Weight(value float64) float64 { return e.Parameters.weight(value, e.Unit) }

func (e Effects) doubt() float64 { return e.Parameters.Doubt * e.Unit }

func (p Parameters) weight(value, unit float64) float64 {
	if p.Method == MethodEigenTrust {
		return value / (value + float64(p.Doubt*unit))
	}
	return min(1, max(0, value))
}
