package service_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// What the contract in exchangereview.go promises of reviews, asserted the same
// way in process and over HTTP, on SQLite and PostgreSQL. The directory is in
// exchanges_test.go, weights are in weights_test.go.

func TestPreparedReviewIsWhatAWalletSigns(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		d := a.draft("kraken", 4)
		prepared := must(w.PrepareReview(anybody, d))(t)
		want := exchangereview.SignedReview{
			Slug: "kraken", Wallet: a.wallet, Overall: 4, Aspects: d.Aspects, Text: d.Text, CreatedMS: w.clock.Now().UnixMilli(),
		}
		if prepared.Review != want {
			t.Errorf("got %+v, want %+v", prepared.Review, want)
		}
		// A wallet reads the document from JSON, and signs this hash.
		text, err := json.Marshal(prepared.TypedData)
		if err != nil {
			t.Fatal(err)
		}
		var document apitypes.TypedData
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		hash, _, err := apitypes.TypedDataAndHash(document)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := crypto.Sign(hash, a.key)
		if err != nil {
			t.Fatal(err)
		}
		prepared.Review.Signature = exchangereview.Signature(signed)
		r := must(w.PublishReview(anybody, prepared.Review))(t)
		if !bytes.Equal(r.Hash[:], hash) {
			t.Errorf("stored under %s, signed %x", r.Hash, hash)
		}
		if next := must(w.PrepareReview(anybody, d))(t); next.Review.Previous != r.Hash {
			t.Errorf("the next version follows %s, want %s", next.Review.Previous, r.Hash)
		}
	})
}

func TestWrongDraftsAreRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		change := func(f func(*exchangereview.ReviewDraft)) exchangereview.ReviewDraft {
			d := a.draft("kraken", 4)
			f(&d)
			return d
		}
		for says, d := range map[string]exchangereview.ReviewDraft{
			"wallet: is missing":       change(func(d *exchangereview.ReviewDraft) { d.Wallet = wallet.Address{} }),
			"overall: is 1 to 5":       change(func(d *exchangereview.ReviewDraft) { d.Overall = 0 }),
			"overall: is 1 to 5 stars": change(func(d *exchangereview.ReviewDraft) { d.Overall = 6 }),
			"aspects.withdrawals":      change(func(d *exchangereview.ReviewDraft) { d.Aspects.Withdrawals = 0 }),
			"aspects.support":          change(func(d *exchangereview.ReviewDraft) { d.Aspects.Support = -1 }),
			"aspects.fees":             change(func(d *exchangereview.ReviewDraft) { d.Aspects.Fees = 256 + 3 }),
			"aspects.execution":        change(func(d *exchangereview.ReviewDraft) { d.Aspects.Execution = 6 }),
			"aspects.security":         change(func(d *exchangereview.ReviewDraft) { d.Aspects.Security = 0 }),
			"aspects.ease":             change(func(d *exchangereview.ReviewDraft) { d.Aspects.Ease = 0 }),
			"text: has at most 5000":   change(func(d *exchangereview.ReviewDraft) { d.Text = strings.Repeat("é", 5001) }),
			"text: has control":        change(func(d *exchangereview.ReviewDraft) { d.Text = "a\x00b" }),
			"text: has control char":   change(func(d *exchangereview.ReviewDraft) { d.Text = "a\x1bb" }),
		} {
			refused(w.PrepareReview(anybody, d))(t, fault.Invalid, says)
			r := exchangereview.SignedReview{
				Slug: d.Slug, Wallet: d.Wallet, Overall: d.Overall, Aspects: d.Aspects, Text: d.Text, CreatedMS: w.clock.Now().UnixMilli(),
			}
			refused(w.PublishReview(anybody, a.sign(t, r)))(t, fault.Invalid, says)
		}
		refused(w.PrepareReview(anybody, a.draft("nowhere", 4)))(t, fault.NotFound, "no exchange")
		if got := w.rows(t); got != [3]int{} {
			t.Errorf("refused reviews left rows: %v", got)
		}
		longest := change(func(d *exchangereview.ReviewDraft) { d.Text = strings.Repeat("é", 5000) })
		prepared := must(w.PrepareReview(anybody, longest))(t)
		if r := must(w.PublishReview(anybody, a.sign(t, prepared.Review)))(t); r.Text != longest.Text {
			t.Error("the longest text is not stored as it is")
		}
	})
}

func TestPublishedReviewIsEverywhere(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.reputation.set(3, map[*writer]float64{a: 0.5})
		signed := w.prepare(t, a, "kraken", 4)
		r := must(w.PublishReview(anybody, signed))(t)
		want := exchangereview.Review{
			Exchange: "kraken", Wallet: a.wallet, Overall: 4, Aspects: signed.Aspects, Text: signed.Text, CreatedMS: signed.CreatedMS,
			Version: 1, Hash: exchangereview.NewDigester(site).Hash(&signed), Signature: signed.Signature, Weight: 0.5,
			Site: site, Group: "unproven", State: exchangereview.Counted,
		}
		if r != want {
			t.Errorf("got %+v, want %+v", r, want)
		}
		one := []exchangereview.Review{want}
		if page := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t); !slices.Equal(page.Reviews, one) || page.Next != "" {
			t.Errorf("of the exchange: %+v", page)
		}
		if page := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t); !slices.Equal(page.Reviews, one) || page.Next != "" {
			t.Errorf("of the wallet: %+v", page)
		}
		if h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t); !slices.Equal(h.Versions, one) {
			t.Errorf("history: %+v", h)
		}
		got := w.rating(t, "kraken")
		if got.Reviews != 1 || got.Enough || got.PlainMean != 4 || got.Histogram != [5]int{0, 0, 0, 1, 0} || !near(got.Mean, meanOf(map[float64]int{0.5: 4})) {
			t.Errorf("rating %+v", got)
		}
		if a := got.Aspects; !near(a.Withdrawals, meanOf(map[float64]int{0.5: 1})) || !near(a.Security, meanOf(map[float64]int{0.5: 5})) || !near(a.Fees, 3) {
			t.Errorf("aspects %+v", a)
		}
		if got := w.rating(t, "okx"); got != (exchangereview.Rating{}) {
			t.Errorf("another exchange has %+v", got)
		}
		w.announced(t, reputation.Activity{Wallet: a.wallet, Kind: exchangereview.ActivityPublished, Ref: "kraken", TimeMS: signed.CreatedMS})
	})
}

// announced compares the last event of the outbox.
func (w *fixture) announced(t *testing.T, want reputation.Activity) {
	t.Helper()
	var payload string
	err := w.db.Read().Get(t.Context(), &payload, `SELECT payload FROM event_outbox WHERE topic = ? ORDER BY id DESC LIMIT 1`, reputation.ActivityTopic.Name())
	if err != nil {
		t.Fatal(err)
	}
	got, err := reputation.ActivityTopic.Decode(events.Event{Topic: reputation.ActivityTopic.Name(), Payload: json.RawMessage(payload)})
	if err != nil || got != want {
		t.Errorf("announced %+v (%v), want %+v", got, err, want)
	}
}

func TestEditReplacesAndKeepsHistory(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		w.publish(t, b, "kraken", 2)
		first := w.publish(t, a, "kraken", 1)
		w.clock.Pass(time.Hour)
		second := w.publish(t, a, "kraken", 5)
		if second.Version != 2 || second.Previous != first.Hash {
			t.Errorf("got version %d after %s", second.Version, second.Previous)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 2 || got.Histogram != [5]int{0, 1, 0, 0, 1} || got.PlainMean != 3.5 {
			t.Errorf("rating %+v", got)
		}
		page := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t)
		if len(page.Reviews) != 2 || page.Reviews[0] != second || page.Reviews[1].Wallet != b.wallet {
			t.Errorf("live reviews %+v", page.Reviews)
		}
		h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t)
		if !slices.Equal(h.Versions, []exchangereview.Review{second, first}) {
			t.Errorf("history %+v", h.Versions)
		}
		w.announced(t, reputation.Activity{Wallet: a.wallet, Kind: exchangereview.ActivityEdited, Ref: "kraken", TimeMS: second.CreatedMS})
		refused(w.History(anybody, exchangereview.HistoryQuery{Slug: "okx", Wallet: a.wallet}))(t, fault.NotFound, "no review")
		refused(w.History(anybody, exchangereview.HistoryQuery{Slug: "nowhere", Wallet: a.wallet}))(t, fault.NotFound, "no exchange")
	})
}

func TestReviewsThatCannotBeStoredLeaveNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		live := w.publish(t, a, "kraken", 3)
		before, rating := w.rows(t), w.rating(t, "kraken")
		edit := w.prepare(t, a, "kraken", 5)
		change := func(f func(*exchangereview.SignedReview)) exchangereview.SignedReview {
			r := edit
			f(&r)
			return r
		}
		now := w.clock.Now().UnixMilli()
		for _, c := range []struct {
			name string
			r    exchangereview.SignedReview
			code fault.Code
			says string
		}{
			{"stale", a.sign(t, change(func(r *exchangereview.SignedReview) { r.CreatedMS = now - 600_001 })), fault.Invalid, "stale"},
			{"future", a.sign(t, change(func(r *exchangereview.SignedReview) { r.CreatedMS = now + 600_001 })), fault.Invalid, "future"},
			{"before 1970", a.sign(t, change(func(r *exchangereview.SignedReview) { r.CreatedMS = -1 })), fault.Invalid, "created_ms"},
			{"another exchange", change(func(r *exchangereview.SignedReview) { r.Slug, r.Previous = "okx", exchangereview.Hash{} }), fault.Forbidden, "not by"},
			{"unknown exchange", a.sign(t, change(func(r *exchangereview.SignedReview) { r.Slug = "nowhere" })), fault.NotFound, "no exchange"},
			{"another signer", b.sign(t, edit), fault.Forbidden, "not by " + a.wallet.String()},
			{"changed text", change(func(r *exchangereview.SignedReview) { r.Text += "!" }), fault.Forbidden, "not by"},
			{"changed stars", change(func(r *exchangereview.SignedReview) { r.Overall = 1 }), fault.Forbidden, "not by"},
			{"no signature", change(func(r *exchangereview.SignedReview) { r.Signature = "" }), fault.Invalid, "signature"},
			{"v of 31", change(func(r *exchangereview.SignedReview) { r.Signature = r.Signature[:64] + "\x1f" }), fault.Invalid, "27 or 28"},
			{"high s", change(func(r *exchangereview.SignedReview) { mirror(&r.Signature) }), fault.Invalid, "upper half"},
			{"does not follow", a.sign(t, change(func(r *exchangereview.SignedReview) { r.Previous = exchangereview.Hash{1} })), fault.Conflict, live.Hash.String()},
			{"as if the first", a.sign(t, change(func(r *exchangereview.SignedReview) { r.Previous = exchangereview.Hash{} })), fault.Conflict, live.Hash.String()},
			{"follows nothing", a.sign(t, change(func(r *exchangereview.SignedReview) { r.Slug = "okx" })), fault.Conflict, "is zero"},
		} {
			t.Run(c.name, func(t *testing.T) {
				refused(w.PublishReview(anybody, c.r))(t, c.code, c.says)
			})
		}
		if got := w.rows(t); got != before {
			t.Errorf("rows %v, before %v", got, before)
		}
		if got := w.rating(t, "kraken"); got != rating {
			t.Errorf("rating %+v, before %+v", got, rating)
		}
		// Within the ten minutes, and by another site's clock a little off, it
		// is accepted.
		must(w.PublishReview(anybody, a.sign(t, change(func(r *exchangereview.SignedReview) { r.CreatedMS = now + 600_000 }))))(t)
	})
}

// mirror writes the same signature the second way: s → n − s.
func mirror(s *exchangereview.Signature) {
	n, b := crypto.S256().Params().N, []byte(*s)
	new(big.Int).Sub(n, new(big.Int).SetBytes(b[32:64])).FillBytes(b[32:64])
	b[64] ^= 27 ^ 28
	*s = exchangereview.Signature(b)
}

func TestAReplayIsRefusedAsStored(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		first := w.prepare(t, a, "kraken", 1)
		must(w.PublishReview(anybody, first))(t)
		refused(w.PublishReview(anybody, first))(t, fault.Conflict, "stored already")
		w.clock.Pass(time.Minute)
		w.publish(t, a, "kraken", 5)
		before := w.rows(t)
		refused(w.PublishReview(anybody, first))(t, fault.Conflict, "stored already")
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.PlainMean != 5 {
			t.Errorf("an old version is live again: %+v", got)
		}
		if got := w.rows(t); got != before {
			t.Errorf("rows %v, before %v", got, before)
		}
	})
}

func TestASiteTakesOnlyItsOwnReviews(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		r := must(w.PrepareReview(anybody, a.draft("kraken", 5)))(t).Review
		digest := exchangereview.NewDigester("other.example").Hash(&r)
		made, err := crypto.Sign(digest[:], a.key)
		if err != nil {
			t.Fatal(err)
		}
		r.Signature = exchangereview.Signature(made)
		refused(w.PublishReview(anybody, r))(t, fault.Forbidden, "not by")
	})
}

func TestAReviewHasALastVersion(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		for i := range exchangereview.MaxVersions {
			w.clock.Pass(time.Second)
			w.publish(t, a, "kraken", i%5+1)
		}
		refused(w.PublishReview(anybody, w.prepare(t, a, "kraken", 1)))(t, fault.Conflict, "limit")
		h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t)
		if len(h.Versions) != exchangereview.MaxVersions || h.Versions[0].Version != exchangereview.MaxVersions {
			t.Errorf("%d versions, the newest is %d", len(h.Versions), h.Versions[0].Version)
		}
		for i, v := range h.Versions[:len(h.Versions)-1] {
			if v.Previous != h.Versions[i+1].Hash {
				t.Fatalf("version %d does not follow the one before", v.Version)
			}
		}
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.Histogram != [5]int{0, 0, 0, 0, 1} {
			t.Errorf("rating %+v", got)
		}
	})
}

func TestReviewsArePagedNewestFirst(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		var order []wallet.Address
		for i := range 7 {
			a := numbered(t, i)
			w.publish(t, a, "kraken", i%5+1)
			w.publish(t, numbered(t, 0), []string{"okx", "luno", "gate", "mexc", "gmx", "orca", "curve"}[i], 2)
			order = append(order, a.wallet)
		}
		slices.Reverse(order)
		for _, size := range []int{1, 2, 7, 200} {
			var got []wallet.Address
			q := exchangereview.ReviewsQuery{Slug: "kraken", Limit: size}
			for more := true; more; more = q.Cursor != "" {
				page := must(w.Reviews(anybody, q))(t)
				for _, r := range page.Reviews {
					got = append(got, r.Wallet)
				}
				q.Cursor = page.Next
			}
			if !slices.Equal(got, order) {
				t.Errorf("pages of %d: got %v, want %v", size, got, order)
			}
			var exchanges []string
			of := exchangereview.ReviewsOfQuery{Wallet: numbered(t, 0).wallet, Limit: size}
			for more := true; more; more = of.Cursor != "" {
				page := must(w.ReviewsOf(anybody, of))(t)
				for _, r := range page.Reviews {
					exchanges = append(exchanges, r.Exchange)
				}
				of.Cursor = page.Next
			}
			if want := []string{"curve", "orca", "gmx", "mexc", "gate", "luno", "okx", "kraken"}; !slices.Equal(exchanges, want) {
				t.Errorf("of a wallet, pages of %d: got %v, want %v", size, exchanges, want)
			}
		}
		if page := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: numbered(t, 99).wallet}))(t); page.Reviews == nil || len(page.Reviews) != 0 {
			t.Errorf("of a stranger: %+v", page)
		}
	})
}

// Malformed bodies, which a Client cannot send.
func TestWrongBodiesAreProblems(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		if w.way.URL == "" {
			return // there are no bodies in process
		}
		good, err := json.Marshal(w.prepare(t, numbered(t, 1), "kraken", 5))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, body string
			status     int
			says       string
		}{
			{"cut off", string(good[:len(good)-20]), 400, "ends in the middle"},
			{"half a byte more", strings.Replace(string(good), `"signature":"0x`, `"signature":"0x0`, 1), 400, "must be 0x and hex digits"},
			{"no hex", strings.Replace(string(good), `"signature":"0x`, `"signature":"0y`, 1), 400, "130 hex digits"},
			{"stars as text", strings.Replace(string(good), `"overall":5`, `"overall":"5"`, 1), 400, "overall"},
			{"half a star", strings.Replace(string(good), `"overall":5`, `"overall":4.5`, 1), 400, "overall"},
			{"a field too many", strings.Replace(string(good), `{`, `{"weight":1,`, 1), 400, "weight"},
			{"invalid UTF-8", strings.Replace(string(good), "Of ", "Of \xff", 1), 0, ""},
		} {
			resp, err := http.Post(w.way.URL+"/api/v1/exchange-review/exchanges/kraken/reviews", "application/json", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if c.status == 0 {
				// JSON decoding replaces the byte, so what arrives is not what was signed.
				if resp.StatusCode != 400 && resp.StatusCode != 403 {
					t.Errorf("%s: %d %s", c.name, resp.StatusCode, text)
				}
				continue
			}
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != fault.MediaType || !bytes.Contains(text, []byte(c.says)) {
				t.Errorf("%s: %d %s, want %d and %q", c.name, resp.StatusCode, text, c.status, c.says)
			}
		}
		if got := w.rows(t); got != [3]int{} {
			t.Errorf("rows %v", got)
		}
		resp, err := http.Post(w.way.URL+"/api/v1/exchange-review/exchanges/kraken/reviews", "application/json", bytes.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			text, _ := io.ReadAll(resp.Body)
			t.Errorf("the right body: %d %s", resp.StatusCode, text)
		}
		var r exchangereview.Review
		if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || r.Exchange != "kraken" || r.Version != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}
