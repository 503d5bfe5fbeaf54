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

// permutationsOf is what an oz tree of n rows needs: two for a leaf, one for
// every node above.
func permutationsOf(n int) int { return 3*n - 1 }

func (b *bench) build(ctx context.Context, e engine, workers int) (*merkle.Tree, error) {
	return merkle.Build(ctx, merkle.OZ, b.list.List, merkle.Options{Engine: e.Engine, Workers: workers})
}

// builds measures building from binary rows.
func (b *bench) builds(ctx context.Context) error {
	root := merkle.Hash{}
	for _, e := range b.engines {
		limit := e.rate()
		for _, workers := range cores() {
			var tree *merkle.Tree
			measure := b.best
			if workers == 1 {
				measure = b.bestOneCore
			}
			took, err := measure(func() (err error) {
				tree, err = b.build(ctx, e, workers)
				return err
			})
			if err != nil {
				return err
			}
			if root == (merkle.Hash{}) {
				root = tree.Root()
			}
			if tree.Root() != root {
				return fmt.Errorf("%s with %d workers builds the root %s, others %s", e.Name(), workers, tree.Root(), root)
			}
			limit = max(limit, e.rate())
			share := float64(permutationsOf(b.rows)) / took.Seconds() / limit / float64(workers)
			r := result{
				work: fmt.Sprintf("build oz, %d rows, cores: %d", b.rows, workers), by: e.Name(), took: took,
				ratio: fmt.Sprintf("%.0f %% of %.1f M permutations/s a core", 100*share, limit/1e6),
			}
			if workers == 1 && e.share > 0 {
				r = r.atLeast(100*share, 100*e.share, "%.0f %%")
			}
			b.table.add(r)
		}
	}
	return nil
}

// plain builds the tree as one would with go-ethereum alone.
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
	b.table.add(result{
		work: fmt.Sprintf("build oz, %d rows, one core", b.rows), by: "plain go-ethereum", took: took,
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
	b.table.add(result{
		work: fmt.Sprintf("all %d proofs", b.rows), by: "banyan", took: took,
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
	rounds := b.rounds
	for i, e := range b.engines {
		if e.Name() == "scalar" {
			b.rounds = 0 // once is slow enough
		}
		times[i], err = b.bestOneCore(func() error {
			ok, err := merkle.VerifyMany(ctx, merkle.OZ, tree.Root(), claims, merkle.Options{Engine: e.Engine, Workers: 1})
			if err != nil {
				return err
			}
			for k, held := range ok {
				if held != (k != len(claims)/2) {
					return fmt.Errorf("%s says %v of claim %d", e.Name(), held, k)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	b.rounds = rounds
	scalar := times[len(times)-1]
	for i, e := range b.engines {
		ratio := scalar.Seconds() / times[i].Seconds()
		r := result{
			work: fmt.Sprintf("verify %d full proofs, one core", b.rows), by: e.Name(), took: times[i],
			ratio: fmt.Sprintf("%.1f times the scalar engine", ratio),
		}
		if e.proofs > 0 {
			r = r.atLeast(ratio, e.proofs, "%.1f times")
		}
		b.table.add(r)
	}
	return nil
}

// growing builds a long list: time must grow with the rows and no faster.
func (b *bench) growing(ctx context.Context) error {
	if b.growth == 0 {
		return nil
	}
	short, err := b.bestOneCore(func() error {
		_, err := b.build(ctx, b.engines[0], 1)
		return err
	})
	if err != nil {
		return err
	}
	long := newMadeUp(b.growth, 3)
	rounds := b.rounds
	b.rounds = min(b.rounds, 3)
	took, err := b.bestOneCore(func() error {
		_, err := merkle.Build(ctx, merkle.OZ, long.List, merkle.Options{Engine: b.engines[0].Engine, Workers: 1})
		return err
	})
	b.rounds = rounds
	if err != nil {
		return err
	}
	ratio, rows := took.Seconds()/short.Seconds(), float64(b.growth)/float64(b.rows)
	b.table.add(result{
		work: fmt.Sprintf("build oz, %d rows, one core", b.growth), by: b.engines[0].Name(), took: took,
		ratio: fmt.Sprintf("%.1f times the time of %d rows", ratio, b.rows),
	}.atMost(ratio, 1.2*rows, "%.1f times"))
	return nil
}
