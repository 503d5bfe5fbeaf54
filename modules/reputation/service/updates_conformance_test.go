package service_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/wallet"
)

// following follows what is attested until the test ends.
func following(t testing.TB, o service.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.NewFollower(o).Run(ctx) // it ends with the context alone
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

// scoreWhen reads a score until it is as the test waits for.
func scoreWhen(t *testing.T, s reputation.Service, of wallet.Address, is func(reputation.Score) bool) reputation.Score {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		score, err := s.Score(nobody, reputation.ScoreQuery{Wallet: of})
		if err == nil && is(score) {
			return score
		}
		if time.Now().After(deadline) {
			t.Fatalf("the score stays %+v, %v", score, err)
		}
		runtime.Gosched()
	}
}

// What is attested between two epochs makes a provisional score, also of a wallet that
// nobody had mentioned; taking it back ends that; and the next epoch finds the same.
func TestConformanceProvisionalScores(t *testing.T) {
	ann, bob := keyed(t, 1), keyed(t, 2)
	conformAt(t, []wallet.Address{ann.wallet(), bob.wallet()}, func(t *testing.T, s reputation.Service, clock *atomic.Int64) {
		var others []string
		for _, by := range []signer{ann, bob} {
			for n := range 60 {
				others = append(others, fmt.Sprintf("%s,%s,5", by.wallet(), person(100+n)))
			}
		}
		imported(t, s, others...)
		computed(t, s)
		fresh, known := person(60), person(100)
		said(t, s, ann, statement{subject: fresh, level: 2})
		given := scoreWhen(t, s, fresh, func(score reputation.Score) bool { return score.Provisional != nil })
		if p := given.Provisional; given.Standing.Standing != reputation.NoStanding || given.Rank != 0 || p.Standing != reputation.Trusted || p.Score < 1 || p.WeightPPM < 1 || p.TimeMS != now.UnixMilli() {
			t.Errorf("of a new wallet: %+v, %+v", given.Standing, p)
		}
		warned := said(t, s, bob, statement{subject: known, level: -9})
		lower := scoreWhen(t, s, known, func(score reputation.Score) bool {
			return score.Provisional != nil && score.Provisional.Score < score.Standing.Score
		})
		epoch := computed(t, s)
		for _, of := range []reputation.Score{given, lower} {
			after, err := s.Score(nobody, reputation.ScoreQuery{Wallet: of.Wallet})
			if err != nil || after.Epoch != epoch.Number || after.Provisional != nil || math.Abs(float64(after.Standing.Score-of.Provisional.Score)) > 20 {
				t.Errorf("the epoch finds %d, and %d was provisional; %+v, %v", after.Standing.Score, of.Provisional.Score, after.Provisional, err)
			}
		}
		if _, err := s.Revoke(nobody, bob.revoke(t, warned.UID, 5)); err != nil {
			t.Fatal(describe(err))
		}
		scoreWhen(t, s, known, func(score reputation.Score) bool {
			return score.Provisional != nil && score.Provisional.Score > score.Standing.Score
		})
		again := said(t, s, bob, statement{subject: known, level: -9, after: 20})
		back := scoreWhen(t, s, known, func(score reputation.Score) bool {
			return score.Provisional != nil && score.Provisional.Score <= score.Standing.Score+2
		})
		if again.Level != -9 || back.Epoch != epoch.Number {
			t.Errorf("%+v, %+v", again, back)
		}
	})
}
