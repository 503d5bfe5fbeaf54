package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/merkle"
)

// cores are the numbers of workers that are measured.
func cores() []int {
	if all := runtime.GOMAXPROCS(0); all > 1 {
		return []int{1, all}
	}
	return []int{1}
}

// permutationsOf returns the number of permutations of an oz tree of n rows: two for a leaf, one for
// every node above.
func permutationsOf(n int) int { return 3*n - 1 }

func (b *bench) build(ctx context.Context, e engine, workers int) (*merkle.Tree, error) {
	return merkle.Build(ctx, merkle.OZ, b.list.List, merkle.Options{Engine: e.Engine, Workers: workers})
}

// builds measures building from binary rows. On one core, builds and their bare
// permutations take turns: both take about as long, so the clock rate and other
// programs affect them alike.
func (b *bench) builds(ctx context.Context) error {
	root := merkle.Hash{}
	for _, e := range b.engines {
		permutations := permutationsOf(b.rows)
		var limit time.Duration // of the bare permutations on one core
		for _, workers := range cores() {
			var tree *merkle.Tree
			build := func() (err error) {
				tree, err = b.build(ctx, e, workers)
				return err
			}
			works := []func() error{build}
			clock := wall
			if workers == 1 {
				works = append(works, func() error { return e.permutations(permutations) })
				clock = oneCore
			}
			times, err := turns(b.rounds, clock, works...)
			if err != nil {
				return err
			}
			if root == (merkle.Hash{}) {
				root = tree.Root()
			}
			if tree.Root() != root {
				return fmt.Errorf("%s with %d workers builds the root %s, others %s", e.Name(), workers, tree.Root(), root)
			}
			took := shortest(times, 0)
			if workers == 1 {
				limit = shortest(times, 1)
			}
			share := 100 * limit.Seconds() / took.Seconds() / float64(workers)
			if workers == 1 {
				b.report.reach(buildShare, e, share)
			}
			b.report.add(result{
				work: fmt.Sprintf("build, %s rows, cores: %d", count(b.rows), workers), by: e.Name(), took: took,
				ratio: fmt.Sprintf("%.0f %% of %.1f M permutations/s a core", share, float64(permutations)/limit.Seconds()/1e6),
			})
		}
	}
	return nil
}

// plain builds the tree with go-ethereum alone.
func (b *bench) plain(ctx context.Context) error {
	tree, err := b.build(ctx, b.engines[0], runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	ours, err := b.bestOneCore(func() error {
		_, err := b.build(ctx, b.engines[0], 1)
		return err
	})
	if err != nil {
		return err
	}
	var root []byte
	took, err := oneCore(func() error {
		root = plainRoot(b.list.List)
		return nil
	})
	if err != nil {
		return err
	}
	if tree.Root() != merkle.Hash(root) {
		return fmt.Errorf("the plain tree has the root %x, ours %s", root, tree.Root())
	}
	b.report.add(result{
		work: fmt.Sprintf("build, %s rows, one core", count(b.rows)), by: "plain go-ethereum", took: took,
		ratio: fmt.Sprintf("%s is %.1f times as fast", b.engines[0].Name(), took.Seconds()/ours.Seconds()),
	})
	return nil
}

func plainRoot(list *merkle.List) []byte {
	n := list.Len()
	t := make([][]byte, 2*n-1)
	leaves := make([][]byte, n)
	message := make([]byte, 64)
	for i := range leaves {
		copy(message[12:], list.Row(i))
		leaves[i] = crypto.Keccak256(crypto.Keccak256(message))
	}
	slices.SortFunc(leaves, bytes.Compare)
	for i, leaf := range leaves {
		t[len(t)-1-i] = leaf
	}
	for i := n - 2; i >= 0; i-- {
		a, c := t[2*i+1], t[2*i+2]
		if bytes.Compare(a, c) > 0 {
			a, c = c, a
		}
		t[i] = crypto.Keccak256(a, c)
	}
	return t[0]
}

// proving measures all proofs of a tree.
func (b *bench) proving(ctx context.Context) error {
	tree, err := b.build(ctx, b.engines[0], runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	nodes := 0
	took, err := b.best(func() error {
		nodes = 0
		return tree.Proofs(ctx, func(_ int, _ merkle.Entry, proof []merkle.Hash) error {
			nodes += len(proof)
			return nil
		})
	})
	if err != nil {
		return err
	}
	b.report.add(result{
		work: fmt.Sprintf("all %s proofs", count(b.rows)), by: "banyan", took: took,
		ratio: fmt.Sprintf("%.1f nodes each", float64(nodes)/float64(b.rows)),
	})
	return nil
}

// verifying measures full proofs checked in batches.
func (b *bench) verifying(ctx context.Context) error {
	tree, err := b.build(ctx, b.engines[0], runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	claims := make([]merkle.Claimed, 0, b.rows)
	err = tree.Proofs(ctx, func(_ int, e merkle.Entry, proof []merkle.Hash) error {
		claims = append(claims, merkle.Claimed{Entry: e, Proof: slices.Clone(proof)})
		return nil
	})
	if err != nil {
		return err
	}
	claims[len(claims)/2].Entry.Amount.AddUint64(&claims[len(claims)/2].Entry.Amount, 1)
	times := make([]time.Duration, len(b.engines))
	for i, e := range b.engines {
		rounds := b.rounds
		if e.Name() == "scalar" {
			rounds = 1 // slow enough
		}
		taken, err := turns(rounds, oneCore, func() error { return verifyAll(ctx, e, tree.Root(), claims) })
		if err != nil {
			return err
		}
		times[i] = shortest(taken, 0)
	}
	scalar := times[len(times)-1]
	for i, e := range b.engines {
		ratio := scalar.Seconds() / times[i].Seconds()
		b.report.reach(verifyProofs, e, ratio)
		b.report.add(result{
			work: fmt.Sprintf("verify %s full proofs, one core", count(b.rows)), by: e.Name(), took: times[i],
			ratio: fmt.Sprintf("%.1f times the scalar engine", ratio),
		})
	}
	return nil
}

// verifyAll verifies claims of which the one in the middle is wrong.
func verifyAll(ctx context.Context, e engine, root merkle.Hash, claims []merkle.Claimed) error {
	ok, err := merkle.VerifyMany(ctx, merkle.OZ, root, claims, merkle.Options{Engine: e.Engine, Workers: 1})
	if err != nil {
		return err
	}
	for k, held := range ok {
		if held != (k != len(claims)/2) {
			return fmt.Errorf("%s says %v of claim %d", e.Name(), held, k)
		}
	}
	return nil
}

// growing builds a long list: the time must grow linearly with the rows.
func (b *bench) growing(ctx context.Context) error {
	if b.growth == 0 {
		return nil
	}
	long := newMadeUp(b.growth, 3)
	root := merkle.Hash{}
	for _, e := range b.engines {
		if e.Name() == "scalar" && len(b.engines) > 1 {
			continue // slow, and without limits
		}
		taken, err := turns(min(b.rounds, 3), oneCore, func() error {
			_, err := b.build(ctx, e, 1)
			return err
		}, func() error {
			tree, err := merkle.Build(ctx, merkle.OZ, long.List, merkle.Options{Engine: e.Engine, Workers: 1})
			if err != nil {
				return err
			}
			if root == (merkle.Hash{}) {
				root = tree.Root()
			}
			if tree.Root() != root {
				return fmt.Errorf("%s builds the root %s of the long list, others %s", e.Name(), tree.Root(), root)
			}
			return nil
		})
		if err != nil {
			return err
		}
		ratio := shortest(taken, 1).Seconds() / shortest(taken, 0).Seconds()
		b.report.reach(buildGrowth, e, ratio)
		b.report.add(result{
			work: fmt.Sprintf("build, %s rows, one core", count(b.growth)), by: e.Name(), took: shortest(taken, 1),
			ratio: fmt.Sprintf("%.1f times the time of %s rows", ratio, count(b.rows)),
		})
	}
	return nil
}
