//go:build devchain

package browser

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/platform/chain/devchain"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
	"banyan/web/webtest"
)

const wholeRules = `version: 1
decimals: 18
sources:
  members: {kind: list, values: {points: 0}}
  clusters: {kind: sybils}
eligible: members
deny:
  - {source: clusters, reason: probably one of many wallets of one person}
allocation:
  - {name: points, budget: 1000000, times: [{sqrt: members}]}
`

// inCampaign are the wallets of the whole campaign; the last of them never claim.
const inCampaign, neverClaim = 10_000, 120

// TestAWholeCampaign: an operator and a member in the browser, from the rules to the
// sweep, on a development chain with 10,000 wallets. The member is flagged as one of many,
// appeals, is paid after all, claims, loses the claim in a reorganisation and claims again.
// In the end the tokens that came in are those that were claimed and swept, to the unit.
func TestAWholeCampaign(t *testing.T) {
	member := webtest.Key(t, "the member")
	s := newPaidSite(t, false, member)
	desktop, mobile := open(t, desk), open(t, phone)
	o := &chainWallet{extension: extension{key: s.operator.key}, site: s}
	o.install(t, desktop)
	signInWith(t, desktop, s.url, "test.wallet")
	x := &chainWallet{extension: extension{key: member}, site: s, seals: true}
	x.install(t, mobile)
	signInWith(t, mobile, s.url, "test.wallet")

	id := decideWhoGets(t, s, desktop, mobile, member)
	before := s.has(crypto.PubkeyToAddress(s.team.PublicKey))
	at := payOnChain(t, s, desktop, id)
	c, err := s.api.Campaign(context.Background(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	funded := s.has(common.Address(at))
	if funded.Cmp(c.Total.ToBig()) != 0 || c.Count != inCampaign-1 {
		t.Fatalf("the contract has %s, the campaign promises %s to %d", funded, c.Total.Dec(), c.Count)
	}
	claimTwice(t, s, mobile, id, member)
	claimTheRest(t, s, id, at)
	d := s.becomes(id, func(d airdrop.Distributor) bool { return d.ClaimedRows == c.Count-neverClaim })

	// The end, and the sweep.
	if err := s.Beacon().AdjustTime(72 * time.Hour); err != nil {
		t.Fatal(err)
	}
	s.becomes(id, func(d airdrop.Distributor) bool { return d.State == airdrop.Ended })
	to := common.Address(at)
	s.sends(s.team, &to, common.FromHex("3ccfd60b")) // withdraw()
	s.becomes(id, func(d airdrop.Distributor) bool {
		return slices.ContainsFunc(d.Reached, func(e airdrop.Evidence) bool { return e.Phase == airdrop.Swept })
	})
	swept := s.has(crypto.PubkeyToAddress(s.team.PublicKey))
	swept.Sub(swept, before).Add(swept, funded) // the team had paid it in
	if sum := new(big.Int).Add(d.Claimed.ToBig(), swept); sum.Cmp(funded) != 0 || s.has(to).Sign() != 0 || swept.Sign() == 0 {
		t.Errorf("%s came in, %s was claimed and %s swept; the contract still has %s", funded, d.Claimed.Dec(), swept, s.has(to))
	}
	do(t, desktop, chromedp.Navigate(s.url+"/airdrops/"+id))
	wait(t, desktop, `document.querySelector("[data-phase=swept]") !== null`)
	fitsIn(t, desktop, "whole-swept")
	t.Logf("%s base units came in = %s claimed by %d + %s swept", funded, d.Claimed.Dec(), d.ClaimedRows, swept)
}

// decideWhoGets writes the rules, uploads the files, has the member appeal, and freezes.
func decideWhoGets(t *testing.T, s *paidSite, operator, member context.Context, key *ecdsa.PrivateKey) (id string) {
	t.Helper()
	me := webtest.AddressOf(key).String()
	var members strings.Builder
	fmt.Fprintf(&members, "address,points\n%s,777\n", me)
	for i := range inCampaign - 1 {
		fmt.Fprintf(&members, "%s,%d\n", webtest.SampleWallet(i+1), i%997+1)
	}
	clusters := fmt.Sprintf("address,cluster,score,flagged,reason\n%s,1,0.9,true,transfers tie 8 candidates together\n%s,1,0.9,true,transfers tie 8 candidates together\n", me, webtest.SampleWallet(1))
	folder := t.TempDir()
	write(t, filepath.Join(folder, "members.csv"), members.String())
	write(t, filepath.Join(folder, "clusters.csv"), clusters)

	do(t, operator,
		chromedp.Navigate(s.url+"/operator"),
		chromedp.SendKeys(chromedp.CSS("#name"), "The whole campaign"), chromedp.SendKeys(chromedp.CSS("#symbol"), "PAID"),
		chromedp.SetValue(chromedp.CSS("#format"), "oz-indexed"),
		chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)))
	wait(t, operator, `/^\/airdrops\/[a-z2-7]+$/.test(location.pathname)`)
	id = strings.TrimPrefix(eval[string](t, operator, `location.pathname`), "/airdrops/")
	do(t, operator, chromedp.Navigate(s.url+"/airdrops/"+id+"/rules"))
	wait(t, operator, `document.querySelector("#rules") !== null`)
	do(t, operator, chromedp.SetValue(chromedp.CSS("#rules"), wholeRules), chromedp.Click(chromedp.CSS(`form[action$="/`+id+`/rules"] button`)))
	for _, source := range []string{"members", "clusters"} {
		wait(t, operator, `document.querySelector("#file-`+source+`") !== null && document.querySelector("[data-outcome=done]") !== null`)
		eval[bool](t, operator, `document.querySelector("[data-outcome=done]").remove(), true`)
		do(t, operator, chromedp.SetUploadFiles(chromedp.CSS("#file-"+source), []string{filepath.Join(folder, source+".csv")}),
			chromedp.Click(chromedp.CSS(`form[action$="/inputs/`+source+`"] button`)))
	}
	wait(t, operator, `document.querySelector("[data-outcome=done]") !== null`)
	preview(t, operator, id)

	do(t, member, chromedp.Navigate(s.url+"/airdrops/"+id+"/appeal?wallet="+me))
	wait(t, member, `document.querySelector("#appeal button[type=submit]")?.disabled === false`)
	do(t, member, chromedp.SendKeys(chromedp.CSS("#text"), "I am one person, and the other wallet is my sister's."), chromedp.Click(chromedp.CSS("#appeal button[type=submit]")))
	wait(t, member, `document.querySelector("[data-suspect]")?.dataset.state === "appealed"`)

	do(t, operator, chromedp.Navigate(s.url+"/airdrops/"+id+"/suspects?state=appealed"))
	wait(t, operator, `document.querySelector("#reason-0") !== null`)
	do(t, operator, chromedp.SendKeys(chromedp.CSS("#reason-0"), "the transfers were between sisters"), chromedp.Click(chromedp.CSS(`button[name=as][value=paid]`)))
	wait(t, operator, `document.querySelector("[data-outcome=done]")?.innerText.includes("1 wallet")`)
	do(t, operator, chromedp.Navigate(s.url+"/airdrops/"+id+"/rules"))
	preview(t, operator, id)
	fitsIn(t, operator, "whole-preview")
	do(t, operator, chromedp.Click(chromedp.CSS(`form[action$="/freeze"] button`)))
	wait(t, operator, `document.querySelector("#preview")?.innerText === "The list"`)
	return id
}

// preview makes a preview, and waits until it is there.
func preview(t *testing.T, operator context.Context, id string) {
	t.Helper()
	wait(t, operator, `document.querySelector('form[action$="/collect"] button') !== null`)
	do(t, operator, chromedp.Click(chromedp.CSS(`form[action$="/`+id+`/collect"] button`)))
	wait(t, operator, `document.querySelector("#preview")?.innerText.startsWith("Preview") && document.querySelector("[data-gas]") !== null && document.querySelector('form[action$="/freeze"]') !== null && !document.querySelector("#working")`)
}

// payOnChain plans the distributor on the page, sends what the page says, and names it there.
func payOnChain(t *testing.T, s *paidSite, operator context.Context, id string) wallet.Address {
	t.Helper()
	do(t, operator, chromedp.Navigate(s.url+"/airdrops/"+id))
	wait(t, operator, `document.querySelector("#plan-chain") !== null`)
	do(t, operator, chromedp.SendKeys(chromedp.CSS("#plan-chain"), fmt.Sprint(devchain.ID)), chromedp.SendKeys(chromedp.CSS("#plan-token"), s.token.Hex()),
		chromedp.SendKeys(chromedp.CSS("#plan-owner"), webtest.AddressOf(s.team).String()),
		chromedp.SetValue(chromedp.CSS("#plan-end"), time.Now().UTC().Add(48*time.Hour).Format(time.DateOnly)),
		chromedp.Click(chromedp.CSS(`button[name=as][value=page]`)))
	wait(t, operator, `document.querySelector("#plan") !== null`)
	fitsIn(t, operator, "whole-plan")
	calls := eval[[]struct{ To, Data string }](t, operator, `[...document.querySelectorAll("#plan ol li")].map((li) => ({ To: li.querySelector("code").innerText, Data: li.querySelector("[data-copy]").dataset.copy }))`)
	for _, call := range calls {
		to := common.HexToAddress(call.To)
		s.sends(s.team, &to, common.FromHex(call.Data))
	}
	do(t, operator, chromedp.SendKeys(chromedp.CSS("#first_block"), "1"), chromedp.Click(chromedp.CSS(`form[action$="/distributor"] button`)))
	wait(t, operator, `document.querySelector("#claims-title") !== null`)
	return s.becomes(id, func(d airdrop.Distributor) bool { return d.State == airdrop.Live }).Address
}

// claimTwice claims in the browser, takes the claim back by a reorganisation, and claims
// again.
func claimTwice(t *testing.T, s *paidSite, member context.Context, id string, key *ecdsa.PrivateKey) {
	t.Helper()
	page := s.url + "/airdrops/" + id + "?wallet=" + webtest.AddressOf(key).String()
	for round := range 2 {
		do(t, member, chromedp.Navigate(page))
		wait(t, member, `document.querySelector("[data-claim]")?.dataset.state === "open" && document.querySelector("[data-claim-open]").hidden === false`)
		do(t, member, chromedp.Click(chromedp.CSS("[data-claim-button]")))
		wait(t, member, claimed)
		if round == 1 {
			continue
		}
		chaintest.Reorganise(t, s.Chain, 1, func() {})
		s.becomes(id, func(d airdrop.Distributor) bool { return d.ClaimedRows == 0 })
		if s.has(crypto.PubkeyToAddress(key.PublicKey)).Sign() != 0 {
			t.Fatal("the reorganisation did not take the claim back")
		}
	}
}

// claimTheRest claims for all but some wallets, 200 rows in a transaction.
func claimTheRest(t *testing.T, s *paidSite, id string, at wallet.Address) {
	t.Helper()
	type row struct {
		Index   *big.Int
		Account common.Address
		Amount  *big.Int
		Proof   [][32]byte
	}
	many, err := abi.JSON(strings.NewReader(`[{"type":"function","name":"claimMany","inputs":[{"name":"rows","type":"tuple[]","components":[{"name":"index","type":"uint256"},{"name":"account","type":"address"},{"name":"amount","type":"uint256"},{"name":"proof","type":"bytes32[]"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]row, inCampaign-1)
	var asking sync.WaitGroup
	for k := range 4 {
		asking.Go(func() {
			for i := k; i < len(rows); i += 4 {
				c, err := s.api.Claim(context.Background(), airdrop.ClaimQuery{ID: id, Wallet: webtest.SampleWallet(i + 1)})
				if err != nil { // left out, or counted below
					continue
				}
				rows[i] = row{Index: new(big.Int).SetUint64(c.Index), Account: common.Address(c.Wallet), Amount: c.Amount.ToBig()}
				for _, h := range c.Proof {
					rows[i].Proof = append(rows[i].Proof, h)
				}
			}
		})
	}
	asking.Wait()
	rows = slices.DeleteFunc(rows, func(r row) bool { return r.Amount == nil })
	if len(rows) != inCampaign-2 {
		t.Fatalf("%d others may claim, want %d", len(rows), inCampaign-2)
	}
	slices.SortFunc(rows, func(a, b row) int { return a.Index.Cmp(b.Index) })
	to := common.Address(at)
	for part := range slices.Chunk(rows[:len(rows)-neverClaim], 200) {
		data, err := many.Pack("claimMany", part)
		if err != nil {
			t.Fatal(err)
		}
		s.sends(s.team, &to, data)
	}
}
