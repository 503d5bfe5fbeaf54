package airdrop

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"banyan/platform/fault"
)

// trees keeps built campaigns in memory, up to a number of bytes; the least
// recently used goes first. A campaign is loaded at the first question for it,
// by whoever asks first, and the others wait for that.
//
// The one asked for last always stays, even if it alone is over the limit:
// loading it for every single question would be worse.
type trees struct {
	limit int64
	load  func(ctx context.Context, id string) (*served, error)
	clock atomic.Int64 // ticks at each use

	mu      sync.RWMutex
	ready   map[string]*keptTree
	loading map[string]*treeLoad
	bytes   int64
}

type keptTree struct {
	*served
	used atomic.Int64 // tick of the last use
}

// treeLoad is one load under way; tree and err are set before done is closed.
type treeLoad struct {
	done chan struct{}
	tree *served
	err  error
}

func newTrees(limit int64, load func(ctx context.Context, id string) (*served, error)) *trees {
	return &trees{limit: limit, load: load, ready: map[string]*keptTree{}, loading: map[string]*treeLoad{}}
}

// get gives the tree of a campaign. It fails as load does, and when ctx ends.
func (t *trees) get(ctx context.Context, id string) (*served, error) {
	for {
		if tree := t.find(id); tree != nil {
			return tree, nil
		}
		l, mine := t.join(id)
		if l == nil {
			continue // it became ready just now
		}
		if mine {
			t.run(ctx, id, l)
			return l.tree, l.err
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return nil, fault.From(ctx.Err())
		}
		if l.err == nil || !gaveUp(l.err) {
			return l.tree, l.err
		}
		// Whoever loaded went away half-way; this caller still wants it.
	}
}

func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// find is the common case: ready, and noted as used.
func (t *trees) find(id string) *served {
	t.mu.RLock()
	kept := t.ready[id]
	t.mu.RUnlock()
	if kept == nil {
		return nil
	}
	kept.used.Store(t.clock.Add(1))
	return kept.served
}

// join gives the load of id that is under way, or begins one that the caller
// must run (mine). nil: there is nothing to load any more.
func (t *trees) join(id string) (l *treeLoad, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready[id] != nil {
		return nil, false
	}
	if l := t.loading[id]; l != nil {
		return l, false
	}
	l = &treeLoad{done: make(chan struct{}), err: errors.New("loading the tree did not end")}
	t.loading[id] = l
	return l, true
}

// run loads and tells those who wait, also when load panics.
func (t *trees) run(ctx context.Context, id string, l *treeLoad) {
	defer func() {
		t.mu.Lock()
		delete(t.loading, id)
		t.mu.Unlock()
		close(l.done)
	}()
	l.tree, l.err = t.load(ctx, id)
	if l.err == nil {
		t.put(l.tree)
	}
}

// put keeps a tree and lets go of others while there are too many bytes.
func (t *trees) put(tree *served) {
	kept := &keptTree{served: tree}
	kept.used.Store(t.clock.Add(1))
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := t.ready[tree.campaign]; before != nil {
		t.bytes -= before.bytes()
	}
	t.ready[tree.campaign] = kept
	t.bytes += tree.bytes()
	for t.bytes > t.limit && len(t.ready) > 1 {
		t.evictOldest(tree.campaign)
	}
}

// evictOldest lets go of the least recently used but for spared.
func (t *trees) evictOldest(spared string) {
	var oldest *keptTree
	for id, kept := range t.ready {
		if id != spared && (oldest == nil || kept.used.Load() < oldest.used.Load()) {
			oldest = kept
		}
	}
	delete(t.ready, oldest.campaign)
	t.bytes -= oldest.bytes()
}
