package ranking

import (
	"math/bits"

	"github.com/holiman/uint256"
)

// Sum is a sum of 128 bits. It wraps around, so that adding and subtracting in
// any order ends where it should.
type Sum struct{ high, low uint64 }

func (s *Sum) add(x Sum) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, x.low, 0)
	s.high, _ = bits.Add64(s.high, x.high, carry)
}

func (s *Sum) subtract(x Sum) {
	var borrow uint64
	s.low, borrow = bits.Sub64(s.low, x.low, 0)
	s.high, _ = bits.Sub64(s.high, x.high, borrow)
}

// IsZero reports whether the sum is 0.
func (s Sum) IsZero() bool { return s == Sum{} }

func (s Sum) wide() uint256.Int { return uint256.Int{s.low, s.high} }

// shifted returns x·2^n, for any n; bits below 1 are lost.
func shifted(x uint64, n int) Sum {
	switch {
	case n <= -64:
		return Sum{}
	case n < 0:
		return Sum{low: x >> -n}
	case n < 64:
		return Sum{high: x >> (64 - n), low: x << n}
	default:
		return Sum{high: x << (n - 64)}
	}
}

// weigh returns what a review weighs, and the square of it.
func weigh(g uint32, day, landmark int) (weight, square Sum) {
	halvings, rest := split(day - landmark)
	weight = shifted(uint64(g)*powers[rest], min(halvings, mostHalvings))
	short := weight.low>>squareShift | weight.high<<(64-squareShift)
	square.high, square.low = bits.Mul64(short, short)
	return weight, square
}

// split returns the whole half-lives of a number of days, rounded down, and the
// days that are left.
func split(days int) (halvings, rest int) {
	halvings = days / HalfLife
	if rest = days % HalfLife; rest < 0 {
		halvings, rest = halvings-1, rest+HalfLife
	}
	return halvings, rest
}

// MarshalText returns the decimal digits.
func (s Sum) MarshalText() ([]byte, error) {
	x := s.wide()
	return []byte(x.Dec()), nil
}
