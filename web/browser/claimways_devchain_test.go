//go:build devchain

package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/web/webtest"
)

const claimed = `["pending", "claimed"].includes(document.querySelector("[data-claim]").dataset.state)`

// TestTheWaysToClaim: by wallet_sendCalls where the wallet offers it, to another address,
// by somebody else with a signature, and little by little; each on a phone, and each
// account gets what the list promises.
func TestTheWaysToClaim(t *testing.T) {
	members := []string{"calls", "elsewhere", "signs", "vests"}
	relayer := webtest.Key(t, "relayer")
	calls, elsewhere, signs := webtest.Key(t, members[0]), webtest.Key(t, members[1]), webtest.Key(t, members[2])
	s := newPaidSite(t, true, calls, elsewhere, relayer)
	list := "address,amount\n"
	for i, name := range members {
		list += fmt.Sprintf("%s,%d\n", webtest.AddressOf(webtest.Key(t, name)), 1000+i)
	}
	c := s.built("Ways to claim", list)
	s.publish(airdrop.DistributorPlan{ID: c.ID, EndMS: 4_000_000_000_000})
	page := func(who string) string {
		return s.url + "/airdrops/" + c.ID + "?wallet=" + webtest.AddressOf(webtest.Key(t, who)).String()
	}
	friend := common.HexToAddress("0x00000000000000000000000000000000f417e4d0")
	paid := func(to common.Address, want int64) {
		t.Helper()
		if got := s.has(to).Int64(); got != want {
			t.Errorf("%s has %d, want %d", to, got, want)
		}
	}
	open := func(t *testing.T, x *chainWallet, at string) context.Context {
		t.Helper()
		ctx := open(t, phone)
		x.install(t, ctx)
		do(t, ctx, chromedp.Navigate(at))
		wait(t, ctx, `document.querySelector("[data-claim] [data-claim-open]")?.hidden === false`)
		return ctx
	}

	t.Run("wallet_sendCalls", func(t *testing.T) {
		x := &chainWallet{extension: extension{key: calls}, site: s, calls: true}
		ctx := open(t, x, page("calls"))
		x.declines.Store(true)
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-button]")))
		wait(t, ctx, `document.querySelector("[data-claim] [data-status]").innerText.includes("declined")`)
		x.declines.Store(false)
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-button]")))
		wait(t, ctx, claimed)
		paid(crypto.PubkeyToAddress(calls.PublicKey), 1000)
		if slices.Contains(x.asked, "eth_sendTransaction") || len(x.sent) != 1 {
			t.Errorf("the wallet was asked for %v", x.asked)
		}
		shares(t, ctx)
		picture(t, ctx, "claim-shared-"+phone.String())
	})
	t.Run("to another address", func(t *testing.T) {
		x := &chainWallet{extension: extension{key: elsewhere}, site: s}
		ctx := open(t, x, page("elsewhere"))
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim] summary")), chromedp.Click(chromedp.CSS("[data-claim-elsewhere]")))
		wait(t, ctx, `document.querySelector("[data-claim-to]").getAttribute("aria-invalid") === "true"`)
		do(t, ctx, chromedp.SendKeys(chromedp.CSS("[data-claim-to]"), friend.Hex()))
		inspect(t, ctx, stop{Name: "claim-elsewhere"})
		fitsIn(t, ctx, "claim-elsewhere-"+phone.String())
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-elsewhere]")))
		wait(t, ctx, claimed)
		paid(friend, 1001)
		paid(crypto.PubkeyToAddress(elsewhere.PublicKey), 0)
	})
	t.Run("by somebody else", func(t *testing.T) {
		x := &chainWallet{extension: extension{key: signs}, site: s} // has no ether
		ctx := open(t, x, page("signs"))
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim] summary")), chromedp.SendKeys(chromedp.CSS("[data-claim-to]"), friend.Hex()), chromedp.Click(chromedp.CSS("[data-claim-sign]")))
		wait(t, ctx, `document.querySelector("[data-claim-link]").hidden === false`)
		link := eval[string](t, ctx, `document.querySelector("[data-claim-link] a").href`)
		fitsIn(t, ctx, "claim-signed-"+phone.String())

		r := &chainWallet{extension: extension{key: relayer}, site: s}
		relays := open(t, r, link)
		another, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := another.Query()
		q.Set("to", webtest.AddressOf(relayer).String())
		another.RawQuery = q.Encode()
		do(t, relays, chromedp.Navigate(another.String()))
		wait(t, relays, `document.querySelector("[data-relay=refused]") !== null`)
		do(t, relays, chromedp.Navigate(link))
		wait(t, relays, `document.querySelector("[data-relay=signed]") !== null`)
		inspect(t, relays, stop{Name: "claim-relay"})
		fitsIn(t, relays, "claim-relay-"+phone.String())
		do(t, relays, chromedp.Click(chromedp.CSS("[data-claim-button]")))
		wait(t, relays, claimed)
		paid(friend, 1001+1002)
	})
	t.Run("little by little", func(t *testing.T) { claimsWhatVests(t, s) })
}

// claimsWhatVests claims half of what vests, of which a chart says how much there is.
func claimsWhatVests(t *testing.T, s *paidSite) {
	key := webtest.Key(t, "relayer")
	c := s.built("Little by little", "address,amount\n"+webtest.AddressOf(key).String()+",1000000\n")
	now := time.Now().Truncate(time.Second)
	s.publish(airdrop.DistributorPlan{ID: c.ID, EndMS: 4_000_000_000_000, Vesting: &airdrop.Vesting{
		StartMS: now.Add(-500 * time.Hour).UnixMilli(), DurationMS: (1000 * time.Hour).Milliseconds(),
	}})
	x := &chainWallet{extension: extension{key: key}, site: s}
	ctx := open(t, phone)
	x.install(t, ctx)
	do(t, ctx, chromedp.Navigate(s.url+"/airdrops/"+c.ID+"?wallet="+webtest.AddressOf(key).String()))
	wait(t, ctx, `document.querySelector('svg[aria-label^="Vesting"]') !== null && document.querySelector("[data-claim] [data-claim-open]")?.hidden === false`)
	inspect(t, ctx, stop{Name: "claim-vesting"})
	fitsIn(t, ctx, "claim-vesting-"+phone.String())
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-button]")))
	wait(t, ctx, `document.querySelector("[data-claim] [data-status]").innerText.includes("Claimed, by")`)
	if got := s.has(crypto.PubkeyToAddress(key.PublicKey)).Int64(); got < 500_000 || got > 501_000 {
		t.Errorf("%d of 1000000 were paid after half of the time", got)
	}
}

// shares shares a claim: by the device where it can, or else by copying.
func shares(t *testing.T, ctx context.Context) {
	t.Helper()
	eval[bool](t, ctx, `Object.defineProperty(navigator, "share", { configurable: true, value: async (what) => { window.shared = what } }), true`)
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-share]")))
	wait(t, ctx, `window.shared?.url.includes("/airdrops/") && !window.shared.url.includes("wallet=")`)
	eval[bool](t, ctx, `Object.defineProperty(navigator, "share", { configurable: true, value: undefined }), Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text) => { window.copied = text } } }), true`)
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-share]")))
	wait(t, ctx, `window.copied?.includes("/airdrops/") && document.querySelector("[data-claim] [data-status]").innerText.includes("Copied")`)
}
