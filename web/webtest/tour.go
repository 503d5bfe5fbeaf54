package webtest

import (
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
)

// Stop is a page in a state worth looking at.
type Stop struct {
	Name string
	Path string
	As   string // "", member or operator
	Site string // full, empty or down
	Open bool   // details elements are opened
}

// Tour is every page, in every state that looks different.
func Tour() []Stop {
	sample := SampleWallet(3).String()
	return []Stop{
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

// Sites are the three states of the whole site.
func Sites(t *testing.T) map[string]*Site {
	t.Helper()
	full, empty, down := Full(t), Empty(t), Full(t)
	ruled, err := full.Airdrop.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "Canopy", Format: merkle.OZIndexed, Symbol: "CNPY", Decimals: 18})
	if err == nil {
		_, err = full.Airdrop.SetRules(t.Context(), airdrop.RulesDraft{ID: ruled.ID, Rules: "version: 1"})
	}
	if err != nil || ruled.ID != "c5" {
		t.Fatal(ruled.ID, err)
	}
	down.Reputation.Fail(Gone("reputation"))
	down.Exchanges.Fail(Gone("exchange-review"))
	down.Airdrop.Fail(Gone("airdrop"))
	return map[string]*Site{"": full, "full": full, "empty": empty, "down": down}
}
