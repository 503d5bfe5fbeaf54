// Bench puts Banyan's Merkle trees beside their peers in one run on one
// machine: @openzeppelin/merkle-tree (JavaScript), a plain tree with
// go-ethereum's hash, and each of Banyan's own engines. Results are compared
// for equality, always: a run that prints times of different trees fails.
//
//	make            installs the JavaScript peer where it is missing, and runs
//	go run . -rows 200000 -growth 0 -lists 50    a quick look
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// settings are the sizes of a run.
type settings struct {
	rows   int // of the main list
	peer   int // rows that the JavaScript peer builds
	proofs int // of them, how many it proves and verifies
	growth int // rows of the long list; 0 leaves it out
	lists  int // random lists compared with the peer
	rounds int // each measurement is the best of so many
	banyan string
}

func main() {
	log.SetFlags(0)
	s := settings{}
	flag.IntVar(&s.rows, "rows", 1_000_000, "rows of the main list")
	flag.IntVar(&s.peer, "peer", 100_000, "rows that the JavaScript peer builds")
	flag.IntVar(&s.proofs, "proofs", 10_000, "rows of them that it proves and verifies")
	flag.IntVar(&s.growth, "growth", 10_000_000, "rows of the long list; 0 leaves it out")
	flag.IntVar(&s.lists, "lists", 1_000, "random lists compared with the JavaScript peer")
	flag.IntVar(&s.rounds, "rounds", 5, "each measurement is the best of so many")
	flag.StringVar(&s.banyan, "banyan", "", "the banyan program whose commands are measured; empty: it is built")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		log.Fatal("bench: ", err)
	}
}

// bench is one run.
type bench struct {
	settings
	folder  string
	table   report
	engines []engine
	list    madeUp
}

func run(ctx context.Context, s settings) error {
	folder, err := os.MkdirTemp("", "banyan-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // what the system's cleaner does otherwise
	b := &bench{settings: s, folder: folder, engines: allEngines(), list: newMadeUp(s.rows, 1)}
	fmt.Printf("%s, %d processors, %s/%s, %s; engines: %s; every time is the best of %d\n\n",
		processor(), runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version(), names(b.engines), s.rounds)
	for _, step := range []func(context.Context) error{
		b.builds, b.plain, b.proving, b.verifying, b.javaScript, b.random, b.commands, b.growing,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	b.table.print(os.Stdout)
	return nil
}

// best is the shortest of several runs, after one that warms up.
func (b *bench) best(work func() error) (time.Duration, error) {
	return b.bestBy(func(work func() error) (time.Duration, error) {
		start := time.Now()
		err := work()
		return time.Since(start), err
	}, work)
}

// bestOneCore is best for work that stays on its goroutine.
func (b *bench) bestOneCore(work func() error) (time.Duration, error) {
	return b.bestBy(oneCore, work)
}

func (b *bench) bestBy(clock func(func() error) (time.Duration, error), work func() error) (time.Duration, error) {
	shortest := time.Duration(0)
	for range b.rounds + 1 {
		runtime.GC()
		took, err := clock(work)
		if err != nil {
			return 0, err
		}
		if shortest == 0 || took < shortest {
			shortest = took
		}
	}
	return shortest, nil
}
