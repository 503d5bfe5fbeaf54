package export

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/bursts"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/fault"
	"banyan/platform/signature"
)

// maxProblems is how many problems are named.
const maxProblems = 20

// Report says what Verify found.
type Report struct {
	Valid      bool                `json:"valid"`
	Problems   []string            `json:"problems,omitempty"` // up to 20
	Site       string              `json:"site"`
	Epoch      int64               `json:"epoch"`
	TimeMS     int64               `json:"time_ms"`
	Root       exchangereview.Hash `json:"root"` // as computed: compare it with the published one
	Exchanges  int                 `json:"exchanges"`
	Ranked     int                 `json:"ranked"`
	Reviews    int                 `json:"reviews"`
	Tombstones int                 `json:"tombstones"`
	Signatures int                 `json:"signatures"` // of keys, recovered
	// Smart is how many signatures the site says smart wallets accepted, at the block
	// that stands with them: a chain can be asked, and this program did not.
	Smart int `json:"smart_wallets"`
}

// checked is a file of lines after a worker has looked at it.
type checked struct {
	kind     string
	leaves   []exchangereview.Hash
	reviews  []Review // without texts
	content  []byte   // of the other kinds
	problems []string
	signed   int
	smart    int
}

// verifier collects what the workers found.
type verifier struct {
	Report
	leaves     []exchangereview.Hash
	parameters *Parameters
	manifest   *Manifest
	exchanges  []Exchange
	tallies    map[string]*ranking.Tally
	days       map[string]*bursts.Days
	seen       map[[2]any]bool
	early      []checked // reviews that were checked before the parameters were
}

func (v *verifier) wrong(format string, args ...any) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify reads an export and computes everything in it again: every digest,
// signature, sum, score, rank, and the root. An export that is not what it
// should be is reported, with what is wrong; the error is for one that cannot be
// read at all.
func Verify(ctx context.Context, in io.Reader) (Report, error) {
	v := &verifier{tallies: map[string]*ranking.Tally{}, days: map[string]*bursts.Days{}, seen: map[[2]any]bool{}}
	workers := runtime.GOMAXPROCS(0)
	todo, done := make(chan batch, workers), make(chan checked, workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(todo)
		return eachFile(ctx, in, func(b batch) error {
			for _, part := range b.split() {
				select {
				case todo <- part:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	checking, _ := errgroup.WithContext(ctx)
	for range workers {
		checking.Go(func() error {
			for b := range todo {
				done <- check(b)
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(done)
		return checking.Wait()
	})
	for c := range done {
		v.take(c)
	}
	if err := group.Wait(); err != nil {
		return v.Report, err
	}
	v.conclude()
	v.Valid = len(v.Problems) == 0
	return v.Report, nil
}

// split cuts a file of reviews into parts for several workers.
func (b batch) split() (parts []batch) {
	const size = 128 << 10
	for rest := b.content; ; {
		end := len(rest)
		if end > size {
			if i := bytes.IndexByte(rest[size:], '\n'); i >= 0 {
				end = size + i + 1
			}
		}
		parts = append(parts, batch{b.kind, rest[:end]})
		if rest = rest[end:]; len(rest) == 0 {
			return parts
		}
	}
}

// check hashes the lines of a part, and checks the digests and signatures of its
// reviews.
func check(b batch) checked {
	c := checked{kind: b.kind, content: b.content}
	hash, sites := newKeccak(), map[string]*exchangereview.Digester{}
	// One decoder for all lines: one for each allocates more than what it reads.
	lines, end := json.NewDecoder(bytes.NewReader(b.content)), int64(0)
	lines.DisallowUnknownFields()
	err := b.eachLine(func(line []byte) error {
		c.leaves = append(c.leaves, hash.leaf(b.kind, line))
		if b.kind != KindReview && b.kind != KindTombstone {
			return nil
		}
		var r Review
		if err := lines.Decode(&r); err != nil {
			return notALine(err.Error())
		}
		if end += int64(len(line)); lines.InputOffset() != end {
			return notALine("it has more than one value, or less")
		}
		end++ // its end
		if sites[r.Site] == nil {
			sites[r.Site] = exchangereview.NewDigester(r.Site)
		}
		problem := r.outOfRange()
		within := problem == ""
		if within {
			problem = r.check(sites[r.Site])
		}
		if problem != "" {
			c.problems = append(c.problems, fmt.Sprintf("%s of %s by %s: %s", b.kind, r.Exchange, r.Wallet, problem))
		}
		if !within {
			return nil
		}
		switch {
		case r.Block > 0:
			c.smart++
		case r.Site != "":
			c.signed++
		}
		r.Text = ""
		c.reviews = append(c.reviews, r)
		return nil
	})
	if err != nil {
		c.problems = append(c.problems, err.Error())
	}
	return c
}

// decode reads a line; it has no unknown field.
func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return notALine(err.Error())
	}
	return nil
}

func notALine(why string) error {
	return fault.New(fault.Invalid, "a line of the export is not what it should be: "+why)
}

// outOfRange returns which values cannot be counted, "" if all can.
func (r *Review) outOfRange() string {
	for _, k := range r.Stars {
		if k < 1 || k > 5 {
			return "its stars are not 1 to 5"
		}
	}
	if r.CreatedMS < 0 {
		return "its time is out of range"
	}
	return r.beyondProof()
}

// check returns what is wrong with a review or a tombstone, "" if nothing is.
func (r *Review) check(digests *exchangereview.Digester) string {
	if r.Site == "" {
		return "" // of an earlier release that did not store it, and of another site than that
	}
	if r.digest(digests) != r.Hash {
		return "its hash is not the digest of what it says"
	}
	if r.Block > 0 {
		if r.ChainID == 0 {
			return "it names the block at which a smart wallet was asked, and no chain"
		}
		return ""
	}
	by, err := signature.Recover(r.Hash, []byte(r.Signature))
	if err != nil {
		return "its signature is malformed"
	}
	if by != r.Wallet {
		return "its signature is that of " + by.String()
	}
	return ""
}

// take adds what a worker found, in any order.
func (v *verifier) take(c checked) {
	for _, p := range c.problems {
		v.wrong("%s", p)
	}
	if c.kind != "" {
		v.leaves = append(v.leaves, c.leaves...)
	}
	v.Signatures += c.signed
	v.Smart += c.smart
	var err error
	part := batch{c.kind, c.content}
	switch c.kind {
	case "":
		v.manifest = &Manifest{}
		err = part.eachLine(func(line []byte) error { return decode(line, v.manifest) })
	case KindParameters:
		v.parameters = &Parameters{}
		err = part.eachLine(func(line []byte) error { return decode(line, v.parameters) })
		for _, early := range v.early {
			v.takeReviews(early)
		}
		v.early = nil
	case KindExchange:
		err = part.eachLine(func(line []byte) error {
			var e Exchange
			err := decode(line, &e)
			v.exchanges = append(v.exchanges, e)
			return err
		})
	default:
		if v.parameters == nil {
			v.early = append(v.early, c)
		} else {
			v.takeReviews(c)
		}
	}
	if err != nil {
		v.wrong("%v", err)
	}
}

func (v *verifier) takeReviews(c checked) {
	for i := range c.reviews {
		r := &c.reviews[i]
		key := [2]any{r.Exchange, r.Wallet}
		if v.seen[key] {
			v.wrong("%s has two reviews of %s", r.Wallet, r.Exchange)
		}
		v.seen[key] = true
		if c.kind == KindTombstone {
			v.Tombstones++
			if r.State != exchangereview.Removed && r.State != exchangereview.Withdrawn {
				v.wrong("a tombstone of %s by %s is %q", r.Exchange, r.Wallet, r.State)
			}
			continue
		}
		v.Reviews++
		counted, known := r.counts()
		switch {
		case !known:
			v.wrong("review of %s by %s: %q is not a group", r.Exchange, r.Wallet, r.Group)
		case r.State == exchangereview.Counted:
			t := v.tallies[r.Exchange]
			if t == nil {
				t = &ranking.Tally{}
				v.tallies[r.Exchange] = t
			}
			t.Add(&counted, v.parameters.Landmark)
		case r.State != exchangereview.Held:
			v.wrong("review of %s by %s: it is %q", r.Exchange, r.Wallet, r.State)
		}
		if known && within(v.parameters.Day, counted.Day) {
			d := v.days[r.Exchange]
			if d == nil {
				d = &bursts.Days{}
				v.days[r.Exchange] = d
			}
			d.Add(counted.Day, r.Stars[0], 1)
		}
	}
}

// within reports whether the rules of package bursts look at a review of a day, on
// the day of the ranking.
func within(ranking, day int) bool { return day <= ranking && day > ranking-bursts.Kept }

// conclude computes the prior, the scores, the ranks and the root.
func (v *verifier) conclude() {
	if v.parameters == nil || v.manifest == nil {
		v.wrong("the export has no parameters or no manifest: it is cut off")
		return
	}
	p, m := v.parameters, v.manifest
	v.Site, v.Epoch, v.TimeMS, v.Exchanges = p.Site, p.Epoch, p.TimeMS, len(v.exchanges)
	if p.Format != Format || p.Formula != ranking.Version {
		v.wrong("the export is of format %q and formula %d, and this program knows %q and %d: use the version of the program that made it", p.Format, p.Formula, Format, ranking.Version)
		return
	}
	if p.Day != ranking.DayOf(p.TimeMS) {
		v.wrong("the day of the ranking is not that of its time")
	}
	v.scores()
	if v.Root = newTree(v.leaves)[0]; v.Root != m.Root {
		v.wrong("the root of the lines is %s, and the manifest has %s", v.Root, m.Root)
	}
	if m.Exchanges != v.Exchanges || m.Reviews != v.Reviews || m.Tombstones != v.Tombstones {
		v.wrong("the manifest counts %d exchanges, %d reviews and %d tombstones, and there are %d, %d and %d",
			m.Exchanges, m.Reviews, m.Tombstones, v.Exchanges, v.Reviews, v.Tombstones)
	}
}

func (v *verifier) scores() {
	p := v.parameters
	var tallies []*ranking.Tally
	slugs := map[string]bool{}
	of := make([]*ranking.Tally, len(v.exchanges))
	for i, e := range v.exchanges {
		if slugs[e.Slug] {
			v.wrong("%s is listed twice", e.Slug)
		}
		slugs[e.Slug] = true
		if of[i] = v.tallies[e.Slug]; of[i] == nil {
			of[i] = &ranking.Tally{}
		}
		tallies = append(tallies, of[i])
	}
	for slug := range v.tallies {
		if !slugs[slug] {
			v.wrong("%s has reviews and is not among the exchanges", slug)
		}
	}
	if p.Prior != ranking.PriorOf(tallies, p.Landmark, p.Day) {
		v.wrong("the prior is not the average opinion of these reviews")
	}
	at := ranking.Parameters{Landmark: p.Landmark, Day: p.Day, Prior: p.Prior}
	computed, overall := slices.Clone(v.exchanges), make([]ranking.Score, len(v.exchanges))
	for i := range computed {
		e := &computed[i]
		e.Rank, e.Reviews, e.Warned, e.Holds = 0, of[i].Reviews(), false, false
		if d := v.days[e.Slug]; d != nil {
			found := d.Find(p.Day)
			e.Warned, e.Holds = found.Warn, found.Hold
		}
		for d := range e.Scores {
			s := at.WithoutBounds(of[i], d)
			e.Scores[d] = ScoreOf(s)
			if d == 0 {
				overall[i] = s
			}
		}
	}
	Rank(computed, overall)
	for i := range computed {
		if computed[i].Rank > 0 {
			v.Ranked++
		}
		if computed[i] != v.exchanges[i] {
			v.wrong("%s has other scores, reviews, alarms or another rank than its reviews give: %+v instead of %+v", computed[i].Slug, v.exchanges[i], computed[i])
		}
	}
}
