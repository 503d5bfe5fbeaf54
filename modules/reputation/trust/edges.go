package trust

import (
	"math"
	"slices"

	"banyan/platform/fault"
)

// Edge is one statement: Source trusts (positive weight) or distrusts
// (negative weight) Target; zero takes back what Source stated before. Time is
// UTC milliseconds, or NoTime.
type Edge struct {
	Source, Target uint32
	Weight         float64
	Time           int64
}

// edgesPerChunk bounds what growing a list copies and leaves behind to none.
const edgesPerChunk = 1 << 16

// Edges is a list of statements in the order in which they were made: of two
// between the same nodes the later one counts. It takes 12 bytes an edge, 16
// where a weight is no float32, and 8 more where one has a time.
type Edges struct {
	chunks []edgeChunk
	rows   int
	self   int
	scale  float64 // largest |weight|
}

// edgeChunk has columns of the same length, but for weight64 (nil while every
// weight is a float32, then instead of weight32) and time (nil while none has
// one).
type edgeChunk struct {
	source, target []uint32
	weight32       []float32
	weight64       []float64
	time           []int64
}

// Add appends a statement. It fails with fault.Invalid on a weight that
// CheckWeight refuses, and with fault.TooLarge after 2³²−1.
func (l *Edges) Add(e Edge) error {
	if !CheckWeight(e.Weight) {
		return fault.Newf(fault.Invalid, "edge %d has the weight %g: a weight is 0, or from %g to %g in size", l.rows, e.Weight, MinWeight, MaxWeight)
	}
	if l.rows >= math.MaxUint32 {
		return fault.Newf(fault.TooLarge, "a trust graph has at most %d edges", uint32(math.MaxUint32))
	}
	l.rows++
	if e.Source == e.Target {
		l.self++
		return nil
	}
	l.scale = max(l.scale, math.Abs(e.Weight))
	if n := len(l.chunks); n == 0 || len(l.chunks[n-1].source) == edgesPerChunk {
		l.chunks = append(l.chunks, edgeChunk{
			source: make([]uint32, 0, edgesPerChunk), target: make([]uint32, 0, edgesPerChunk), weight32: make([]float32, 0, edgesPerChunk),
		})
	}
	l.chunks[len(l.chunks)-1].add(e)
	return nil
}

func (c *edgeChunk) add(e Edge) {
	if c.weight64 == nil && float64(float32(e.Weight)) != e.Weight {
		c.weight64 = make([]float64, len(c.weight32), edgesPerChunk)
		for i, w := range c.weight32 {
			c.weight64[i] = float64(w)
		}
		c.weight32 = nil
	}
	if c.time == nil && e.Time != NoTime {
		c.time = make([]int64, len(c.source), edgesPerChunk)
		for i := range c.time {
			c.time[i] = NoTime
		}
	}
	c.source, c.target = append(c.source, e.Source), append(c.target, e.Target)
	if c.weight64 != nil {
		c.weight64 = append(c.weight64, e.Weight)
	} else {
		c.weight32 = append(c.weight32, float32(e.Weight))
	}
	if c.time != nil {
		c.time = append(c.time, e.Time)
	}
}

// Len returns how many were added.
func (l *Edges) Len() int { return l.rows }

// Renumber gives node n the number to[n]: see Interner.Sort.
func (l *Edges) Renumber(to []uint32) {
	inParallel(0, len(l.chunks), func(i int) {
		c := l.chunks[i]
		for k := range c.source {
			c.source[k], c.target[k] = to[c.source[k]], to[c.target[k]]
		}
	})
}

// narrow reports whether every weight is a float32.
func (l *Edges) narrow() bool {
	return !slices.ContainsFunc(l.chunks, func(c edgeChunk) bool { return c.weight64 != nil })
}

// timed reports whether any edge has a time.
func (l *Edges) timed() bool {
	return slices.ContainsFunc(l.chunks, func(c edgeChunk) bool { return c.time != nil })
}

func (c *edgeChunk) weight(k int) float64 {
	if c.weight64 != nil {
		return c.weight64[k]
	}
	return float64(c.weight32[k])
}

func (c *edgeChunk) timeOf(k int) int64 {
	if c.time == nil {
		return NoTime
	}
	return c.time[k]
}

// check refuses a node that the graph does not have.
func (l *Edges) check(nodes int) error {
	for _, c := range l.chunks {
		for k, source := range c.source {
			if target := c.target[k]; int64(max(source, target)) >= int64(nodes) {
				return fault.Newf(fault.Invalid, "an edge joins %d and %d, but the graph has %d nodes", source, target, nodes)
			}
		}
	}
	return nil
}
