package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// aspect is one of the six sub-ratings, in the order people read them.
type aspect struct {
	Field, Name, Hint string
	Mean              float64 // of all reviews
	Mark              int     // of one review
}

// Aspect names, in one place for the page, the form and its reading.
var aspectNames = [6]aspect{
	{Field: "withdrawals", Name: "Withdrawals", Hint: "money comes out when asked for"},
	{Field: "support", Name: "Support", Hint: "people answer and solve"},
	{Field: "fees", Name: "Fees", Hint: "fair and as announced"},
	{Field: "execution", Name: "Execution", Hint: "orders fill as expected"},
	{Field: "security", Name: "Security", Hint: "accounts and funds are safe"},
	{Field: "ease", Name: "Ease of use", Hint: "easy to find one's way"},
}

func aspectsOf(means exchangereview.Aspects[float64]) []aspect {
	list := aspectNames
	for i, mean := range [6]float64{means.Withdrawals, means.Support, means.Fees, means.Execution, means.Security, means.Ease} {
		list[i].Mean = mean
	}
	return list[:]
}

func marksOf(marks exchangereview.Aspects[int]) []aspect {
	list := aspectNames
	for i, mark := range [6]int{marks.Withdrawals, marks.Support, marks.Fees, marks.Execution, marks.Security, marks.Ease} {
		list[i].Mark = mark
	}
	return list[:]
}

// reviewForm is the form to write a review, filled with the live one if there
// is one.
type reviewForm struct {
	Slug    string
	Wallet  wallet.Address
	Live    *exchangereview.Review
	Overall int
	Aspects []aspect
	Text    string
	MaxText int
}

func (p *exchangePages) reviewForm(ctx context.Context, slug string, writer wallet.Address) (*reviewForm, error) {
	form := &reviewForm{Slug: slug, Wallet: writer, Aspects: aspectNames[:], MaxText: exchangereview.MaxText}
	history, err := p.service.History(ctx, exchangereview.HistoryQuery{Slug: slug, Wallet: writer})
	switch {
	case fault.Is(err, fault.NotFound), err == nil && len(history.Versions) == 0:
		return form, nil
	case err != nil:
		return nil, err // an empty form would invite a first review where there is one
	}
	live := history.Versions[0]
	form.Live, form.Overall, form.Text = &live, live.Overall, live.Text
	form.Aspects = marksOf(live.Aspects)
	return form, nil
}

// MayAppeal reports whether a decision stands against the review.
func (f *reviewForm) MayAppeal() bool {
	return f.Live != nil && (f.Live.State == exchangereview.Removed || f.Live.State == exchangereview.Held)
}

// Waits reports whether the review is not shown until a moderator has decided.
func (f *reviewForm) Waits() bool { return f.Live != nil && f.Live.State == exchangereview.Waiting }

// MayAttest reports whether the review can be signed as an attestation: it is shown.
func (f *reviewForm) MayAttest() bool {
	return f.Live != nil && (f.Live.State == exchangereview.Counted || f.Live.State == exchangereview.Held)
}

// prepareReview turns the form into the document that the wallet signs.
func (p *exchangePages) prepareReview(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return fault.New(fault.Unauthenticated, "sign in with the wallet that writes the review, then send it again")
	}
	if !ui.WantsJSON(r) {
		return fault.New(fault.Invalid, "a review is signed in your wallet, which needs JavaScript: turn it on for this site and send the review again")
	}
	draft, err := readDraft(r, who.Wallet)
	if err != nil {
		return err
	}
	if err := p.changed(r.Context(), draft); err != nil {
		return err
	}
	prepared, err := p.service.PrepareReview(r.Context(), draft)
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// changed fails for a review that says what the live one says: it would be one more
// version of the same.
func (p *exchangePages) changed(ctx context.Context, draft exchangereview.ReviewDraft) error {
	history, err := p.service.History(ctx, exchangereview.HistoryQuery{Slug: draft.Slug, Wallet: draft.Wallet})
	if fault.Is(err, fault.NotFound) || err == nil && len(history.Versions) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if live := history.Versions[0]; live.Overall == draft.Overall && live.Aspects == draft.Aspects && live.Text == draft.Text {
		return fault.New(fault.Conflict, "nothing has changed: your review says this already, so there is nothing to sign")
	}
	return nil
}

// written is a text of a form as it is signed: browsers send line ends as CR LF, and
// what is signed has LF alone.
func written(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func readDraft(r *http.Request, writer wallet.Address) (exchangereview.ReviewDraft, error) {
	if err := r.ParseForm(); err != nil {
		return exchangereview.ReviewDraft{}, fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	var wrong []fault.Field
	mark := func(field, name string) int {
		n, err := strconv.Atoi(r.PostForm.Get(field))
		if err != nil || n < 1 || n > 5 {
			wrong = append(wrong, fault.Field{Name: name, Message: "choose 1 to 5"})
		}
		return n
	}
	draft := exchangereview.ReviewDraft{
		Slug: chi.URLParam(r, "slug"), Wallet: writer, Overall: mark("overall", "Overall"),
		Text: written(r.PostForm.Get("text")),
	}
	a := &draft.Aspects
	for i, into := range [6]*int{&a.Withdrawals, &a.Support, &a.Fees, &a.Execution, &a.Security, &a.Ease} {
		*into = mark(aspectNames[i].Field, aspectNames[i].Name)
	}
	if len(wrong) > 0 {
		return draft, fault.New(fault.Invalid, "some marks are missing").With(wrong...)
	}
	return draft, nil
}

// publishReview stores what prepareReview answered, with the wallet's signature,
// and says where to see it.
func (p *exchangePages) publishReview(rw http.ResponseWriter, r *http.Request) error {
	var signed exchangereview.PreparedReview
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed review arrived incomplete: load the page again and send it once more")
	}
	if signed.Review.Slug != chi.URLParam(r, "slug") {
		return fault.New(fault.Invalid, "the signed review is of another exchange than this page: load the page again and send it once more")
	}
	published, err := p.service.PublishReview(r.Context(), signed.Review)
	if err != nil {
		return err
	}
	switch published.State {
	case exchangereview.Waiting:
		p.site.Tell(rw, r, "Your review is stored, signed by your wallet. A moderator looks at it before it is shown.")
	case exchangereview.Held:
		p.site.Tell(rw, r, "Your review is published, signed by your wallet. It is held, because unusually many came at once: it is shown and does not count yet.")
	default:
		p.site.Tell(rw, r, "Your review is published, signed by your wallet. It is marked below; its weight follows your reputation.")
	}
	place := p.site.At("/exchanges/", published.Exchange) + "#review-" + published.Wallet.String()
	return ui.WriteJSON(rw, struct {
		Location string `json:"location"`
	}{place})
}

type historyData struct {
	Exchange exchangereview.Exchange
	Wallet   wallet.Address
	Versions []exchangereview.Review
}

// reviewHistory shows all versions of one review.
func (p *exchangePages) reviewHistory(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	ctx, slug := r.Context(), chi.URLParam(r, "slug")
	d := historyData{Wallet: writer}
	var exchangeErr, historyErr error
	ui.Together(func() {
		d.Exchange, exchangeErr = p.service.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug})
	}, func() {
		var history exchangereview.ReviewHistory
		history, historyErr = p.service.History(ctx, exchangereview.HistoryQuery{Slug: slug, Wallet: writer})
		d.Versions = history.Versions
	})
	if exchangeErr != nil {
		return exchangeErr
	}
	if historyErr != nil {
		return historyErr
	}
	return p.site.Show(rw, r, http.StatusOK, "exchanges/history", ui.Page{
		Title: "A review of " + d.Exchange.Name, Nav: "/exchanges", Data: d,
		Description: "All signed versions of one review of " + d.Exchange.Name + ".",
	})
}
