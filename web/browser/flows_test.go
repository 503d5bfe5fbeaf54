package browser

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/web/webtest"
)

// signIn signs in with the wallet, as a person does.
func signIn(t *testing.T, ctx context.Context, site string, x *extension) {
	t.Helper()
	x.install(t, ctx)
	signInWith(t, ctx, site, "test.wallet")
}

// signInWith signs in with one of the wallets that the page offers.
func signInWith(t *testing.T, ctx context.Context, site, rdns string) {
	t.Helper()
	do(t, ctx,
		chromedp.Navigate(site+"/sign-in?next=/sessions"),
		chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="`+rdns+`"]`)),
	)
	wait(t, ctx, `location.pathname === "/sessions"`)
}

// mark chooses the same mark everywhere but overall.
func mark(t *testing.T, ctx context.Context, overall, others string) {
	t.Helper()
	for _, name := range []string{"overall", "withdrawals", "support", "fees", "execution", "security", "ease"} {
		value := others
		if name == "overall" {
			value = overall
		}
		do(t, ctx, chromedp.Click(chromedp.CSS(`label:has(> input[name="`+name+`"][value="`+value+`"])`)))
	}
}

func text(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	return eval[string](t, ctx, `document.querySelector(`+"`"+selector+"`"+`)?.innerText ?? ""`)
}

func TestSignInWriteAReviewSeeItAndEditIt(t *testing.T) {
	site := webtest.Full(t)
	key := webtest.Key(t, "a reviewer")
	ctx, me := open(t, desk), webtest.AddressOf(key)
	signIn(t, ctx, site.URL, &extension{key: key})
	if who := text(t, ctx, ".who summary"); !strings.Contains(who, me.Short()) {
		t.Fatalf("signed in as %q, want %s", who, me.Short())
	}
	reviewTwice(t, ctx, site.URL+"/exchanges/meridian", me.String())
}

func TestADeclinedSignatureIsSaidInPlainWords(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	wallet := &extension{key: webtest.Key(t, "a doubter")}
	signIn(t, ctx, site.URL, wallet)
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges/meridian"))
	mark(t, ctx, "4", "4")
	wallet.declines.Store(true)
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("form[data-review] [data-status].bad") !== null`)
	if said := text(t, ctx, "form[data-review] [data-status]"); !strings.Contains(said, "You declined in the wallet") {
		t.Errorf("the page says %q", said)
	}
	if eval[bool](t, ctx, `document.querySelector("form[data-review] button[type=submit]").disabled`) {
		t.Error("after declining, the review cannot be sent again")
	}
}

// TestAWalletThatRefusesTheDocument: the page offers it to another program with the key,
// and takes the signature that is made there.
func TestAWalletThatRefusesTheDocument(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	x := &extension{key: webtest.Key(t, "behind an extension")}
	x.chains.Store(true)
	signIn(t, ctx, site.URL, x)
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges/meridian"))
	eval[bool](t, ctx, `(() => {
		const make = URL.createObjectURL;
		URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; }); return make.call(URL, blob); };
		return true;
	})()`)
	mark(t, ctx, "4", "4")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("form[data-review] [data-elsewhere][open]") !== null && window.saved`)
	if said := text(t, ctx, "form[data-review] [data-status]"); !strings.Contains(said, "names none") {
		t.Errorf("the page says %q", said)
	}
	if said := text(t, ctx, "[data-elsewhere]"); !strings.Contains(said, "cast wallet sign --ledger --data --from-file to-sign.json") {
		t.Errorf("the way around is %q", said)
	}
	picture(t, ctx, "sign-elsewhere")
	const send, paste = "[data-elsewhere] button", "[data-elsewhere] textarea"
	do(t, ctx, chromedp.SendKeys(chromedp.CSS(paste), "nothing"), chromedp.Click(chromedp.CSS(send)))
	wait(t, ctx, `document.querySelector("[data-elsewhere] .notice.bad")?.innerText.includes("hex digits")`)
	paper := func(signature string) {
		t.Helper()
		eval[bool](t, ctx, `document.querySelector("`+paste+`").value = "`+signature+`\n", true`)
		do(t, ctx, chromedp.Click(chromedp.CSS(send)))
	}
	// Of somebody else's key: the server says so, and the panel stays.
	document := request{Method: "eth_signTypedData_v4", Params: []json.RawMessage{json.RawMessage(`""`), quoted(t, eval[string](t, ctx, `window.saved`))}}
	other, err := (&extension{key: webtest.Key(t, "somebody else")}).answer(document)
	if err != nil {
		t.Fatal(err)
	}
	paper(other.(string))
	wait(t, ctx, `document.querySelector("[data-elsewhere] .notice.bad")?.innerText.includes("signed by")`)
	mine, err := (&extension{key: x.key}).answer(document)
	if err != nil {
		t.Fatal(err)
	}
	paper(mine.(string))
	wait(t, ctx, `document.querySelector("#review-`+webtest.AddressOf(x.key).String()+`") !== null`)
}

func quoted(t *testing.T, text string) json.RawMessage {
	t.Helper()
	out, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCheckAWalletAgainstACampaign(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	listed := webtest.SampleWallet(3)
	do(t, ctx,
		chromedp.Navigate(site.URL+"/airdrops"),
		chromedp.Click(chromedp.CSS(`a.name[href$="/airdrops/c1"]`)),
		chromedp.SendKeys(chromedp.CSS("#wallet"), listed.String()+"\r"),
	)
	wait(t, ctx, `document.querySelector("[data-verdict=eligible]") !== null`)
	if amount := text(t, ctx, "[data-verdict] .big"); amount != "121 BNY" {
		t.Errorf("the page promises %q, want 121 BNY", amount)
	}
	file := eval[string](t, ctx, `fetch(document.querySelector("a[download]").href).then((r) => r.text())`)
	if copied := eval[string](t, ctx, `document.querySelector("#check [data-copy]").dataset.copy`); strings.TrimSpace(file) != copied || !strings.Contains(file, `"proof"`) {
		t.Errorf("the file and the copy differ, or hold no proof: %s", file)
	}

	// On paper the verdict has its proof, and the screen is as it was afterwards.
	proof := `document.querySelector("[data-verdict] details:has(ol.proof)").open`
	if eval[bool](t, ctx, proof) {
		t.Error("the proof is open before anybody has asked for it")
	}
	if !eval[bool](t, ctx, `dispatchEvent(new Event("beforeprint")), `+proof) {
		t.Error("the printed verdict has no proof")
	}
	if eval[bool](t, ctx, `dispatchEvent(new Event("afterprint")), `+proof) {
		t.Error("after printing the proof stays open")
	}

	do(t, ctx, chromedp.Navigate(site.URL+"/airdrops/c1"), chromedp.SendKeys(chromedp.CSS("#wallet"), "0x000000000000000000000000000000000000dEaD\r"))
	wait(t, ctx, `document.querySelector("[data-verdict=not-listed]") !== null`)
	do(t, ctx, chromedp.Navigate(site.URL+"/airdrops/c1"), chromedp.SendKeys(chromedp.CSS("#wallet"), "0x12\r"))
	wait(t, ctx, `document.querySelector("[data-verdict=wrong]") !== null`)
}

// A supply of a memecoin with all its decimals is no reason to squeeze the name
// into a column of single letters.
func TestALongTotalLeavesRoomForTheName(t *testing.T) {
	site := webtest.Full(t)
	c, err := site.Airdrop.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "Everybody", Symbol: "EVERYBODY", Decimals: 18, Format: merkle.OZ})
	if err != nil {
		t.Fatal(err)
	}
	list := strings.NewReader(webtest.SampleWallet(1).String() + ",999999999999999123456789012345678\n")
	if _, err := site.Airdrop.UploadList(t.Context(), airdrop.ListUpload{ID: c.ID, Body: list}); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Airdrop.BuildTree(t.Context(), airdrop.BuildRequest{ID: c.ID}); err != nil { // drafts are the operators'
		t.Fatal(err)
	}
	for _, l := range []look{desk, phone} {
		ctx := open(t, l)
		do(t, ctx, chromedp.Navigate(site.URL+"/airdrops"))
		share := eval[float64](t, ctx, `(() => {
			const row = [...document.querySelectorAll(".row")].find((r) => r.textContent.includes("EVERYBODY"));
			return row.firstElementChild.clientWidth / row.clientWidth;
		})()`)
		if share < 0.4 {
			t.Errorf("%s: the name has %.2f of its row", l, share)
		}
	}
}

func TestTheDemoWalletNeedsNoExtension(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	do(t, ctx,
		chromedp.Navigate(site.URL+"/airdrops/c2"),
		chromedp.Click(chromedp.CSS("[data-fill-wallet]")),
	)
	wait(t, ctx, `document.querySelector("[data-verdict=eligible]") !== null`)
	do(t, ctx,
		chromedp.Click(chromedp.CSS(".tools a.button")),
		chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="demo.banyan"]`)),
	)
	wait(t, ctx, `location.pathname.startsWith("/airdrops/c2") && document.querySelector(".who") !== null`)
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges/meridian"))
	mark(t, ctx, "5", "5")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("#review-`+webtest.AddressOf(site.DemoKey).String()+`") !== null`)
}

func TestSearchAsYouType(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges"), chromedp.SendKeys(chromedp.CSS("#q"), "kest"))
	wait(t, ctx, `document.querySelectorAll("#results .name").length === 1 && document.querySelector("#results .name").innerText === "Kestrel Exchange"`)
	wait(t, ctx, `location.search.includes("q=kest")`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#results .name")))
	wait(t, ctx, `location.pathname === "/exchanges/kestrel-exchange"`)
	eval[bool](t, ctx, `history.back(), true`)
	wait(t, ctx, `document.querySelectorAll("#results .name").length === 1 && document.querySelector("#q").value === "kest"`)
	eval[bool](t, ctx, `document.querySelector("#sort").value = "name", document.querySelector("#sort").dispatchEvent(new Event("change", {bubbles: true}))`)
	wait(t, ctx, `location.search.includes("q=kest") && location.search.includes("sort=name")`)
}

func TestTheThemeIsRemembered(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	paper := `getComputedStyle(document.body).backgroundColor`
	do(t, ctx, chromedp.Navigate(site.URL+"/airdrops"))
	light := eval[string](t, ctx, paper)
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-theme-switch]")))
	dark := eval[string](t, ctx, paper)
	if light == dark {
		t.Fatalf("the switch changes nothing: %s", light)
	}
	do(t, ctx, chromedp.Navigate(site.URL+"/reputation"))
	if now := eval[string](t, ctx, paper); now != dark {
		t.Errorf("the next page is %s, want the chosen %s", now, dark)
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: webtest.Key(t, "a visitor")})
	do(t, ctx, chromedp.Click(chromedp.CSS(".who summary")), chromedp.Click(chromedp.CSS(".sheet button")))
	wait(t, ctx, `location.pathname === "/" && document.querySelector(".who") === null`)
	do(t, ctx, chromedp.Navigate(site.URL+"/sessions"))
	wait(t, ctx, `location.pathname === "/sign-in"`)
}

func TestAnOperatorRunsACampaign(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	runCampaign(t, ctx, site.URL)
}

// runCampaign creates a campaign, has a wrong list refused and a right one
// taken, builds the tree and checks a wallet.
func runCampaign(t *testing.T, ctx context.Context, site string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list.csv")
	write(t, list, webtest.SampleWallet(1).String()+",1500000\nnobody,1\n")
	do(t, ctx,
		chromedp.Navigate(site+"/operator"),
		chromedp.SendKeys(chromedp.CSS("#name"), "For the early ones"), chromedp.SendKeys(chromedp.CSS("#symbol"), "EARLY"),
		chromedp.SetValue(chromedp.CSS("#decimals"), "6"),
		chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)),
		chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}),
		chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)),
	)
	wait(t, ctx, `document.querySelector("[data-outcome=refused]")?.innerText.toLowerCase().includes("line 2")`)
	write(t, list, webtest.SampleWallet(1).String()+",1500000\n")
	do(t, ctx,
		chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}),
		chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)),
	)
	wait(t, ctx, `document.querySelector("[data-outcome=done]")?.innerText.includes("1.5 EARLY")`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/build"] button`)), chromedp.Click(chromedp.CSS("[data-build]")))
	wait(t, ctx, `document.querySelector("#root") !== null && document.querySelector("#wallet") !== null`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#wallet"), webtest.SampleWallet(1).String()+"\r"))
	wait(t, ctx, `document.querySelector("[data-verdict=eligible] .big")?.innerText === "1.5 EARLY"`)
}

// An operator with a phone, and a list that is wrong in many ways.
func TestTheListFormFitsAPhone(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	list := filepath.Join(t.TempDir(), "list.csv")
	one := webtest.SampleWallet(1).String()
	fits := func(name string) {
		t.Helper()
		wait(t, ctx, `document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
		picture(t, ctx, name)
	}
	send := func(text string) {
		write(t, list, text)
		do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)))
	}
	do(t, ctx,
		chromedp.Navigate(site.URL+"/airdrops/c3"),
		chromedp.Click(chromedp.CSS(`form[action$="/list"] details summary`)),
		chromedp.SendKeys(chromedp.CSS("#address_column"), "1"), chromedp.SendKeys(chromedp.CSS("#chain"), "eth"),
		chromedp.SetValue(chromedp.CSS("#zero"), "skip"),
	)
	fits("list-form-phone")
	send("fren.base.eth,1\nXE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS,1\n" + one[:20] + "\u200b" + one[20:] + ",1\n0x" + strings.Repeat("ab", 32) + ",1\n" + one + ",many\n" + strings.Repeat("nobody,1\n", 8))
	wait(t, ctx, `document.querySelector("[data-outcome=refused]")?.innerText.includes("U+200B")`)
	fits("list-refused-phone")
	send(one + ",1500000\n")
	wait(t, ctx, `document.querySelector("[data-outcome=done]")?.innerText.includes("Rows read: 1")`)
	fits("list-stored-phone")
}

func TestAModuleThatGoesDownIsSaidAlsoThroughHTMX(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	do(t, ctx, chromedp.Navigate(site.URL+"/airdrops/c1"))
	site.Airdrop.Fail(webtest.Gone("airdrop"))
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#wallet"), webtest.SampleWallet(1).String()+"\r"))
	wait(t, ctx, `document.querySelector("h1")?.innerText === "A part of Banyan is not answering"`)
	site.Airdrop.Fail(nil)
	do(t, ctx, chromedp.Reload())
	wait(t, ctx, `document.querySelector("[data-verdict=eligible]") !== null`)
}

func TestTheKeyboardReachesTheContent(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges"), chromedp.KeyEvent(kb.Tab))
	wait(t, ctx, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	wait(t, ctx, `document.activeElement.id === "main"`)
	do(t, ctx, chromedp.KeyEvent(kb.Tab))
	wait(t, ctx, `document.activeElement.id !== "main" && document.querySelector("#main").contains(document.activeElement) && getComputedStyle(document.activeElement).outlineStyle === "solid"`)
}

func TestTheMenuClosesOnEscape(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	signIn(t, ctx, site.URL, &extension{key: webtest.Key(t, "a visitor")})
	do(t, ctx, chromedp.Click(chromedp.CSS(".who summary")), chromedp.WaitVisible(chromedp.CSS(".sheet button")), chromedp.KeyEvent(kb.Escape))
	wait(t, ctx, `!document.querySelector(".who").open && document.activeElement.matches("summary")`)
}
