// Package bursts finds days on which an exchange receives unusually many reviews. It
// has two rules. The first warns readers: the number of reviews of a day, or of two
// days, has a probability below 1/10,000 in what is usual for the exchange. The
// second also asks whether their stars are others than before, and holds new reviews:
// many bursts are real news, which changes the number before it changes the mix.
//
// What is usual is the negative binomial distribution fitted by moments to the 28
// days before the two; the mix is compared by the G-test. Both are computed in whole
// numbers, so that every machine raises the same alarms. It is pure: no clock.
package bursts

import (
	"encoding/binary"
	"math/bits"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
)

// The measures of the rules; the thresholds were chosen on the earlier half of real
// reviews and measured on the later one (see TestQualityOfBurstRules).
const (
	baseline = 28 // days that say what is usual
	window   = 2  // days that are compared with them
	mostR    = 8  // the least overdispersion that is believed in
	least    = 1  // reviews in the baseline, without which nothing is usual
	few      = 10 // reviews in the window that are no burst yet

	warnBelow = 10_000 // 1/p of the first rule
	holdBelow = 1_000  // 1/p of the second
	holdAbove = 40     // G of the second: for 4 degrees of freedom p is 4e-8
)

// Kept is how many days Days keeps: those that the rules look at, and two for reviews
// that are dated before or after midnight.
const Kept = baseline + window + 2

// Days counts the reviews of the latest days by their stars. The zero value has
// none.
type Days struct {
	Newest int             // the latest day with a review, since 1970
	Counts [Kept][5]uint32 // of the days Newest, Newest-1 …
}

// Add counts n reviews of a day more, or fewer; stars is 1 to 5. Days that are too
// old change nothing.
func (d *Days) Add(day, stars, n int) {
	if day > d.Newest {
		if n < 0 {
			return
		}
		var moved [Kept][5]uint32
		if by := day - d.Newest; by < Kept {
			copy(moved[by:], d.Counts[:])
		}
		d.Newest, d.Counts = day, moved
	}
	back := d.Newest - day
	if back >= Kept {
		return
	}
	c := &d.Counts[back][stars-1]
	*c = uint32(max(0, int64(*c)+int64(n)))
}

// Finding is what the rules say of the newest day.
type Finding struct {
	Reviews int  // of the day and the one before
	Usual   int  // of two days, in thousandths
	Mix     int  // G of their stars, in thousandths
	Warn    bool // the first rule
	Hold    bool // the second
}

// Find applies the rules to a day; what is later is left out.
func (d *Days) Find(day int) Finding {
	var perDay [baseline + window]uint64
	var before, now [5]uint64
	for back := range perDay {
		at := d.Newest - day + back
		if at < 0 || at >= Kept {
			continue
		}
		for k, n := range d.Counts[at] {
			perDay[back] += uint64(n)
			if back < window {
				now[k] += uint64(n)
			} else {
				before[k] += uint64(n)
			}
		}
	}
	var s, q uint64 // sums of the baseline's counts and of their squares
	for _, n := range perDay[window:] {
		s, q = s+n, q+n*n
	}
	f := Finding{Reviews: int(perDay[0] + perDay[1]), Usual: int((s + 1) * window * 1000 / baseline), Mix: mix(before, now)}
	if s < least || f.Reviews < few || s > 1<<24 {
		return f
	}
	u := usual{p: s + 1, r: overdispersion(s+1, s, q)}
	rare := func(oneIn uint64) bool { return u.rare(perDay[0], 1, oneIn) || u.rare(perDay[0]+perDay[1], 2, oneIn) }
	f.Warn = rare(warnBelow)
	f.Hold = f.Mix > holdAbove*1000 && (f.Warn || rare(holdBelow))
	return f
}

// overdispersion returns r of the negative binomial distribution whose mean is p/28
// a day, from 1 to mostR: m²/(var − m), by the sum and the sum of squares.
func overdispersion(p, s, q uint64) uint64 {
	const n = baseline
	excess := int64(n*q+p*p) - int64(2*p*s+p*(n-1)) // n(n−1)(var − m)
	if excess <= 0 {
		return mostR
	}
	return min(mostR, max(1, p*p*(n-1)/(n*uint64(excess))))
}

// usual is the distribution of the reviews of a day: its mean is p/28.
type usual struct{ p, r uint64 }

// rare reports whether days together have c reviews or more with a probability below
// 1/oneIn. The sum of the probabilities of 0, 1, 2 … reviews is that of the
// distribution's recurrence, in 1/2^192; it ends as soon as the answer is known.
func (u usual) rare(c uint64, days, oneIn uint64) bool {
	one := new(uint256.Int).Lsh(uint256.NewInt(1), 192)
	r, begin := u.r, new(uint256.Int)
	for ; ; r-- { // where r is too large for 192 bits, a wider distribution is taken
		begin.Set(one)
		for range r * days {
			begin.Mul(begin, uint256.NewInt(r*baseline))
			begin.Div(begin, uint256.NewInt(r*baseline+u.p))
		}
		if !begin.IsZero() || r == 1 {
			break
		}
	}
	enough := new(uint256.Int).Sub(one, new(uint256.Int).Div(one, uint256.NewInt(oneIn)))
	sum, next := new(uint256.Int), begin
	for k := range c {
		if sum.Add(sum, next); sum.Gt(enough) {
			return true
		}
		next.Mul(next, uint256.NewInt((k+r*days)*u.p))
		next.Div(next, uint256.NewInt((k+1)*(r*baseline+u.p)))
	}
	return false
}

// mix returns G = 2 Σ o·ln(o/e) in thousandths, where o are the stars now and e what
// is expected of so many by those before, each of which counts one more.
func mix(before, now [5]uint64) int {
	var b, n uint64
	for k := range 5 {
		b, n = b+before[k]+1, n+now[k]
	}
	const twiceLn2 = 5_954_088_944 // 2 ln 2 in 1/2^32
	g := int64(0)                  // in 1/2^32 of bits
	for k := range 5 {
		if o := min(now[k], 1<<24); o > 0 {
			g += int64(o) * (log2(o*b) - log2(n*(before[k]+1)))
		}
	}
	if g <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(g), twiceLn2)
	return int((hi<<32 | lo>>32) >> 16 * 1000 >> 16)
}

// log2 returns the logarithm in 1/2^32, rounded down. x is above 0.
func log2(x uint64) int64 {
	zeros := bits.LeadingZeros64(x)
	m := x << zeros // 1 to 2, with 63 binary places
	result := int64(63 - zeros)
	for range 32 {
		hi, lo := bits.Mul64(m, m)
		result <<= 1
		if hi>>63 == 1 {
			result, m = result|1, hi
		} else {
			m = hi<<1 | lo>>63
		}
	}
	return result
}

// AppendTo appends the counts in few bytes.
func (d *Days) AppendTo(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(d.Newest))
	for _, day := range d.Counts {
		for _, n := range day {
			to = binary.AppendUvarint(to, uint64(n))
		}
	}
	return to
}

// UnmarshalBinary reads what AppendTo wrote; nothing is the zero value.
func (d *Days) UnmarshalBinary(from []byte) error {
	*d = Days{}
	if len(from) == 0 {
		return nil
	}
	bad := false
	next := func() uint64 {
		v, n := binary.Uvarint(from)
		if n <= 0 || v > 1<<32-1 {
			bad, n = true, 0
		}
		from = from[n:]
		return v
	}
	d.Newest = int(next())
	for i := range d.Counts {
		for k := range d.Counts[i] {
			d.Counts[i][k] = uint32(next())
		}
	}
	if bad || len(from) > 0 {
		return fault.New(fault.Internal, "the counts of an exchange's days are damaged: restore a backup")
	}
	return nil
}
