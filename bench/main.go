// Bench compares Banyan's Merkle trees with their peers in one run on one machine: @openzeppelin/merkle-tree (JavaScript), a plain tree with
// go-ethereum's hash, each of Banyan's own engines, and, for what is served
// over HTTP, a bare chi handler. It also has the program check attestations that
// ethers made. Results are always compared for equality: a
// run with different trees, verdicts or claims fails.
//
//	make          installs the JavaScript peer where it is missing, and runs
//	make quick    checks in seconds that all results are equal
//	make compare  compares lists, trees and claims with the tools of others, case by case
//	make profile  writes banyan.pgo, the profile of a busy server for the compiler
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
)

// settings are the sizes of a run.
type settings struct {
	rows   int // of the main list
	peer   int // rows that the JavaScript peer builds
	proofs int // of them, how many it proves and verifies
	growth int // rows of the long list; 0 leaves it out
	lists  int // random lists compared with the peer
	claims int // claims requested per turn
	rounds int // how often each measurement is made
	banyan string

	profile  string
	compared bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if len(os.Args) == 3 && os.Args[1] == bareCommand {
		if err := serveBare(os.Args[2]); err != nil {
			log.Fatal(err)
		}
		return
	}
	s := settings{}
	flag.IntVar(&s.rows, "rows", 1_000_000, "rows of the main list")
	flag.IntVar(&s.peer, "peer", 100_000, "rows that the JavaScript peer builds")
	flag.IntVar(&s.proofs, "proofs", 10_000, "rows of them that it proves and verifies")
	flag.IntVar(&s.growth, "growth", 10_000_000, "rows of the long list; 0 leaves it out")
	flag.IntVar(&s.lists, "lists", 1_000, "random lists compared with the JavaScript peer")
	flag.IntVar(&s.claims, "claims", 20_000, "claims asked for over HTTP at a turn")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each measurement is made, after one that warms up")
	flag.StringVar(&s.banyan, "banyan", "", "the banyan `program` whose commands are measured; empty: it is built")
	flag.StringVar(&s.profile, "profile", "", "measure nothing and write a `file` for the compiler: what a server does when claims are asked of it")
	flag.BoolVar(&s.compared, "compare", false, "measure nothing, and compare lists, trees and claims with the tools of others, case by case")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	if ctx.Err() != nil {
		err = errors.New("stopped half-way")
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// bench is one run.
type bench struct {
	settings
	folder  string
	program program
	csv     string // the main list as CSV
	report  report
	engines []engine
	list    madeUp
}

func run(ctx context.Context, s settings) error {
	if s.rows < 1 || s.peer < 1 || s.rounds < 1 || s.claims < 1 {
		return fmt.Errorf("-rows, -peer, -rounds and -claims are 1 at least")
	}
	s.peer = min(s.peer, s.rows)
	folder, err := os.MkdirTemp("", "banyan-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // temporary files; the system deletes them otherwise
	b := &bench{settings: s, folder: folder, engines: allEngines(), list: newMadeUp(s.rows, 1)}
	if s.compared {
		if b.program, err = newProgram(ctx, b.folder, b.banyan); err != nil {
			return err
		}
		return b.compare(ctx)
	}
	if s.profile != "" {
		if err := b.prepare(ctx); err != nil {
			return err
		}
		return b.profiling(ctx)
	}
	b.report = newReport(os.Stdout, s, b.engines)
	machine := fmt.Sprintf("%s, %d processors, %s/%s, %s; engines: %s",
		processor(), runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version(), names(b.engines))
	fmt.Printf("%s\nEvery time is the best of %d, and every ratio of requests the median; all results are compared.\n\n", machine, s.rounds)
	var had []float64
	for _, step := range []func(context.Context) error{
		b.prepare, b.builds, b.plain, b.proving, b.verifying, b.javaScript, b.attestations, b.commands, b.serving, b.growing,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		had = append(had, free())
	}
	fmt.Printf("\n%s\n", machine)
	b.report.table()
	if least := slices.Min(had); least > 0 && least < 0.9*float64(runtime.GOMAXPROCS(0)) {
		fmt.Printf("Other programs were busy: at times %.1f of %d processors were to be had. Ratios of one core and of\n"+
			"processors' time hold; what waits for all cores may be judged when nothing else runs.\n", least, runtime.GOMAXPROCS(0))
	}
	return nil
}

// prepare makes what several steps need.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.program, err = newProgram(ctx, b.folder, b.banyan); err != nil {
		return err
	}
	b.csv, err = writeCSV(b.list.List, b.rows, b.path("list.csv"))
	return err
}
