package identity

import "sync"

// bounded is a cache of the values used last: at least limit of them, at most
// twice as many. It has a new and an old generation; when the new one is full it
// becomes the old one, and the values of the old one that were not used meanwhile
// are dropped. A hit costs a read lock and a map look-up; no list is reordered.
type bounded[K comparable, V any] struct {
	limit int

	mu         sync.RWMutex
	young, old map[K]V
}

func newBounded[K comparable, V any](limit int) *bounded[K, V] {
	return &bounded[K, V]{limit: limit, young: make(map[K]V)}
}

func (b *bounded[K, V]) get(k K) (V, bool) {
	b.mu.RLock()
	v, ok := b.young[k]
	if ok {
		b.mu.RUnlock()
		return v, true
	}
	v, ok = b.old[k]
	b.mu.RUnlock()
	if ok {
		b.put(k, v)
	}
	return v, ok
}

func (b *bounded[K, V]) put(k K, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.young[k]; !there && len(b.young) >= b.limit {
		b.old, b.young = b.young, make(map[K]V)
	}
	b.young[k] = v
}
