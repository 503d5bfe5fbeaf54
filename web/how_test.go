package web_test

import (
	"net/http"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/web/webtest"
)

// Every kind of number leads to its explanation, which has the parameters of now.
func TestHowItWorksIsLinkedFromTheNumbers(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	page := v.get("/how", http.StatusOK)
	contains(t, page, `id="rating"`, "180 days", "5 reviews of average opinion, 3.4 stars", "10.0 % of the weight", `id="weight"`, "0.05", `id="score"`, "banyan", `href="./reputation/epochs/12"`, `id="proof"`, "keccak256")
	for path, part := range map[string]string{
		"/exchanges/kestrel-exchange":                             "rating",
		"/exchanges/saltmarsh-swap":                               "weight",
		"/wallets/" + webtest.SampleWallet(0).String():            "score",
		"/airdrops/c1?wallet=" + webtest.SampleWallet(3).String(): "proof",
	} {
		contains(t, v.get(path, http.StatusOK), `href="../how#`+part+`"`)
	}
	contains(t, v.get("/", http.StatusOK), `href="./how"`)

	s.Exchanges.Fail(webtest.Gone("exchange-review"))
	down := v.get("/how", http.StatusOK)
	contains(t, down, `data-missing="Exchange reviews"`, `id="rating"`, `id="score"`)
	if strings.Contains(down, "180 days") {
		t.Error("parameters are shown that nobody said")
	}
}

// The home page shows what was written last, with names that people use.
func TestTheHomePageShowsTheLatestReviews(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	page := v.get("/", http.StatusOK)
	recent, err := s.Exchanges.RecentReviews(t.Context(), exchangereview.RecentQuery{Limit: 5})
	if err != nil || len(recent.Reviews) != 5 {
		t.Fatalf("%d, %v", len(recent.Reviews), err)
	}
	for _, one := range recent.Reviews {
		contains(t, page, `href="./exchanges/`+one.Exchange+`#review-`+one.Wallet.String()+`"`)
	}
	contains(t, page, "Latest reviews")
	if strings.Contains(page, "data-empty") {
		t.Error("a site with content says that it is empty")
	}
}

// An empty site says what to do first, to operators what they do.
func TestAnEmptySiteSaysWhatToDoFirst(t *testing.T) {
	s := webtest.Empty(t)
	visitor, operator := newVisitor(t, s), newVisitor(t, s)
	page := visitor.get("/", http.StatusOK)
	contains(t, page, "data-empty", "Nothing is here yet", "banyan setup link", "Sign in with your wallet")
	if strings.Contains(page, "what to do first") {
		t.Error("a visitor is told what operators do")
	}
	operator.signIn(s.Operator)
	contains(t, operator.get("/", http.StatusOK), "data-empty", "This site is empty: what to do first", "Name the site", `href="./operator/setup#profile"`, "Fill the directory of exchanges", `href="./operator#import"`)
}
