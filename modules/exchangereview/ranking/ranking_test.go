package ranking_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"banyan/modules/exchangereview/ranking"
)

const today = ranking.Landmark + 300

// random returns some review of the last four years.
func random(r *rand.Rand) ranking.Review {
	review := ranking.Review{Day: today - r.IntN(1500), Group: ranking.Group(r.IntN(int(ranking.Groups))), Weight: uint32(r.IntN(ranking.One + 1))}
	for d := range review.Stars {
		review.Stars[d] = 1 + r.IntN(5)
	}
	return review
}

func at(day int) ranking.Parameters {
	return ranking.Parameters{Landmark: ranking.Landmark, Day: day, Prior: ranking.Uniform()}
}

// The sums are of whole numbers: whatever was added can be taken out again, in
// any order, and nothing is left.
func TestAMillionReviewsAddedAndRemovedLeaveExactlyNothing(t *testing.T) {
	const n = 1_000_000
	r := rand.New(rand.NewPCG(1, 2))
	reviews := make([]ranking.Review, n)
	var tally ranking.Tally
	for i := range reviews {
		reviews[i] = random(r)
		tally.Add(&reviews[i], ranking.Landmark)
	}
	if tally.Reviews() != n {
		t.Fatalf("%d reviews are counted, want %d", tally.Reviews(), n)
	}
	r.Shuffle(n, func(i, j int) { reviews[i], reviews[j] = reviews[j], reviews[i] })
	for i := range reviews {
		if i == n-1 && tally.IsZero() {
			t.Error("nothing is left one review too early")
		}
		tally.Remove(&reviews[i], ranking.Landmark)
	}
	if !tally.IsZero() {
		t.Errorf("%+v is left", tally)
	}
}

func TestTheOrderOfReviewsChangesNoBit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	reviews := make([]ranking.Review, 2000)
	for i := range reviews {
		reviews[i] = random(r)
	}
	var stored [2]string
	for i := range stored {
		var tally, again ranking.Tally
		for j := range reviews {
			tally.Add(&reviews[j], ranking.Landmark)
		}
		text, err := tally.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(text); err != nil {
			t.Fatal(err)
		}
		p := at(today)
		if p.Score(&again, 3) != p.Score(&tally, 3) {
			t.Error("the score of what is stored is another")
		}
		for cut := range len(text) - 1 {
			if err := again.UnmarshalBinary(text[:cut+1]); err == nil {
				t.Fatalf("%d of %d bytes are read as a whole tally", cut+1, len(text))
			}
		}
		stored[i] = string(text)
		r.Shuffle(len(reviews), func(i, j int) { reviews[i], reviews[j] = reviews[j], reviews[i] })
	}
	if stored[0] != stored[1] {
		t.Error("another order gave other sums")
	}
}

// The reference is the formula in floating-point numbers, from the reviews.
func TestScoresAreThoseOfTheFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(0, 400).Draw(t, "reviews")
		day := today + rapid.IntRange(0, 2000).Draw(t, "later")
		p := at(day)
		for d := range p.Prior {
			p.Prior[d] = [5]uint64{1 << 30, 1 << 29, 1 << 29, 1 << 30, 1 << 30}
		}
		var tally ranking.Tally
		reviews := make([]ranking.Review, n)
		for i := range reviews {
			reviews[i] = random(r)
			tally.Add(&reviews[i], ranking.Landmark)
		}
		dimension := rapid.IntRange(0, ranking.Dimensions-1).Draw(t, "dimension")
		got, want := p.Score(&tally, dimension), formula(reviews, dimension, day)
		for name, c := range map[string][2]float64{
			"mean": {float64(got.Mean) / ranking.Star, want.mean}, "key": {float64(got.Key) / ranking.Star, want.key},
			"effective": {float64(got.Effective) / ranking.Unit, want.effective},
		} {
			if math.Abs(c[0]-c[1]) > 2e-4*(1+math.Abs(c[1])) {
				t.Fatalf("%s is %v, want %v", name, c[0], c[1])
			}
		}
	})
}

type reference struct{ mean, key, effective float64 }

func formula(reviews []ranking.Review, dimension, day int) reference {
	prior := [5]float64{.25, .125, .125, .25, .25}
	var known, fresh [5]float64
	var knownSquares, freshSquares, s, f float64
	for _, r := range reviews {
		w := float64(r.Weight) / ranking.One * math.Exp2(float64(r.Day-day)/ranking.HalfLife)
		if r.Group == ranking.Fresh {
			fresh[r.Stars[dimension]-1] += w
			freshSquares += w * w
			f += w
		} else {
			known[r.Stars[dimension]-1] += w
			knownSquares += w * w
			s += w
		}
	}
	scale := 1.0
	if most := (s + 25/(5+s)) / 9; f > most {
		scale = most / f
	}
	s += f * scale
	effective := 0.0
	if q := knownSquares + freshSquares*scale*scale; q > 0 {
		effective = min(s, s*s/q)
	}
	var total, first, second float64
	for k := range 5 {
		a := ranking.PriorWeight * prior[k]
		if s > 0 {
			a += effective / s * (known[k] + scale*fresh[k])
		}
		x := float64(k + 1)
		total, first, second = total+a, first+x*a, second+x*x*a
	}
	mean := first / total
	return reference{mean, mean - 1.645*math.Sqrt((second/total-mean*mean)/(total+1)), effective}
}

func TestTheBreakdownAddsUpExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		var tally ranking.Tally
		for range rapid.IntRange(0, 300).Draw(t, "reviews") {
			review := random(r)
			tally.Add(&review, ranking.Landmark)
		}
		p := at(today + rapid.IntRange(0, 500).Draw(t, "later"))
		var share, part, reviews int64
		for _, line := range p.Breakdown(&tally) {
			share, part, reviews = share+line.Share, part+line.Part, reviews+line.Reviews
			if line.Share < 0 || line.Part < 0 || line.Mean > 5*ranking.Star {
				t.Fatalf("a line is %+v", line)
			}
		}
		if score := p.Score(&tally, 0); part != score.Mean || share != ranking.Star || reviews != score.Reviews {
			t.Fatalf("the lines add up to %d of %d, shares to %d, reviews to %d of %d", part, score.Mean, share, reviews, score.Reviews)
		}
	})
}

// Whatever wallets without standing write, the mean stays within the bound that
// the page prints, and within a tenth of the way to the end of the scale.
func TestNoNumberOfStrangersMovesTheMeanOverItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		var tally ranking.Tally
		for range rapid.IntRange(0, 200).Draw(t, "reviews") {
			review := random(r)
			review.Group = ranking.Unproven
			tally.Add(&review, ranking.Landmark)
		}
		p := at(today)
		before := p.Score(&tally, 0)
		stars := rapid.IntRange(1, 5).Draw(t, "stars")
		for range rapid.IntRange(1, 3000).Draw(t, "strangers") {
			review := ranking.Review{Day: today, Group: ranking.Fresh, Weight: ranking.Least, Stars: [7]int{stars, stars, stars, stars, stars, stars, stars}}
			tally.Add(&review, ranking.Landmark)
		}
		after := p.Score(&tally, 0)
		if rounding := int64(2); after.Mean > before.Mean+before.Up+rounding || after.Mean < before.Mean-before.Down-rounding {
			t.Fatalf("the mean moved from %d to %d, over its bound of +%d −%d", before.Mean, after.Mean, before.Up, before.Down)
		}
	})
}

func TestTheTableOfPowersIsExact(t *testing.T) {
	// 65536·2^(j/180) rounded down is the largest x with x^180 ≤ 2^(2880+j), and the
	// weight of one review on day j of a half-life shows it.
	for j := range 2 * ranking.HalfLife {
		var tally ranking.Tally
		tally.Add(&ranking.Review{Day: ranking.Landmark + j, Group: ranking.Proven, Weight: 1, Stars: [7]int{1, 1, 1, 1, 1, 1, 1}}, ranking.Landmark)
		text, err := tally.Weights[ranking.Proven][0][0].MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		x, ok := new(big.Int).SetString(string(text), 10)
		if !ok {
			t.Fatalf("%q is not a number", text)
		}
		if j >= ranking.HalfLife {
			x.Rsh(x, 1)
		}
		e := new(big.Int).Lsh(big.NewInt(1), uint(16*ranking.HalfLife+j%ranking.HalfLife))
		power := func(x *big.Int) *big.Int { return new(big.Int).Exp(x, big.NewInt(ranking.HalfLife), nil) }
		if power(x).Cmp(e) > 0 || power(new(big.Int).Add(x, big.NewInt(1))).Cmp(e) <= 0 {
			t.Errorf("day %d has the factor %s", j, text)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		standing, proven bool
		age              int
		want             ranking.Group
	}{
		{false, true, 400, ranking.Fresh}, {true, true, 29, ranking.Fresh}, {true, true, 30, ranking.Proven}, {true, false, 30, ranking.Unproven},
	} {
		if got := ranking.GroupOf(c.standing, c.proven, today-c.age, today); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
	if ranking.DayOf(-1) != -1 || ranking.DayOf(86_400_000) != 1 || ranking.Date(ranking.Landmark).Format("2006-01-02") != "2026-01-01" {
		t.Error("days are wrong")
	}
}

// One excellent review of a stranger is no evidence, and stands below twenty
// good ones.
func TestOneReviewStandsBelowTwenty(t *testing.T) {
	var one, twenty ranking.Tally
	five := ranking.Review{Day: today, Group: ranking.Fresh, Weight: ranking.Least, Stars: [7]int{5, 5, 5, 5, 5, 5, 5}}
	one.Add(&five, ranking.Landmark)
	for i := range 20 {
		review := five
		if i%5 == 0 {
			review.Stars[0] = 4
		}
		twenty.Add(&review, ranking.Landmark)
	}
	p := at(today)
	if a, b := p.Score(&one, 0), p.Score(&twenty, 0); b.Compare(a) >= 0 || a.Enough() {
		t.Errorf("one review has %+v, twenty have %+v", a, b)
	}
}

func BenchmarkRecompute(b *testing.B) {
	const n = 1_000_000
	r := rand.New(rand.NewPCG(5, 6))
	reviews := make([]ranking.Review, n)
	for i := range reviews {
		reviews[i] = random(r)
	}
	for b.Loop() {
		tallies := make([]ranking.Tally, 1400)
		for i := range reviews {
			tallies[i%len(tallies)].Add(&reviews[i], ranking.Landmark)
		}
		p := at(today)
		for i := range tallies {
			p.Score(&tallies[i], 0)
		}
	}
	b.ReportMetric(n/(b.Elapsed().Seconds()/float64(b.N))/1e6, "Mreviews/s")
}
