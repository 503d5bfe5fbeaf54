package service_test

import (
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/screening"
)

func TestTextsThatAreNearlyTheSameAreFlagged(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		say := func(a *writer, slug, text string) {
			t.Helper()
			d := a.draft(slug, 5)
			d.Text = text
			must(w.PublishReview(anybody, a.sign(t, must(w.PrepareReview(anybody, d))(t).Review)))(t)
		}
		const text = "The best exchange that I have ever used: fast withdrawals, very low fees, and support that answers in minutes."
		say(numbered(t, 1), "kraken", text)
		say(numbered(t, 2), "kraken", strings.ToUpper(text)+"!!")
		say(numbered(t, 3), "kraken", "A withdrawal took four days, the support sent a template twice, and the fee was not the one that I was shown.")
		say(numbered(t, 1), "kraken", text+" Still.") // an edit is no copy
		say(numbered(t, 1), "okx", text)
		for range 2 { // nothing is flagged twice
			if err := w.jobs().ReadTexts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		found := map[string]string{}
		for _, f := range must(w.ModerationQueue(operator, exchangereview.QueueQuery{}))(t).Flags {
			if f.Kind != screening.Duplicate || f.By != nil {
				t.Errorf("flag %+v", f)
			}
			found[f.Review.Exchange+" "+f.Review.Wallet.String()] += f.Evidence
		}
		first, second := numbered(t, 1).wallet.String(), numbered(t, 2).wallet.String()
		if len(found) > 3 || !strings.Contains(found["okx "+first], "% of the text is that of the review of kraken by") || found["kraken "+numbered(t, 3).wallet.String()] != "" {
			t.Errorf("flags %q", found)
		}
		if found["kraken "+second] == "" && found["kraken "+first] == "" {
			t.Errorf("of the two of kraken neither is flagged: %q", found)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 3 {
			t.Errorf("a flag has changed the rating: %+v", got)
		}
	})
}
