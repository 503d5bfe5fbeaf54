package process_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestFig shows what the strangler fig promises, on real processes of this very
// program. By itself it is short, a few seconds for each proof; `make fig` runs
// it at full length, with what other packages show, and prints the table.
var (
	full    = flag.Bool("fig", false, "run TestFig at full length and print its table")
	figSeed = flag.Uint64("fig.seed", rand.Uint64(), "the random moments of TestFig, to have them once more")
)

// proof shows one thing. What it says are the figures beside its name in the
// table; it fails, or skips, as any test does.
type proof struct {
	name  string
	shows func(t *testing.T, f *figures)
}

func TestFig(t *testing.T) {
	all := []proof{
		{"all modules moved out and back under load, SQLite", onSQLite(moveAll)},
		{"all modules moved out and back under load, PostgreSQL", onPostgres(moveAll)},
		{"remotes killed, frozen, slowed, cut off, SQLite", onSQLite(surviveFaults)},
		{"remotes killed, frozen, slowed, cut off, PostgreSQL", onPostgres(surviveFaults)},
		{"a remote with one wrong field is found out", onSQLite(findWrongAnswer)},
		{"a prefix moves over from a legacy system", takeOver},
	}
	if *full {
		all = append(all, otherSuites...)
		fmt.Printf("What the strangler fig promises, on this machine (the same moments again: -fig.seed %d)\n\n", *figSeed)
	}
	for _, p := range all {
		f := &figures{begun: time.Now(), mark: "FAILED"}
		ok := t.Run(p.name, func(t *testing.T) {
			defer func() {
				if t.Skipped() {
					f.mark = "skipped"
				}
			}()
			f.isRun = true
			p.shows(t, f)
			f.mark = "shown"
		})
		if *full && f.isRun { // it was not left out by -run
			f.print(t, p.name, ok)
		}
	}
}

// figures are the lines beside a proof's name.
type figures struct {
	begun time.Time
	isRun bool
	mark  string
	lines []string
}

func (f *figures) say(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	f.lines = append(f.lines, line)
}

// print is one row of the table, as soon as it is known.
func (f *figures) print(t *testing.T, name string, ok bool) {
	if !ok {
		f.mark = "FAILED"
	}
	if len(f.lines) == 0 {
		f.lines = []string{"go test -v -run '" + t.Name() + "/" + strings.ReplaceAll(name, " ", "_") + "' says why"}
	}
	took := time.Since(f.begun).Round(time.Second).String()
	for i, line := range f.lines {
		if i > 0 {
			f.mark, name, took = "", "", ""
		}
		fmt.Printf("%-8s %-52s %6s  %s\n", f.mark, name, took, line)
	}
}

// onSQLite and onPostgres lay a proof's data where they say.
func onSQLite(shows func(*testing.T, place, *figures)) func(*testing.T, *figures) {
	return func(t *testing.T, f *figures) { shows(t, place{[]string{"BANYAN_DATA=" + t.TempDir()}}, f) }
}

func onPostgres(shows func(*testing.T, place, *figures)) func(*testing.T, *figures) {
	return func(t *testing.T, f *figures) {
		env := []string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + newPostgres(t)}
		if !*full {
			env = append(env, "BANYAN_DATABASE_CONNECTIONS=5") // a server allows 100, and packages are tested side by side
		}
		shows(t, place{env}, f)
	}
}

// either returns a length by the length of the whole.
func either[T any](short, long T) T {
	if *full {
		return long
	}
	return short
}
