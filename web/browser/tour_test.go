package browser

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/web/webtest"
)

// stop is a page in a state worth looking at.
type stop struct {
	Name string
	Path string
	As   string // "", member or operator
	Site string // full, empty or down
	Open bool   // details elements are opened
}

// tour is every page, in every state that looks different.
func tour() []stop {
	sample := webtest.SampleWallet(3).String()
	return []stop{
		{Name: "home", Path: "/"},
		{Name: "home-empty", Path: "/", Site: "empty"},
		{Name: "how", Path: "/how"},
		{Name: "how-down", Path: "/how", Site: "down"},
		{Name: "home-down", Path: "/", Site: "down"},
		{Name: "sign-in", Path: "/sign-in"},
		{Name: "sign-in-none", Path: "/sign-in", Site: "empty"},
		{Name: "exchanges", Path: "/exchanges"},
		{Name: "exchanges-found", Path: "/exchanges?kind=dex&chain=ethereum&sort=name"},
		{Name: "exchanges-nothing", Path: "/exchanges?q=zzz"},
		{Name: "exchanges-empty", Path: "/exchanges", Site: "empty"},
		{Name: "exchanges-down", Path: "/exchanges", Site: "down"},
		{Name: "exchange", Path: "/exchanges/kestrel-exchange"},
		{Name: "exchange-open", Path: "/exchanges/saltmarsh-swap", As: "member", Open: true},
		{Name: "exchange-claimed", Path: "/exchanges/oakbridge", As: "member", Open: true},
		{Name: "exchange-profile", Path: "/exchanges/oakbridge/profile"},
		{Name: "exchange-profile-claim", Path: "/exchanges/meridian/profile", As: "member"},
		{Name: "exchange-profile-end", Path: "/exchanges/oakbridge/profile", As: "operator", Open: true},
		{Name: "exchange-compare", Path: "/exchanges/-/compare?with=oakbridge&with=kestrel-exchange&with=saltmarsh-swap&with=nowhere"},
		{Name: "exchange-embed", Path: "/exchanges/oakbridge/embed"},
		{Name: "exchange-unrated", Path: "/exchanges/meridian"},
		{Name: "airdrops", Path: "/airdrops"},
		{Name: "airdrops-empty", Path: "/airdrops", Site: "empty"},
		{Name: "campaign", Path: "/airdrops/c2"},
		{Name: "campaign-eligible", Path: "/airdrops/c1?wallet=" + sample, Open: true},
		{Name: "campaign-not-listed", Path: "/airdrops/c1?wallet=0x000000000000000000000000000000000000dEaD"},
		{Name: "campaign-mistyped", Path: "/airdrops/c1?wallet=0x123"},
		{Name: "campaign-work", Path: "/airdrops/c3", As: "operator"},
		{Name: "campaign-draft", Path: "/airdrops/c4", As: "operator", Open: true},
		{Name: "suspects", Path: "/airdrops/c5/suspects", As: "operator", Open: true},
		{Name: "appeal", Path: "/airdrops/c5/appeal?wallet=" + sample, Open: true},
		{Name: "appeal-mine", Path: "/airdrops/c5/appeal", As: "member"},
		{Name: "reputation", Path: "/reputation"},
		{Name: "reputation-mistyped", Path: "/reputation?wallet=0x123"},
		{Name: "reputation-context", Path: "/reputation?context=code"},
		{Name: "reputation-empty", Path: "/reputation", Site: "empty"},
		{Name: "wallet", Path: "/wallets/" + sample},
		{Name: "wallet-unknown", Path: "/wallets/0x000000000000000000000000000000000000dEaD"},
		{Name: "wallet-member", Path: "/wallets/" + sample, As: "member"},
		{Name: "statements", Path: "/wallets/" + sample + "/statements"},
		{Name: "evidence", Path: "/wallets/" + sample + "/evidence"},
		{Name: "activity", Path: "/wallets/" + sample + "/activity"},
		{Name: "seeds", Path: "/operator/seeds?edit=founders", As: "operator", Open: true},
		{Name: "schedule", Path: "/operator/schedule", As: "operator"},
		{Name: "seeds-empty", Path: "/operator/seeds", As: "operator", Site: "empty"},
		{Name: "imports", Path: "/operator/imports", As: "operator", Open: true},
		{Name: "import-changes", Path: "/operator/imports/otc/2", As: "operator"},
		{Name: "sessions", Path: "/sessions", As: "member"},
		{Name: "operator", Path: "/operator", As: "operator", Open: true},
		{Name: "operator-access", Path: "/operator/access", As: "operator"},
		{Name: "setup", Path: "/operator/setup", As: "operator"},
		{Name: "setup-empty", Path: "/operator/setup", As: "operator", Site: "empty"},
		{Name: "postgresql", Path: "/operator/postgresql", As: "operator"},
		{Name: "users", Path: "/operator/users", As: "operator"},
		{Name: "user", Path: "/operator/users/" + sample, As: "operator"},
		{Name: "events", Path: "/operator/events", As: "operator", Open: true},
		{Name: "webhooks", Path: "/operator/webhooks", As: "operator", Open: true},
		{Name: "webhook", Path: "/operator/webhooks/exchange-review/1", As: "operator", Open: true},
		{Name: "jobs", Path: "/operator/jobs", As: "operator"},
		{Name: "backups", Path: "/operator/backups", As: "operator"},
		{Name: "settings", Path: "/operator/settings?all=true", As: "operator"},
		{Name: "about", Path: "/operator/about", As: "operator"},
		{Name: "operator-log", Path: "/operator/security-log", As: "operator"},
		{Name: "search", Path: "/search?q=k"},
		{Name: "search-nothing", Path: "/search?q=zzzz"},
		{Name: "not-found-meant", Path: "/exchanges/kestrel"},
		{Name: "docs", Path: "/docs"},
		{Name: "docs-open", Path: "/docs"},
		{Name: "not-found", Path: "/nothing/here"},
		{Name: "forbidden", Path: "/operator", As: "member"},
		{Name: "unavailable", Path: "/airdrops/c1", Site: "down"},
	}
}

// sites are the three states of the whole site.
func sites(t *testing.T) map[string]*webtest.Site {
	full, empty, down := webtest.Full(t), webtest.Empty(t), webtest.Full(t)
	ruled, err := full.Airdrop.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "Canopy", Format: merkle.OZIndexed, Symbol: "CNPY", Decimals: 18})
	if err == nil {
		_, err = full.Airdrop.SetRules(t.Context(), airdrop.RulesDraft{ID: ruled.ID, Rules: "version: 1"})
	}
	if err != nil || ruled.ID != "c5" {
		t.Fatal(ruled.ID, err)
	}
	down.Reputation.Fail(webtest.Gone("reputation"))
	down.Exchanges.Fail(webtest.Gone("exchange-review"))
	down.Airdrop.Fail(webtest.Gone("airdrop"))
	return map[string]*webtest.Site{"": full, "full": full, "empty": empty, "down": down}
}

// visit goes to a stop of the tour and waits until it is drawn.
func visit(t *testing.T, ctx context.Context, site string, s stop) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(site+s.Path))
	switch s.Name {
	case "docs-open":
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock").length > 5`)
		eval[bool](t, ctx, `[...document.querySelectorAll("#swagger-ui .opblock-summary-control")].slice(0, 3).forEach((b) => b.click()), true`)
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock-body .responses-inner").length === 3`)
	case "docs":
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock").length > 5`)
	case "sign-in":
		wait(t, ctx, `document.querySelectorAll("[data-wallets] button").length > 0`)
	case "sign-in-none":
		wait(t, ctx, `!document.querySelector("[data-no-wallet]").hidden`)
	}
	if s.Open {
		eval[bool](t, ctx, `document.querySelectorAll("main details").forEach((d, i) => { if (i < 3) d.open = true }), true`)
	}
}

// walk takes the whole tour in one look, once for each kind of visitor.
func walk(t *testing.T, l look, at func(t *testing.T, ctx context.Context, s stop)) {
	all := sites(t)
	for _, as := range []string{"", "member", "operator"} {
		ctx := open(t, l)
		switch as {
		case "member":
			signIn(t, ctx, all["full"].URL, &extension{key: webtest.Key(t, "member")})
		case "operator":
			signIn(t, ctx, all["full"].URL, &extension{key: all["full"].Operator})
		}
		for _, s := range tour() {
			if s.As == as && strings.HasPrefix(s.Name, *only) {
				visit(t, ctx, all[s.Site].URL, s)
				at(t, ctx, s)
			}
		}
	}
}

var only = flag.String("only", "", "take only stops of the tour whose name begins like this")

var screenshots = flag.String("screenshots", "", "folder for a picture of every page in every look")

// TestScreenshots makes the pictures for people to look at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("skipped: no folder for pictures was named with -screenshots")
	}
	for _, l := range []look{desk, phone, deskDark, phoneDark} {
		t.Run(l.String(), func(t *testing.T) {
			walk(t, l, func(t *testing.T, ctx context.Context, s stop) { picture(t, ctx, s.Name+"-"+l.String()) })
		})
	}
}

// picture writes a picture of the page when a folder was named.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), shot(t, ctx), 0o600); err != nil {
		t.Fatal(err)
	}
}
