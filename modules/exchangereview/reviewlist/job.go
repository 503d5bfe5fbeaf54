package reviewlist

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// Stdio is the path that means standard input or output.
const Stdio = "-"

// Latest is a Job.At: the time of the latest review.
const Latest = -1

// Job ranks the exchanges of a list into a file.
type Job struct {
	Reviews, Out string // paths; Stdio is In and Stdout
	At           int64  // UTC milliseconds; Latest
	In           io.Reader
	Stdout       io.Writer
}

// Report says what a Job did.
type Report struct {
	Exchanges int    `json:"exchanges"`
	Ranked    int    `json:"ranked"`   // with enough evidence
	Rows      int    `json:"rows"`     // read
	Reviews   int    `json:"reviews"`  // that count
	Replaced  int    `json:"replaced"` // by a later one of the same reviewer of the same exchange
	Later     int    `json:"later"`    // than At
	Reviewers int    `json:"reviewers"`
	AtMS      int64  `json:"at_ms"`
	Out       string `json:"out"`
	Passed    string `json:"passed_over,omitempty"` // what of the list was not used
}

// Run does the job. Nothing is written unless all of it succeeds.
func (j Job) Run(ctx context.Context) (Report, error) {
	report := Report{Out: j.Out, AtMS: j.At}
	if err := j.check(); err != nil {
		return report, err
	}
	l, err := j.read(ctx)
	if err != nil {
		return report, err
	}
	if report.AtMS == Latest {
		for _, r := range l.rows {
			report.AtMS = max(report.AtMS, r.timeMS)
		}
	}
	report.Rows, report.Passed = len(l.rows), l.table.Passed()
	ranked := l.rank(&report)
	return report, j.write(ranked)
}

// check refuses bad usage before anything is read. Its faults name flags.
func (j Job) check() error {
	if j.Reviews == "" {
		return fault.UsageOf("--reviews", "name the list of reviews: a CSV file of "+shape)
	}
	if j.Out == "" {
		return fault.UsageOf("--out", "name the file to write the ranking to, or - for standard output")
	}
	if j.Out == Stdio {
		return nil
	}
	if folder, err := os.Stat(filepath.Dir(j.Out)); err != nil || !folder.IsDir() {
		return fault.UsageOf("--out", "there is no folder "+filepath.Dir(j.Out)+": make it first")
	}
	out, err := os.Stat(j.Out)
	if err != nil {
		return nil //nolint:nilerr // not there yet, or writing will say why not
	}
	if out.IsDir() {
		return fault.UsageOf("--out", j.Out+" is a folder: name a file")
	}
	if in, err := os.Stat(j.Reviews); err == nil && os.SameFile(in, out) {
		return fault.UsageOf("--out", j.Out+" is also the input: choose another name")
	}
	return nil
}

func (j Job) read(ctx context.Context) (*list, error) {
	in := j.In
	if j.Reviews != Stdio {
		file, err := os.Open(j.Reviews)
		if err != nil {
			return nil, fault.Wrap(err, fault.NotFound, "cannot open "+j.Reviews+": check the name and that you may read it")
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	l, err := read(ctx, in)
	var known *fault.Fault
	if errors.As(err, &known) { // people see the message alone
		named := known.With()
		named.Message = j.Reviews + ": " + known.Message
		return nil, named
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.Reviews, err)
	}
	return l, nil
}

// place is an exchange in the ranking.
type place struct {
	exchange string
	ranking.Score
}

// rank counts the reviews as of a time. Of several reviews of one exchange by
// one reviewer the latest counts.
func (l *list) rank(report *Report) []place {
	day := ranking.DayOf(report.AtMS)
	parameters := ranking.Parameters{Landmark: day, Day: day}
	first := make([]int, len(l.reviewers.texts)) // day of a reviewer's first review
	live := map[[2]int32]int{}                   // the place in rows of the latest review, by exchange and reviewer
	for i, r := range l.rows {
		if r.timeMS > report.AtMS {
			report.Later++
			continue
		}
		if f := &first[r.reviewer]; *f == 0 || ranking.DayOf(r.timeMS) < *f {
			*f = ranking.DayOf(r.timeMS)
		}
		key := [2]int32{r.exchange, r.reviewer}
		before, known := live[key]
		if known {
			report.Replaced++
		}
		if !known || l.rows[before].timeMS <= r.timeMS {
			live[key] = i
		}
	}
	tallies := make([]*ranking.Tally, len(l.exchanges.texts))
	for i := range tallies {
		tallies[i] = &ranking.Tally{}
	}
	for _, i := range live {
		r := l.rows[i]
		review := ranking.Review{Day: ranking.DayOf(r.timeMS), Weight: r.weight}
		review.Group = ranking.GroupOf(r.weight > ranking.Least, false, first[r.reviewer], day)
		for d := range review.Stars {
			review.Stars[d] = r.rating
		}
		tallies[r.exchange].Add(&review, parameters.Landmark)
	}
	parameters.Prior = ranking.PriorOf(tallies, parameters.Landmark, day)
	report.Reviews, report.Reviewers, report.Exchanges = len(live), len(first), len(tallies)
	places := make([]place, len(tallies))
	for i, t := range tallies {
		places[i] = place{l.exchanges.texts[i], parameters.Score(t, 0)}
		if places[i].Enough() {
			report.Ranked++
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(a.Compare(b.Score), cmp.Compare(a.exchange, b.exchange)) })
	return places
}

// write writes the ranking as CSV.
func (j Job) write(places []place) error {
	if j.Out == Stdio {
		out := bufio.NewWriter(j.Stdout)
		return errors.Join(writeRanking(out, places), out.Flush())
	}
	path := j.Out
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link is written through
	}
	if about, err := os.Stat(path); err == nil && !about.Mode().IsRegular() { // a pipe or a device
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write the ranking: %w", err)
		}
		return errors.Join(writeRanking(file, places), file.Close())
	}
	return atomicfile.Replace(path, 0o644, func(file *os.File) error { // a ranking is made to be read by others
		out := bufio.NewWriter(file)
		return errors.Join(writeRanking(out, places), out.Flush())
	})
}

func writeRanking(out io.Writer, places []place) error {
	line := []byte("rank,exchange,key,mean,low,high,n,n_eff,evidence\n")
	for i := range places {
		if _, err := out.Write(line); err != nil {
			return err
		}
		p := &places[i]
		line = append(strconv.AppendInt(line[:0], int64(i+1), 10), ',')
		line = append(appendCell(line, p.exchange), ',')
		for _, stars := range [...]int64{p.Key, p.Mean, p.Low, p.High} {
			line = append(appendMillionths(line, stars), ',')
		}
		line = append(strconv.AppendInt(line, p.Reviews, 10), ',')
		line = append(appendMillionths(line, p.EffectiveMillionths()), ',')
		evidence := "not enough"
		if p.Enough() {
			evidence = "enough"
		}
		line = append(append(line, evidence...), '\n')
	}
	_, err := out.Write(line)
	return err
}

// appendMillionths writes a number of millionths with all six decimals.
func appendMillionths(line []byte, n int64) []byte {
	if n < 0 {
		line, n = append(line, '-'), -n
	}
	line = append(strconv.AppendInt(line, n/ranking.Star, 10), '.')
	return append(line, fmt.Sprintf("%06d", n%ranking.Star)...)
}

// appendCell quotes what RFC 4180, or a reader that trims spaces and passes over
// comments, would change.
func appendCell(line []byte, text string) []byte {
	if !strings.ContainsAny(text, "\",\r\n") && strings.TrimSpace(text) == text && !strings.HasPrefix(text, "#") {
		return append(line, text...)
	}
	return append(append(append(line, '"'), strings.ReplaceAll(text, `"`, `""`)...), '"')
}
