package trustlist_test

import (
	"context"
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

// write puts a text into a file of the test's folder and gives its path.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func parameters(method string) trust.Parameters {
	p := trust.Standard()
	p.Method = method
	return p
}

// job is one with the defaults, in a folder of its own. Without seeds there is
// no file of them.
func job(t *testing.T, list, seeds string) trustlist.Job {
	t.Helper()
	folder := t.TempDir()
	j := trustlist.Job{
		Inputs: trustlist.Inputs{
			Trust: write(t, folder, "trust.csv", list), Parameters: parameters(trust.MethodEigenTrust), At: trust.NoTime,
			Options: trust.Options{Alpha: trust.DefaultAlpha, Epsilon: trust.DefaultEpsilon, MaxIterations: trust.DefaultMaxIterations},
		},
		Out: filepath.Join(folder, "scores.csv"), Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	}
	if seeds != "" {
		j.Seeds = write(t, folder, "seeds.csv", seeds)
	}
	return j
}

func ranked(t *testing.T, j trustlist.Job) (string, trustlist.Report) {
	t.Helper()
	report, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(j.Out)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), report
}

func TestAListIsRankedIntoAFile(t *testing.T) {
	out, report := ranked(t, job(t, "alice,bob,2\nalice,\"car,ol\",2\nbob,alice,1\nbob,bob,9\n\"car,ol\",alice,1\nalice,dave,-3\ndave,bob,0\n", "id\nalice\nnobody\n"))
	// a = .15 + .85(b + c), b = c = .85a/2, so a = .15/(1 − .85²), and dave has none.
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	a := 0.15 / (1 - 0.85*0.85)
	want := []struct {
		id, rank, percentile string
		score                float64
	}{{"alice", "1", "1.000000", a}, {"bob", "2", "0.666667", 0.425 * a}, {"car,ol", "2", "0.666667", 0.425 * a}, {"dave", "", "0.000000", 0}}
	if len(rows) != 5 || strings.Join(rows[0], ",") != "id,score,rank,percentile,weight" {
		t.Fatalf("wrote\n%s", out)
	}
	for i, w := range want {
		score, err := strconv.ParseFloat(rows[i+1][1], 64)
		if err != nil || rows[i+1][0] != w.id || rows[i+1][2] != w.rank || rows[i+1][3] != w.percentile || math.Abs(score-w.score) > 1e-9 {
			t.Errorf("row %d is %v, want %+v", i+1, rows[i+1], w)
		}
	}
	if report.Nodes != 4 || report.Edges != 7 || report.EdgesUsed != 4 || report.Negative != 1 || report.Self != 1 || report.Zero != 1 ||
		report.Seeds != 1 || report.SeedsUnknown != 1 || !strings.Contains(report.Warning, "nobody") || report.Iterations == 0 {
		t.Errorf("reported %+v", report)
	}
}

func TestTheOrderOfRowsDoesNotChangeAByte(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var rows []string
	for _, pair := range random.Perm(300 * 300)[:3000] { // each once: of two rows for one pair the later counts
		rows = append(rows, "u"+strconv.Itoa(pair/300)+",u"+strconv.Itoa(pair%300)+","+strconv.FormatFloat(random.NormFloat64()+1, 'f', 3, 64)+","+strconv.Itoa(random.IntN(1e9)))
	}
	for _, method := range []string{trust.MethodEigenTrust, trust.MethodBanyan} {
		var first string
		for i := range 3 {
			j := job(t, strings.Join(rows, "\n"), "u1\nu2,3\nu3\n")
			j.Parameters.Method, j.HalfLife = method, 1000*time.Hour
			out, _ := ranked(t, j)
			if i == 0 {
				first = out
			}
			if out != first {
				t.Fatalf("%s: rows in another order gave another file", method)
			}
			random.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		}
	}
}

func TestBanyanCountsDistrust(t *testing.T) {
	j := job(t, "founder,good,8\nfounder,bad,-8\ngood,founder,5\nbad,bad2,10\n", "founder")
	j.Parameters.Method = trust.MethodBanyan
	out, report := ranked(t, j)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if !strings.HasPrefix(lines[2], "good,") || !strings.HasPrefix(lines[len(lines)-1], "bad,-") || report.EdgesUsed != 4 {
		t.Errorf("ranked (%d edges used)\n%s", report.EdgesUsed, out)
	}
}

func TestHalfLifeLetsTheNewerWin(t *testing.T) {
	list := "a,old,3,1600000000\na,new,2,1631104000\n" // 360 days apart
	seed := "a\n"
	out, _ := ranked(t, job(t, list, seed))
	if !strings.Contains(out, "\nold,") || strings.Index(out, "\nold,") > strings.Index(out, "\nnew,") {
		t.Errorf("without a half-life\n%s", out)
	}
	j := job(t, list, seed)
	j.HalfLife = 180 * 24 * time.Hour
	if out, _ = ranked(t, j); strings.Index(out, "\nold,") < strings.Index(out, "\nnew,") {
		t.Errorf("with a half-life\n%s", out)
	}
}

func TestRefusedJobsWriteNothing(t *testing.T) {
	const list = "a,b,1\nb,a,1\n"
	for _, c := range []struct {
		name, list, seeds string
		change            func(*trustlist.Job)
		code              fault.Code
		says              []string
	}{
		{"no seeds", list, "", nil, fault.Invalid, []string{"--seeds", "sybils", "--uniform-pretrust"}},
		{"all seeds unknown", list, "A\nx\n", nil, fault.Invalid, []string{"none of the 2 seeds", "A, x"}},
		{"empty seeds", list, "id\n", nil, fault.Invalid, []string{"seeds.csv", "the list has no rows", "id[,weight]"}},
		{"seed below zero", list, "a,-1\n", nil, fault.Invalid, []string{"line 1", "over 0"}},
		{"seeds and uniform", list, "a\n", func(j *trustlist.Job) { j.UniformPreTrust = true }, fault.Invalid, []string{"--uniform-pretrust"}},
		{"wrong row", list + "a,b,x\n", "a\n", nil, fault.Invalid, []string{"trust.csv", "line 3: weight", "nothing was kept"}},
		{"unknown method", list, "a\n", func(j *trustlist.Job) { j.Parameters.Method = "magic" }, fault.Invalid, []string{"--method", "banyan or eigentrust"}},
		{"alpha zero", list, "a\n", func(j *trustlist.Job) { j.Options.Alpha = 0 }, fault.Invalid, []string{"--alpha"}},
		{"epsilon below zero", list, "a\n", func(j *trustlist.Job) { j.Options.Epsilon = -1 }, fault.Invalid, []string{"--epsilon"}},
		{"not settled", list, "a\n", func(j *trustlist.Job) { j.Options.MaxIterations = 2 }, fault.Invalid, []string{"not converged after 2"}},
		{"half-life without times", list, "a\n", func(j *trustlist.Job) { j.HalfLife = time.Hour }, fault.Invalid, []string{"--half-life", "no row has a time"}},
		{"no such list", list, "a\n", func(j *trustlist.Job) { j.Trust += "x" }, fault.NotFound, []string{"cannot open", "trust.csvx"}},
		{"no such folder", list, "a\n", func(j *trustlist.Job) { j.Out = filepath.Join(j.Out, "deeper", "x") }, fault.Invalid, []string{"--out", "no folder"}},
		{"out is a folder", list, "a\n", func(j *trustlist.Job) { j.Out = filepath.Dir(j.Out) }, fault.Invalid, []string{"--out", "not a file"}},
		{"out is an input", list, "a\n", func(j *trustlist.Job) { j.Out = j.Trust }, fault.Invalid, []string{"--out", "one of the inputs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := job(t, c.list, c.seeds)
			if c.change != nil {
				c.change(&j)
			}
			folder := filepath.Dir(j.Trust)
			before, _ := filepath.Glob(filepath.Join(folder, "*"))
			_, err := j.Run(context.Background())
			if !fault.Is(err, c.code) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			f := fault.From(err)
			text := f.Message
			for _, field := range f.Fields {
				text += "\n" + field.String()
			}
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
			entries, err := os.ReadDir(folder)
			if err != nil || len(entries) != len(before) {
				t.Errorf("left behind %v (%v)", entries, err)
			}
		})
	}
}

func TestAnInterruptedJobKeepsTheOldFile(t *testing.T) {
	j := job(t, "a,b,1\n", "a\n")
	write(t, filepath.Dir(j.Out), "scores.csv", "the old ranking")
	ctx, cancel := context.WithCancel(context.Background())
	j.Progress = func(read, size int64) { cancel() }
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if kept, err := os.ReadFile(j.Out); err != nil || string(kept) != "the old ranking" {
		t.Errorf("the old ranking became %q (%v)", kept, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(j.Out)); len(entries) != 3 {
		t.Errorf("left behind %v", entries)
	}
}

func TestBitcoinOTCIsRankedFromItsFile(t *testing.T) {
	list := testneeds.Data(t, "trust/bitcoin-otc.csv")
	j := job(t, "", "1\n7\n35\n")
	j.Trust = list
	out, report := ranked(t, j)
	if report.Nodes != 5881 || report.Edges != 35592 || report.Negative != 3563 || report.Seeds != 3 {
		t.Errorf("reported %+v", report)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := fewLines(t, list, []string{"1", "7", "35"})
	for _, row := range rows[1:] {
		if got, err := strconv.ParseFloat(row[1], 64); err != nil || math.Abs(got-want[row[0]]) > 1e-9*want[row[0]] {
			t.Fatalf("trader %s has %s (%v), the computation in a few lines %g", row[0], row[1], err, want[row[0]])
		}
	}
	if len(rows) != 5882 {
		t.Errorf("wrote %d rows, want a header and 5,881", len(rows))
	}
}

// fewLines is EigenTrust over the names themselves, with nothing of ours.
func fewLines(t *testing.T, path string, seeds []string) map[string]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	given, p := map[string]float64{}, map[string]float64{}
	weight := func(row []string) float64 { w, _ := strconv.ParseFloat(row[2], 64); return max(0, w) }
	for _, row := range rows {
		given[row[0]] += weight(row)
	}
	for _, s := range seeds {
		p[s] = 1 / float64(len(seeds))
	}
	for t := p; ; {
		next := map[string]float64{}
		returned := 0.15
		for i, v := range t {
			if given[i] == 0 {
				returned += 0.85 * v
			}
		}
		for _, row := range rows {
			if w := weight(row); w > 0 {
				next[row[1]] += 0.85 * t[row[0]] * w / given[row[0]]
			}
		}
		change := 0.0
		for s := range p {
			next[s] += returned * p[s]
		}
		for i, v := range next {
			change += (v - t[i]) * (v - t[i])
		}
		if t = next; math.Sqrt(change) <= 1e-10 {
			return t
		}
	}
}

func TestHalfLives(t *testing.T) {
	for text, want := range map[string]time.Duration{"180d": 4320 * time.Hour, "720h": 720 * time.Hour, "0.5d": 12 * time.Hour, "90m": 90 * time.Minute} {
		if got, err := trustlist.ParseHalfLife(text); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "0h", "-5h", "180", "NaNd", "1e9d", "6 months"} {
		if got, err := trustlist.ParseHalfLife(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}
