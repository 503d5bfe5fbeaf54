//go:build unix

package keccak_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"banyan/platform/merkle/keccak"
)

// guarded is memory between two guard pages.
type guarded []byte

func newGuarded(t *testing.T, least int) guarded {
	t.Helper()
	page := os.Getpagesize()
	size := (least + page - 1) / page * page
	whole, err := unix.Mmap(-1, 0, page+size+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(whole) })
	for _, guard := range [][]byte{whole[:page], whole[page+size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return whole[page : page+size]
}

// ends are the n bytes right after the first guard and right before the last.
func (g guarded) ends(n int) [][]byte { return [][]byte{g[:n], g[len(g)-n:]} }

// fault runs work and returns the memory fault of the processor, if any.
func fault(work func()) (refused any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { refused = recover() }()
	work()
	return nil
}

func TestTheGuardsGuard(t *testing.T) {
	g := newGuarded(t, 1)
	var read byte
	for _, beside := range []unsafe.Pointer{unsafe.Add(unsafe.Pointer(&g[0]), -1), unsafe.Add(unsafe.Pointer(&g[0]), len(g))} {
		if fault(func() { read = *(*byte)(beside) }) == nil {
			t.Fatalf("a byte beside the memory was read: %d", read)
		}
	}
}

// TestNothingOutsideTheBuffersIsTouched puts messages and digests at both ends
// of guarded memory: an engine that reads or writes one byte too many faults.
func TestNothingOutsideTheBuffersIsTouched(t *testing.T) {
	const most = 34
	in, out := newGuarded(t, most*keccak.MaxMessage), newGuarded(t, most*keccak.DigestSize)
	check := func(t *testing.T, what string, hash func(digests, messages []byte) error, data, want []byte) {
		t.Helper()
		for _, messages := range in.ends(len(data)) {
			copy(messages, data)
			for _, digests := range out.ends(len(want)) {
				clear(digests)
				var err error
				if refused := fault(func() { err = hash(digests, messages) }); refused != nil || err != nil {
					t.Fatalf("%s: %v, %v", what, refused, err)
				}
				compareDigests(t, what, digests, want)
			}
		}
	}
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		for size := 1; size <= keccak.MaxMessage; size++ {
			for _, count := range []int{1, 2, 3, 4, 5, 7, 8, 9, 17, most} {
				data := random(byte(size), size*count)
				once, _ := referenceHashes(data, 0, size)
				what := fmt.Sprintf("%d messages of %d bytes", count, size)
				check(t, "Hash of "+what, func(d, m []byte) error { return engine.Hash(d, m, size) }, data, once)
				for _, lead := range leads(size) {
					_, led := referenceHashes(data, lead, size)
					check(t, fmt.Sprintf("HashTwice of %s behind %d zeros", what, lead),
						func(d, m []byte) error { return engine.HashTwice(d, m, lead, size) }, data, led)
				}
				if size == keccak.PairSize {
					check(t, "HashPairs of "+what, engine.HashPairs, data, referencePairs(data))
				}
			}
		}
	})
}
