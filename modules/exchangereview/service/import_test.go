package service_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/fault"
)

const news = `[
	{"id": "kraken", "name": "Kraken", "kind": "cex", "status": "incident", "status_since": "2026-01-31", "status_source": "https://news.example/1",
	 "former_names": ["Payward"], "licences": ["MiCA CASP"], "fees_url": "https://kraken.example/fees", "taker_fee": 0.0007},
	{"id": "new-one", "name": "New One", "kind": "dex", "countries": ["MT"], "taker_fee": 0.0003,
	 "factories_by_chain": {"base": "0xe5020961fa51ffd3662cdf307def18f9a87cce7c"}, "routers": ["0x4B48F3D1Ddc9e5793D4817517255e6beF6d72A7C"]}]`

func TestAnImportIsLookedAtBeforeItIsConfirmed(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		check := upload(news)
		check.Check = true
		would := must(w.ImportExchanges(operator, check))(t)
		if would.Added != 1 || would.Updated != 1 || would.Confirm == "" || !slices.Contains(would.Changes, exchangereview.ExchangeChange{Slug: "new-one", To: "New One"}) ||
			!slices.Contains(would.Changes, exchangereview.ExchangeChange{Slug: "kraken", Field: "status", From: "active", To: "incident"}) {
			t.Errorf("would change %+v", would)
		}
		if e := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t); e.Status != exchangereview.Active {
			t.Errorf("looking has changed the status to %s", e.Status)
		}
		confirmed := func(list string) exchangereview.ExchangeUpload {
			u := upload(list)
			u.Confirm = would.Confirm
			return u
		}
		refused(w.ImportExchanges(operator, confirmed(strings.Replace(news, "Payward", "Other", 1))))(t, fault.Conflict, "look at them again")
		done := must(w.ImportExchanges(operator, confirmed(news)))(t)
		if done.Confirm != "" || !slices.Equal(done.Changes, would.Changes) || done.Added != 1 {
			t.Errorf("done %+v", done)
		}
		refused(w.ImportExchanges(operator, confirmed(news)))(t, fault.Conflict, "look at them again")
		e := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t)
		if e.Status != exchangereview.Incident || e.StatusSince != "2026-01-31" || e.StatusSource != "https://news.example/1" || e.FeesURL == "" ||
			!slices.Equal(e.FormerNames, []string{"Payward"}) || !slices.Equal(e.Licences, []string{"MiCA CASP"}) || e.Year == 0 {
			t.Errorf("got %+v", e)
		}
		n := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "new-one"}))(t)
		if len(n.Factories) != 1 || n.Factories[0].Chain != "base" || len(n.Routers) != 1 {
			t.Errorf("contracts %+v %+v", n.Factories, n.Routers)
		}
		// A former name is found, and a status that is over takes its date and source with it.
		if got := w.list(t, exchangereview.ExchangesQuery{Q: "paywrad"}); len(got) == 0 || got[0] != "kraken" {
			t.Errorf("by its former name: %v", got)
		}
		must(w.ImportExchanges(operator, upload(`[{"id": "kraken", "name": "Kraken", "kind": "cex", "status": "active"}]`)))(t)
		if e := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t); e.Status != exchangereview.Active || e.StatusSince != "" || len(e.Licences) != 1 {
			t.Errorf("after the incident: %+v", e)
		}
	})
}

func TestExchangesByCountryFeeStatusAndStars(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		must(w.ImportExchanges(operator, upload(news)))(t)
		for name, c := range map[string]struct {
			q    exchangereview.ExchangesQuery
			want []string
		}{
			"in Malta":                     {exchangereview.ExchangesQuery{Country: "mt", Kind: exchangereview.Decentralised}, []string{"new-one"}},
			"in Malta, searched":           {exchangereview.ExchangesQuery{Country: "MT", Q: "new one"}, []string{"new-one"}},
			"elsewhere, searched":          {exchangereview.ExchangesQuery{Country: "US", Q: "new one"}, nil},
			"with an incident":             {exchangereview.ExchangesQuery{Status: exchangereview.Incident}, []string{"kraken"}},
			"with an incident, searched":   {exchangereview.ExchangesQuery{Status: exchangereview.Incident, Q: "krakn"}, []string{"kraken"}},
			"of low fees":                  {exchangereview.ExchangesQuery{MaxFee: 0.0003, Sort: exchangereview.ByFee}, []string{"new-one"}},
			"of low fees with an incident": {exchangereview.ExchangesQuery{MaxFee: 0.0007, Status: exchangereview.Incident}, []string{"kraken"}},
		} {
			got := w.list(t, c.q)
			if c.q.MaxFee == 0.0003 { // others of the starter list may be as cheap
				got = got[:1]
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
		for i := range 12 {
			w.publish(t, numbered(t, i), "okx", 4)
			w.publish(t, numbered(t, i), "kraken", 5)
		}
		w.publish(t, numbered(t, 50), "uniswap", 5)
		if got := w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByStars, Limit: 2}); len(got) != 41 || !slices.Equal(got[:3], []string{"kraken", "okx", "uniswap"}) {
			t.Errorf("by stars: %v", got)
		}
		all := w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByFee, Limit: 7})
		if seen := slices.Compact(slices.Sorted(slices.Values(all))); len(all) != 41 || len(seen) != 41 {
			t.Errorf("pages by fee have %d exchanges, %d different", len(all), len(seen))
		}
		for says, q := range map[string]exchangereview.ExchangesQuery{
			"country": {Country: "MLT"}, "status": {Status: "closed"}, "max_fee": {MaxFee: -1}, "fee or change": {Sort: "best"},
		} {
			refused(w.Exchanges(anybody, q))(t, fault.Invalid, says)
		}
		f := must(w.Facets(anybody, exchangereview.FacetsQuery{}))(t)
		if !slices.ContainsFunc(f.Countries, func(c exchangereview.Facet) bool { return c.Value == "MT" && c.Exchanges >= 1 }) || len(f.Chains) < 5 {
			t.Errorf("facets %+v", f)
		}
	})
}

// The command sends a list to a site, and changes nothing before it is confirmed.
func TestTheCommandImports(t *testing.T) {
	c := service.Commands()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetIn(strings.NewReader(news))
	c.SetArgs([]string{"import", "-", "--token-file", "token"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--site") {
		t.Errorf("without a site: %v", err)
	}
	c.SetArgs([]string{"import", "/nonexistent.json", "--site", "http://127.0.0.1:1", "--token-file", "token"})
	if err := c.Execute(); !fault.Is(err, fault.NotFound) {
		t.Errorf("without a list: %v", err)
	}
}
