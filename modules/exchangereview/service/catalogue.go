package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/search"
)

// catalogue holds the names of the directory in memory: a thousand or two,
// read again when the version in the database has increased.
type catalogue struct {
	store   store
	current atomic.Pointer[edition]
	loading sync.Mutex
}

// edition is the directory of one version. It is immutable.
type edition struct {
	version int64
	entries []listing // in the order of compareSlugs
	ids     map[string]int64
	index   *search.Index // its ids are places in entries
}

type listing struct {
	id     int64
	slug   string
	kind   string
	chains []string
}

// id returns the id of a slug. NotFound: no such slug. A known slug needs no
// query, because exchanges keep their slug and id.
func (c *catalogue) id(ctx context.Context, slug string) (int64, error) {
	if e := c.current.Load(); e != nil {
		if id, ok := e.ids[slug]; ok {
			return id, nil
		}
	}
	e, err := c.latest(ctx)
	if err != nil {
		return 0, err
	}
	if id, ok := e.ids[slug]; ok {
		return id, nil
	}
	return 0, noExchange()
}

// latest returns the directory as it is now.
func (c *catalogue) latest(ctx context.Context) (*edition, error) {
	version, err := c.store.directoryVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a new directory: %w", err)
	}
	if e := c.current.Load(); e != nil && e.version == version {
		return e, nil
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	if e := c.current.Load(); e != nil && e.version >= version {
		return e, nil // another caller has just read it
	}
	e, err := c.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the directory: %w", err)
	}
	c.current.Store(e)
	return e, nil
}

func (c *catalogue) read(ctx context.Context) (*edition, error) {
	rows, version, err := c.store.names(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b nameRow) int { return compareSlugs(a.Slug, b.Slug) })
	e := &edition{version: version, ids: make(map[string]int64, len(rows))}
	names := make([]search.Name, len(rows))
	for i, row := range rows {
		l := listing{id: row.ID, slug: row.Slug, kind: row.Kind}
		if err := json.Unmarshal([]byte(row.Chains), &l.chains); err != nil {
			return nil, fmt.Errorf("read the chains of %s: %w", row.Slug, err)
		}
		e.entries = append(e.entries, l)
		e.ids[row.Slug] = row.ID
		names[i] = search.Name{ID: int64(i), Texts: []string{row.Name, row.Slug}}
	}
	e.index = search.New(names)
	return e, nil
}

// compareSlugs orders equally good matches: the shorter slug is more likely the
// exchange itself, and not one of its offshoots.
func compareSlugs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// hit is a listing that a search found.
type hit struct {
	listing
	score int
}

// find returns the listings that match the query and pass its filters, best
// first and then by compareSlugs.
func (e *edition) find(q exchangereview.ExchangesQuery) (found []hit) {
	for _, m := range e.index.Find(q.Q) {
		l := e.entries[m.ID]
		if (q.Kind == "" || q.Kind == l.kind) && (q.Chain == "" || slices.Contains(l.chains, q.Chain)) {
			found = append(found, hit{l, m.Score})
		}
	}
	return found
}
