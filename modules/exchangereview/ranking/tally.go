package ranking

import (
	"encoding/binary"
	"slices"

	"banyan/platform/fault"
)

// Tally is the sums over an exchange's reviews. The zero value is that of an
// exchange without reviews.
type Tally struct {
	Weights  [Groups][Dimensions][5]Sum // of the reviews with 1 … 5 stars
	Squares  [Groups]Sum                // of the weights
	Received [Groups][5]int64           // reviews with 1 … 5 stars overall
	Periods  []Period                   // by Start; of the weights overall, for the breakdown
}

// Period is the part of a tally that is of reviews of HalfLife days.
type Period struct {
	Start    int32 // in half-lives since the landmark
	Weights  [Groups][5]Sum
	Received [Groups][5]int64
}

// Add counts a review.
func (t *Tally) Add(r *Review, landmark int) { t.change(r, landmark, (*Sum).add, 1) }

// Remove takes a review out that was added with the same values.
func (t *Tally) Remove(r *Review, landmark int) { t.change(r, landmark, (*Sum).subtract, -1) }

func (t *Tally) change(r *Review, landmark int, apply func(*Sum, Sum), n int64) {
	weight, square := weigh(r.Weight, r.Day, landmark)
	overall := r.Stars[0] - 1
	for dimension, stars := range r.Stars {
		apply(&t.Weights[r.Group][dimension][stars-1], weight)
	}
	apply(&t.Squares[r.Group], square)
	t.Received[r.Group][overall] += n
	start, _ := split(r.Day - landmark)
	place, found := slices.BinarySearchFunc(t.Periods, int32(start), func(p Period, start int32) int { return int(p.Start - start) })
	if !found {
		t.Periods = slices.Insert(t.Periods, place, Period{Start: int32(start)})
	}
	p := &t.Periods[place]
	apply(&p.Weights[r.Group][overall], weight)
	if p.Received[r.Group][overall] += n; p.empty() {
		t.Periods = slices.Delete(t.Periods, place, place+1)
	}
}

func (p *Period) empty() bool {
	return p.Weights == [Groups][5]Sum{} && p.Received == [Groups][5]int64{}
}

// IsZero reports whether every sum is 0.
func (t *Tally) IsZero() bool {
	return len(t.Periods) == 0 && t.Weights == [Groups][Dimensions][5]Sum{} && t.Squares == [Groups]Sum{} && t.Received == [Groups][5]int64{}
}

// Reviews returns how many are counted.
func (t *Tally) Reviews() (n int64) {
	for _, h := range t.Histogram() {
		n += h
	}
	return n
}

// Histogram returns how many reviews have 1 … 5 stars overall.
func (t *Tally) Histogram() (received [5]int64) {
	for _, group := range t.Received {
		for k, n := range group {
			received[k] += n
		}
	}
	return received
}

// AppendBinary appends the tally as it is stored.
func (t *Tally) AppendBinary(to []byte) ([]byte, error) {
	to = append(to, Version)
	for g := range Groups {
		for d := range t.Weights[g] {
			to = appendSums(to, t.Weights[g][d][:])
		}
		to = appendSums(to, t.Squares[g:g+1])
		to = appendCounts(to, t.Received[g])
	}
	to = binary.AppendUvarint(to, uint64(len(t.Periods)))
	for i := range t.Periods {
		p := &t.Periods[i]
		to = binary.AppendVarint(to, int64(p.Start))
		for g := range Groups {
			to = appendCounts(appendSums(to, p.Weights[g][:]), p.Received[g])
		}
	}
	return to, nil
}

func appendSums(to []byte, sums []Sum) []byte {
	for _, s := range sums {
		to = binary.AppendUvarint(binary.AppendUvarint(to, s.low), s.high)
	}
	return to
}

func appendCounts(to []byte, counts [5]int64) []byte {
	for _, n := range counts {
		to = binary.AppendVarint(to, n)
	}
	return to
}

// reader takes numbers from stored bytes; after a wrong one it returns zeros.
type reader struct {
	rest  []byte
	wrong bool
}

func (r *reader) unsigned() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.wrong, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) signed() int64 {
	x, n := binary.Varint(r.rest)
	if n <= 0 {
		r.wrong, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) sums(into []Sum) {
	for i := range into {
		into[i].low = r.unsigned()
		into[i].high = r.unsigned()
	}
}

func (r *reader) counts(into *[5]int64) {
	for i := range into {
		into[i] = r.signed()
	}
}

// UnmarshalBinary reads what AppendBinary wrote; nothing at all is a tally
// without reviews.
func (t *Tally) UnmarshalBinary(stored []byte) error {
	*t = Tally{}
	if len(stored) == 0 {
		return nil
	}
	r := reader{rest: stored[1:]}
	for g := range Groups {
		for d := range t.Weights[g] {
			r.sums(t.Weights[g][d][:])
		}
		r.sums(t.Squares[g : g+1])
		r.counts(&t.Received[g])
	}
	for n := min(r.unsigned(), uint64(len(stored))); n > 0 && !r.wrong; n-- {
		p := Period{Start: int32(r.signed())}
		for g := range Groups {
			r.sums(p.Weights[g][:])
			r.counts(&p.Received[g])
		}
		t.Periods = append(t.Periods, p)
	}
	if r.wrong || len(r.rest) > 0 || stored[0] != Version {
		return fault.New(fault.Internal, "the sums of an exchange cannot be read: restore a backup, or start this version once more to compute them again")
	}
	return nil
}
