// Package ranking computes an exchange's score from its reviews, so that nobody
// can buy it and anybody can compute it again: whole numbers only, the same bits
// on every machine.
//
// A review of day t weighs w = g·2^((t−L)/H): g is its writer's reputation times
// the proof of use, L a fixed landmark and H = 180 days. So time changes no sum
// that is stored: on reading everything is multiplied by one d = 2^(−(now−L)/H).
// What a Tally adds, it can subtract again, exactly and in any order.
//
//	S     = d·ΣW
//	n_eff = min(S, S²/(d²·Σw²))
//	α_k   = C·π_k + (n_eff/S)·d·W_k                     for k = 1 … 5 stars
//	A     = Σα_k,  μ = Σk·α_k/A,  σ² = (Σk²·α_k/A − μ²)/(A+1)
//	key   = μ − 1.645·σ
//
// The reviews of wallets without standing, and of those younger than 30 days
// (the fresh group), hold together at most a tenth of the weight: they are
// scaled down to (S + C²/(C+S))/9 with the S of the others. So any number of
// them moves a mean without them by at most 0.1·(5−μ).
//
// The exact steps, with their rounding, are those of Parameters.Score; every
// division rounds down. Units: weights and numbers of reviews are in 1/2^32, g
// is in 1/65536, stars are in millionths.
package ranking

import "time"

// Dimensions is how many ratings a review has; the first is overall.
const Dimensions = 7

// Version is that of the formula and of its constants: sums of another version
// are computed again from the reviews.
const Version = 1

// The constants of the formula.
const (
	HalfLife     = 180           // days
	PriorWeight  = 5             // C: reviews of average opinion that everybody starts with
	FreshDays    = 30            // a younger wallet belongs to the fresh group
	FreshShare   = 10            // which holds at most one part in so many
	EnoughUnits  = 8 * Unit      // of effective reviews; below, there is not enough evidence
	Unit         = 1 << 32       // 1 of weights and of numbers of reviews
	One          = 1 << 16       // 1 of g
	Least        = 3277          // 0.05: g of a wallet without standing, without the proof's factor
	Star         = 1_000_000     // 1 of stars
	Interval     = 0.9           // the share of cases between low and high, by deviations
	deviations   = 1645          // of key, low and high, in thousandths: 90 % lie between
	squareShift  = 8             // bits of a weight that its square leaves out
	mostHalvings = 35            // after which weights stop growing: squares would exceed 128 bits
	millisOfDay  = 24 * 3600_000 // of UTC
)

// Landmark is L of the sums that are stored: 2026-01-01, in days since 1970.
// Weights grow until 2043.
const Landmark = 20454

// Group is why a review weighs what it does.
type Group int

// The groups.
const (
	Proven   Group = iota // a wallet with standing that has shown that it used the exchange
	Unproven              // a wallet with standing
	Fresh                 // without standing, or younger than FreshDays
	Groups
)

// String returns the group's name, as in the breakdown.
func (g Group) String() string { return [...]string{"proven", "unproven", "fresh"}[g] }

// Review is what the ranking knows of a review.
type Review struct {
	Day    int // since 1970, UTC
	Group  Group
	Weight uint32 // g, at most One
	Stars  [Dimensions]int
}

// DayOf returns the day of a time in UTC milliseconds.
func DayOf(ms int64) int {
	day := ms / millisOfDay
	if ms%millisOfDay < 0 {
		day--
	}
	return int(day)
}

// Date returns the first moment of a day.
func Date(day int) time.Time { return time.UnixMilli(int64(day) * millisOfDay).UTC() }

// GroupOf returns the group of a review: standing is whether its writer has any,
// proven whether the use of the exchange is shown, and first the day that the
// writer was first seen.
func GroupOf(standing, proven bool, first, now int) Group {
	switch {
	case !standing || now-first < FreshDays:
		return Fresh
	case proven:
		return Proven
	default:
		return Unproven
	}
}
