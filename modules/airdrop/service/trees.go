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
// campaigns; the least recently used goes first, as soon as nobody reads it any
// more. A campaign is loaded at the first question for it, by whoever asks
// first, and the others wait for that.
//
// The one asked for last always stays, even if it alone is over the limit:
// loading it for every single question would be worse.
type trees struct {
	limit int64
	most  int
	load  func(ctx context.Context, id string) (*served, error)
	clock atomic.Int64 // ticks when another tree is used than before

	// ready is replaced and never changed, so that nobody locks to look there:
	// processors that all ask for one campaign would wait for each other.
	ready atomic.Pointer[map[string]*keptTree]

	mu      sync.Mutex // of whoever replaces ready, and of what follows
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

// treeLoad is one load under way; tree and err are set before done is closed.
// Whoever waited for it has to hold the tree, which may be gone again by then.
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

// get gives the tree of a campaign, which the caller must leave. It fails as
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
		case l.err != nil && !gaveUp(l.err):
			return nil, l.err
		}
		// Whoever loaded went away half-way, or the tree went to make room for
		// others; this caller still wants it.
	}
}

func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// find is the common case: ready, and noted as used. The caller holds it.
func (t *trees) find(id string) *served {
	kept := (*t.ready.Load())[id]
	if kept == nil || !kept.hold() { // or it has just left
		return nil
	}
	if kept.used.Load() != t.clock.Load() { // another one was asked for since
		kept.used.Store(t.clock.Add(1))
	}
	return kept.served
}

// join gives the load of id that is under way, or begins one that the caller
// must run (mine). nil: there is nothing to load any more.
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

// put keeps a tree, which the caller holds, and lets go of others while there
// are too many.
func (t *trees) put(tree *served) {
	kept := &keptTree{served: tree}
	kept.used.Store(t.clock.Add(1))
	tree.holders.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := maps.Clone(*t.ready.Load())
	if before := ready[tree.campaign]; before != nil {
		t.takeOut(before, ready)
	}
	ready[tree.campaign] = kept
	t.bytes += tree.bytes
	for (t.bytes > t.limit || len(ready) > t.most) && len(ready) > 1 {
		t.takeOut(oldest(ready, tree.campaign), ready)
	}
	t.replace(ready)
}

// takeOut prepares what is to be ready next; t.mu is locked until replace.
func (t *trees) takeOut(kept *keptTree, ready map[string]*keptTree) {
	delete(ready, kept.campaign)
	t.bytes -= kept.bytes
}

// replace puts ready in the place of what was, and lets go of what it does not
// have any more.
func (t *trees) replace(ready map[string]*keptTree) {
	for id, kept := range *t.ready.Swap(&ready) {
		if ready[id] != kept {
			kept.leave()
		}
	}
}

// oldest is the least recently used but for spared.
func oldest(ready map[string]*keptTree, spared string) (oldest *keptTree) {
	for id, kept := range ready {
		if id != spared && (oldest == nil || kept.used.Load() < oldest.used.Load()) {
			oldest = kept
		}
	}
	return oldest
}

// discard takes out a tree that turned out to be bad, and does away with what
// it was loaded from before anybody loads it again. Of those who find out at
// once, only the first does so: what is ready then may be a good one.
func (t *trees) discard(bad *served, away func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := maps.Clone(*t.ready.Load())
	if kept := ready[bad.campaign]; kept != nil && kept.served == bad {
		t.takeOut(kept, ready)
		t.replace(ready)
		away()
	}
}
