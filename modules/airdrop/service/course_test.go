package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/offline"
	"banyan/modules/airdrop/rules"
	"banyan/modules/airdrop/service"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// others is reputation and exchange-review as campaigns call them.
type others struct {
	mu   sync.Mutex
	held map[string]int64 // holder → epoch
	fail atomic.Bool      // the scores cannot be read
	stop chan struct{}    // reading the scores waits for it; nil = it does not
	asks atomic.Int64
}

// scores are 100 × n of wallet n, up to 9.
func (o *others) scores() string {
	var b strings.Builder
	b.WriteString("address,score,rank,percentile,weight\n")
	for n := range 10 {
		fmt.Fprintf(&b, "%s,%d,%d,0.500000,0.500000\n", numbered(n), 100*n, 10-n)
	}
	return b.String()
}

func (o *others) root(t testing.TB) string {
	list := merkle.NewList()
	for n := range 10 {
		if err := list.Append(numbered(n), *uint256.NewInt(uint64(100 * n))); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := merkle.Build(context.Background(), merkle.OZ, list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree.Root().String()
}

type fakeReputation struct {
	*others
	rooted string
}

func (o fakeReputation) CurrentEpoch(context.Context, reputation.EpochQuery) (reputation.Epoch, error) {
	return reputation.Epoch{Number: 7, Root: o.rooted}, nil
}

func (o fakeReputation) HoldEpoch(_ context.Context, h reputation.EpochHold) (reputation.Epoch, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held[h.Holder] = h.Number
	return reputation.Epoch{Number: h.Number, Root: o.rooted}, nil
}

func (o fakeReputation) ReleaseEpoch(_ context.Context, h reputation.EpochHold) (reputation.Epoch, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.held, h.Holder)
	return reputation.Epoch{Number: h.Number}, nil
}

func (o fakeReputation) EpochScores(ctx context.Context, _ reputation.EpochNumber) (seam.Stream, error) {
	o.asks.Add(1)
	if o.fail.Load() {
		return seam.Stream{}, fault.New(fault.Unavailable, "reputation is away")
	}
	return seam.Stream{ContentType: "text/csv", Write: func(w io.Writer) error {
		if o.stop != nil {
			select {
			case <-o.stop:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, err := io.WriteString(w, o.scores())
		return err
	}}, nil
}

func (o fakeReputation) Attestations(_ context.Context, q reputation.AttestationsQuery) (reputation.AttestationPage, error) {
	page := reputation.AttestationPage{}
	if q.Cursor == "" {
		page.Next = "more"
	}
	for n := range 3 { // the second page repeats the first: an attester counts once
		page.Attestations = append(page.Attestations, reputation.Attestation{Subject: numbered(n), Attester: numbered(50), Level: 5})
	}
	return page, nil
}

type fakeReviews struct{ *others }

func (fakeReviews) Exchanges(context.Context, exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	return exchangereview.ExchangePage{Exchanges: []exchangereview.Exchange{{Slug: "one", Rating: exchangereview.Rating{Reviews: 3}}, {Slug: "none"}}}, nil
}

func (fakeReviews) Reviews(_ context.Context, q exchangereview.ReviewsQuery) (exchangereview.ReviewPage, error) {
	if q.Slug != "one" {
		return exchangereview.ReviewPage{}, fault.New(fault.Internal, "asked for reviews where there are none")
	}
	return exchangereview.ReviewPage{Reviews: []exchangereview.Review{
		{Wallet: numbered(1), State: exchangereview.Counted}, {Wallet: numbered(2), State: exchangereview.Held}, {Wallet: numbered(9), State: exchangereview.Counted},
	}}, nil
}

const campaignRules = `
version: 1
decimals: 18
sources:
  members: {kind: list, values: {points: 0}}
  trusted: {kind: reputation}
  reviewers: {kind: reviews}
  vouched: {kind: attestations}
eligible: {any: [members, trusted.score >= 800]}
allocation:
  - {name: points, to: members, budget: 1000, times: [{value: members}]}
  - {name: trust, to: trusted, each: 1, times: [{value: trusted.score}]}
  - {name: reviews, to: reviewers, each: 5}
  - {name: vouches, to: vouched, each: 2}
`

func memberList(n int) string {
	return string(func() []byte {
		var b bytes.Buffer
		b.WriteString("address,points\n")
		for i := range n {
			fmt.Fprintf(&b, "%s,%d\n", numbered(i), i+1)
		}
		return b.Bytes()
	}())
}

// ruled is a fixture with other modules and a runner.
func ruled(t *testing.T, w *fixture) *others {
	t.Helper()
	o := &others{held: map[string]int64{}}
	w.options.Reputation, w.options.Reviews = fakeReputation{o, o.root(t)}, fakeReviews{o}
	return o
}

// work runs the work on campaigns until stop, which waits for its end.
func (w *fixture) work(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.NewRunner(w.options).Run(ctx) // it ends with the context alone
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

// reaches waits until a campaign has no work and is in a phase.
func (w *fixture) reaches(t *testing.T, id, phase string) airdrop.Course {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c := must(w.Course(operator, airdrop.CourseQuery{ID: id}))(t)
		if c.Phase == phase && !c.Working {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("the campaign stays %+v, want %s", c, phase)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// previewed is a campaign with rules and a preview.
func (w *fixture) previewed(t *testing.T) airdrop.Course {
	t.Helper()
	c := w.drafted(t, draft(merkle.OZ))
	must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
	must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(4))}))(t)
	must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
	return w.reaches(t, c.ID, airdrop.Previewed)
}

func TestACampaignGoesFromRulesToTheSweep(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		o := ruled(t, w)
		w.work(t)
		c := w.drafted(t, draft(merkle.OZ))
		refused(w.Course(anybody, airdrop.CourseQuery{ID: c.ID}))(t, fault.NotFound)
		set := must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
		if set.Phase != airdrop.Draft || len(set.Sources) != 4 || set.Sources[0].Collected || !set.Sources[1].Collected {
			t.Errorf("with rules: %+v", set)
		}
		missing := refused(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t, fault.Conflict)
		if !strings.Contains(missing.Message, "members") {
			t.Errorf("without a file: %s", missing.Message)
		}
		refused(w.Preview(operator, airdrop.CourseQuery{ID: c.ID}))(t, fault.NotFound)
		refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t, fault.Conflict)
		wrong := refused(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader("address,points\n0x12,1\n")}))(t, fault.Invalid)
		if len(wrong.Fields) == 0 || wrong.Fields[0].Line != 2 {
			t.Errorf("a wrong file: %+v", wrong)
		}
		refused(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "nobody", Body: strings.NewReader("x")}))(t, fault.NotFound)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Name: "m.csv", Body: strings.NewReader(memberList(4))}))(t)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		course := w.reaches(t, c.ID, airdrop.Previewed)
		if course.Preview == 0 || course.Sources[0].File != "m.csv" || course.Sources[0].Rows != 4 || course.Sources[1].Epoch != 7 || course.Sources[2].Rows != 2 || course.Sources[3].Rows != 3 {
			t.Errorf("previewed: %+v", course)
		}
		if len(o.held) != 0 {
			t.Errorf("an epoch is still held: %v", o.held)
		}
		refused(w.Preview(anybody, airdrop.CourseQuery{ID: c.ID}))(t, fault.Forbidden)
		refused(w.Why(anybody, airdrop.WhyQuery{ID: c.ID, Wallet: numbered(1)}))(t, fault.Forbidden)
		refused(w.Manifest(anybody, airdrop.CourseQuery{ID: c.ID}))(t, fault.Conflict)
		shown := must(w.Preview(operator, airdrop.CourseQuery{ID: c.ID}))(t)
		// 1,000 by points; 100 to 300, 800 and 900 by trust; 1 and 9 have reviews, 0 to 2 are vouched for.
		if p := shown.Preview; p.Count != 6 || p.Total.Dec() != "3316000000000000000000" || p.Wallets != 10 {
			t.Errorf("the preview is %+v", p)
		}
		refused(w.Freeze(operator, airdrop.FreezeRequest{ID: c.ID, Preview: shown.Number + 1}))(t, fault.Conflict)
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: c.ID, Preview: shown.Number}))(t)
		frozen := w.reaches(t, c.ID, airdrop.Frozen)
		if frozen.Root == nil {
			t.Fatalf("frozen: %+v", frozen)
		}
		if again := must(w.Freeze(operator, airdrop.FreezeRequest{ID: c.ID, Preview: shown.Number}))(t); *again.Root != *frozen.Root {
			t.Errorf("frozen again: %+v", again)
		}
		for _, change := range []error{
			errOf(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules})),
			errOf(w.Collect(operator, airdrop.CourseChange{ID: c.ID})),
			errOf(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(2))})),
		} {
			if !fault.Is(change, fault.Conflict) {
				t.Errorf("a frozen campaign was changed: %v", change)
			}
		}
		why := must(w.Why(anybody, airdrop.WhyQuery{ID: c.ID, Wallet: numbered(9)}))(t)
		if !why.Final || why.Amount.Dec() != "905000000000000000000" || !strings.Contains(why.Reason, "trusted.score is 900, which is >= 800") {
			t.Errorf("why: %+v", why)
		}
		claim := must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(9)}))(t)
		if claim.Amount != why.Amount || claim.Root != *frozen.Root {
			t.Errorf("the claim is %+v", claim)
		}
		if not := must(w.Why(anybody, airdrop.WhyQuery{ID: c.ID, Wallet: numbered(5)}))(t); !not.Amount.IsZero() || !strings.Contains(not.Reason, "not in members") {
			t.Errorf("why not: %+v", not)
		}
		if unknown := must(w.Why(anybody, airdrop.WhyQuery{ID: c.ID, Wallet: numbered(77)}))(t); unknown.Reason != rules.UnknownWallet {
			t.Errorf("an unknown wallet: %+v", unknown)
		}
		if a := w.reproduced(t, c.ID, *frozen.Root); a.Inputs[1].EpochRoot == "" {
			t.Errorf("reproduced without the epoch's root: %+v", a)
		}
		refused(w.Advance(operator, airdrop.PhaseChange{ID: c.ID, Phase: airdrop.Opened, Reason: "too early"}))(t, fault.Conflict)
		for _, phase := range []string{airdrop.Funded, airdrop.Opened, airdrop.Finished, airdrop.Swept} {
			if at := must(w.Advance(operator, airdrop.PhaseChange{ID: c.ID, Phase: phase, Reason: "seen on the chain"}))(t); at.Phase != phase {
				t.Errorf("advanced to %s: %+v", phase, at)
			}
		}
		refused(w.Cancel(operator, airdrop.PhaseChange{ID: c.ID, Reason: "too late"}))(t, fault.Conflict)
		if got := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t); got.Phase != airdrop.Swept || got.State != airdrop.Built {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func errOf[A any](_ A, err error) error { return err }

// reproduced computes the root again from what the module hands out, as on another
// machine.
func (w *fixture) reproduced(t *testing.T, id string, root merkle.Hash) (a offline.Allocated) {
	t.Helper()
	dir := t.TempDir()
	save := func(name string, stream seam.Stream, err error) {
		t.Helper()
		var text bytes.Buffer
		if err == nil {
			err = stream.Write(&text)
		}
		if err != nil {
			t.Fatal(err)
		}
		written(t, dir, name, text.String())
	}
	stream, err := w.Manifest(anybody, airdrop.CourseQuery{ID: id})
	save("manifest.json", stream, err)
	for _, source := range must(w.Course(operator, airdrop.CourseQuery{ID: id}))(t).Sources {
		stream, err := w.InputFile(operator, airdrop.InputQuery{ID: id, Source: source.Name})
		save(source.File, stream, err)
	}
	said, err := command(t, "", "reproduce", filepath.Join(dir, "manifest.json"), "--json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(said), &a); err != nil || a.Root != root {
		t.Errorf("reproduced as %s (%v), want %s", a.Root, err, root)
	}
	return a
}

// A source that cannot be read leaves the campaign a draft, with the reason, and
// nothing held.
func TestCollectingThatFailsIsUndone(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		o := ruled(t, w)
		o.fail.Store(true)
		w.work(t)
		c := w.drafted(t, draft(merkle.OZ))
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(4))}))(t)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		failed := w.reaches(t, c.ID, airdrop.Draft)
		if !strings.Contains(failed.Reason, "reputation is away") || failed.Preview != 0 {
			t.Errorf("it failed as %+v", failed)
		}
		if len(o.held) != 0 {
			t.Errorf("an epoch is still held: %v", o.held)
		}
		o.fail.Store(false)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		w.reaches(t, c.ID, airdrop.Previewed)
	})
}

// A process that ends in the middle of collecting leaves it to the next.
func TestCollectingGoesOnInTheNextProcess(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		o := ruled(t, w)
		o.stop = make(chan struct{})
		stop := w.work(t)
		c := w.drafted(t, draft(merkle.OZ))
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(4))}))(t)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		for o.asks.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if going := must(w.Course(anybody, airdrop.CourseQuery{ID: c.ID}))(t); !going.Working || going.Phase != airdrop.Collecting || going.Stage == "" {
			t.Errorf("in the middle: %+v", going)
		}
		stop()
		if len(o.held) != 1 {
			t.Errorf("the epoch is not held while nobody works: %v", o.held)
		}
		close(o.stop)
		w.work(t)
		w.reaches(t, c.ID, airdrop.Previewed)
		if len(o.held) != 0 {
			t.Errorf("an epoch is still held: %v", o.held)
		}
	})
}

func TestACampaignIsCancelledFromEachPhase(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		o := ruled(t, w)
		stop := w.work(t)
		reason := airdrop.PhaseChange{Reason: "the token is not launched"}
		// of a preview: its list and reasons are gone
		course := w.previewed(t)
		reason.ID = course.Campaign
		if got := must(w.Cancel(operator, reason))(t); got.Phase != airdrop.Cancelled || got.Preview != 0 || got.Reason != reason.Reason {
			t.Errorf("cancelled: %+v", got)
		}
		must(w.Cancel(operator, reason))(t)
		refused(w.Freeze(operator, airdrop.FreezeRequest{ID: course.Campaign, Preview: course.Preview}))(t, fault.Conflict)
		refused(w.SetRules(operator, airdrop.RulesDraft{ID: course.Campaign, Rules: campaignRules}))(t, fault.Conflict)
		refused(w.Claim(anybody, airdrop.ClaimQuery{ID: course.Campaign, Wallet: numbered(1)}))(t, fault.Conflict)
		// of a frozen one: who could claim still gets the proof
		course = w.previewed(t)
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: course.Campaign, Preview: course.Preview}))(t)
		w.reaches(t, course.Campaign, airdrop.Frozen)
		reason.ID = course.Campaign
		must(w.Cancel(operator, reason))(t)
		must(w.Claim(anybody, airdrop.ClaimQuery{ID: course.Campaign, Wallet: numbered(1)}))(t)
		must(w.Why(anybody, airdrop.WhyQuery{ID: course.Campaign, Wallet: numbered(1)}))(t)
		// while it is collected
		o.stop = make(chan struct{})
		asked := o.asks.Load()
		c := w.drafted(t, draft(merkle.OZ))
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(4))}))(t)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		for o.asks.Load() == asked {
			time.Sleep(time.Millisecond)
		}
		reason.ID = c.ID
		must(w.Cancel(operator, reason))(t)
		close(o.stop)
		w.reaches(t, c.ID, airdrop.Cancelled)
		stop()
		if len(o.held) != 0 {
			t.Errorf("an epoch is still held: %v", o.held)
		}
	})
}

// Of operators who freeze at once all get one root, and who looked at another preview
// is refused.
func TestOperatorsFreezeAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		ruled(t, w)
		w.work(t)
		first := w.previewed(t)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: first.Campaign, Source: "members", Body: strings.NewReader(memberList(3))}))(t)
		refused(w.Freeze(operator, airdrop.FreezeRequest{ID: first.Campaign, Preview: first.Preview}))(t, fault.Conflict)
		must(w.Collect(operator, airdrop.CourseChange{ID: first.Campaign}))(t)
		second := w.reaches(t, first.Campaign, airdrop.Previewed)
		if ch := must(w.Preview(operator, airdrop.CourseQuery{ID: first.Campaign}))(t).Preview.Changes; ch == nil || ch.Removed != 1 || ch.More != 3 {
			t.Errorf("the second preview changed %+v", ch)
		}
		failed := make([]error, 6)
		var all sync.WaitGroup
		for i := range failed {
			number := second.Preview
			if i%3 == 2 {
				number = first.Preview
			}
			all.Go(func() {
				_, failed[i] = w.Freeze(operator, airdrop.FreezeRequest{ID: first.Campaign, Preview: number})
			})
		}
		all.Wait()
		for i, err := range failed {
			if i%3 == 2 && !fault.Is(err, fault.Conflict) || i%3 != 2 && err != nil {
				t.Errorf("operator %d: %v", i, err)
			}
		}
		w.reaches(t, first.Campaign, airdrop.Frozen)
	})
}
