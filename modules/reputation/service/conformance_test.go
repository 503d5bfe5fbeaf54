package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

var (
	now      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	operator = identity.With(context.Background(), identity.Caller{Subject: "ops", Role: identity.Operator})
	member   = identity.With(context.Background(), identity.Caller{Wallet: person(3), Role: identity.Member})
	module   = identity.AsService(context.Background(), "exchange-review")
	nobody   = context.Background()
)

func person(n int) (w wallet.Address) {
	w[0], w[18], w[19] = 0xab, byte(n>>8), byte(n)
	return w
}

// conform runs a test the four ways; wallets 0 and 1 are seeds.
func conform(t *testing.T, test func(t *testing.T, s reputation.Service)) {
	t.Helper()
	seamtest.Ways(t, reputation.Name, func(t *testing.T, db *database.DB, open seamtest.Open) {
		running(t, options(db))
		test(t, reputation.NewClient(open(t, reputation.Contract, bind(db)).Route))
	})
}

// running runs the jobs of a service until the test ends.
func running(t testing.TB, o service.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.NewRunner(o).Run(ctx) // it ends with the context alone
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

func bind(db *database.DB) *seam.Local { return reputation.Bind(service.New(options(db))) }

func options(db *database.DB) service.Options {
	return service.Options{
		DB: db, Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return now },
		Seeds: []wallet.Address{person(0), person(1), person(9999)}, MaxRows: 5000, KeepEpochs: 2, VouchWeight: 8, ReportWeight: -5,
		Activity: []reputation.ActivityKind{{Kind: "review.published", Weight: 1, PerDay: 1}},
	}
}

func importText(s reputation.Service, text string) (reputation.TrustImported, error) {
	return s.ImportTrust(operator, reputation.TrustUpload{Body: strings.NewReader(text)})
}

// sampleGraph is a small graph: 0→2, 1→2, 2→3, 3→4 and so on to 12, and 2 trusts
// 13–25, so that 2 has many to trust and 3 few who trust it.
func sampleGraph() string {
	var b strings.Builder
	b.WriteString("source,target,weight\n")
	edge := func(from, to, weight int) { fmt.Fprintf(&b, "%s,%s,%d\n", person(from), person(to), weight) }
	edge(0, 2, 5)
	edge(1, 2, 1)
	for n := 2; n < 12; n++ {
		edge(n, n+1, 3)
	}
	for n := 13; n < 26; n++ {
		edge(2, n, 1)
		edge(n, 3, n) // all of them trust 3
	}
	return b.String()
}

func TestConformanceScores(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := s.CurrentEpoch(nobody, reputation.EpochQuery{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("an epoch before the first: %v", err)
		}
		if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("an epoch without edges: %v", err)
		}
		imported, err := importText(s, sampleGraph())
		if err != nil || imported != (reputation.TrustImported{Edges: 38, Wallets: 26, Import: "trust", Version: 1, Diff: reputation.ImportDiff{Added: 38}}) {
			t.Fatalf("import: %+v, %v", imported, err)
		}
		epoch, err := s.ComputeEpoch(operator, reputation.EpochRequest{})
		if err != nil || epoch.Number != 1 || epoch.Wallets != 27 || epoch.Edges != 38 || epoch.Seeds != 2 || epoch.TimeMS != now.UnixMilli() {
			t.Fatalf("epoch: %+v, %v", epoch, err)
		}
		if current, err := s.CurrentEpoch(nobody, reputation.EpochQuery{}); err != nil || !reflect.DeepEqual(current, epoch) {
			t.Errorf("current: %+v, %v", current, err)
		}
		three := checkExplained(t, s, person(3))
		if three.Rank < 1 || three.Standing.Standing != reputation.Trusted || len(three.Components) != 9 {
			t.Errorf("3 is %+v with %d components, want a rank, 8 named ones and one of others", three.Standing, len(three.Components))
		}
		others := three.Components[8]
		if others.Kind != reputation.FromOthers || others.Count != 6 {
			t.Errorf("the ninth component is %+v, want 6 others", others)
		}
		if seed := checkExplained(t, s, person(0)); seed.Components[0].Kind != reputation.FromSeed {
			t.Errorf("a seed's first reason is %+v", seed.Components[0])
		}
		if _, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(7777)}); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown wallet: %v", err)
		}
	})
}

// checkExplained fetches a score and checks that its reasons add up.
func checkExplained(t *testing.T, s reputation.Service, w wallet.Address) reputation.Score {
	t.Helper()
	got, err := s.Score(nobody, reputation.ScoreQuery{Wallet: w})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, c := range got.Components {
		sum += c.Share
	}
	if math.Abs(sum-got.Value) > 1e-9 || got.Standing.Score <= 0 || got.Standing.Score > reputation.MaxScore || got.Wallet != w || got.Epoch != 1 {
		t.Errorf("%s: reasons add up to %v of %+v", w, sum, got)
	}
	return got
}

func TestConformanceBatchAndLeaderboard(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if page, err := s.Leaderboard(nobody, reputation.LeaderboardQuery{}); err != nil || len(page.Standings) != 0 || page.Epoch != 0 {
			t.Errorf("before the first epoch: %+v, %v", page, err)
		}
		if _, err := importText(s, sampleGraph()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil {
			t.Fatal(err)
		}
		var all []reputation.Standing
		total := 0.0
		q := reputation.LeaderboardQuery{Limit: 7}
		for {
			page, err := s.Leaderboard(nobody, q)
			if err != nil || len(page.Standings) == 0 {
				t.Fatalf("page: %+v, %v", page, err)
			}
			all = append(all, page.Standings...)
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		for i, one := range all {
			total += one.Share
			if i > 0 && (one.Value > all[i-1].Value || one.Rank < all[i-1].Rank) {
				t.Errorf("place %d is out of order: %+v after %+v", i, one, all[i-1])
			}
		}
		if len(all) != 27 || math.Abs(total-1) > 1e-9 || all[0].Rank != 1 || all[0].Percentile != 1 {
			t.Errorf("%d standings add up to %v, the first is %+v", len(all), total, all[0])
		}
		asked := []wallet.Address{all[5].Wallet, person(7777), all[0].Wallet, all[5].Wallet}
		got, err := s.Scores(nobody, reputation.ScoresQuery{Wallets: asked})
		want := []reputation.Standing{all[5], {Wallet: person(7777), Standing: reputation.NoStanding}, all[0], all[5]}
		if err != nil || got.Epoch != 1 || !slices.Equal(got.Standings, want) {
			t.Errorf("batch: %+v, %v; want %+v", got, err, want)
		}
		for _, n := range []int{0, reputation.MaxBatch + 1} {
			if _, err := s.Scores(nobody, reputation.ScoresQuery{Wallets: make([]wallet.Address, n)}); !fault.Is(err, fault.Invalid) {
				t.Errorf("a batch of %d: %v", n, err)
			}
		}
		for _, bad := range []reputation.LeaderboardQuery{{Limit: 201}, {Limit: -1}, {Cursor: "?"}, {Cursor: "MS4w"}} {
			if _, err := s.Leaderboard(nobody, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

// A walk over the leaderboard that began before new epochs ends with a conflict.
func TestConformanceAWalkNeverMixesEpochs(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := importText(s, sampleGraph()); err != nil {
			t.Fatal(err)
		}
		compute := func() {
			if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		compute()
		first, err := s.Leaderboard(nobody, reputation.LeaderboardQuery{Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		compute()
		if next, err := s.Leaderboard(nobody, reputation.LeaderboardQuery{Limit: 3, Cursor: first.Next}); err != nil || next.Epoch != 1 {
			t.Errorf("one epoch later the walk is in epoch %d, %v", next.Epoch, err)
		}
		compute()
		if _, err := s.Leaderboard(nobody, reputation.LeaderboardQuery{Limit: 3, Cursor: first.Next}); !fault.Is(err, fault.Conflict) {
			t.Errorf("two epochs later: %v", err)
		}
	})
}

func TestConformanceImport(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := importText(s, sampleGraph()); err != nil {
			t.Fatal(err)
		}
		line := func(from, to int, weight string) string {
			return fmt.Sprintf("%s,%s,%s\n", person(from), person(to), weight)
		}
		refused := map[string]struct {
			text string
			code fault.Code
			says string
		}{
			"bad address":    {line(0, 1, "1") + "0x12," + person(1).String() + ",1\n", fault.Invalid, "line 2"},
			"wrong checksum": {line(0, 1, "1") + "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed," + person(1).String() + ",1\n", fault.Invalid, "line 2"},
			"no number":      {line(0, 1, "much"), fault.Invalid, "line 1"},
			"not finite":     {line(0, 1, "NaN"), fault.Invalid, "line 1"},
			"empty":          {"", fault.Invalid, ""},
			"a spreadsheet":  {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", fault.Unsupported, "old spreadsheet (xls)"},
			"JSON":           {`[{"from":"0x12"}]`, fault.Unsupported, "JSON"},
			"too many rows":  {manyEdges(5001), fault.TooLarge, "5000"},
		}
		for name, c := range refused {
			_, err := importText(s, c.text)
			if !fault.Is(err, c.code) || !strings.Contains(describe(err), c.says) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		cut := io.MultiReader(strings.NewReader(line(5, 0, "9")), iotest.ErrReader(errors.New("connection lost")))
		if _, err := s.ImportTrust(operator, reputation.TrustUpload{Body: cut}); err == nil {
			t.Error("a stream that ended early was accepted")
		}
		// nothing of all that was kept; a zero removes an edge and a later line
		// wins
		if _, err := importText(s, line(2, 3, "0")+line(0, 2, "7")+line(0, 2, "5")); err != nil {
			t.Fatal(err)
		}
		// columns in another order, more of them than are used, and a word about it
		made, err := importText(s, fmt.Sprintf("# by hand\nv;note;j;i\n5;x;%s;%s\n", person(2), person(0)))
		if err != nil || made.Edges != 1 || made.PassedOver != "not used: note; passed over: 1 comment" {
			t.Errorf("imported %+v, %v", made, err)
		}
		made, err = importText(s, fmt.Sprintf("from,to,count\n%s,%s,7\n", person(0), person(2)))
		if err != nil || made.PassedOver != "not used: count; no column of weights: each edge counts 1" {
			t.Errorf("imported %+v, %v", made, err)
		}
		epoch, err := s.ComputeEpoch(operator, reputation.EpochRequest{})
		if err != nil || epoch.Wallets != 27 || epoch.Edges != 37 {
			t.Errorf("epoch %+v, %v; want the sample graph without one edge", epoch, err)
		}
	})
}

func manyEdges(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s,%s,1\n", person(i), person(i+1))
	}
	return b.String()
}

func describe(err error) string {
	f := fault.From(err)
	if f == nil {
		return "no error"
	}
	text := f.Error()
	for _, field := range f.Fields {
		text += "; " + field.String()
	}
	return text
}

func TestConformanceActivity(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		event := func(id string, payload string) events.Event {
			return events.Event{ID: id, Topic: reputation.ActivityTopic.Name(), Time: 5, Payload: []byte(payload)}
		}
		wrote := func(at int) string {
			return fmt.Sprintf(`{"wallet":"%s","kind":"review.published","ref":"kraken","time_ms":%d}`, person(77), at)
		}
		batch := events.Batch{Consumer: reputation.Name, Topic: reputation.ActivityTopic.Name(), Events: []events.Event{
			event("a", wrote(2000)), event("b", `{"wallet":"nonsense"}`), event("c", wrote(1000)),
		}}
		for range 2 { // delivered twice, counted once
			receipt, err := s.Record(module, batch)
			if err != nil || len(receipt.Results) != 3 {
				t.Fatalf("receipt %+v, %v", receipt, err)
			}
			for i, r := range receipt.Results {
				if (r.Failed != "") != (i == 1) {
					t.Errorf("event %s: failed %q", r.ID, r.Failed)
				}
			}
		}
		got, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(77)})
		want := []reputation.ActivityCount{{Kind: "review.published", Count: 2, LastMS: 2000}}
		if err != nil || !slices.Equal(got.Activity, want) || got.Rank != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		// each with its event; of the two on one day, one counts
		told, err := s.Activities(nobody, reputation.ActivitiesQuery{Wallet: person(77), Limit: 1})
		if err != nil || told.Points != 1 || len(told.Activities) != 1 || told.Activities[0].Event != "c" || told.Activities[0].Ref != "kraken" || told.Next == "" {
			t.Errorf("activities %+v, %v", told, err)
		}
	})
}

func TestConformanceAccess(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		for who, ctx := range map[string]context.Context{"nobody": nobody, "member": member, "module": module} {
			_, importErr := s.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader("x")})
			_, computeErr := s.ComputeEpoch(ctx, reputation.EpochRequest{})
			for what, err := range map[string]error{"import": importErr, "compute": computeErr} {
				if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("%s by %s: %v", what, who, err)
				}
			}
		}
		if _, err := s.Record(operator, events.Batch{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an operator recording activity: %v", err)
		}
	})
}

func TestConformanceCanceled(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ctx, cancel := context.WithCancel(operator)
		cancel()
		if _, err := s.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader(sampleGraph())}); !fault.Is(err, fault.Canceled) {
			t.Errorf("a canceled import: %v", err)
		}
		if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("after it there are edges: %v", err)
		}
	})
}
