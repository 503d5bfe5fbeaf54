package transfer

import "time"

// A round copies what was written during the one before, so rounds become shorter only if
// rows are written more slowly than they are copied. Where they are not, writes are let
// through at a pace that leaves half as many for the next round, until few are left:
//
//	rows of a round     20,000 ─▶ 10,000 ─▶ 5,000 ─▶ … ─▶ 1,000 ─▶ … ─▶ 100: writes are held
//	writes in a second   3,000 ─▶  1,500 ─▶   …
//
// For the last steps nobody is slowed: that would cost writers more than the pause does.
// The pace is one of all writes, not a delay of each: it holds for any number of callers.
const (
	// fewKeys is how many rows may be left when writes are held for them, and goodRounds
	// after how many rounds okKeys may: a round takes a few milliseconds however little it
	// copies, and in that time a busy module writes some.
	fewKeys    = 100
	goodRounds = 12
	okKeys     = 1_000
	// manyRounds is after how many rounds mostKeys may be left: a single write may be as large.
	manyRounds = 50
	mostKeys   = 20_000
	// slowestPace is the least number of writes in a second.
	slowestPace = 1
	// mostSlowing is the least that a pace is of the one before: figures of a round may
	// mislead. leastSlowing is the most.
	mostSlowing  = 0.1
	leastSlowing = 0.5
)

// pacing is what the pace of writes follows from.
type pacing struct {
	limit  float64 // writes in a second, 0 = none
	writes uint64  // that had begun at that time
	at     time.Time
}

// enough reports whether so few rows are left that writes may be held for them.
func enough(round int, keys int64) bool {
	return keys <= fewKeys || round >= goodRounds && keys <= okKeys || round >= manyRounds && keys <= mostKeys
}

// look returns the writes in a second since it was called last.
func (p *pacing) look(writes uint64, now time.Time) (perSecond float64) {
	perSecond = float64(writes-p.writes) / max(now.Sub(p.at), time.Millisecond).Seconds()
	p.writes, p.at = writes, now
	return perSecond
}

// slow halves the writes.
func (m *Move) slow(s *sides) {
	begun, _ := m.o.Source.Begun()
	m.slowTo(s, s.pace.look(begun, m.o.Now())*leastSlowing)
	m.noteSlowed()
}

// slowTo lets so many writes through in a second.
func (m *Move) slowTo(s *sides, limit float64) {
	if s.pace.limit > 0 { // the figure may be of a time in which they were faster
		limit = min(limit, s.pace.limit*leastSlowing)
	}
	s.pace.limit = max(limit, slowestPace)
	m.o.Source.Pace(s.pace.limit)
}

// noteSlowed shows how long writes wait.
func (m *Move) noteSlowed() {
	_, each := m.o.Source.Begun()
	m.note(func(n *Status) { n.SlowedMS = each.Milliseconds() })
}

// letWrite lets all writes through.
func (m *Move) letWrite() {
	m.o.Source.Pace(0)
	m.note(func(n *Status) { n.SlowedMS = 0 })
}
