package service_test

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

// conformAt is conform with a clock; seeds are wallets that can sign.
func conformAt(t *testing.T, seeds []wallet.Address, test func(t *testing.T, s reputation.Service, clock *atomic.Int64)) {
	t.Helper()
	seamtest.Ways(t, reputation.Name, func(t *testing.T, db *database.DB, open seamtest.Open) {
		var clock atomic.Int64
		clock.Store(now.UnixMilli())
		o := options(db)
		o.Seeds, o.Clock, o.Updates = seeds, func() time.Time { return time.UnixMilli(clock.Load()) }, &service.Updates{}
		running(t, o)
		following(t, o)
		test(t, reputation.NewClient(open(t, reputation.Contract, reputation.Bind(service.New(o))).Route), &clock)
	})
}

func said(t *testing.T, s reputation.Service, by signer, what statement) reputation.Attestation {
	t.Helper()
	a, err := post(s, by.attest(t, what))
	if err != nil {
		t.Fatal(describe(err))
	}
	return a
}

// A history tells why a reason went: it expired, was taken back, was replaced by
// another statement, or is on no list any more; and whether a rating that stayed counts
// differently for its author or for the others.
func TestConformanceHistoryTellsTheCauses(t *testing.T) {
	raters := []signer{keyed(t, 1), keyed(t, 2), keyed(t, 3), keyed(t, 4)}
	seeds := make([]wallet.Address, len(raters))
	for i, r := range raters {
		seeds[i] = r.wallet()
	}
	conformAt(t, append(seeds, person(0)), func(t *testing.T, s reputation.Service, clock *atomic.Int64) {
		subject := person(60)
		said(t, s, raters[0], statement{subject: subject, level: 5, expires: 1000})
		back := said(t, s, raters[1], statement{subject: subject, level: 5})
		said(t, s, raters[2], statement{subject: subject, level: 5})
		said(t, s, raters[3], statement{subject: subject, level: 5})
		imported(t, s, says(0, 60, 5))
		computed(t, s)

		clock.Add(2_000_000) // the first has expired
		if _, err := s.Revoke(nobody, raters[1].revoke(t, back.UID, 5)); err != nil {
			t.Fatal(describe(err))
		}
		said(t, s, raters[2], statement{subject: subject, level: 0, after: 1500})
		imported(t, s, says(0, 60, 0), says(0, 61, 5))
		computed(t, s)
		score, err := s.Score(nobody, reputation.ScoreQuery{Wallet: subject})
		if err != nil || score.LastChange == nil || score.LastChange.Epoch != 2 {
			t.Fatalf("%+v, %v", score, err)
		}
		causes := map[wallet.Address]string{}
		total := 0.0
		for _, c := range score.LastChange.Changes {
			if total += c.Points; c.From != nil {
				causes[*c.From] = c.What + " " + c.Cause
			}
		}
		for who, want := range map[wallet.Address]string{
			seeds[0]: "gone expired", seeds[1]: "gone revoked", seeds[2]: "gone replaced", person(0): "gone removed", seeds[3]: "moved outvoted",
		} {
			if causes[who] != want {
				t.Errorf("%s: %q, want %q", who.Short(), causes[who], want)
			}
		}
		if moved := float64(score.LastChange.Score - score.LastChange.Before); math.Abs(total-moved) > 1 {
			t.Errorf("it moved by %g, and its reasons by %g", moved, total)
		}
	})
}

func TestConformanceOutlook(t *testing.T) {
	ann, bob, cid := keyed(t, 1), keyed(t, 2), keyed(t, 3)
	conformAt(t, []wallet.Address{ann.wallet(), bob.wallet(), cid.wallet()}, func(t *testing.T, s reputation.Service, clock *atomic.Int64) {
		subject := person(60)
		if _, err := s.Outlook(nobody, reputation.OutlookQuery{Wallet: subject}); !fault.Is(err, fault.Conflict) {
			t.Errorf("before the first epoch: %v", err)
		}
		said(t, s, ann, statement{subject: subject, level: 2, expires: 5000})
		distrust := said(t, s, bob, statement{subject: subject, level: -1})
		var others []string // whom each rates, too: else one rating alone reaches the cap
		for _, by := range []signer{ann, bob, cid} {
			for n := range 60 {
				others = append(others, fmt.Sprintf("%s,%s,5", by.wallet(), person(100+n)), fmt.Sprintf("%s,%s,-5", by.wallet(), person(200+n)))
			}
		}
		imported(t, s, others...)
		computed(t, s)
		before, err := s.Score(nobody, reputation.ScoreQuery{Wallet: subject})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Outlook(nobody, reputation.OutlookQuery{Wallet: subject})
		if err != nil || got.Epoch != 1 || got.Score != before.Standing.Score {
			t.Fatalf("%+v, %v", got, err)
		}
		told := map[string]reputation.Effect{}
		for i, e := range got.Effects {
			if told[e.What+e.From.String()] = e; i > 0 && e.Points > got.Effects[i-1].Points {
				t.Errorf("%+v comes after %+v", e, got.Effects[i-1])
			}
		}
		raise, back := told[reputation.EffectRaise+ann.wallet().String()], told[reputation.EffectTakeBack+bob.wallet().String()]
		vouch, expiry := told[reputation.EffectVouch+cid.wallet().String()], told[reputation.EffectExpiry+ann.wallet().String()]
		if raise.Points <= 0 || back.Points <= 0 || vouch.Points <= 0 || expiry.Points >= 0 || expiry.AtMS != now.Add(5000*time.Second).UnixMilli() {
			t.Fatalf("the outlook is %+v", got.Effects)
		}
		// What is told of one effect is what the next epoch finds.
		if _, err := s.Revoke(nobody, bob.revoke(t, distrust.UID, 5)); err != nil {
			t.Fatal(describe(err))
		}
		computed(t, s)
		after, err := s.Score(nobody, reputation.ScoreQuery{Wallet: subject})
		if moved := float64(after.Standing.Score - before.Standing.Score); err != nil || math.Abs(moved-back.Points) > 0.1*back.Points+1 {
			t.Errorf("taken back, it moved by %g, told as %g (%v)", moved, back.Points, err)
		}
		if unknown, err := s.Outlook(nobody, reputation.OutlookQuery{Wallet: person(999)}); err != nil || len(unknown.Effects) == 0 || unknown.Effects[0].What != reputation.EffectVouch {
			t.Errorf("of a wallet that nobody knows: %+v, %v", unknown, err)
		}
	})
}
