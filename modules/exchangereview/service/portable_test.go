package service_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/databasetest"
)

func (w *fixture) exported(t testing.TB, exchange string) string {
	t.Helper()
	var out bytes.Buffer
	if err := must(w.ExportReviews(anybody, exchangereview.ReviewsExport{Exchange: exchange}))(t).Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (w *fixture) imported(t testing.TB, lines string) exchangereview.ReviewsImported {
	t.Helper()
	return must(w.ImportReviews(operator, exchangereview.ReviewsUpload{Body: strings.NewReader(lines)}))(t)
}

// installedAgain is the module on another, empty database, months later.
func (w *fixture) installedAgain(t *testing.T) *fixture {
	t.Helper()
	db := databasetest.SQLite(t, exchangereview.Name)
	if w.db.Dialect() == database.Postgres {
		db = databasetest.Postgres(t, exchangereview.Name)
	}
	other := open(t, db, w.by)
	if _, err := service.LoadStarter(t.Context(), other.options); err != nil {
		t.Fatal(err)
	}
	w.clock.Pass(100 * 24 * time.Hour)
	other.clock.Pass(100 * 24 * time.Hour)
	return other
}

func TestReviewsMoveToAnotherInstallationOfTheSite(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for n := range 5 {
			w.publish(t, numbered(t, n), "kraken", 1+n)
		}
		w.publish(t, numbered(t, 1), "okx", 2)
		w.clock.Pass(time.Minute)
		w.publish(t, numbered(t, 2), "kraken", 5) // a second version
		w.clock.Pass(time.Minute)
		w.publish(t, numbered(t, 2), "kraken", 4)
		w.withdraw(t, numbered(t, 3), "kraken")
		lines := w.exported(t, "")
		if n := strings.Count(lines, "\n"); n != 4+1+2 {
			t.Fatalf("%d lines were exported:\n%s", n, lines)
		}
		if only := w.exported(t, "okx"); strings.Count(only, "\n") != 1 || !strings.Contains(lines, only) {
			t.Errorf("of one exchange:\n%s", only)
		}
		refused(w.ExportReviews(anybody, exchangereview.ReviewsExport{Exchange: "nowhere"}))(t, fault.NotFound, "no exchange")

		other := w.installedAgain(t)
		if got := other.imported(t, lines); got.Stored != 7 || got.Known+got.Refused+len(got.Reasons) != 0 {
			t.Fatalf("imported: %+v", got)
		}
		if again := other.exported(t, ""); again != lines {
			t.Errorf("what was imported is exported as\n%s\nand was\n%s", again, lines)
		}
		for _, slug := range []string{"kraken", "okx"} {
			if got, want := other.rating(t, slug), w.rating(t, slug); got != want {
				t.Errorf("the rating of %s is %+v, and was %+v", slug, got, want)
			}
			got := must(other.Reviews(anybody, exchangereview.ReviewsQuery{Slug: slug, Sort: exchangereview.ByBest}))(t)
			want := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: slug, Sort: exchangereview.ByBest}))(t)
			if !slices.Equal(got.Reviews, want.Reviews) {
				t.Errorf("the reviews of %s are %+v, and were %+v", slug, got.Reviews, want.Reviews)
			}
		}
		if got := other.imported(t, lines); got.Known != 7 || got.Stored+got.Refused != 0 {
			t.Errorf("imported again: %+v", got)
		}
		// Its writer can go on where the review is now.
		if r := other.publish(t, numbered(t, 2), "kraken", 3); r.Version != 4 {
			t.Errorf("the next version is %d", r.Version)
		}
	})
}

// A version that was not exported, because it is not shown, keeps no later one out.
func TestAVersionIsImportedWithoutTheOneBefore(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.publish(t, a, "kraken", 2)
		w.clock.Pass(time.Minute)
		second := w.publish(t, a, "kraken", 4)
		lines := strings.SplitAfter(w.exported(t, ""), "\n")
		other := w.installedAgain(t)
		if got := other.imported(t, lines[1]); got.Stored != 1 {
			t.Fatalf("imported: %+v", got)
		}
		h := must(other.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t)
		if len(h.Versions) != 1 || h.Versions[0].Hash != second.Hash || h.Versions[0].Previous.IsZero() {
			t.Errorf("history: %+v", h)
		}
		if got := other.imported(t, lines[0]); got.Refused != 1 || !strings.Contains(got.Reasons[0].Message, "does not follow") {
			t.Errorf("the one before, afterwards: %+v", got)
		}
	})
}

func TestWhatIsNoReviewOfThisSiteIsNotImported(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		w.publish(t, numbered(t, 1), "kraken", 4)
		line := w.exported(t, "")
		other := w.installedAgain(t)
		var r exchangereview.Review
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		changed := func(change func(*exchangereview.Review)) string {
			one := r
			change(&one)
			text, err := json.Marshal(one)
			if err != nil {
				t.Fatal(err)
			}
			return string(text) + "\n"
		}
		future := other.clock.Now().Add(time.Hour).UnixMilli()
		for says, text := range map[string]string{
			"was signed by":          changed(func(r *exchangereview.Review) { r.Overall = 5 }),
			"was signed for":         changed(func(r *exchangereview.Review) { r.Site = "elsewhere.example" }),
			"no exchange":            changed(func(r *exchangereview.Review) { r.Exchange = "nowhere" }),
			"1 to 5 stars":           changed(func(r *exchangereview.Review) { r.Aspects.Fees = 9 }),
			"in the future":          changed(func(r *exchangereview.Review) { r.CreatedMS = future }),
			"as an export has it":    `{"exchange": 5}` + "\n",
			"signature":              changed(func(r *exchangereview.Review) { r.Overall, r.Signature = 5, "" }),
			"send the address":       "{}\n",
			"40 hex digits after 0x": strings.Replace(line, r.Wallet.String(), "0x12", 1),
		} {
			got := other.imported(t, text+line)
			if got.Refused != 1 || len(got.Reasons) != 1 || got.Reasons[0].Line != 1 || !strings.Contains(got.Reasons[0].Message, says) {
				t.Errorf("%q: %+v", says, got)
			}
		}
		if page := must(other.AllReviews(anybody, exchangereview.AllReviewsQuery{}))(t); len(page.Reviews) != 1 {
			t.Errorf("%d reviews are there", len(page.Reviews))
		}
		upload := func(text string) exchangereview.ReviewsUpload {
			return exchangereview.ReviewsUpload{Body: strings.NewReader(text)}
		}
		refused(other.ImportReviews(operator, upload("")))(t, fault.Invalid, "is empty")
		refused(other.ImportReviews(operator, upload(line+line[:30])))(t, fault.Invalid, "review 2 is not JSON")
		refused(other.ImportReviews(operator, upload(strings.Repeat(line, exchangereview.MaxImportedReviews+1))))(t, fault.TooLarge, "the first 1000 are stored")
		refused(other.ImportReviews(anybody, upload(line)))(t, fault.Unauthenticated, "sign in")
		refused(other.ImportReviews(as(identity.Moderator), upload(line)))(t, fault.Forbidden, "operator")
	})
}
