package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

func computed(t *testing.T, s reputation.Service) reputation.Epoch {
	t.Helper()
	epoch, err := s.ComputeEpoch(operator, reputation.EpochRequest{})
	if err != nil || epoch.Number == 0 {
		t.Fatalf("epoch %+v, %v", epoch, err)
	}
	return epoch
}

func imported(t *testing.T, s reputation.Service, lines ...string) {
	t.Helper()
	if _, err := importText(s, strings.Join(lines, "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
}

func says(from, to, weight int) string {
	return fmt.Sprintf("%s,%s,%d", person(from), person(to), weight)
}

// Every wallet of an epoch can be proved against its root, also the distrusted,
// until its scores are deleted; the root stays.
func TestConformanceProofs(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		imported(t, s, sampleGraph()+says(0, 30, -10))
		first := computed(t, s)
		if len(first.Root) != 66 || len(first.InputHash) != 66 || !first.Kept || first.Statistics.Distrusted != 1 || first.Statistics.Ranked != first.Ranked {
			t.Errorf("the epoch is %+v", first)
		}
		for n := range 31 {
			got, err := s.Proof(nobody, reputation.ProofQuery{Wallet: person(n)})
			if fault.Is(err, fault.NotFound) && n > 25 && n < 30 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			score, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(n)})
			if err != nil {
				t.Fatal(err)
			}
			entry := merkle.Entry{Wallet: got.Address, Amount: *uint256.NewInt(uint64(score.Standing.Score))}
			if got.Root.String() != first.Root || got.Amount != fmt.Sprint(score.Standing.Score) || !merkle.Verify(merkle.OZ, got.Root, entry, got.Proof) {
				t.Errorf("wallet %d: %+v does not prove its score %d", n, got, score.Standing.Score)
			}
		}
		if same := computed(t, s); same.Root != first.Root || same.InputHash != first.InputHash || same.Number != 2 {
			t.Errorf("the same edges made %+v of %+v", same, first)
		}
		imported(t, s, says(0, 2, 6))
		third := computed(t, s)
		if third.InputHash == first.InputHash {
			t.Error("another edge has the same input hash")
		}
		old, err := s.EpochOf(nobody, reputation.EpochNumber{Number: 1})
		if err != nil || old.Kept || old.Root != first.Root {
			t.Errorf("the first epoch is %+v, %v", old, err)
		}
		if _, err := s.Proof(nobody, reputation.ProofQuery{Wallet: person(2), Epoch: 1}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a proof of scores that are not kept: %v", err)
		}
		if second, err := s.Proof(nobody, reputation.ProofQuery{Wallet: person(2), Epoch: 2}); err != nil || second.Root.String() != first.Root {
			t.Errorf("a proof of a former epoch: %+v, %v", second, err)
		}
		for _, n := range []int64{4, -1, 0} {
			if _, err := s.EpochOf(nobody, reputation.EpochNumber{Number: n}); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) {
				t.Errorf("epoch %d: %v", n, err)
			}
		}
		page, err := s.Epochs(nobody, reputation.EpochsQuery{Limit: 2})
		if err != nil || len(page.Epochs) != 2 || page.Epochs[0].Number != 3 || page.Next == "" {
			t.Fatalf("epochs: %+v, %v", page, err)
		}
		if page, err = s.Epochs(nobody, reputation.EpochsQuery{Limit: 2, Cursor: page.Next}); err != nil || len(page.Epochs) != 1 || page.Next != "" {
			t.Errorf("the last epochs: %+v, %v", page, err)
		}
	})
}

// A history tells what changed a score, also when nobody says anything of the
// wallet any more.
func TestConformanceHistory(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		imported(t, s, says(0, 1, 5), says(0, 40, 5), says(1, 41, 5))
		computed(t, s)
		imported(t, s, says(1, 40, 5))
		computed(t, s)
		imported(t, s, says(0, 40, 0), says(1, 40, 0), says(0, 41, -9), says(1, 41, -9))
		computed(t, s)
		got, err := s.History(nobody, reputation.HistoryQuery{Wallet: person(40)})
		if err != nil || len(got.Entries) != 2 {
			t.Fatalf("history: %+v, %v", got, err)
		}
		gone, more := got.Entries[0], got.Entries[1]
		if more.Epoch != 2 || more.Score <= more.Before || len(more.Changes) == 0 || more.Changes[0].What != reputation.ReasonNew || *more.Changes[0].From != person(1) {
			t.Errorf("after a second rating: %+v", more)
		}
		if gone.Epoch != 3 || gone.Score != 0 || gone.Before != more.Score || gone.Standing != reputation.NoStanding || len(gone.Changes) != 2 {
			t.Fatalf("after both were taken back: %+v", gone)
		}
		lost := 0.0
		for _, c := range gone.Changes {
			if lost += c.Points; c.What != reputation.ReasonGone {
				t.Errorf("a rating that was taken back is told as %+v", c)
			}
		}
		if math.Abs(lost+float64(gone.Before)) > 1 {
			t.Errorf("it lost %d, and its reasons %g", gone.Before, lost)
		}
		score, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(40)})
		if err != nil || score.LastChange == nil || score.LastChange.Epoch != 3 || score.Standing.Standing != reputation.NoStanding {
			t.Errorf("its score: %+v, %v", score, err)
		}
		turned, err := s.History(nobody, reputation.HistoryQuery{Wallet: person(41), Limit: 1})
		if err != nil || len(turned.Entries) != 1 || turned.Entries[0].Standing != reputation.Distrusted || turned.Entries[0].Rank != 0 {
			t.Errorf("who is distrusted now: %+v, %v", turned, err)
		}
		if never, err := s.History(nobody, reputation.HistoryQuery{Wallet: person(99)}); err != nil || len(never.Entries) != 0 {
			t.Errorf("who was never rated: %+v, %v", never, err)
		}
	})
}

func TestConformanceManyWalletsAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		imported(t, s, sampleGraph())
		computed(t, s)
		var asked strings.Builder
		for n := range 1500 { // more than are read at once
			fmt.Fprintf(&asked, "%s\n", person(n%40))
		}
		// The first answers come from the database, then from the table in memory: they are
		// what Scores says. So are those of the next epoch.
		for turn := range 8 {
			if turn == 4 {
				imported(t, s, sampleGraph(), says(0, 38, 10))
				computed(t, s)
			}
			want := map[wallet.Address]string{}
			all := make([]wallet.Address, 40)
			for n := range all {
				all[n] = person(n)
			}
			scores, err := s.Scores(nobody, reputation.ScoresQuery{Wallets: all})
			if err != nil {
				t.Fatal(err)
			}
			trusted := 0
			for _, standing := range scores.Standings {
				line, err := json.Marshal(standing)
				if err != nil {
					t.Fatal(err)
				}
				want[standing.Wallet] = string(line)
				if standing.Standing == reputation.Trusted {
					trusted++
				}
			}
			if wantTrusted := 26 + turn/4; trusted != wantTrusted {
				t.Fatalf("%d are trusted, want %d", trusted, wantTrusted)
			}
			stream, err := s.ScoreStream(operator, reputation.WalletStream{Body: strings.NewReader(asked.String())})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := stream.Write(&out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if len(lines) != 1500 {
				t.Fatalf("%d lines", len(lines))
			}
			for n, line := range lines {
				if line != want[person(n%40)] {
					t.Fatalf("stream %d, line %d is %s, want %s", turn, n, line, want[person(n%40)])
				}
			}
		}
		wrong := strings.Replace(person(5).String(), "0x", "0X", 1)
		for _, text := range []string{strings.ToLower(person(5).String()), "0x" + strings.ToUpper(person(5).String()[2:]), wrong} {
			_, wantErr := wallet.Parse(text)
			if _, err := s.ScoreStream(operator, reputation.WalletStream{Body: strings.NewReader("\r\n " + text + " \r\n")}); (err == nil) != (wantErr == nil) {
				t.Errorf("%s: %v, want %v", text, err, wantErr)
			}
		}
		const misspelled = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD" // its last letter is small
		_, err := s.ScoreStream(operator, reputation.WalletStream{Body: strings.NewReader(person(1).String() + "\n\n" + misspelled + "\n0x12\n")})
		if fields := fault.From(err).Fields; !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Line != 3 {
			t.Errorf("a wallet with a wrong letter: %v, %+v", err, fields)
		}
		for text, code := range map[string]fault.Code{"": fault.Invalid, "0x12\n": fault.Invalid, strings.Repeat(person(1).String()+"\n", reputation.MaxStream+1): fault.TooLarge} {
			if _, err := s.ScoreStream(operator, reputation.WalletStream{Body: strings.NewReader(text)}); !fault.Is(err, code) {
				t.Errorf("a stream of %d bytes: %v, want %s", len(text), err, code)
			}
		}
	})
}

func TestConformanceWeights(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ring := []string{says(50, 51, 10), says(51, 52, 10), says(52, 50, 10)}
		imported(t, s, sampleGraph()+strings.Join(append(ring, says(0, 30, -10), says(50, 31, 10)), "\n"))
		computed(t, s)
		wallets := []wallet.Address{person(2), person(30), person(31), person(50), person(99)}
		got, err := s.Weights(module, reputation.WeightsQuery{Wallets: wallets})
		if err != nil || got.Epoch != 1 || len(got.Weights) != len(wallets) {
			t.Fatalf("weights: %+v, %v", got, err)
		}
		want := []string{reputation.Trusted, reputation.Distrusted, reputation.NoStanding, reputation.NoStanding, reputation.NoStanding}
		for i, w := range got.Weights {
			if w.Wallet != wallets[i] || w.Standing != want[i] || (w.WeightPPM > 0) != (i == 0) || (w.Score > 0) != (i == 0) {
				t.Errorf("wallet %d weighs %+v, want %s", i, w, want[i])
			}
		}
		if _, err := s.Weights(module, reputation.WeightsQuery{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("no wallets: %v", err)
		}
	})
}

func TestConformanceBoundAndCompare(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		set := reputation.BoundQuery{Wallets: []wallet.Address{person(50), person(51), person(50)}}
		if _, err := s.Bound(nobody, set); !fault.Is(err, fault.Conflict) {
			t.Errorf("before the first epoch: %v", err)
		}
		imported(t, s, sampleGraph()+says(50, 51, 10), says(51, 50, 10))
		computed(t, s)
		if got, err := s.Bound(nobody, set); err != nil || got.Members != 2 || got.Held != 0 || got.Limit != 0 || got.WeightPPM != 0 {
			t.Errorf("a ring without an edge from outside: %+v, %v", got, err)
		}
		imported(t, s, says(2, 50, 1))
		computed(t, s)
		got, err := s.Bound(nobody, set)
		if err != nil || got.Edges != 1 || got.Largest[0].From != person(2) || got.Held <= 0 || got.Held > got.Limit+1e-9 || got.Limit >= 0.5 {
			t.Errorf("a ring with one edge from outside: %+v, %v", got, err)
		}
		// The ring passes nearly all its trust round, so it holds nearly what it can.
		if got.Held < 0.3*got.Limit {
			t.Errorf("the ring holds %g, its bound is %g", got.Held, got.Limit)
		}
		if seeds, err := s.Bound(nobody, reputation.BoundQuery{Wallets: []wallet.Address{person(0)}}); err != nil || seeds.Seeded <= 0 {
			t.Errorf("a set with a seed: %+v, %v", seeds, err)
		}
		both, err := s.Compare(nobody, reputation.CompareQuery{A: person(3), B: person(13)})
		if err != nil || both.A.Wallet != person(3) || both.B.Wallet != person(13) || len(both.Shared) != 1 || both.Shared[0].From != person(2) {
			t.Errorf("compared: %+v, %v", both, err)
		}
		if _, err := s.Compare(nobody, reputation.CompareQuery{A: person(3), B: person(999)}); !fault.Is(err, fault.NotFound) {
			t.Errorf("compared with an unknown wallet: %v", err)
		}
	})
}

func TestConformanceComputing(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := s.ComputingEpoch(nobody, reputation.ComputingQuery{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("before the first: %v", err)
		}
		if _, err := s.CancelEpoch(operator, reputation.CancelRequest{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("cancelled nothing: %v", err)
		}
		if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("without edges: %v", err)
		}
		failed, err := s.ComputingEpoch(nobody, reputation.ComputingQuery{})
		if err != nil || failed.State != reputation.ComputingFailed || !strings.Contains(failed.Reason, "no trust edges") {
			t.Errorf("after that: %+v, %v", failed, err)
		}
		imported(t, s, sampleGraph())
		computed(t, s)
		if done, err := s.ComputingEpoch(nobody, reputation.ComputingQuery{}); err != nil || done.State != reputation.ComputingDone || done.Epoch != 1 {
			t.Errorf("after the first epoch: %+v, %v", done, err)
		}
	})
}
