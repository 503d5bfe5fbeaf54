package ui

import (
	"net/http/httptest"
	"testing"

	"banyan/platform/wallet"
)

func TestWhereLinksLead(t *testing.T) {
	alone := &Site{o: Options{PublicURL: "https://a.example"}}
	behind := &Site{moved: []string{"/exchanges", "/wallets"}, o: Options{
		PublicURL: "https://a.example", Prefix: "/banyan", OperatorURL: "https://operator.example",
		Taken: func(path string) bool {
			return path == "/exchanges" || path == "/exchanges/kraken" || path == "/operator" || path == "/docs"
		},
	}}
	for _, c := range []struct {
		parts         []any
		alone, behind string
	}{
		{[]any{"/"}, "/", "/banyan"},
		{[]any{"/exchanges"}, "/exchanges", "/exchanges"},
		{[]any{"/exchanges/", "kraken"}, "/exchanges/kraken", "/exchanges/kraken"},
		{[]any{"/exchanges/", "bitget"}, "/exchanges/bitget", "/banyan/exchanges/bitget"},
		{[]any{"/wallets/", wallet.Address{}}, "/wallets/0x0000000000000000000000000000000000000000", "/banyan/wallets/0x0000000000000000000000000000000000000000"},
		{[]any{"/docs"}, "/docs", "/banyan/docs"}, // a file or page of its own is never taken
		{[]any{"/sign-in?next=", "/x"}, "/sign-in?next=/x", "/banyan/sign-in?next=/x"},
		{[]any{"/operator"}, "/operator", "https://operator.example/banyan/operator"},
		{[]any{"/operator/modules", "#airdrop"}, "/operator/modules#airdrop", "https://operator.example/banyan/operator/modules#airdrop"},
		{[]any{"/operators"}, "/operators", "/banyan/operators"},
	} {
		if got := alone.At(c.parts...); got != c.alone {
			t.Errorf("%v alone: %s, want %s", c.parts, got, c.alone)
		}
		if got := behind.At(c.parts...); got != c.behind {
			t.Errorf("%v in front of a legacy system: %s, want %s", c.parts, got, c.behind)
		}
	}
	for asked, want := range map[string]string{
		"/banyan/exchanges": "https://a.example/exchanges", "/exchanges": "https://a.example/exchanges", "/banyan": "https://a.example/banyan",
		"/banyan/wallets/x": "https://a.example/banyan/wallets/x", "/banyan/operator": "https://operator.example/banyan/operator",
	} {
		if got := behind.canonical(httptest.NewRequestWithContext(t.Context(), "GET", asked, nil)); got != want {
			t.Errorf("the canonical address of %s is %s, want %s", asked, got, want)
		}
	}
	if alone.OwnPath("//evil.example") != "/" || behind.OwnPath("https://evil.example") != "/banyan" || behind.OwnPath("/exchanges#write") != "/exchanges#write" {
		t.Error("after signing in one is led elsewhere")
	}
}
