package service

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// treeOf returns a campaign with so many rows.
func treeOf(t testing.TB, campaign string, rows int) *served {
	t.Helper()
	list := merkle.NewList()
	for i := range rows {
		if err := list.Append(wallet.Address{byte(i), byte(i >> 8)}, *uint256.NewInt(1)); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := merkle.Build(t.Context(), merkle.OZ, list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := newServed(campaign, tree, "")
	if err != nil {
		t.Fatal(err)
	}
	return ready
}

func TestTheLeastRecentlyUsedTreeGoesFirst(t *testing.T) {
	loads := map[string]int{}
	kept := newTrees(30*bytesPerRow, func(_ context.Context, id string) (*served, error) {
		loads[id]++
		return treeOf(t, id, 10), nil
	})
	// a, b and c fit; d evicts b, because a was used after it.
	for _, id := range []string{"a", "b", "c", "a", "d", "a", "c", "d", "b"} {
		got, err := kept.get(t.Context(), id)
		if err != nil || got.campaign != id {
			t.Fatalf("asked for %s, got %v, %v", id, got, err)
		}
	}
	for id, want := range map[string]int{"a": 1, "b": 2, "c": 1, "d": 1} {
		if loads[id] != want {
			t.Errorf("%s was loaded %d times, want %d", id, loads[id], want)
		}
	}
	if kept.bytes != 30*bytesPerRow || len(*kept.ready.Load()) != 3 {
		t.Errorf("%d trees of %d bytes are kept", len(*kept.ready.Load()), kept.bytes)
	}
}

func TestATreeOverTheLimitStaysAlone(t *testing.T) {
	kept := newTrees(30*bytesPerRow, nil)
	kept.put(treeOf(t, "small", 10))
	kept.put(treeOf(t, "giant", 31))
	if kept.find("giant") == nil || kept.find("small") != nil {
		t.Error("the tree over the limit is not the one that stayed")
	}
	kept.put(treeOf(t, "small", 10))
	if kept.find("giant") != nil || kept.find("small") == nil || kept.bytes != 10*bytesPerRow {
		t.Errorf("the tree over the limit stayed after the next one was loaded: %d bytes", kept.bytes)
	}
	kept.put(treeOf(t, "small", 20)) // the same campaign again replaces itself
	if kept.bytes != 20*bytesPerRow || len(*kept.ready.Load()) != 1 {
		t.Errorf("%d bytes in %d trees", kept.bytes, len(*kept.ready.Load()))
	}
}

func TestCallersAtOnceShareOneLoad(t *testing.T) {
	ready := treeOf(t, "a", 10)
	synctest.Test(t, func(t *testing.T) {
		var loads atomic.Int32
		open := make(chan struct{})
		kept := newTrees(1<<20, func(context.Context, string) (*served, error) {
			loads.Add(1)
			<-open
			return ready, nil
		})
		answers := make(chan error, 10)
		ask := func(ctx context.Context) {
			got, err := kept.get(ctx, "a")
			if err == nil && got != ready {
				err = errors.New("another tree")
			}
			answers <- err
		}
		for range 9 {
			go ask(t.Context())
		}
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		go ask(impatient)
		synctest.Wait()
		cancel()
		if err := <-answers; !fault.Is(err, fault.Canceled) {
			t.Errorf("a caller who left while waiting got %v", err)
		}
		close(open)
		for range 9 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if n := loads.Load(); n != 1 {
			t.Errorf("%d loads for ten callers", n)
		}
	})
}

func TestAWaitingCallerTakesOverFromOneWhoLeft(t *testing.T) {
	ready := treeOf(t, "a", 10)
	synctest.Test(t, func(t *testing.T) {
		var loads atomic.Int32
		kept := newTrees(1<<20, func(ctx context.Context, _ string) (*served, error) {
			if loads.Add(1) == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return ready, nil
		})
		leaving, leave := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := kept.get(leaving, "a"); first <- err }()
		synctest.Wait()
		go func() { _, err := kept.get(t.Context(), "a"); second <- err }()
		synctest.Wait()
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left got %v", err)
		}
		if err := <-second; err != nil {
			t.Errorf("the caller who stayed got %v", err)
		}
	})
}

func TestAFailedLoadIsTriedAgain(t *testing.T) {
	ready := treeOf(t, "a", 10)
	for name, fail := range map[string]func() error{
		"an error": func() error { return fault.New(fault.Unavailable, "the disk") },
		"a panic":  func() error { panic("a defect") },
	} {
		loads := 0
		kept := newTrees(1<<20, func(context.Context, string) (*served, error) {
			if loads++; loads == 1 {
				return nil, fail()
			}
			return ready, nil
		})
		func() {
			defer func() { _ = recover() }() // as the HTTP server does
			if _, err := kept.get(t.Context(), "a"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}()
		if _, err := kept.get(t.Context(), "a"); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestATreeStaysOpenForItsReaders(t *testing.T) {
	built := treeOf(t, "a", 10)
	path := filepath.Join(t.TempDir(), "a.tree")
	if err := built.tree.WriteFile(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	file, err := merkle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := newServed("a", file, path)
	if err != nil {
		t.Fatal(err)
	}
	who := wallet.Address{1}
	kept := newTrees(1<<20, nil)
	kept.put(mapped)
	mapped.leave()
	reader := kept.find("a")
	kept.most = 1
	kept.put(treeOf(t, "b", 10))
	if kept.find("a") != nil || kept.find("b") == nil {
		t.Error("the limit of trees has no effect")
	}
	if c, err := reader.claim(who); err != nil || c.Root != built.tree.Root() {
		t.Errorf("the reader's tree was unmapped: %v", err)
	}
	reader.leave()
	if reader.hold() {
		t.Error("an unmapped tree can be held again")
	}
	if _, err := reader.claim(who); err == nil {
		t.Error("the file is still mapped after the last reader left")
	}
}

func TestOnlyTheBadTreeIsDiscarded(t *testing.T) {
	kept := newTrees(1<<20, nil)
	bad, good := treeOf(t, "a", 10), treeOf(t, "a", 10)
	away := 0
	kept.put(bad)
	kept.discard(bad, func() { away++ })
	kept.put(good)
	kept.discard(bad, func() { away++ }) // another caller had found it, too
	if away != 1 || kept.find("a") != good {
		t.Errorf("removed %d times", away)
	}
}
