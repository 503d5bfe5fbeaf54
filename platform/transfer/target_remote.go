package transfer

import (
	"bytes"
	"context"
	"io"
	"time"

	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// The longest that the other process is waited for: it may hang. The first is for what
// grows with the data that was there before.
const (
	emptyWait = 10 * time.Minute
	callWait  = time.Minute
)

// remoteTarget is another process's database.
type remoteTarget struct {
	far     Far
	id      string
	attempt int64
	all     []table
	schema  string // of the source
}

// openRemote dials the other process. Both have the same tables: Begin compares.
func (m *Move) openRemote(ctx context.Context, from lane) (target, []table, error) {
	tables, err := from.tables(ctx)
	if err != nil {
		return nil, nil, err
	}
	if tables, err = withoutMoves(tables); err != nil {
		return nil, nil, err
	}
	schema, err := schemaVersions(ctx, m.o.Source.Options())
	if err != nil {
		return nil, nil, err
	}
	far, err := m.o.Dial(m.o.Remote)
	if err != nil {
		return nil, nil, err
	}
	return &remoteTarget{far: far, id: m.id, all: tables, schema: schema}, tables, nil
}

func (r *remoteTarget) prepare(ctx context.Context, o Opening) error {
	ctx, cancel := context.WithTimeout(ctx, emptyWait)
	defer cancel()
	o.Schema = r.schema
	return r.far.Begin(ctx, o)
}

func (r *remoteTarget) recall(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	known, err := r.far.Recall(ctx, RecallRequest{ID: id})
	r.attempt = known.Attempt
	return known.Known, err
}

// send sends a batch, and compares what is stored of the groups with keys with what of
// has of them.
func (r *remoteTarget) send(ctx context.Context, body []byte, tables []table, of []sum) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	stored, err := r.far.Rows(ctx, Batch{ID: r.id, Attempt: r.attempt, Body: io.MultiReader(bytes.NewReader(body))})
	if err != nil {
		return err
	}
	if len(stored.Sums) != len(of) {
		return fault.Newf(fault.Internal, "the other process has stored %d groups of rows, and %d were sent: both must be of one release", len(stored.Sums), len(of))
	}
	for i, sent := range of {
		if there := stored.Sums[i].toSum(); there != sent {
			return notEqual(tables[i], sent, there)
		}
	}
	return nil
}

// write needs nothing of again: rows that are put replace those with the same keys.
func (r *remoteTarget) write(ctx context.Context, t table, rows [][]any, _ bool) error {
	if len(rows) == 0 {
		return nil
	}
	return r.send(ctx, appendGroup(nil, t, nil, rows), nil, nil)
}

// replay sends the rows in batches. A row that takes a unique value from another one
// replaces it: that one has changed as well, and is in this round, too.
func (r *remoteTarget) replay(ctx context.Context, _ bool, from changes, counters []int64) (int64, error) {
	var body []byte
	var tables []table
	var of []sum
	flush := func() error {
		if len(body) == 0 {
			return nil
		}
		err := r.send(ctx, body, tables, of)
		body, tables, of = body[:0], tables[:0], of[:0]
		return err
	}
	keys, err := from.each(ctx, func(t table, keys [][]any) error {
		rows, sent, err := from.rows(ctx, t, keys)
		if err != nil {
			return err
		}
		body, tables, of = appendGroup(body, t, keys, rows), append(tables, t), append(of, sent)
		if len(body) < chunkBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return keys, err
	}
	if counters != nil {
		body = appendEnd(body, r.all, counters)
	}
	return keys, flush()
}

// index has nothing to do: a SQLite file keeps its indexes.
func (r *remoteTarget) index(context.Context) error { return nil }

func (r *remoteTarget) sums(ctx context.Context, note func(table string)) (map[string]sum, error) {
	all := make(map[string]sum, len(r.all))
	for _, t := range r.all {
		note(t.name)
		var of sum
		for q := (SumQuery{ID: r.id, Attempt: r.attempt, Table: t.name}); ; {
			page, err := r.sum(ctx, q)
			if err != nil {
				return nil, err
			}
			of.join(page.toSum())
			if q.After = page.Next; page.Next == "" {
				break
			}
		}
		all[t.name] = of
	}
	return all, nil
}

func (r *remoteTarget) sum(ctx context.Context, q SumQuery) (SumPage, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	return r.far.Sum(ctx, q)
}

func (r *remoteTarget) claim(ctx context.Context, c ownership.Claim) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	return r.far.Claim(ctx, Claiming{ID: r.id, Epoch: c.Epoch})
}

func (r *remoteTarget) abandon(ctx context.Context, id string, epoch int64) error {
	return r.far.Abandon(ctx, Abandoning{ID: id, Epoch: epoch})
}

// tidy has nothing to do: the rows are the source's, one by one.
func (r *remoteTarget) tidy(context.Context) error { return nil }

func (r *remoteTarget) close() error {
	r.far.Close()
	return nil
}
