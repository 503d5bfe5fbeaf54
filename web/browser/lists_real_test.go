package browser

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

// fitsIn fails when a page is wider than its window, and takes its picture.
func fitsIn(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if wide := eval[int](t, ctx, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		t.Errorf("%s is %d px wider than its window", name, wide)
	}
	picture(t, ctx, name)
}

// TestFaultyListsAndProofsOnAPhone is what a person with a phone, a list and a
// proof that nobody takes sees of the real program.
func TestFaultyListsAndProofsOnAPhone(t *testing.T) {
	start(t) // skip before building
	x := &extension{key: webtest.Key(t, "operator")}
	listen := testneeds.Address(t)
	site := "http://" + listen
	serve(t, built(t), []string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + site, "BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(x.key).String(),
	}, "--listen", listen)
	ctx := open(t, phone)
	signIn(t, ctx, site, x)
	do(t, ctx,
		chromedp.Navigate(site+"/operator"),
		chromedp.SendKeys(chromedp.CSS("#name"), "A list from a spreadsheet"), chromedp.SendKeys(chromedp.CSS("#symbol"), "SHEET"),
		chromedp.SetValue(chromedp.CSS("#decimals"), "6"),
		chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)),
	)
	wait(t, ctx, `document.querySelector("#list") !== null`)
	faultyLists(t, ctx)
	do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/build"] button`)), chromedp.Click(chromedp.CSS("[data-build]")))
	wait(t, ctx, `document.querySelector("#root") !== null && document.querySelector("#wallet") !== null`)
	root := text(t, ctx, "#root")
	one := webtest.SampleWallet(1).String()
	claim := eval[string](t, ctx, `fetch(document.querySelector("form:has(#wallet)").action + "/proofs/`+one+`.json").then((r) => r.text())`)
	faultyProofs(t, site, strings.TrimSpace(claim), root)
}

// faultyLists sends lists that are refused, each with a word of what to do, and
// then one that is right; the form keeps what was chosen all the time.
func faultyLists(t *testing.T, ctx context.Context) {
	t.Helper()
	one, two := webtest.SampleWallet(1).String(), webtest.SampleWallet(2).String()
	list := filepath.Join(t.TempDir(), "list.csv")
	do(t, ctx,
		chromedp.SetValue(chromedp.CSS("#on_duplicate"), "sum"), chromedp.SetValue(chromedp.CSS("#zero"), "skip"),
		chromedp.Click(chromedp.CSS(`[name=decimals]`)), chromedp.Click(chromedp.CSS(`form[action$="/list"] details summary`)),
		chromedp.SendKeys(chromedp.CSS("#chain"), "eth"),
	)
	const kept = `document.querySelector("#on_duplicate").value === "sum" && document.querySelector("#zero").value === "skip" && ` +
		`document.querySelector("[name=decimals]").checked && document.querySelector("#chain").value === "eth" && ` +
		`document.querySelector("#chain").closest("details").open`
	for _, c := range []struct{ name, text, says string }{
		{"two-amounts", "Rank,Address,Quantity,Value\n1," + one + ",5,\"$1,000.00\"\n", `two columns could be the amount, "Quantity" and "Value"`},
		{"spreadsheet", "PK\x03\x04\x14\x00\x06\x00", "spreadsheet"},
		{"names", "holder;units\nfren.base.eth;1\n" + two + ";2\n", `"fren.base.eth" is a name`},
		{"another-chain", "base:" + one + ",1\n", "Base"},
		{"too-precise", one + ",1.1234567\n", "line 1"},
		{"many", one + "\u200b,1\n" + strings.Repeat("nobody,1\n", 30), "U+200B"},
		{"cut-off", `[{"address":"` + one + `","amount":"1"},`, "cut off"},
	} {
		write(t, list, c.text)
		eval[bool](t, ctx, `document.querySelector("[data-outcome=refused]")?.remove(), true`) // that of the list before
		do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)))
		wait(t, ctx, `document.querySelector("[data-outcome=refused]")?.innerText.includes(`+"`"+c.says+"`"+`)`)
		if !eval[bool](t, ctx, kept) {
			t.Errorf("after %s the form has lost what was chosen", c.name)
		}
		fitsIn(t, ctx, "real-list-"+c.name)
	}
	write(t, list, "# from the sheet\nHolder;Units;Note\neth:"+one+";1,5;a\n"+two+";2,25;b\n"+two+";0,5;c\n0x000000000000000000000000000000000000dEaD;0,0;d\n")
	do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)))
	wait(t, ctx, `document.querySelector("[data-outcome=done]")?.innerText.includes("4.25 SHEET")`)
	if done := text(t, ctx, "[data-outcome=done]"); !strings.Contains(done, "not used: Note") || !strings.Contains(done, "semicolons") {
		t.Errorf("the report says %q", done)
	}
	fitsIn(t, ctx, "real-list-stored")
}

// faultyProofs asks why proofs are invalid, without being signed in.
func faultyProofs(t *testing.T, site, claim, root string) {
	t.Helper()
	ctx := open(t, phone)
	human := strings.Replace(claim, `"amount":"1500000"`, `"amount":"1.5"`, 1)
	if human == claim {
		t.Fatalf("the claim is %s", claim)
	}
	for _, c := range []struct{ name, text, root, verdict, says string }{
		{"no-json", "0xnothing", root, "wrong", "cannot be checked"},
		{"no-root", strings.Replace(claim, root, "", 1), "", "wrong", "root"},
		{"tokens", human, root, "not-right", "times 10^6"},
		{"another-amount", strings.Replace(claim, `"1500000"`, `"1500001"`, 1), root, "not-right", "the leaf is made of other values"},
		{"right", claim, root, "right", "leads to the root"},
	} {
		do(t, ctx, chromedp.Navigate(site+"/airdrops/check-proof"))
		eval[bool](t, ctx, `document.querySelector("#text").value = `+"`"+c.text+"`"+`, document.querySelector("#root").value = "`+c.root+`", true`)
		do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/check-proof"] button`)))
		wait(t, ctx, `document.querySelector("[data-verdict=`+c.verdict+`]") !== null`)
		if said := text(t, ctx, "#proof"); !strings.Contains(said, c.says) {
			t.Errorf("%s: the page says %q", c.name, said)
		}
		if typed := eval[string](t, ctx, `document.querySelector("#text").value`); typed != c.text {
			t.Errorf("%s: the form has lost the claim: %q", c.name, typed)
		}
		fitsIn(t, ctx, "real-proof-"+c.name)
	}
	if line := text(t, ctx, "#proof"); !strings.Contains(line, "abi.encode(") {
		t.Errorf("there is no line of Solidity: %q", line)
	}
}
