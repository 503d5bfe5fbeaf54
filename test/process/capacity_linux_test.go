package process_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

var capacity = flag.Duration("capacity", 0, "how long TestCapacity loads each arrangement; 0 = it measures nothing")

// arrangement is some processes that serve one site.
type arrangement struct {
	name          string
	start         func(t *testing.T) (trunks []string, all []*process, token string)
	requests      float64 // a second
	processor     float64 // seconds of the processes, a second
	reads, writes float64 // the slowest operation's 99th percentile, in seconds: reads, writes
}

// TestCapacity: `banyan load` as fast as 64 callers go, on one process, on four and on
// twelve, and what a second of their processor time gives in each.
// `make capacity` prints the table; the docs have one.
func TestCapacity(t *testing.T) {
	if *capacity == 0 {
		t.Skip("a measurement: make capacity")
	}
	single := func(env ...string) func(t *testing.T) ([]string, []*process, string) {
		return func(t *testing.T) ([]string, []*process, string) {
			p := place{append([]string{"BANYAN_DATA=" + t.TempDir()}, env...)}
			g := p.startAlone(t, "BANYAN_HTTP_WALLET_RATE=0")
			return []string{g.trunk.url}, []*process{g.trunk}, g.token
		}
	}
	all := []arrangement{
		{name: "one process, SQLite", start: single()},
		{name: "one process, PostgreSQL", start: func(t *testing.T) ([]string, []*process, string) {
			return single("BANYAN_DATABASE_URL=" + newPostgres(t))(t)
		}},
		{name: "a trunk, one of each module", start: func(t *testing.T) ([]string, []*process, string) {
			p := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + newPostgres(t)}}
			g := p.startCluster(t, nil, "BANYAN_HTTP_WALLET_RATE=0")
			all := []*process{g.trunk}
			for _, m := range modules {
				all = append(all, g.alone[m])
				if err := g.setState(m, step{mode: "remote"}); err != nil {
					t.Fatal(err)
				}
			}
			return []string{g.trunk.url}, all, g.token
		}},
		{name: "three trunks, three of each module", start: func(t *testing.T) (trunks []string, all []*process, token string) {
			f := startFleet(t)
			for _, p := range f.trunks {
				trunks, all = append(trunks, p.url), append(all, p)
			}
			for _, m := range modules {
				all = append(all, f.alone[m][:]...)
			}
			return trunks, all, f.token
		}},
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "arrangement\trequests/s\tof one processor's second\tbeside PostgreSQL alone\tp99 reads\tp99 writes") // to memory
	for i := range all {
		t.Run(all[i].name, all[i].measure)
	}
	for _, one := range all {
		perSecond := one.requests / one.processor
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f %%\t%.0f ms\t%.0f ms\n", one.name, one.requests, perSecond,
			100*perSecond/(all[1].requests/all[1].processor), 1000*one.reads, 1000*one.writes)
	}
	_ = w.Flush()
	t.Logf("\n%s", &table)
}

func (a *arrangement) measure(t *testing.T) {
	trunks, processes, token := a.start(t)
	a.load(t, trunks, token, *capacity/4) // first, so that there is something to read
	before := processorTimes(t, processes)
	begun := time.Now()
	a.load(t, trunks, token, *capacity)
	a.processor = (processorTimes(t, processes) - before).Seconds() / time.Since(begun).Seconds()
}

// load runs one load for each trunk, 64 callers together.
func (a *arrangement) load(t *testing.T, trunks []string, token string, d time.Duration) {
	t.Helper()
	a.requests, a.reads, a.writes = 0, 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, url := range trunks {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), banyanPath, "load", "--server", url, "--duration", d.String(), "--rate", "5000", "--callers", strconv.Itoa(64/len(trunks)), "--json")
			cmd.Env, cmd.Dir = append(os.Environ(), "BANYAN_TOKEN="+token), t.TempDir()
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.Output()
			var report struct {
				PerSecond  float64 `json:"per_second"`
				Failed     int     `json:"failed"`
				Operations []struct {
					Write bool    `json:"write"`
					P99   float64 `json:"p99_seconds"`
				} `json:"operations"`
			}
			if decoded := json.Unmarshal(out, &report); err != nil || decoded != nil || report.Failed > 0 {
				t.Errorf("the load of %s: %v %v\n%s%s", url, err, decoded, out, &errs)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			a.requests += report.PerSecond
			for _, op := range report.Operations {
				if op.Write {
					a.writes = max(a.writes, op.P99)
				} else {
					a.reads = max(a.reads, op.P99)
				}
			}
		})
	}
	wg.Wait()
}

// processorTimes is what processes have had since their start.
func processorTimes(t *testing.T, all []*process) (d time.Duration) {
	t.Helper()
	for _, p := range all {
		d += processorTime(t, p.cmd.Process.Pid)
	}
	return d
}
