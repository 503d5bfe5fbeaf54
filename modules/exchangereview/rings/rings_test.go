package rings_test

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"banyan/modules/exchangereview/rings"
	"banyan/platform/testenv/testneeds"
)

const day = 24 * 60 * 60 * 1000

// people is honest reviews: each wallet reviews some exchanges, each at some time of a year.
func people(r *rand.Rand, wallets, exchanges int) (all []rings.Review) {
	for w := range wallets {
		for _, e := range r.Perm(exchanges)[:1+r.IntN(5)] {
			all = append(all, rings.Review{Wallet: int32(w), Exchange: int32(e), Stars: int8(1 + r.IntN(5)), TimeMS: int64(r.IntN(365 * day))})
		}
	}
	return all
}

// ring is reviews of wallets that say the same of the same exchanges within a day, and
// each something of its own.
func ring(r *rand.Rand, first, wallets int, at int64, exchanges ...int32) (all []rings.Review) {
	for w := first; w < first+wallets; w++ {
		for i, e := range exchanges {
			all = append(all, rings.Review{Wallet: int32(w), Exchange: e, Stars: 5, TimeMS: at + int64(i)*40*day + int64(r.IntN(day))})
		}
		all = append(all, rings.Review{Wallet: int32(w), Exchange: 50 + int32(r.IntN(10)), Stars: int8(1 + r.IntN(5)), TimeMS: int64(r.IntN(365 * day))})
	}
	return all
}

// TestRingsAreFoundAmongPeople: all of their wallets and nobody else, on whichever side of a
// border of days they write; and people alone are none.
func TestRingsAreFoundAmongPeople(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	honest := people(r, 5000, 60)
	if groups, cut := rings.Lockstep(honest); len(groups) != 0 || cut {
		t.Errorf("people are %d groups: %+v", len(groups), groups[0])
	}
	for n, size := range []int{3, 5, 20, 200} {
		at := int64(100*day) + int64(n)*day*3/4
		reviews := append(slices.Clone(honest), ring(r, 5000, size, at, 3, 14, 15)...)
		r.Shuffle(len(reviews), func(i, j int) { reviews[i], reviews[j] = reviews[j], reviews[i] })
		groups, _ := rings.Lockstep(reviews)
		if len(groups) != 1 || len(groups[0].Wallets) != size || groups[0].Wallets[0] != 5000 {
			t.Errorf("a ring of %d: %+v", size, groups)
			continue
		}
		var exchanges []int32
		for _, s := range groups[0].Shared {
			if !slices.Contains(exchanges, s.Exchange) {
				exchanges = append(exchanges, s.Exchange)
			}
			if s.Stars != 5 {
				t.Errorf("shared %+v", s)
			}
		}
		if slices.Sort(exchanges); !slices.Equal(exchanges, []int32{3, 14, 15}) {
			t.Errorf("a ring of %d shares %v", size, exchanges)
		}
	}
}

// TestNewsIsNoRing: half of all wallets say the same of three exchanges in the same days.
func TestNewsIsNoRing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	reviews := people(r, 2000, 60)
	for w := range int32(1000) {
		for e := range int32(3) {
			reviews = append(reviews, rings.Review{Wallet: w, Exchange: e, Stars: 1, TimeMS: 99*day + int64(r.IntN(day/2))})
		}
	}
	if groups, _ := rings.Lockstep(reviews); len(groups) != 0 {
		t.Errorf("%d groups, the first of %d wallets", len(groups), len(groups[0].Wallets))
	}
}

// TestOutliersAreThoseAgainstEverybody: who says the contrary of all others in all reviews,
// not who does so once, nor who has written little.
func TestOutliersAreThoseAgainstEverybody(t *testing.T) {
	var reviews []rings.Review
	for w := range int32(50) {
		for e := range int32(8) {
			stars := int8(5)
			if e >= 4 {
				stars = 1
			}
			reviews = append(reviews, rings.Review{Wallet: w, Exchange: e, Stars: stars})
		}
	}
	add := func(w int32, stars ...int8) {
		for e, s := range stars {
			reviews = append(reviews, rings.Review{Wallet: w, Exchange: int32(e), Stars: s})
		}
	}
	add(50, 1, 1, 1, 1, 5, 5, 5, 5) // against everybody
	add(51, 1, 5, 5, 5, 1, 1, 1, 1) // once
	add(52, 1, 1, 1)                // little
	found := rings.Outliers(reviews)
	if len(found) != 1 || found[0].Wallet != 50 || found[0].Far != 8 || found[0].Reviews != 8 {
		t.Errorf("found %+v", found)
	}
	if fairness, goodness := rings.Fairness(reviews); fairness[0] < 0.9 || goodness[0] < 0.9 || goodness[7] > -0.9 {
		t.Errorf("fairness %v, goodness %v", fairness[0], goodness)
	}
	if all := rings.Outliers(nil); all != nil {
		t.Errorf("of nothing: %v", all)
	}
}

// TestVotesThatComeBack: a club of six votes for itself; a popular writer who votes for one
// of many readers does not.
func TestVotesThatComeBack(t *testing.T) {
	var votes []rings.Vote
	for a := range int32(6) {
		for b := range int32(6) {
			votes = append(votes, rings.Vote{By: a, For: b}, rings.Vote{By: a, For: b})
		}
		votes = append(votes, rings.Vote{By: a, For: 9})
	}
	for reader := int32(20); reader < 60; reader++ {
		votes = append(votes, rings.Vote{By: reader, For: 10})
	}
	votes = append(votes, rings.Vote{By: 10, For: 20})
	found := rings.Reciprocal(votes)
	if len(found) != 6 || found[0].Received != 5 || !slices.Equal(found[0].Back, []int32{1, 2, 3, 4, 5}) {
		t.Errorf("found %+v", found)
	}
}

// real reads ratings of traders by traders as reviews, with the labels of some raters.
func real(tb testing.TB) (reviews []rings.Review, labels map[int32]bool) {
	tb.Helper()
	number := make(map[string]int32)
	id := func(name string) int32 {
		n, known := number[name]
		if !known {
			n = int32(len(number))
			number[name] = n
		}
		return n
	}
	for _, row := range rows(tb, "trust/bitcoin-otc.csv") {
		rating, err := strconv.Atoi(row[2])
		if err != nil {
			continue
		}
		at, err := strconv.ParseFloat(row[3], 64)
		if err != nil {
			tb.Fatal(err)
		}
		stars := int8(3)
		switch { // -10 to 10, where 1 is the usual word of one who is content
		case rating <= -5:
			stars = 1
		case rating < 0:
			stars = 2
		case rating >= 5:
			stars = 5
		case rating > 1:
			stars = 4
		}
		reviews = append(reviews, rings.Review{Wallet: id(row[0]), Exchange: id(row[1]), Stars: stars, TimeMS: int64(at * 1000)})
	}
	labels = make(map[int32]bool)
	for _, row := range rows(tb, "trust/otc_labels_dev.csv") {
		if n, known := number[row[0]]; known {
			labels[n] = row[1] == "-1"
		}
	}
	return reviews, labels
}

func rows(tb testing.TB, name string) [][]string {
	tb.Helper()
	file, err := os.Open(testneeds.Data(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// TestQualityOfFindingRings on real ratings with published labels: the share of pairs
// of a fraudulent and a trustworthy rater in which the former is the less fair one. Of
// raters of whom nothing but one rating is known, fairness says little.
func TestQualityOfFindingRings(t *testing.T) {
	reviews, labels := real(t)
	n := make(map[int32]int)
	for _, r := range reviews {
		n[r.Wallet]++
	}
	fairness, _ := rings.Fairness(reviews)
	var good, bad []float64
	for w, fraud := range labels {
		switch {
		case n[w] == 0:
		case fraud:
			bad = append(bad, fairness[w])
		default:
			good = append(good, fairness[w])
		}
	}
	less := 0.0
	for _, b := range bad {
		for _, g := range good {
			if b < g {
				less++
			} else if b == g {
				less += 0.5
			}
		}
	}
	auc := less / float64(len(bad)*len(good))
	shown, right, wrong := rings.Outliers(reviews), 0, 0
	for _, o := range shown {
		if fraud, known := labels[o.Wallet]; known && fraud {
			right++
		} else if known {
			wrong++
		}
	}
	t.Logf("AUC %.3f over %d fraudulent and %d trustworthy raters; of %d outliers %d are labelled fraudulent and %d trustworthy", auc, len(bad), len(good), len(shown), right, wrong)
	if auc < 0.72 {
		t.Errorf("AUC %.3f", auc)
	}
	groups, cut := rings.Lockstep(reviews)
	members := 0
	for _, g := range groups {
		members += len(g.Wallets)
	}
	t.Logf("lockstep: %d groups of %d raters among %d", len(groups), members, len(n))
	if cut {
		t.Error("35,592 ratings are too many")
	}
	r := rand.New(rand.NewPCG(5, 6))
	const rounds = 8
	for _, size := range []int{3, 5, 20} {
		found := 0
		for range rounds { // into real ratings, at random times and targets
			var targets []int32
			for len(targets) < 3 {
				if e := reviews[r.IntN(len(reviews))].Exchange; !slices.Contains(targets, e) {
					targets = append(targets, e)
				}
			}
			with := append(slices.Clone(reviews), ring(r, 10_000, size, reviews[r.IntN(len(reviews))].TimeMS, targets...)...)
			groups, _ := rings.Lockstep(with)
			for _, g := range groups {
				for _, w := range g.Wallets {
					if w >= 10_000 {
						found++
					}
				}
			}
		}
		t.Logf("injected rings of %d: %.0f %% of the wallets are found", size, 100*float64(found)/float64(size*rounds))
		if 4*found < 3*size*rounds {
			t.Errorf("%d of %d wallets", found, rounds*size)
		}
	}
}

// BenchmarkLockstep prints the time of a review, which must not grow with their number.
func BenchmarkLockstep(b *testing.B) {
	for _, n := range []int{20_000, 200_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			reviews := people(rand.New(rand.NewPCG(7, 8)), n/3, 1400)
			for b.Loop() {
				rings.Lockstep(reviews)
				rings.Outliers(reviews)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(reviews)), "ns/review")
		})
	}
}
