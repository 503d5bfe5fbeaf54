package sybil

import (
	"fmt"
	"math"
	"slices"
)

const (
	leastGroup   = 6         // of twins that counts as one
	largestGroup = 32        // more twins say no more
	surprise     = 4         // -log10 of the chance by which twins are no accident
	week         = 7 * 86400 // seconds around a first transfer in which others are counted
	around       = .02       // of ln volume, in which others are counted
	mostBucket   = 1024      // wallets of a bucket that are looked at
)

// window is how close two wallets' first transfers and volumes are.
type window struct {
	seconds int64
	volume  float64 // in ln
	name    string
}

var windows = []window{{600, .02, "10 minutes and 2 %"}, {3600, .005, "1 hour and 0.5 %"}, {secondsPerDay, .001, "1 day and 0.1 %"}}

// actor is a candidate whose behaviour is known.
type actor struct {
	place  int // in the judgements
	first  int64
	volume float64 // ln

	core    bool
	closest window  // in which it has the least likely number of twins
	twins   int     // there
	chance  float64 // twins that chance would put there
	unusual float64 // -log10 of the chance of so many
}

// judgeBehaviour judges candidates by those whose behaviour is the same.
func judgeBehaviour(judged []Judgement, in Input, t *Transfers) {
	actors := newActors(judged, in)
	grids := make([]grid, len(windows))
	for i, w := range windows {
		grids[i] = newGrid(actors, w)
	}
	findCores(actors, grids)
	groups := newSets(len(actors))
	for i := range actors {
		if !actors[i].core {
			continue
		}
		for _, g := range grids {
			g.each(i, func(j int) {
				if actors[j].core {
					groups.join(i, j)
				}
			})
		}
	}
	size := make([]int, len(actors))
	for i := range actors {
		if actors[i].core {
			size[groups.find(i)]++
		}
	}
	for i := range actors {
		if actors[i].core {
			_, dealt := t.numbers[judged[actors[i].place].Wallet]
			actors[i].judge(&judged[actors[i].place], size[groups.find(i)], dealt)
		}
	}
}

func newActors(judged []Judgement, in Input) []actor {
	actors := make([]actor, 0, len(judged))
	for i, j := range judged {
		if b, ok := in.Features[j.Wallet]; ok && b.Volume > 0 && !in.Excluded[j.Wallet] {
			actors = append(actors, actor{place: i, first: b.First, volume: math.Log(b.Volume)})
		}
	}
	return actors
}

// judge scores a wallet by its twins. Only one that has no transfer at all is flagged
// by that: where there are transfers, and they lead to no cluster, they speak for it.
func (a *actor) judge(j *Judgement, group int, dealt bool) {
	if group < 2 { //nolint:mnd // it has no twin that is a core, too
		return
	}
	score := logistic(-.4 + float64(.92*math.Log2(float64(min(group, largestGroup)))))
	if dealt || group < leastGroup {
		score = min(score, mostByBehaviour)
	}
	reason := fmt.Sprintf("same behaviour as %d other candidates; within %s of this one's first transfer and volume there are %d; chance would put %.2g there", group-1, a.closest.name, a.twins, a.chance)
	if score > j.Score {
		j.Score = score
	}
	if j.Reason != "" {
		reason = j.Reason + "; " + reason
	}
	j.Reason = reason
}

// findCores finds the actors with more twins than chance explains.
func findCores(actors []actor, grids []grid) {
	inWeek, inShare := neighbourhoods(actors)
	for i := range actors {
		a := &actors[i]
		for k, w := range windows {
			twins := 0
			grids[k].each(i, func(int) { twins++ })
			expected := float64(inWeek[i]) * (float64(w.seconds) / week) * inShare[i] * (w.volume / around)
			if u := tail(expected, twins); u >= surprise && u > a.unusual {
				a.core, a.closest, a.twins, a.chance, a.unusual = true, w, twins, expected, u
			}
		}
	}
}

// neighbourhoods returns, for each actor, how many others began within a week of it,
// and the share of all whose volume is around its own.
func neighbourhoods(actors []actor) (inWeek []int, inShare []float64) {
	firsts, volumes := make([]int64, len(actors)), make([]float64, len(actors))
	for i, a := range actors {
		firsts[i], volumes[i] = a.first, a.volume
	}
	slices.Sort(firsts)
	slices.Sort(volumes)
	inWeek, inShare = make([]int, len(actors)), make([]float64, len(actors))
	for i, a := range actors {
		from, _ := slices.BinarySearch(firsts, a.first-week)
		to, _ := slices.BinarySearch(firsts, a.first+week+1)
		inWeek[i] = to - from - 1
		low, _ := slices.BinarySearch(volumes, a.volume-around)
		high, _ := slices.BinarySearch(volumes, math.Nextafter(a.volume+around, math.Inf(1)))
		inShare[i] = float64(high-low-1) / float64(len(actors))
	}
	return inWeek, inShare
}

// tail returns -log10 of the chance that a Poisson variable is at least count.
func tail(expected float64, count int) float64 {
	if count == 0 {
		return 0
	}
	if expected <= 0 {
		expected = math.SmallestNonzeroFloat32
	}
	logFactorial, _ := math.Lgamma(float64(count) + 1)
	first := float64(float64(count)*math.Log(expected)) - expected - logFactorial // ln of the term of count
	sum, term := 1., 1.
	for k := count + 1; k < count+1000; k++ {
		term *= expected / float64(k)
		sum += term
		if term < 1e-12*sum {
			break
		}
	}
	return -(first + math.Log(sum)) / math.Ln10
}

// grid finds the actors within a window of another.
type grid struct {
	window  window
	actors  []actor
	buckets map[[2]int64][]int32
}

func newGrid(actors []actor, w window) grid {
	g := grid{w, actors, make(map[[2]int64][]int32, len(actors))}
	for i, a := range actors {
		at := g.bucket(a)
		if b := g.buckets[at]; len(b) < mostBucket {
			g.buckets[at] = append(b, int32(i))
		}
	}
	return g
}

func (g grid) bucket(a actor) [2]int64 {
	return [2]int64{floorDivide(a.first, g.window.seconds), int64(math.Floor(a.volume / g.window.volume))}
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// each calls with the others within the window of actor i.
func (g grid) each(i int, with func(j int)) {
	a := g.actors[i]
	at := g.bucket(a)
	for dt := int64(-1); dt <= 1; dt++ {
		for dv := int64(-1); dv <= 1; dv++ {
			for _, j := range g.buckets[[2]int64{at[0] + dt, at[1] + dv}] {
				b := g.actors[j]
				if int(j) != i && abs(a.first-b.first) <= g.window.seconds && math.Abs(a.volume-b.volume) <= g.window.volume {
					with(int(j))
				}
			}
		}
	}
}

func abs(x int64) int64 { return max(x, -x) }
