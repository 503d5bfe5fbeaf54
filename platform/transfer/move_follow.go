package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"banyan/platform/fault"
)

// followAll copies what was written meanwhile until few rows are left.
func (m *Move) followAll(ctx context.Context, s *sides) error {
	m.note(func(n *Status) { n.Step, n.Table = StepFollowing, "" })
	last, before := int64(0), time.Millisecond
	begun, _ := m.o.Source.Begun()
	s.pace.look(begun, m.o.Now())
	for round := 0; ; round++ {
		start := m.o.Now()
		keys, err := m.round(ctx, s, nil)
		if err != nil {
			return err
		}
		if err := m.prune(ctx, s); err != nil {
			return err
		}
		begun, _ := m.o.Source.Begun()
		now := m.o.Now()
		perSecond := s.pace.look(begun, now)
		took := max(now.Sub(start), time.Millisecond)
		m.noteSlowed()
		if enough(round, keys) {
			return m.o.reached("followed")
		}
		if round > 0 && keys > okKeys && keys > last/2 { // writes arrive about as fast as they are copied
			// These were written during the round before, and the next round copies those that
			// are written during one as long as this.
			m.slowTo(s, perSecond*min(max(before.Seconds()/took.Seconds()/2, mostSlowing), leastSlowing))
		}
		last, before = keys, took
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// round copies the rows that were written since the position, as they are in one
// snapshot of the source, and compares what is stored of them. whole, which may be nil,
// reads more in that snapshot.
func (m *Move) round(ctx context.Context, s *sides, whole func() error) (keys int64, err error) {
	return m.copyRound(ctx, s, whole, false)
}

// lastRound is the round while writes are held: all rows are there then.
func (m *Move) lastRound(ctx context.Context, s *sides) error {
	_, err := m.copyRound(ctx, s, nil, true)
	return err
}

func (m *Move) copyRound(ctx context.Context, s *sides, whole func() error, isLast bool) (keys int64, err error) {
	if err := s.from.beginRead(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.from.rollback()) }()
	position, err := s.from.position(ctx)
	if err != nil {
		return 0, err
	}
	gaps, err := s.from.missing(ctx, s.record.Position)
	if err == nil && gaps != 0 {
		err = fault.Wrap(errUnequal, fault.Internal, fmt.Sprintf("%d entries are missing in the log of what was written: the copy cannot be whole", gaps))
	}
	if err != nil {
		return 0, err
	}
	var counters []int64
	if isLast {
		if counters, err = s.counters(ctx); err != nil {
			return 0, err
		}
	}
	if keys, err = s.to.replay(ctx, s.record.Phase == copying, written{m, s}, counters); err != nil {
		return keys, err
	}
	if whole != nil {
		if err := whole(); err != nil {
			return keys, err
		}
	}
	s.record.Position = position
	m.note(func(n *Status) { n.Rounds++; n.Lag = keys })
	return keys, nil
}

// counters are what the tables of the source count from.
func (s *sides) counters(ctx context.Context) ([]int64, error) {
	all := make([]int64, len(s.tables))
	for i, t := range s.tables {
		var err error
		if all[i], err = s.from.counter(ctx, t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// written are the rows since the position of a move.
type written struct {
	m *Move
	s *sides
}

func (w written) each(ctx context.Context, do func(t table, keys [][]any) error) (int64, error) {
	return w.m.eachTouched(ctx, w.s, do)
}

func (w written) rows(ctx context.Context, t table, keys [][]any) (rows [][]any, of sum, err error) {
	var bytes int64
	err = w.s.from.present(ctx, t, keys, func(values []any) error {
		rows = append(rows, values)
		bytes += sizeOf(values)
		of.add(values)
		return t.check(values)
	})
	w.s.measure(t, rows, bytes)
	return rows, of, err
}

// unknownKeys is how many rows are read of a table whose rows are of unknown size.
const unknownKeys = 20

// measure notes how large the rows of a table are.
func (s *sides) measure(t table, rows [][]any, bytes int64) {
	if s.width == nil {
		s.width = make(map[string]int64)
	}
	if len(rows) > 0 {
		s.width[t.name] = bytes/int64(len(rows)) + 1
	}
}

// readable is how many rows of a table are read at once.
func (s *sides) readable(table string) int {
	width, known := s.width[table]
	if !known {
		return unknownKeys
	}
	return int(min(max(chunkBytes/width, 1), roundKeys))
}

// eachTouched calls do with the keys of rows that were written since the position, some
// of one table at a time.
func (m *Move) eachTouched(ctx context.Context, s *sides, do func(t table, keys [][]any) error) (keys int64, err error) {
	var last touchedKey
	for {
		page, err := s.from.touched(ctx, s.record.Position, last, pageKeys)
		if err != nil {
			return keys, err
		}
		if keys += int64(len(page)); len(page) > 0 {
			last = page[len(page)-1]
		}
		isLast := len(page) < pageKeys
		for len(page) > 0 {
			n, most := 1, s.readable(page[0].table)
			for n < len(page) && n < most && page[n].table == page[0].table {
				n++
			}
			if err := doKeys(s, page[:n], do); err != nil {
				return keys, err
			}
			page = page[n:]
		}
		if isLast {
			return keys, nil
		}
	}
}

// doKeys calls do with keys of one table.
func doKeys(s *sides, touched []touchedKey, do func(t table, keys [][]any) error) error {
	t, err := s.table(touched[0].table)
	if err != nil {
		return err
	}
	keys := make([][]any, len(touched))
	for i := range keys {
		if keys[i], err = t.parseKey(touched[i].key); err != nil {
			return err
		}
	}
	if err := do(t, keys); err != nil {
		return fmt.Errorf("copy rows of %s that were written meanwhile: %w", t.name, err)
	}
	return nil
}

// errUnequal ends a move: what has been copied is not what is in the source.
var errUnequal = errors.New("the copy is not equal")

func notEqual(t table, sent, stored sum) error {
	return fault.Wrap(errUnequal, fault.Internal, fmt.Sprintf("the copy of %s is not equal: %d rows with the sum %s are in the source, %d with %s in the copy; the data is where it was", t.name, sent.rows, sent, stored.rows, stored))
}

// check reads all tables of both sides at one state, and compares their counts and sums.
// From here on every round compares the rows that it copies, so that the copy stays
// equal.
func (m *Move) check(ctx context.Context, s *sides) error {
	m.note(func(n *Status) { n.Step = StepChecking })
	m.letWrite() // it may last, and what is written meanwhile is followed afterwards
	s.pace.limit = 0
	sums := map[string]sum{}
	_, err := m.round(ctx, s, func() error {
		for _, t := range s.tables {
			m.note(func(n *Status) { n.Table = t.name })
			var of sum
			if err := s.from.read(ctx, t, func(values []any) error { of.add(values); return ctx.Err() }); err != nil {
				return err
			}
			sums[t.name] = of
		}
		return nil
	})
	if err != nil {
		return err
	}
	there, err := s.to.sums(ctx, func(table string) { m.note(func(n *Status) { n.Table = table }) })
	if err != nil {
		return err
	}
	for _, t := range s.tables {
		if there[t.name] != sums[t.name] {
			return notEqual(t, sums[t.name], there[t.name])
		}
	}
	return m.o.reached("checked")
}
