package trust_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
)

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

func ranked(t testing.TB, g *trust.Graph, pre trust.PreTrust, p trust.Parameters) trust.Ranking {
	t.Helper()
	r, err := trust.Rank(t.Context(), g, pre, p, trust.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// plain is the method written down from its definition, edge by edge, with
// nothing shared with the package but EigenTrust.
func plain(edges []trust.Edge, t []float64, seeds map[uint32]float64, p trust.Parameters) []float64 {
	const alpha = trust.DefaultAlpha
	pairs := map[[2]uint32]float64{}
	for _, e := range edges {
		if e.Source != e.Target {
			pairs[[2]uint32{e.Source, e.Target}] = e.Weight
		}
	}
	sorted := slices.Clone(t)
	slices.Sort(sorted)
	unit, held, all := 0.0, 0.0, sum(t)
	for i := len(sorted) - 1; i >= 0 && held < all/2; i-- {
		unit = sorted[i]
		held += unit
	}
	hill := func(x float64) float64 { return x * x * x / (1 + x*x*x) }
	good, bad, worst := make([]float64, len(t)), make([]float64, len(t)), make([]float64, len(t))
	full, any, largest := 0.0, 0.0, make([]float64, len(t))
	most := make([]float64, len(t))
	for pair, w := range pairs {
		good[pair[0]] += max(0, w)
		bad[pair[0]] += max(0, -w)
		worst[pair[0]] = max(worst[pair[0]], -w)
		most[pair[0]] = max(most[pair[0]], w)
		any = max(any, math.Abs(w))
	}
	for pair, w := range pairs { // what the largest rater of each gives it
		if j := pair[0]; w > 0 && seeds[j] == 0 {
			largest[pair[1]] = max(largest[pair[1]], (1-alpha)*t[j]*w/(good[j]+p.Reserve*most[j]))
		}
	}
	praises := func(j uint32) float64 { return hill(max(0, t[j]-0.5*largest[j]) / (p.Voice * unit)) }
	for pair, w := range pairs {
		if praises(pair[0]) >= 0.5 {
			full = max(full, math.Abs(w))
		}
	}
	if full == 0 {
		full = any
	}
	doubt := p.Doubt * unit
	d, f := make([]float64, len(t)), make([]float64, len(t))
	for i := range t {
		d[i], f[i] = alpha*seeds[uint32(i)], alpha*seeds[uint32(i)]
	}
	for pair, w := range pairs {
		j, c := pair[0], 0.0
		switch {
		case w > 0:
			c = min(p.Cap*doubt, (1-alpha)*t[j]*praises(j)*w/good[j])
		case w < 0:
			accusing := hill(max(0, t[j]-largest[j]) / (p.AccusingVoice * unit))
			c = max(-p.Cap*doubt, p.Distrust*t[j]*accusing*accusing*w/(bad[j]+p.Reserve*worst[j]))
		}
		d[pair[1]] += math.Abs(c)
		f[pair[1]] += c
	}
	score, rated := make([]float64, len(t)), make([]float64, len(t))
	for i := range t {
		f[i] /= d[i] + doubt
		rated[i] = 2
	}
	for pair, w := range pairs {
		q := d[pair[1]] / (d[pair[1]] + doubt)
		if w != 0 {
			rated[pair[0]] += q
		}
		if w*f[pair[1]] < 0 {
			score[pair[0]] -= q * math.Abs(f[pair[1]]) * math.Sqrt(min(1, math.Abs(w)/full))
		}
	}
	for i := range t {
		score[i] = f[i] + p.Conduct*score[i]/rated[i]
		if d[i] == 0 {
			score[i] = 0
		}
	}
	return score
}

// A reserve is as if every node also trusted the seeds, by that part of its
// largest rating.
func TestAReserveReturnsToTheSeeds(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	const n, reserve = 30, 0.4
	edges := onePerPair(community(random, n, 150))
	p := trust.Standard()
	p.Reserve = reserve
	got := ranked(t, graph(t, n, edges), seeded(t, n, 0), p)
	most, toSeed := make([]float64, n), make([]float64, n)
	for _, e := range edges {
		if e.Source != e.Target {
			most[e.Source] = max(most[e.Source], e.Weight)
		}
	}
	var all []trust.Edge
	for _, e := range edges {
		if e.Target == 0 {
			toSeed[e.Source] = max(0, e.Weight)
			continue
		}
		all = append(all, e)
	}
	// The seed's own edges count twice as far: what it holds back it gets itself.
	const seed = 0
	for i := 1; i < n; i++ {
		all = append(all, trust.Edge{Source: uint32(i), Target: seed, Weight: toSeed[i] + reserve*most[i], Time: trust.NoTime})
	}
	held := map[uint32]float64{seed: reserve * most[seed]}
	want := withSelf(all, held, n)
	for i := range got.Trust {
		if !near(got.Trust[i], want[i], 1e-8) {
			t.Fatalf("node %d has %g, with edges to the seed instead of a reserve %g", i, got.Trust[i], want[i])
		}
	}
}

// withSelf is EigenTrust from seed 0 in which nodes may also trust themselves.
func withSelf(edges []trust.Edge, self map[uint32]float64, n int) []float64 {
	out := make([]float64, n)
	for i, w := range self {
		out[i] += w
	}
	for _, e := range edges {
		if e.Source != e.Target {
			out[e.Source] += max(0, e.Weight)
		}
	}
	t := make([]float64, n)
	t[0] = 1
	for range 400 {
		next := make([]float64, n)
		next[0] = trust.DefaultAlpha
		for i, ti := range t {
			if out[i] == 0 {
				next[0] += (1 - trust.DefaultAlpha) * ti
			} else {
				next[i] += (1 - trust.DefaultAlpha) * ti * self[uint32(i)] / out[i]
			}
		}
		for _, e := range edges {
			if e.Source != e.Target && e.Weight > 0 {
				next[e.Target] += (1 - trust.DefaultAlpha) * t[e.Source] * e.Weight / out[e.Source]
			}
		}
		t = next
	}
	return t
}

func TestTheMethodIsItsDefinition(t *testing.T) {
	check := func(t testing.TB, n int, edges []trust.Edge, seed uint32, p trust.Parameters) {
		got := ranked(t, graph(t, n, edges), seeded(t, n, seed), p)
		for i, want := range plain(edges, got.Trust, map[uint32]float64{seed: 1}, p) {
			if !near(got.Value[i], want, 1e-12) {
				t.Fatalf("node %d has %g, by the definition %g", i, got.Value[i], want)
			}
		}
	}
	names, edges := bitcoinOTC(t)
	founder, _ := names.Lookup("1")
	check(t, names.Len(), edges, founder, trust.Standard())
	other := trust.Parameters{Method: trust.MethodBanyan, Reserve: 0.7, Voice: 0.5, AccusingVoice: 0.9, Doubt: 0.2, Cap: 1, Distrust: 2, Conduct: 0.5}
	random := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		n := 2 + random.IntN(30)
		check(t, n, community(random, n, 5*n), random.Uint32N(uint32(n)), other)
	}
	check(t, 2, []trust.Edge{{Source: 1, Target: 0, Weight: -3}}, 0, other) // the seed trusts nobody
}

func TestEverySharePartAddsUpToTheScore(t *testing.T) {
	const n = 400
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "random"), 9))
		decay := trust.Decay{HalfLife: time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "half-life")), At: 1e12}
		g, err := trust.NewGraph(n, listed(t, community(random, n, 2000)), decay)
		if err != nil {
			t.Fatal(err)
		}
		pre, err := trust.Seeded(n, []trust.Seed{{Node: 0}, {Node: 9, Weight: 2}})
		if err != nil {
			t.Fatal(err)
		}
		opt := trust.Options{Alpha: rapid.Float64Range(0.05, 1).Draw(t, "alpha")}
		p := trust.Standard()
		p.Method = rapid.SampledFrom([]string{trust.MethodBanyan, trust.MethodEigenTrust}).Draw(t, "method")
		within := 1e-13
		if p.Method == trust.MethodEigenTrust {
			within = trust.DefaultEpsilon
		}
		r, err := trust.Rank(t.Context(), g, pre, p, opt)
		if err != nil {
			t.Fatal(err)
		}
		explainer := trust.NewExplainer(g, pre, r, opt)
		for node := range uint32(n) {
			addsUp(t, explainer.Of(node), r.Value[node], within)
		}
	})
}

func addsUp(t *rapid.T, x trust.Explanation, score, within float64) {
	total := x.Seed + x.Dangling
	for _, list := range [][]trust.Contribution{x.Edges, x.Conduct} {
		for i, c := range list {
			total += c.Share
			if i > 0 && math.Abs(c.Share) > math.Abs(list[i-1].Share) {
				t.Fatalf("node %d: the edges are not ordered by share", x.Node)
			}
		}
	}
	if x.Value != score || !near(total, score, within) || !near(total+x.Residual, score, 1e-14) {
		t.Fatalf("node %d has %g, explained as %g and a residual of %g", x.Node, score, total, x.Residual)
	}
}

// The later statement counts, so that nobody's shouting does.
func TestOfTwoStatementsTheLaterCounts(t *testing.T) {
	shout := []trust.Edge{{Source: 0, Target: 2, Weight: 10}, {Source: 0, Target: 1, Weight: 1}, {Source: 1, Target: 2, Weight: -10}}
	for range 100 {
		shout = append(shout, trust.Edge{Source: 0, Target: 2, Weight: 5})
	}
	once := []trust.Edge{{Source: 0, Target: 1, Weight: 1}, {Source: 0, Target: 2, Weight: 5}, {Source: 1, Target: 2, Weight: -10}}
	pre := seeded(t, 3, 0)
	if a, b := ranked(t, graph(t, 3, shout), pre, trust.Standard()), ranked(t, graph(t, 3, once), pre, trust.Standard()); !slices.Equal(a.Value, b.Value) {
		t.Errorf("a hundred repeated ratings count as %g, one as %g", a.Value, b.Value)
	}
	back := ranked(t, graph(t, 3, append(shout, trust.Edge{Source: 0, Target: 2}, trust.Edge{Source: 1, Target: 2})), pre, trust.Standard())
	if back.Value[2] != 0 || back.Weight(2) != 0 {
		t.Errorf("a statement that was taken back leaves %g", back.Value[2])
	}
}

func TestOldStatementsFade(t *testing.T) {
	const day = int64(86_400_000)
	now := 10_000 * day
	decay := trust.Decay{HalfLife: 180 * 24 * time.Hour, At: now}
	for _, c := range []struct {
		name       string
		first, two int64 // times of edges 0→1 and 0→2
		want       float64
	}{
		{"one half-life older", now - 180*day, now, 1.0 / 3},
		{"two half-lives older", now - 360*day, now, 1.0 / 5},
		{"without a time it is fresh", trust.NoTime, now - 180*day, 2.0 / 3},
		{"a time in the future counts as now", now + 900*day, now, 0.5},
		{"a row of old statements does not underflow", now - 9_000*day - 180*day, now - 9_000*day, 1.0 / 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := trust.NewGraph(3, listed(t, []trust.Edge{{Target: 1, Weight: 1, Time: c.first}, {Target: 2, Weight: 1, Time: c.two}}), decay)
			if err != nil {
				t.Fatal(err)
			}
			r := eigentrust(t, g, seeded(t, 3, 0), trust.Options{})
			if part := r.Trust[1] / (r.Trust[1] + r.Trust[2]); !near(part, c.want, 1e-12) {
				t.Errorf("node 1 gets %g of node 0's trust, want %g", part, c.want)
			}
		})
	}
	t.Run("and so does what they contribute", func(t *testing.T) {
		p := trust.Standard()
		p.Doubt, p.Cap = 1, 100 // so that the cap does not hide it
		word := func(age int64) float64 {
			g, err := trust.NewGraph(2, listed(t, []trust.Edge{{Target: 1, Weight: 10, Time: now - age}}), decay)
			if err != nil {
				t.Fatal(err)
			}
			v := ranked(t, g, seeded(t, 2, 0), p).Value[1]
			return v / (1 - v) // the evidence, in doubts
		}
		if fresh, old := word(0), word(180*day); !near(old, fresh/2, 1e-12) {
			t.Errorf("a fresh rating is evidence of %g, one of a half-life %g", fresh, old)
		}
	})
	if _, err := trust.NewGraph(1, &trust.Edges{}, trust.Decay{HalfLife: -1}); err == nil || !strings.Contains(err.Error(), "half-life") {
		t.Errorf("a half-life below zero returned %v", err)
	}
}

func TestParametersOutOfRangeAreRefused(t *testing.T) {
	for name, change := range map[string]func(*trust.Parameters){
		"voice":   func(p *trust.Parameters) { p.Voice = 0 },
		"doubt":   func(p *trust.Parameters) { p.Doubt = math.NaN() },
		"cap":     func(p *trust.Parameters) { p.Cap = math.Inf(1) },
		"conduct": func(p *trust.Parameters) { p.Conduct = 1.5 },
		"method":  func(p *trust.Parameters) { p.Method = "pagerank" },
	} {
		p := trust.Standard()
		change(&p)
		if _, err := trust.Rank(t.Context(), graph(t, 1, nil), seeded(t, 1, 0), p, trust.Options{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSortedNumbersFollowTheNames(t *testing.T) {
	names := trust.NewInterner[string](0)
	for i, name := range []string{"carol", "alice", "bob"} {
		if n, err := trust.NumberOfText(names, []byte(name)); err != nil || n != uint32(i) {
			t.Fatalf("%s has the number %d (%v), want %d", name, n, err, i)
		}
	}
	if again, _ := names.Number("alice"); again != 1 {
		t.Errorf("alice was numbered twice: %d", again)
	}
	if got := names.Sort(strings.Compare); !slices.Equal(got, []uint32{2, 0, 1}) {
		t.Errorf("old numbers became %v", got)
	}
	if n, ok := names.Lookup("carol"); !ok || n != 2 || names.Key(2) != "carol" || names.Len() != 3 {
		t.Errorf("carol has the number %d (%v), and number 2 is %s", n, ok, names.Key(2))
	}
	if _, ok := names.Lookup("dave"); ok {
		t.Error("dave was never added, and has a number")
	}
}
