package identity

import "testing"

func TestBoundedKeepsTheLastUsedAndNoMoreThanTwice(t *testing.T) {
	b := newBounded[int, int](10)
	for i := range 1000 {
		b.put(i, -i)
		if v, ok := b.get(0); !ok || v != 0 { // asked for all the time, so never forgotten
			t.Fatalf("after %d values: got %d, %v for the one in use", i, v, ok)
		}
		for recent := max(0, i-7); recent <= i; recent++ {
			if v, ok := b.get(recent); !ok || v != -recent {
				t.Fatalf("after %d values: got %d, %v for %d", i, v, ok, recent)
			}
		}
		if n := len(b.young) + len(b.old); n > 20 {
			t.Fatalf("after %d values it keeps %d", i, n)
		}
	}
	if _, ok := b.get(500); ok {
		t.Error("an old one was not forgotten")
	}
	b.put(0, 7)
	if v, _ := b.get(0); v != 7 {
		t.Errorf("got %d after it was put again, want 7", v)
	}
}
