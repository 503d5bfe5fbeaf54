package httpserver

import (
	"testing"
	"time"
)

func TestALimiterRemembersWhoItMustAndForgetsTheRest(t *testing.T) {
	l := newLimiter[int](1, 4, false) // a bucket fills in 4 s, and in 8 s from a debt
	at := time.Unix(1_800_000_000, 0)
	spend := func(key, tokens int) {
		t.Helper()
		for i := range tokens {
			if _, ok := l.take(key, 1, at); !ok {
				t.Fatalf("key %d has only %d of %d tokens", key, i, tokens)
			}
		}
	}
	spend(1, 1)
	at = at.Add(7900 * time.Millisecond)
	spend(1, 4)
	at = at.Add(200 * time.Millisecond) // the generation has changed since
	if _, ok := l.take(1, 1, at); ok {
		t.Error("an empty bucket was forgotten, and came back full")
	}
	at = at.Add(time.Second)
	spend(1, 1)

	for key := range 50 * maxKeys { // everybody in the world, once, in one instant
		l.take(key, 1, at)
	}
	held := 0
	for i := range l.shard {
		held += len(l.shard[i].current) + len(l.shard[i].old)
	}
	if most := 2 * maxKeys * len(l.shard); held > most {
		t.Errorf("holds %d buckets, the bound is %d", held, most)
	}
	var unlimited *limiter[int]
	if _, ok := unlimited.take(1, 1, at); !ok {
		t.Error("no limiter refuses")
	}
}
