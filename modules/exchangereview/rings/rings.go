// Package rings finds wallets whose reviews look as if one hand wrote them: that review
// the same exchanges in lockstep, that are far from everybody in nearly all they say, or
// whose helpful votes come from those whom they vote for. It decides nothing: a moderator
// does. It is pure, and what it does grows with the number of reviews, not of pairs.
package rings

import (
	"cmp"
	"math"
	"slices"
)

// The kinds of evidence.
const (
	KindLockstep   = "lockstep"
	KindOutlier    = "outlier"
	KindReciprocal = "reciprocal-votes"
)

// Review is a review that is shown. Wallets and exchanges are numbers from 0, as the
// caller counts them.
type Review struct {
	Wallet, Exchange int32
	Stars            int8 // 1–5
	TimeMS           int64
}

const (
	dayMS = 24 * 60 * 60 * 1000
	// window is within how many days reviews of one exchange count as at the same time.
	window = 3
	// items bounds how many of a wallet's reviews are compared: the newest.
	items = 8
	// Least is how many wallets make a group.
	Least = 3
	// news is the share of all wallets beyond which the same words in the same days are
	// news: the rules on bursts deal with it, and with rings as large.
	news = 0.1
	// chance is how many groups may be expected by chance in one run.
	chance = 0.01
	// mostTriples bounds the memory of a run: 16 bytes each.
	mostTriples = 4_000_000
)

// item is what reviews of one exchange have in common: the stars and the days.
type item struct {
	exchange int32
	stars    int8
	window   int32
}

// Shared is something that all wallets of a group did.
type Shared struct {
	Exchange int32
	Stars    int8
	FromMS   int64 // UTC; the first of the days
}

// Group are wallets that gave the same stars to the same exchanges in the same days.
type Group struct {
	Wallets []int32 // in their order
	Shared  []Shared
}

// triple names three items that a wallet did, by a hash.
type triple struct {
	hash   uint64
	wallet int32
	places [3]uint8 // in the wallet's items
}

// Lockstep returns groups of at least three wallets that did the same three things. That
// wallets do so by chance is counted with: the more wallets do a thing in some days, the
// more of them it takes; what over a tenth of all do is news and no evidence. The idea is CopyCatch's (Beutel et al., WWW 2013), by counting
// triples. cut: there were too many reviews, and only the first wallets were compared.
func Lockstep(reviews []Review) (groups []Group, cut bool) {
	found := newSets()
	for _, shift := range []int64{0, window * dayMS / 2} { // what stands on both sides of a border
		c := collect(reviews, shift)
		cut = c.join(found) || cut
	}
	return found.groups(), cut
}

// compared is what is compared in one run.
type compared struct {
	of      [][]item       // of each wallet, newest first
	count   map[item]int32 // wallets that did it
	wallets int
	shift   int64
}

func collect(reviews []Review, shift int64) *compared {
	c := &compared{count: make(map[item]int32), shift: shift}
	sorted := slices.Clone(reviews)
	slices.SortStableFunc(sorted, func(a, b Review) int {
		return cmp.Or(cmp.Compare(a.Wallet, b.Wallet), cmp.Compare(b.TimeMS, a.TimeMS))
	})
	for len(sorted) > 0 {
		wallet := sorted[0].Wallet
		var mine []item
		for len(sorted) > 0 && sorted[0].Wallet == wallet {
			r := sorted[0]
			sorted = sorted[1:]
			it := item{r.Exchange, r.Stars, int32((r.TimeMS + shift) / (window * dayMS))}
			if len(mine) < items && !slices.Contains(mine, it) {
				mine = append(mine, it)
				c.count[it]++
			}
		}
		for int(wallet) >= len(c.of) {
			c.of = append(c.of, nil)
		}
		c.of[wallet] = mine
		c.wallets++
	}
	return c
}

// join puts wallets together that share a triple more often than chance has it.
func (c *compared) join(into *sets) (cut bool) {
	var all []triple
	for w, mine := range c.of {
		if len(mine) < 3 {
			continue
		}
		if len(all)+items*(items-1)*(items-2)/6 > mostTriples {
			cut = true
			break
		}
		mine = slices.DeleteFunc(mine, func(it item) bool { return float64(c.count[it]) > news*float64(c.wallets) })
		c.of[w] = mine
		slices.SortFunc(mine, func(a, b item) int {
			return cmp.Or(cmp.Compare(a.exchange, b.exchange), cmp.Compare(a.stars, b.stars), cmp.Compare(a.window, b.window))
		})
		for i := range mine {
			for j := i + 1; j < len(mine); j++ {
				for k := j + 1; k < len(mine); k++ {
					if mine[i].exchange != mine[j].exchange && mine[j].exchange != mine[k].exchange {
						all = append(all, triple{hash(mine[i], mine[j], mine[k]), int32(w), [3]uint8{uint8(i), uint8(j), uint8(k)}})
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b triple) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.wallet, b.wallet)) })
	tried := 0
	for i := range all {
		if i == 0 || all[i].hash != all[i-1].hash {
			tried++
		}
	}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].hash == all[0].hash {
			n++
		}
		if same := all[:n]; n >= Least && c.expected(same[0], n)*float64(tried) < chance {
			into.add(same, c)
		}
		all = all[n:]
	}
	return cut
}

// expected bounds how likely n wallets share a triple by chance, when each of its items is
// as frequent as it is and they have nothing to do with each other.
func (c *compared) expected(t triple, n int) float64 {
	mean := float64(c.wallets)
	for _, place := range t.places {
		mean *= float64(c.count[c.of[t.wallet][place]]) / float64(c.wallets)
	}
	logOf, _ := math.Lgamma(float64(n + 1))
	return math.Exp(float64(n)*math.Log(mean) - logOf)
}

// hash is FNV-1a over three items. Items that collide make a group of wallets that share
// nothing: of four million that is one in a million runs.
func hash(all ...item) uint64 {
	h := uint64(14695981039346656037)
	add := func(v uint64) {
		for range 4 {
			h = (h ^ v&0xff) * 1099511628211
			v >>= 8
		}
	}
	for _, it := range all {
		add(uint64(uint32(it.exchange)))
		add(uint64(uint32(it.window)))
		add(uint64(uint8(it.stars)))
	}
	return h
}
