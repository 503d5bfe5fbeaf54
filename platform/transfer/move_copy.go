package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// The sizes of what is held in memory and in one transaction.
const (
	chunkRows  = 5_000
	chunkBytes = 4 << 20
	roundKeys  = 500 // rows that are read at once in a round; fewer where they are large
	pageKeys   = 20_000
	saveEvery  = 10 // chunks
)

// sides are the two databases of a move, connected.
type sides struct {
	from   lane
	to     target
	tables []table          // of the target, in its order
	record record           // of the source
	rows   map[string]int64 // of each table, when the attempt began
	width  map[string]int64 // of the rows of each table that were read last, in bytes; the mean
	pace   pacing
}

func (s *sides) close() error { return errors.Join(s.from.close(), s.to.close()) }

func (s *sides) table(name string) (table, error) {
	i := slices.IndexFunc(s.tables, func(t table) bool { return t.name == name })
	if i < 0 {
		return table{}, fault.Newf(fault.Internal, "the log of the move names the table %s, which is not there", name)
	}
	return s.tables[i], nil
}

// attempt makes the move from where it is to its end.
func (m *Move) attempt(ctx context.Context) (err error) {
	s, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		m.letWrite()
		err = errors.Join(err, s.close())
	}()
	if s.record.Phase == gone {
		return m.deliver(ctx, s, newPause())
	}
	if s.record.Position == "" {
		if err := m.capture(ctx, s); err != nil {
			return err
		}
	}
	if err := m.count(ctx, s); err != nil {
		return err
	}
	if s.record.Phase == copying {
		if err := m.copyAll(ctx, s); err != nil {
			return err
		}
	}
	if err := m.followAll(ctx, s); err != nil {
		return err
	}
	if err := m.check(ctx, s); err != nil {
		return err
	}
	m.prepare(ctx) // and not later: meanwhile rows are written
	if err := m.followAll(ctx, s); err != nil {
		return err
	}
	return m.cutOver(ctx, s)
}

// count says how many rows there are to copy.
func (m *Move) count(ctx context.Context, s *sides) error {
	if err := s.from.beginRead(ctx); err != nil {
		return err
	}
	var all, copied int64
	s.rows = make(map[string]int64, len(s.tables))
	for _, t := range s.tables {
		rows, err := count(ctx, s.from, t)
		if err != nil {
			return errors.Join(err, s.from.rollback())
		}
		s.rows[t.name] = rows
		all, copied = all+rows, copied+s.record.Tables[t.name].Rows
	}
	m.note(func(n *Status) { n.OfRows, n.Rows, n.Tables, n.Problem = all, copied, len(s.tables), "" })
	return s.from.commit(ctx)
}

// copyAll copies the rows of all tables, and makes the indexes.
func (m *Move) copyAll(ctx context.Context, s *sides) error {
	m.note(func(n *Status) { n.Step = StepCopying })
	for _, t := range s.tables {
		m.note(func(n *Status) { n.Table = t.name })
		if err := m.copyRows(ctx, s, t); err != nil {
			return fmt.Errorf("copy the table %s of %s: %w", t.name, m.o.Source.Module(), err)
		}
	}
	if err := m.o.reached("copied"); err != nil {
		return err
	}
	m.note(func(n *Status) { n.Step, n.Table = StepIndexing, "" })
	// Rows were read at different moments, so that two may have one value of a unique
	// index; after a round all are of one moment.
	if _, err := m.round(ctx, s, nil); err != nil {
		return err
	}
	if err := s.to.index(ctx); err != nil {
		return err
	}
	s.record.Phase = following
	if err := m.save(ctx, s); err != nil {
		return err
	}
	return m.o.reached("indexed")
}

// copyRows copies a table from where it ended before, a chunk at a time: each is read in
// a snapshot of its own, so that the source's log does not grow for long. It ends with
// the first chunk that is not full: what is written after that is in the log. Writes
// that add rows faster than they are copied are slowed, or it would never end.
func (m *Move) copyRows(ctx context.Context, s *sides, t table) error {
	at := s.record.Tables[t.name]
	var last []any
	if at.Last != "" {
		var err error
		if last, err = t.parseKey(at.Last); err != nil {
			return err
		}
	}
	again := at.Rows > 0 || last != nil // the target may have rows that the record does not know of
	for chunk := 1; !at.All; chunk++ {
		begun := time.Now()
		rows, bytes, err := readChunk(ctx, s.from, t, last)
		if err != nil {
			return err
		}
		s.measure(t, rows, bytes)
		if err := s.to.write(ctx, t, rows, again || chunk == 1); err != nil {
			return err
		}
		isFull := len(rows) == chunkRows || bytes >= chunkBytes
		at.All = !isFull
		at.Rows += int64(len(rows))
		if len(rows) > 0 {
			last = t.keyOf(rows[len(rows)-1])
			at.Last = t.formatKey(last)
		}
		s.record.Tables[t.name] = at
		// The first one is saved at once: who finds none in the record takes the target for
		// empty, and has only the first chunk written as one that may be there.
		if at.All || chunk == 1 || chunk%saveEvery == 0 {
			if err := m.save(ctx, s); err != nil {
				return err
			}
		}
		if chunk > saveEvery {
			again = false
		}
		m.note(func(n *Status) { n.Rows += int64(len(rows)); n.Bytes += bytes })
		if isFull && at.Rows > s.rows[t.name] {
			m.slow(s)
		}
		if err := m.o.reached("chunk"); err != nil {
			return err
		}
		if err := m.slowDown(ctx, bytes, time.Since(begun)); err != nil {
			return err
		}
	}
	return nil
}

// slowDown keeps to the rate.
func (m *Move) slowDown(ctx context.Context, bytes int64, took time.Duration) error {
	if m.o.Rate <= 0 {
		return ctx.Err()
	}
	if due := time.Duration(float64(bytes) / float64(m.o.Rate) * float64(time.Second)); due > took {
		return periodic.Sleep(ctx, due-took)
	}
	return ctx.Err()
}

var errFull = errors.New("the chunk is full")

func readChunk(ctx context.Context, from lane, t table, last []any) (rows [][]any, bytes int64, err error) {
	if err := from.beginRead(ctx); err != nil {
		return nil, 0, err
	}
	err = from.after(ctx, t, last, chunkRows, func(values []any) error {
		if err := t.check(values); err != nil {
			return err
		}
		rows = append(rows, values)
		if bytes += sizeOf(values); bytes >= chunkBytes {
			return errFull
		}
		return nil
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	return rows, bytes, errors.Join(err, from.rollback())
}

func sizeOf(values []any) (bytes int64) {
	for _, v := range values {
		bytes += 8
		switch v := v.(type) {
		case string:
			bytes += int64(len(v))
		case []byte:
			bytes += int64(len(v))
		}
	}
	return bytes
}
