package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/platform/feature"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
	"banyan/web/webtest"
)

// flagged is a site that shows each feature to these wallets and, where operators is
// set, to staff.
func flagged(t *testing.T, operators bool, wallets ...wallet.Address) (*webtest.Site, *feature.Flags) {
	t.Helper()
	flags, err := feature.New(t.Context(), ruleForAll(feature.Rule{Wallets: wallets, Operators: operators}))
	if err != nil {
		t.Fatal(err)
	}
	return webtest.Flagged(t, flags), flags
}

func ruleForAll(rule feature.Rule) feature.Settings {
	rules := feature.Settings{}
	for _, name := range feature.All() {
		rules[name] = rule
	}
	return rules
}

// flaggedPart is where pages show a feature, and what its form answers.
type flaggedPart struct {
	page, mark string
	use        func(v *visitor) (status int, page string)
	used       string // on the page that use answers, for those who are shown it
	refused    int    // the status of use for the others
}

func flaggedParts(s *webtest.Site, slug string) map[feature.Name]flaggedPart {
	loud := s.Exchanges.Written[0]
	return map[feature.Name]flaggedPart{
		feature.EASReviews: {"/exchanges/" + slug, `id="eas"`, func(v *visitor) (int, string) {
			return v.form("/exchanges/"+slug+"/eas", url.Values{}, "Accept", "application/json")
		}, `"attestation"`, http.StatusNotFound},
		feature.Mutes: {"/exchanges/" + loud.Exchange, "Mute this wallet", func(v *visitor) (int, string) {
			return v.form("/exchanges/-/mutes", url.Values{"wallet": {loud.Wallet.String()}, "mute": {"yes"}, "slug": {loud.Exchange}})
		}, "muted by you", http.StatusNotFound},
		feature.ProofFilter: {"/exchanges", `<select id="proof"`, func(v *visitor) (int, string) {
			resp, page := v.fetch(http.MethodGet, "/exchanges?proof=withdrawal", "", "")
			return resp.StatusCode, page
		}, "No exchange found", http.StatusOK},
	}
}

// Each feature that has a flag is shown to those who have it, and to nobody else; what
// it does is refused to the others, too.
func TestAFeatureIsShownToThoseWhoHaveIt(t *testing.T) {
	key, otherKey := webtest.Key(t, "an early wallet"), webtest.Key(t, "another wallet")
	s, _ := flagged(t, false, webtest.AddressOf(key))
	const slug = "kestrel-exchange"
	for _, k := range []wallet.Address{webtest.AddressOf(key), webtest.AddressOf(otherKey)} {
		review := s.Exchanges.Written[0]
		review.Exchange, review.Wallet, review.State = slug, k, exchangereview.Counted
		s.Exchanges.Written = append(s.Exchanges.Written, review)
	}
	for i := range s.Exchanges.Written {
		s.Exchanges.Written[i].Proof = nil
	}
	early, other := newVisitor(t, s), newVisitor(t, s)
	early.signIn(key)
	other.signIn(otherKey)
	parts := flaggedParts(s, slug)
	for _, name := range feature.All() {
		part, found := parts[name]
		if !found {
			t.Errorf("no page of this test shows %s", name)
			continue
		}
		for who, v := range map[string]*visitor{"who has it": early, "who has not": other, "who is not signed in": newVisitor(t, s)} {
			shown := v == early
			if strings.Contains(v.get(part.page, http.StatusOK), part.mark) != shown {
				t.Errorf("%s, %s: the page shows it: %v", name, who, !shown)
			}
			if who == "who is not signed in" && name != feature.ProofFilter {
				continue // a session is missing in any case
			}
			status, page := part.use(v)
			if isUsed := status == http.StatusOK && strings.Contains(page, part.used); isUsed != shown || !shown && status != part.refused {
				t.Errorf("%s, %s: using it answers %d, %.300s", name, who, status, page)
			}
		}
	}
	if status, _ := other.form("/exchanges/"+slug+"/eas/publish", url.Values{}, "Accept", "application/json"); status != http.StatusNotFound {
		t.Errorf("publishing an attestation answers %d to who has not the form", status)
	}
}

// What was muted is shown while the feature is not, and folded again later.
func TestHiddenMutesFoldNothing(t *testing.T) {
	key := webtest.Key(t, "a reader")
	s, flags := flagged(t, false, webtest.AddressOf(key))
	v := newVisitor(t, s)
	v.signIn(key)
	loud := s.Exchanges.Written[0]
	v.form("/exchanges/-/mutes", url.Values{"wallet": {loud.Wallet.String()}, "mute": {"yes"}, "slug": {loud.Exchange}})
	folded := func() bool { return strings.Contains(v.get("/exchanges/"+loud.Exchange, 200), "muted by you") }
	if !folded() {
		t.Fatal("the review is not folded")
	}
	flags.Set(ruleForAll(feature.Rule{}))
	for _, path := range []string{"/exchanges/" + loud.Exchange, "/wallets/" + loud.Wallet.String(), "/wallets/" + webtest.AddressOf(key).String()} {
		if page := v.get(path, 200); strings.Contains(page, "uted by you") || strings.Contains(page, "Mute this wallet") || strings.Contains(page, "/-/mutes") {
			t.Errorf("%s shows mutes", path)
		}
	}
	flags.Set(ruleForAll(feature.Rule{Percent: 100}))
	if !folded() {
		t.Error("the review is not folded again")
	}
}

func TestStaffSeesAFeatureFirst(t *testing.T) {
	s, flags := flagged(t, true)
	operator, member := newVisitor(t, s), newVisitor(t, s)
	operator.signIn(s.Operator)
	member.signIn(webtest.Key(t, "a member"))
	const mark = `<select id="proof"`
	if !strings.Contains(operator.get("/exchanges", 200), mark) || strings.Contains(member.get("/exchanges", 200), mark) {
		t.Error("not operators alone are shown the filter")
	}
	flags.Set(ruleForAll(feature.Rule{}))
	if strings.Contains(operator.get("/exchanges", 200), mark) {
		t.Error("operators are shown what nobody is")
	}
}

// Pages that are kept are those of nobody who is signed in, and a token signs nobody in:
// its request gets, and leaves behind, the page of all.
func TestKeptPagesShowNoFeatureOfSomebody(t *testing.T) {
	key := webtest.Key(t, "an early wallet")
	s, _ := flagged(t, true, webtest.AddressOf(key))
	early := newVisitor(t, s)
	early.signIn(key)
	member := newVisitor(t, s)
	member.signIn(webtest.Key(t, "another wallet"))
	made, err := s.Tokens.Create(t.Context(), signin.TokenRequest{Wallet: webtest.AddressOf(key), Role: identity.Operator})
	if err != nil {
		t.Fatal(err)
	}
	const mark = `<select id="proof"`
	for _, path := range []string{"/exchanges", "/exchanges/kestrel-exchange"} {
		for range 20 {
			if resp, page := early.fetch(http.MethodGet, path, "", ""); !strings.Contains(page, mark) || resp.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%s of who has it: %s", path, resp.Header.Get("Cache-Control"))
			}
			if _, page := newVisitor(t, s).fetch(http.MethodGet, path, "", "", "Authorization", "Bearer "+made.Token); strings.Contains(page, mark) {
				t.Fatalf("%s shows a token what its wallet is shown", path)
			}
			if strings.Contains(newVisitor(t, s).get(path, http.StatusOK), mark) {
				t.Fatalf("%s shows everybody what one wallet is shown", path)
			}
			if strings.Contains(member.get(path, http.StatusOK), mark) {
				t.Fatalf("%s shows another wallet what one is shown", path)
			}
		}
	}
}
