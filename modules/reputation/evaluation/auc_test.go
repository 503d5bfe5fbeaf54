package evaluation_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"banyan/modules/reputation/evaluation"
)

// byPairs is the definition: every good case against every bad one.
func byPairs(cases []evaluation.Case, score func(uint32) float64) float64 {
	won, pairs := 0.0, 0.0
	for _, g := range cases {
		for _, b := range cases {
			if !g.Good || b.Good {
				continue
			}
			pairs++
			switch {
			case score(g.Subject) > score(b.Subject):
				won++
			case score(g.Subject) == score(b.Subject):
				won += 0.5
			}
		}
	}
	return won / pairs
}

func TestAnAUCIsTheShareOfPairsWon(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		scores := make([]float64, 12)
		for i := range scores {
			scores[i] = float64(random.IntN(5))
		}
		score := func(s uint32) float64 { return scores[s] }
		cases := []evaluation.Case{{Subject: 0, Good: true}, {Subject: 1}}
		for range 30 {
			cases = append(cases, evaluation.Case{Subject: random.Uint32N(12), Good: random.IntN(2) == 0})
		}
		e := evaluation.Measure(cases, score)
		if math.Abs(e.AUC-byPairs(cases, score)) > 1e-12 || e.Low > e.AUC || e.High < e.AUC || e.Good+e.Bad != len(cases) {
			t.Fatalf("measured %+v, by pairs %g", e, byPairs(cases, score))
		}
		if again := evaluation.Measure(cases, score); again != e {
			t.Fatalf("measured again %+v, before %+v", again, e)
		}
	}
}

func TestWithoutOneOfTheKindsThereIsNoAUC(t *testing.T) {
	e := evaluation.Measure([]evaluation.Case{{Subject: 1, Good: true}}, func(uint32) float64 { return 1 })
	if e.Known() || e.Good != 1 {
		t.Errorf("one good case measured %+v", e)
	}
}
