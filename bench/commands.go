package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"banyan/platform/merkle"
)

// commands measures whole commands, as a shell starts them, and the building of the
// tree alone.
func (b *bench) commands(ctx context.Context) error {
	for _, e := range b.engines {
		if err := b.commandsWith(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) commandsWith(ctx context.Context, e engine) error {
	tree := b.path(e.Name() + ".tree")
	var built struct {
		Root merkle.Hash `json:"root"`
	}
	var sum verified
	var alone, build, verify usages
	taken, err := turns(b.rounds, wall, func() error {
		before, _ := processTime(os.Getpid()) // 0 if unknown
		_, err := b.build(ctx, e, 0)
		after, _ := processTime(os.Getpid())
		alone = append(alone, usage{used: after - before})
		return err
	}, func() error {
		_, err := b.build(ctx, e, 1)
		return err
	}, func() error {
		u, err := b.program.run(ctx, e, &built, "airdrop", "build", "--in", b.csv, "--format", "oz", "--out", tree, "--json")
		build = append(build, u)
		return err
	}, func() error {
		u, err := b.program.run(ctx, e, &sum, "airdrop", "verify", "--tree", tree, "--in", b.csv, "--json")
		verify = append(verify, u)
		return err
	}, func() error { // not measured: deleting an old file takes time
		return os.Remove(tree)
	})
	if err != nil {
		return err
	}
	if again, err := b.build(ctx, e, 0); err != nil || again.Root() != built.Root {
		return fmt.Errorf("banyan airdrop build gives the root %s of another tree: %w", built.Root, err)
	}
	if want := (verified{Checked: b.rows, Eligible: b.rows}); sum != want {
		return fmt.Errorf("banyan airdrop verify says %+v of its own list, not %+v", sum, want)
	}
	const onAll, onOne, building, verifying = 0, 1, 2, 3 // in the order of the turns
	b.beside(buildCommand, e, cost{shortest(taken, building), build.least()}, cost{shortest(taken, onAll), alone.least()})
	if memory := build.most(); memory > 0 {
		b.report.reach(buildMemory, e, memory)
		b.report.add(result{work: b.report.goals[buildMemory].work, by: e.Name(), ratio: fmt.Sprintf("%.0f MiB", memory)})
	}
	b.beside(verifyCommand, e, cost{shortest(taken, verifying), verify.least()}, cost{took: shortest(taken, onOne)})
	return nil
}

// beside records what a command took, and the tree alone. The CPU time, which a busy
// machine affects less, is printed only: the goal is about the elapsed time.
func (b *bench) beside(g goalID, e engine, command, own cost) {
	ratio := command.took.Seconds() / own.took.Seconds()
	b.report.reach(g, e, ratio)
	words := fmt.Sprintf("%.2f times %s, %s", ratio, b.report.goals[g].beside, short(own.took))
	if own.used > 0 {
		words += fmt.Sprintf("; in processors' time %.2f times", command.used.Seconds()/own.used.Seconds())
	}
	b.report.add(result{work: b.report.goals[g].work, by: e.Name(), took: command.took, ratio: words})
}

// usages are those of the same command.
type usages []usage

// least returns the least CPU time.
func (all usages) least() time.Duration {
	return slices.MinFunc(all, func(a, c usage) int { return cmp.Compare(a.used, c.used) }).used
}

// most returns the largest memory.
func (all usages) most() float64 {
	return slices.MaxFunc(all, func(a, c usage) int { return cmp.Compare(a.memory, c.memory) }).memory
}
