package service

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"banyan/platform/fault"
)

// trees keeps built campaigns ready, up to a number of bytes of memory and of
// campaigns; the least recently used is evicted first, as soon as nobody reads
// it any more. A campaign is loaded by the first caller who requests it, and
// concurrent callers wait for that load.
//
// The one requested last always stays, even if it alone is over the limit:
// loading it for every single request would be worse.
type trees struct {
	limit int64
	most  int
	load  func(ctx context.Context, id string) (*served, error)
	clock atomic.Int64 // ticks when a tree is used that is not the last one

	// ready is replaced and never changed, so that reading it takes no lock:
	// processors that all request one campaign would wait for each other.
	ready atomic.Pointer[map[string]*keptTree]

	mu      sync.Mutex // guards replacing ready, and the fields below
	loading map[string]*treeLoad
	bytes   int64
}

// mostTrees bounds the mappings of a process; Linux allows it 65,530.
const mostTrees = 4096

// keptTree is a tree in ready, which holds it.
type keptTree struct {
	*served
	used atomic.Int64 // tick of the last use
}

// treeLoad is one load under way; tree and err are set before done is closed. A
// caller who waited for it has to hold the tree, which may be evicted again by
// then.
type treeLoad struct {
	done chan struct{}
	tree *served
	err  error
}

func newTrees(limit int64, load func(ctx context.Context, id string) (*served, error)) *trees {
	t := &trees{limit: limit, most: mostTrees, load: load, loading: map[string]*treeLoad{}}
	t.ready.Store(&map[string]*keptTree{})
	return t
}

// get returns the tree of a campaign, which the caller must leave. It fails as
// load does, and when ctx ends.
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
		switch {
		case l.err == nil && l.tree.hold():
			return l.tree, nil
		case l.err != nil && !isCancellation(l.err):
			return nil, l.err
		}
		// The caller who loaded has gone, or the tree was evicted for others;
		// this caller still needs it.
	}
}

func isCancellation(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// find returns a tree that is ready, the common case, and notes its use; nil
// when it is not. The caller holds it.
func (t *trees) find(id string) *served {
	kept := (*t.ready.Load())[id]
	if kept == nil || !kept.hold() { // or it was just evicted
		return nil
	}
	if kept.used.Load() != t.clock.Load() { // another one was used since
		kept.used.Store(t.clock.Add(1))
	}
	return kept.served
}

// join returns the load of id that is running, or adds one that the caller must
// run (mine). It returns nil when the tree is ready by now.
func (t *trees) join(id string) (l *treeLoad, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if (*t.ready.Load())[id] != nil {
		return nil, false
	}
	if l := t.loading[id]; l != nil {
		return l, false
	}
	l = &treeLoad{done: make(chan struct{}), err: errors.New("loading the tree did not end")}
	t.loading[id] = l
	return l, true
}

// run loads and then wakes the waiting callers, also when load panics.
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

// put keeps a tree, which the caller holds, and evicts others while there are
// too many.
func (t *trees) put(tree *served) {
	kept := &keptTree{served: tree}
	kept.used.Store(t.clock.Add(1))
	tree.holders.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := maps.Clone(*t.ready.Load())
	if before := ready[tree.campaign]; before != nil {
		t.remove(before, ready)
	}
	ready[tree.campaign] = kept
	t.bytes += tree.bytes
	for (t.bytes > t.limit || len(ready) > t.most) && len(ready) > 1 {
		t.remove(oldest(ready, tree.campaign), ready)
	}
	t.replace(ready)
}

// remove takes a tree out of the next ready; t.mu is locked until replace.
func (t *trees) remove(kept *keptTree, ready map[string]*keptTree) {
	delete(ready, kept.campaign)
	t.bytes -= kept.bytes
}

// replace installs ready and leaves the trees that are no longer in it.
func (t *trees) replace(ready map[string]*keptTree) {
	for id, kept := range *t.ready.Swap(&ready) {
		if ready[id] != kept {
			kept.leave()
		}
	}
}

// oldest returns the least recently used tree other than spared.
func oldest(ready map[string]*keptTree, spared string) (oldest *keptTree) {
	for id, kept := range ready {
		if id != spared && (oldest == nil || kept.used.Load() < oldest.used.Load()) {
			oldest = kept
		}
	}
	return oldest
}

// discard evicts a damaged tree and calls away, which removes the file it was
// loaded from, before anybody loads it again. Of concurrent callers only the
// first does so: the tree that is ready after that may be a good one.
func (t *trees) discard(bad *served, away func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := maps.Clone(*t.ready.Load())
	if kept := ready[bad.campaign]; kept != nil && kept.served == bad {
		t.remove(kept, ready)
		t.replace(ready)
		away()
	}
}
