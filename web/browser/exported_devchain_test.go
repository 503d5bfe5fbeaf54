//go:build devchain

package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
	"banyan/web/webtest"
)

// TestAnExportedPageClaims: the folder that `banyan airdrop export-page` writes, served by
// a server of plain files, checks wallets and claims on a chain; and a file of it that was
// changed is not believed. The page knows the trees of every format that it takes.
func TestAnExportedPageClaims(t *testing.T) {
	member := webtest.Key(t, "member")
	s := newPaidSite(t, true, member)
	var list strings.Builder
	list.WriteString("address,amount\n")
	for i := range 300 {
		fmt.Fprintf(&list, "%s,%d\n", webtest.SampleWallet(i+1), 1_000_000_000_000_000+i)
	}
	me := webtest.AddressOf(member).String()
	list.WriteString(me + ",1234500000000000000000\n")
	c := s.built("Exported", list.String())
	d := s.publish(airdrop.DistributorPlan{ID: c.ID, EndMS: 4_000_000_000_000})

	folder := t.TempDir()
	file := filepath.Join(folder, "list.csv")
	write(t, file, list.String())
	pages := map[merkle.Format]string{}
	for _, format := range []merkle.Format{merkle.OZIndexed, merkle.Uniswap, merkle.Cumulative} {
		tree, out := filepath.Join(folder, string(format)+".tree"), filepath.Join(folder, "page-"+string(format))
		for _, args := range [][]string{
			{"build", "--in", file, "--format", string(format), "--out", tree},
			{"export-page", "--tree", tree, "--name", "Exported", "--symbol", "PAID", "--chain", fmt.Sprint(devchain.ID), "--contract", d.Address.String(), "--out", out},
		} {
			if said, err := exec.Command(s.binary, append([]string{"airdrop"}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, said)
			}
		}
		pages[format] = out
	}
	host := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(host.Close)
	at := func(format merkle.Format) string { return host.URL + "/" + filepath.Base(pages[format]) + "/" }

	for format := range pages {
		ctx := open(t, phone)
		do(t, ctx, chromedp.Navigate(at(format)+"?wallet="+me))
		wait(t, ctx, `document.querySelector("#claims article h2")?.innerText === "1,234.5 PAID"`)
		do(t, ctx, chromedp.Navigate(at(format)+"?wallet="+webtest.SampleWallet(999).String()))
		wait(t, ctx, `document.querySelector("#verdict")?.innerText.includes("not on the list")`)
	}

	exportedInGerman(t, at(merkle.OZIndexed), me)

	x := &chainWallet{extension: extension{key: member}, site: s}
	ctx := open(t, phone)
	x.install(t, ctx)
	do(t, ctx, chromedp.Navigate(at(merkle.OZIndexed)), chromedp.Click(chromedp.CSS("#mine")))
	wait(t, ctx, `document.querySelector("#claims button.claim") !== null`)
	for _, l := range []look{phone, phoneDark, desk} {
		do(t, ctx, l.apply())
		inspect(t, ctx, stop{Name: "exported"})
		fitsIn(t, ctx, "exported-"+l.String())
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#claims button.claim")))
	wait(t, ctx, `document.querySelector("#status").innerText.includes("Claimed, by") && !document.querySelector("#share").hidden`)
	if got := s.has(crypto.PubkeyToAddress(member.PublicKey)).String(); got != "1234500000000000000000" {
		t.Errorf("the member has %s", got)
	}
	do(t, ctx, chromedp.Navigate(at(merkle.OZIndexed)+"?wallet="+me))
	wait(t, ctx, `document.querySelector("#claims button.claim") !== null`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#claims button.claim")))
	wait(t, ctx, `document.querySelector("#status").innerText.includes("claimed already")`)

	// 301 wallets have shards of one digit.
	shard := filepath.Join(pages[merkle.OZIndexed], "claims", strings.ToLower(me[2:3])+".json")
	text, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	write(t, shard, strings.Replace(string(text), "1234500000000000000000", "1234500000000000000001", 1))
	do(t, ctx, chromedp.Navigate(at(merkle.OZIndexed)+"?wallet="+me))
	wait(t, ctx, `document.querySelector("#status").innerText.includes("do not claim here") && !document.querySelector("#claims article")`)
	if err := os.Remove(shard); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(at(merkle.OZIndexed)+"?wallet="+me))
	wait(t, ctx, `document.querySelector("#status").innerText.includes("nothing is known") && !document.querySelector("#verdict")`)
}

// exportedInGerman: the page is there in the language of the browser without a server that
// chooses it, and in the other one for whoever wants that; a link keeps the wallet.
func exportedInGerman(t *testing.T, site, me string) {
	t.Helper()
	ctx := open(t, phone)
	prefers(t, ctx, "de-AT")
	do(t, ctx, chromedp.Navigate(site+"?wallet="+me))
	wait(t, ctx, `location.pathname.endsWith("/de.html") && document.documentElement.lang === "de" && document.querySelector("#claims article h2")?.innerText === "1.234,5 PAID"`)
	if said := text(t, ctx, "#claims article button"); said != "Beanspruchen" {
		t.Errorf("the button says %q", said)
	}
	inspect(t, ctx, stop{Name: "exported-german"})
	fitsIn(t, ctx, "exported-german")
	do(t, ctx, chromedp.Navigate(site+"de.html?wallet="+webtest.SampleWallet(999).String()))
	wait(t, ctx, `document.querySelector("#verdict")?.innerText.includes("nicht auf der Liste")`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#other")))
	wait(t, ctx, `document.documentElement.lang === "en" && document.querySelector("#verdict")?.innerText.includes("not on the list")`)
	do(t, ctx, chromedp.Navigate(site)) // English was chosen
	wait(t, ctx, `document.documentElement.lang === "en" && document.querySelector("#wallet").value === ""`)
}

// prefers makes a language the tab's first one.
func prefers(t *testing.T, ctx context.Context, language string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `Object.defineProperty(navigator, "languages", { value: ["` + language + `", "en"] })`,
	}); err != nil {
		t.Fatal(err)
	}
}
