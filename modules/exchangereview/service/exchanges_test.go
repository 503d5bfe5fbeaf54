package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/testenv/testneeds"
)

// What the contract promises of the directory; reviews are in
// conformance_test.go.

func slugs(list []exchangereview.Exchange) (all []string) {
	for _, e := range list {
		all = append(all, e.Slug)
	}
	return all
}

// list follows the cursors to the end and returns all slugs.
func (w *fixture) list(t testing.TB, q exchangereview.ExchangesQuery) (all []string) {
	t.Helper()
	for range 1000 {
		page := must(w.Exchanges(anybody, q))(t)
		if q.Limit > 0 && len(page.Exchanges) > q.Limit {
			t.Fatalf("a page of %d, asked for %d", len(page.Exchanges), q.Limit)
		}
		all = append(all, slugs(page.Exchanges)...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

func TestStarterIsLoadedOnlyOnce(t *testing.T) {
	eachEmptyWay(t, func(t *testing.T, w *fixture) {
		ctx := t.Context()
		if n := must(service.LoadStarter(ctx, w.options))(t); n != 40 {
			t.Errorf("loaded %d, want 40", n)
		}
		w.publish(t, numbered(t, 1), "uniswap", 5)
		if n := must(service.LoadStarter(ctx, w.options))(t); n != 0 {
			t.Errorf("a second start loaded %d", n)
		}
		err := w.db.Write(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM exchange WHERE slug <> 'uniswap'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := must(service.LoadStarter(ctx, w.options))(t); n != 0 {
			t.Errorf("%d exchanges were loaded again that an operator had removed", n)
		}
		if got := w.list(t, exchangereview.ExchangesQuery{}); !slices.Equal(got, []string{"uniswap"}) {
			t.Errorf("got %v", got)
		}
		// Its slug is still in memory; the database is authoritative.
		a := numbered(t, 2)
		refused(w.PublishReview(anybody, a.sign(t, exchangereview.SignedReview{
			Slug: "kraken", Wallet: a.wallet, Overall: 5, Aspects: a.draft("", 5).Aspects, CreatedMS: w.clock.Now().UnixMilli(),
		})))(t, fault.NotFound, "no exchange")
		refused(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t, fault.NotFound, "no exchange")
	})
}

func TestStarterIsNotLoadedIntoAnImportedDirectory(t *testing.T) {
	eachEmptyWay(t, func(t *testing.T, w *fixture) {
		must(w.ImportExchanges(operator, upload(`[{"id": "own", "name": "Own", "kind": "cex"}]`)))(t)
		if n := must(service.LoadStarter(t.Context(), w.options))(t); n != 0 {
			t.Errorf("loaded %d", n)
		}
	})
}

func TestImportNeedsAnOperator(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		one := func() exchangereview.ExchangeUpload { return upload(`[{"id": "own", "name": "Own", "kind": "cex"}]`) }
		refused(w.ImportExchanges(anybody, one()))(t, fault.Unauthenticated, "sign in")
		refused(w.ImportExchanges(as(identity.Member), one()))(t, fault.Forbidden, "operator")
		refused(w.ImportExchanges(as(identity.Moderator), one()))(t, fault.Forbidden, "operator")
		if got := w.list(t, exchangereview.ExchangesQuery{}); len(got) != 40 {
			t.Errorf("%d exchanges after refused imports", len(got))
		}
	})
}

func TestImportAddsAndUpdates(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		w.publish(t, numbered(t, 1), "kraken", 4)
		before := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t)
		done := must(w.ImportExchanges(operator, upload(`[
			{"id": "Kraken", "name": "Kraken Pro", "kind": "cex", "website": null, "countries": [], "taker_fee": 0.005},
			{"id": "new_one", "name": "Ñew", "kind": "dex", "website": "http://new.example", "chains": ["Base", "zora"], "year": 2024, "maker_fee": 0}]`)))(t)
		if done.Added != 1 || done.Updated != 1 || len(done.Changes) != 3 {
			t.Errorf("got %+v", done)
		}
		k := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t)
		if k.Name != "Kraken Pro" || k.Website != before.Website || k.Year != before.Year || !slices.Equal(k.Countries, before.Countries) ||
			*k.MakerFee != *before.MakerFee || *k.TakerFee != 0.005 || k.Rating != before.Rating || k.Rating.Reviews != 1 {
			t.Errorf("fields without a value in the import changed:\n%+v\n%+v", before, k)
		}
		n := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "new-one"}))(t)
		if n.Name != "Ñew" || n.Kind != exchangereview.Decentralised || !slices.Equal(n.Chains, []string{"base", "zora"}) || n.Countries == nil ||
			n.Year != 2024 || n.MakerFee == nil || *n.MakerFee != 0 || n.TakerFee != nil || n.Rating != (exchangereview.Rating{}) {
			t.Errorf("got %+v", n)
		}
		// The new name and the new chains are found at once, the old chains no longer.
		if got := w.list(t, exchangereview.ExchangesQuery{Q: "kraken pro"}); len(got) == 0 || got[0] != "kraken" {
			t.Errorf("search: got %v", got)
		}
		must(w.ImportExchanges(operator, upload(`[{"id": "new-one", "name": "New", "kind": "dex", "chains": ["zora"]}]`)))(t)
		if got := w.list(t, exchangereview.ExchangesQuery{Chain: "zora"}); !slices.Equal(got, []string{"new-one"}) {
			t.Errorf("on zora: %v", got)
		}
		if got := w.list(t, exchangereview.ExchangesQuery{Chain: "BASE", Q: "new"}); len(got) != 0 {
			t.Errorf("found on its former chain: %v", got)
		}
		if got := w.list(t, exchangereview.ExchangesQuery{Chain: "base"}); slices.Contains(got, "new-one") || len(got) == 0 {
			t.Errorf("on base: %v", got)
		}
	})
}

func TestARefusedImportKeepsNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		good := `{"id": "own", "name": "Own", "kind": "cex"}`
		f := refused(w.ImportExchanges(operator, upload("[\n"+good+",\n"+`{"id": "b", "name": "", "kind": "x"}`+"]")))(t, fault.Invalid, "entry 2")
		if len(f.Fields) != 2 || f.Fields[0].Line != 3 || f.Fields[0].Name != "name" || f.Fields[1].Name != "kind" {
			t.Errorf("got fields %+v", f.Fields)
		}
		refused(w.ImportExchanges(operator, upload("["+good+",")))(t, fault.Invalid, "nothing of it was kept")
		refused(w.ImportExchanges(operator, upload("")))(t, fault.Invalid, "ends in entry 1")
		refused(w.ImportExchanges(operator, upload("\xff\xfe[")))(t, fault.Invalid, "UTF-16")
		refused(w.ImportExchanges(operator, exchangereview.ExchangeUpload{}))(t, fault.Invalid, "ends in entry 1")
		if got := w.list(t, exchangereview.ExchangesQuery{}); len(got) != 40 || slices.Contains(got, "own") {
			t.Errorf("something was kept: %v", got)
		}
	})
}

func TestTheRealDirectoryIsImported(t *testing.T) {
	text := testneeds.ReadData(t, "directory/exchange_directory.json")
	eachWay(t, func(t *testing.T, w *fixture) {
		done := must(w.ImportExchanges(operator, upload(string(text))))(t)
		if done.Added+done.Updated+done.Unchanged != 1369 || done.Updated < 20 || len(done.Changes) != 500 || done.More == 0 {
			t.Errorf("added %d, updated %d, unchanged %d, %d changes and %d more", done.Added, done.Updated, done.Unchanged, len(done.Changes), done.More)
		}
		again := must(w.ImportExchanges(operator, upload(string(text))))(t)
		if again.Unchanged != 1369 || again.Added+again.Updated+len(again.Changes)+again.More != 0 {
			t.Errorf("the second time: %d unchanged, %+v", again.Unchanged, again.Changes)
		}
		all := w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: 200})
		if len(all) != 40+done.Added {
			t.Errorf("the list has %d, want %d", len(all), 40+done.Added)
		}
		cex := w.list(t, exchangereview.ExchangesQuery{Kind: exchangereview.Centralised, Limit: 200})
		dex := w.list(t, exchangereview.ExchangesQuery{Kind: exchangereview.Decentralised, Limit: 200})
		if len(cex)+len(dex) != len(all) || len(cex) < 90 {
			t.Errorf("%d + %d is not %d", len(cex), len(dex), len(all))
		}
		for q, want := range map[string]string{
			"binnance": "binance", "krakn": "kraken", "uni swap": "uniswap", "COINBASE": "coinbase", "bitfinx": "bitfinex",
			"pankake swap": "pancakeswap", "hyperlikwid": "hyperliquid", "rädium": "raydium",
		} {
			if got := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Q: q}))(t); len(got.Exchanges) == 0 || got.Exchanges[0].Slug != want {
				t.Errorf("%q: got %v, want %s first", q, slugs(got.Exchanges), want)
			}
		}
		found := w.list(t, exchangereview.ExchangesQuery{Q: "swap", Kind: exchangereview.Decentralised, Chain: "base", Limit: 7})
		if seen := slices.Compact(slices.Sorted(slices.Values(found))); len(found) < 20 || len(seen) != len(found) {
			t.Errorf("paging through a search: %d found, %d different", len(found), len(seen))
		}
		whole := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Q: "swap", Kind: exchangereview.Decentralised, Chain: "base", Limit: 200}))(t)
		if !slices.Equal(found, slugs(whole.Exchanges)) {
			t.Error("pages of a search differ from the whole of it")
		}
	})
}

func TestExchangesAreSortedAndPaged(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b, c := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		w.publish(t, a, "okx", 5)
		w.publish(t, a, "curve", 5) // two with 5 stars, and one review each: by slug
		w.publish(t, a, "kraken", 5)
		w.publish(t, b, "kraken", 5) // 5 stars, but of two
		for _, by := range []*writer{a, b, c} {
			w.publish(t, by, "gemini", 3) // three say more than one
		}
		w.publish(t, b, "luno", 1)
		for _, size := range []int{1, 3, 7, 40, 200} {
			got := w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByRating, Limit: size})
			if want := []string{"kraken", "gemini", "curve", "okx", "luno", "aerodrome", "balancer"}; len(got) != 40 || !slices.Equal(got[:7], want) {
				t.Errorf("by rating, pages of %d: %d, first %v, want %v", size, len(got), got[:7], want)
			}
			if rest := got[5:]; !slices.IsSorted(rest) {
				t.Errorf("those without reviews are not by slug: %v", rest)
			}
			got = w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByReviews, Limit: size})
			if want := []string{"gemini", "kraken", "curve", "luno", "okx", "aerodrome"}; len(got) != 40 || !slices.Equal(got[:6], want) {
				t.Errorf("by reviews, pages of %d: %d, first %v, want %v", size, len(got), got[:6], want)
			}
			got = w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: size})
			if want := []string{"aerodrome", "balancer", "binance", "bitfinex", "bitflyer", "bitget"}; len(got) != 40 || !slices.Equal(got[:6], want) {
				t.Errorf("by name, pages of %d: %d, first %v, want %v", size, len(got), got[:6], want)
			}
		}
		same := w.list(t, exchangereview.ExchangesQuery{})
		if byRating := w.list(t, exchangereview.ExchangesQuery{Sort: exchangereview.ByRating}); !slices.Equal(same, byRating) {
			t.Error("rating is not the standard order")
		}
		got := w.list(t, exchangereview.ExchangesQuery{Kind: exchangereview.Decentralised, Chain: "solana", Sort: exchangereview.ByName, Limit: 1})
		if want := []string{"orca", "pancakeswap", "raydium"}; !slices.Equal(got, want) {
			t.Errorf("on solana: got %v, want %v", got, want)
		}
	})
}

func TestWrongQueriesAreRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		first := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: 1}))(t)
		found := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Q: "coin", Limit: 1}))(t)
		if first.Next == "" || found.Next == "" {
			t.Fatalf("no second page: %q, %q", first.Next, found.Next)
		}
		for says, q := range map[string]exchangereview.ExchangesQuery{
			"kind: is cex or dex":          {Kind: "bank"},
			"sort: is rating":              {Sort: "age"},
			"limit: must be from 1 to 200": {Limit: 201},
			"limit: must be from 1":        {Limit: -1},
			"q: has at most 100":           {Q: strings.Repeat("é", 101)},
			"chain: is the name":           {Chain: "two words"},
			"chain: is the name of":        {Chain: "nul\x00"},
		} {
			refused(w.Exchanges(anybody, q))(t, fault.Invalid, says)
		}
		for name, q := range map[string]exchangereview.ExchangesQuery{
			"nonsense":                {Cursor: "!!!"},
			"of another order":        {Cursor: first.Next, Sort: exchangereview.ByRating},
			"of a list, for a search": {Cursor: first.Next, Q: "kraken"},
			"of another kind":         {Cursor: first.Next, Sort: exchangereview.ByName, Kind: exchangereview.Centralised},
			"of another chain":        {Cursor: first.Next, Sort: exchangereview.ByName, Chain: "ethereum"},
			"of a search, for a list": {Cursor: found.Next},
			"of another search":       {Cursor: found.Next, Q: "kraken"},
			"of the search of a kind": {Cursor: found.Next, Q: "coin", Kind: exchangereview.Centralised},
		} {
			t.Run("a cursor "+name, func(t *testing.T) {
				refused(w.Exchanges(anybody, q))(t, fault.Invalid, "cursor: must be the next")
			})
		}
		for _, slug := range []string{"nowhere", "KRAKEN", "a\x00b", "%00", "\xff", "..", "kraken/reviews"} {
			refused(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: slug}))(t, fault.NotFound, "no exchange")
			refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: slug}))(t, fault.NotFound, "no exchange")
		}
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Limit: 201}))(t, fault.Invalid, "limit")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Cursor: "x"}))(t, fault.Invalid, "cursor")
		elsewhere := ""
		for i := range 2 {
			w.publish(t, numbered(t, i), "okx", 3)
			elsewhere = must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", Limit: 1}))(t).Next
		}
		must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", Cursor: elsewhere}))(t)
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", Cursor: elsewhere, Sort: exchangereview.ByWorst}))(t, fault.Invalid, "cursor")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", Stars: 6}))(t, fault.Invalid, "stars")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", Sort: "random"}))(t, fault.Invalid, "newest, oldest, best, worst or helpful")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "okx", From: 5, To: 5}))(t, fault.Invalid, "from")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Cursor: elsewhere}))(t, fault.Invalid, "cursor")
		refused(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Cursor: elsewhere}))(t, fault.Invalid, "cursor")
		refused(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Limit: -1}))(t, fault.Invalid, "limit")
		refused(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Cursor: "e30"}))(t, fault.Invalid, "cursor")
	})
}

// Pages neither repeat nor lose an exchange when ratings change between them,
// as long as the exchange itself does not move.
func TestPagesStayConsistentWhileRatingsChange(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for i := range 6 {
			w.publish(t, numbered(t, i), []string{"okx", "luno", "gate", "mexc", "gmx", "orca"}[i], 3)
		}
		page := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Limit: 3}))(t)
		if got := slugs(page.Exchanges); !slices.Equal(got, []string{"gate", "gmx", "luno"}) {
			t.Fatalf("first page %v", got)
		}
		w.publish(t, numbered(t, 9), "gate", 5)
		w.publish(t, numbered(t, 9), "binance", 5)
		page = must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Limit: 3, Cursor: page.Next}))(t)
		if got := slugs(page.Exchanges); !slices.Equal(got, []string{"mexc", "okx", "orca"}) {
			t.Errorf("second page %v", got)
		}
	})
}

func TestASecondProcessSeesAnImport(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		if got := w.list(t, exchangereview.ExchangesQuery{Q: "brandnew"}); len(got) != 0 {
			t.Fatalf("found %v", got)
		}
		other := open(t, w.db, seamtest.InProcess)
		must(other.ImportExchanges(operator, upload(`[{"id": "brandnew", "name": "Brand New", "kind": "cex"}]`)))(t)
		if got := w.list(t, exchangereview.ExchangesQuery{Q: "brandnew"}); !slices.Equal(got, []string{"brandnew"}) {
			t.Errorf("search: got %v", got)
		}
		w.publish(t, numbered(t, 1), "brandnew", 5)
	})
}

func TestManyEntriesAreImportedInOneGo(t *testing.T) {
	eachEmptyWay(t, func(t *testing.T, w *fixture) {
		done := must(w.ImportExchanges(operator, upload(manyExchanges(1500))))(t)
		if done.Added != 1500 {
			t.Errorf("got %+v", done)
		}
		if got := w.list(t, exchangereview.ExchangesQuery{Chain: "b", Limit: 200}); len(got) != 1500 {
			t.Errorf("%d on the chain of all", len(got))
		}
		if got := w.list(t, exchangereview.ExchangesQuery{Chain: "c777"}); !slices.Equal(got, []string{"e777"}) {
			t.Errorf("on its own chain: %v", got)
		}
	})
}

// manyExchanges is a list to import: e0, e1, …, each on the chains a, b and one
// of its own.
func manyExchanges(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`{"id": "e%d", "name": "E %d", "kind": "dex", "chains": ["a", "b", "c%d"]}`, i, i, i)
	}
	return "[" + strings.Join(parts, ",") + "]"
}
