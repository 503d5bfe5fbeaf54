package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
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
	facets  exchangereview.Facets
}

type listing struct {
	id        int64
	slug      string
	kind      string
	chains    []string
	countries []string
	status    string
	takerFee  *float64
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
		l := listing{id: row.ID, slug: row.Slug, kind: row.Kind, status: row.Status, takerFee: row.TakerFee}
		if err := json.Unmarshal([]byte(row.Chains), &l.chains); err != nil {
			return nil, fmt.Errorf("read the chains of %s: %w", row.Slug, err)
		}
		if err := json.Unmarshal([]byte(row.Countries), &l.countries); err != nil {
			return nil, fmt.Errorf("read the countries of %s: %w", row.Slug, err)
		}
		var facts directory.Facts
		if err := json.Unmarshal([]byte(row.Facts), &facts); err != nil {
			return nil, fmt.Errorf("read the facts of %s: %w", row.Slug, err)
		}
		e.entries = append(e.entries, l)
		e.ids[row.Slug] = row.ID
		names[i] = search.Name{ID: int64(i), Texts: append([]string{row.Name, row.Slug}, facts.FormerNames...)}
	}
	e.index = search.New(names)
	e.facets = exchangereview.Facets{
		Chains:    facetsOf(e.entries, func(l *listing) []string { return l.chains }),
		Countries: facetsOf(e.entries, func(l *listing) []string { return l.countries }),
	}
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
		if l.passes(&q) {
			found = append(found, hit{l, m.Score})
		}
	}
	return found
}

// passes reports whether the filters of a query let an exchange through.
func (l *listing) passes(q *exchangereview.ExchangesQuery) bool {
	return (q.Kind == "" || q.Kind == l.kind) && (q.Chain == "" || slices.Contains(l.chains, q.Chain)) &&
		(q.Country == "" || slices.Contains(l.countries, q.Country)) && (q.Status == "" || q.Status == l.status) &&
		(q.MaxFee <= 0 || l.takerFee != nil && *l.takerFee <= q.MaxFee)
}

// mostFacets bounds the values of one filter.
const mostFacets = 1000

// facetsOf counts the values of a field, in their order.
func facetsOf(entries []listing, of func(*listing) []string) []exchangereview.Facet {
	counts := map[string]int{}
	for i := range entries {
		for _, value := range of(&entries[i]) {
			counts[value]++
		}
	}
	all := []exchangereview.Facet{}
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		if len(all) < mostFacets {
			all = append(all, exchangereview.Facet{Value: value, Exchanges: counts[value]})
		}
	}
	return all
}
