package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/modules/exchangereview"
	"banyan/platform/signature"
	"banyan/web/webtest"
)

// An exchange claims its profile, answers a review and says that its writer is a
// customer: each is signed in the wallet, and the signature is that wallet's.
func TestAnExchangeClaimsItsProfileAndAnswers(t *testing.T) {
	site := webtest.Full(t)
	key := webtest.Key(t, "the desk of an exchange")
	ctx, me := open(t, desk), webtest.AddressOf(key)
	signIn(t, ctx, site.URL, &extension{key: key})
	do(t, ctx,
		chromedp.Navigate(site.URL+"/exchanges/kestrel-exchange/profile"),
		chromedp.Click(chromedp.CSS(`input[name="method"][value="dns"]`)),
		chromedp.Click(chromedp.CSS(`form[action$="/claim"] button.primary`)),
	)
	wait(t, ctx, `document.querySelector("#claimed") !== null`)
	all, err := site.Exchanges.Claims(t.Context(), exchangereview.ClaimsQuery{Slug: "kestrel-exchange"})
	if err != nil || len(all.Claims) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	digests, claim := exchangereview.NewDigester("banyan.example"), all.Claims[0]
	signed := func(what string, digest exchangereview.Hash, by exchangereview.Signature) {
		t.Helper()
		if who, err := signature.Recover(digest, []byte(by)); err != nil || who != me {
			t.Errorf("the %s is signed by %s (%v), want %s", what, who, err, me)
		}
	}
	signed("claim", digests.HashClaim(&exchangereview.SignedClaim{Slug: claim.Exchange, Wallet: me, Method: exchangereview.ClaimByDNS, CreatedMS: claim.CreatedMS}), claim.Signature)
	if claim.Method != exchangereview.ClaimByDNS {
		t.Errorf("claimed by %s", claim.Method)
	}

	do(t, ctx,
		chromedp.Navigate(site.URL+"/exchanges/kestrel-exchange"),
		chromedp.Click(chromedp.CSS(`details:has(form[action$="/reply"]) > summary`)),
		chromedp.SendKeys(chromedp.CSS(`form[action$="/reply"] textarea`), "We have refunded the fee."),
		chromedp.Click(chromedp.CSS(`form[action$="/reply"] button[type=submit]`)),
	)
	wait(t, ctx, `document.querySelector(".review .reply") !== null`)
	do(t, ctx,
		chromedp.Navigate(site.URL+"/exchanges/kestrel-exchange"),
		chromedp.Click(chromedp.CSS(`details:has(form[action$="/attestation"]) > summary`)),
		chromedp.Click(chromedp.CSS(`form[action$="/attestation"] button[type=submit]`)),
	)
	wait(t, ctx, `[...document.querySelectorAll(".review .badge")].some((b) => b.textContent.includes("Customer, says the exchange"))`)
	page, err := site.Exchanges.Reviews(t.Context(), exchangereview.ReviewsQuery{Slug: "kestrel-exchange"})
	if err != nil {
		t.Fatal(err)
	}
	v := page.Reviews[0]
	if v.Reply == nil || v.Proof == nil {
		t.Fatalf("answered %v, attested %v", v.Reply, v.Proof)
	}
	signed("answer", digests.HashReply(&exchangereview.SignedReply{Slug: v.Exchange, Reviewer: v.Wallet, Review: v.Reply.Review, Text: "We have refunded the fee.", CreatedMS: v.Reply.CreatedMS}), v.Reply.Signature)
	signed("attestation", digests.HashAttestation(&exchangereview.SignedAttestation{Slug: v.Exchange, Customer: v.Wallet, CreatedMS: v.Proof.CreatedMS}), *v.Proof.Signature)

	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges/kestrel-exchange/profile"))
	wait(t, ctx, `[...document.querySelectorAll("button")].some((b) => b.textContent === "Give the profile back" && !b.disabled)`)
}

// A reviewer signs their review once more, as an attestation of EAS for the chain that the
// wallet is on.
func TestAReviewerSignsTheReviewAsAnAttestation(t *testing.T) {
	site := webtest.Full(t)
	x := &extension{key: webtest.Key(t, "a reviewer")}
	x.chains.Store(true) // an attestation names its chain, so every wallet takes it
	ctx, me := open(t, phone), webtest.AddressOf(x.key)
	signIn(t, ctx, site.URL, x)
	page := site.URL + "/exchanges/meridian"
	x.chains.Store(false)
	do(t, ctx, chromedp.Navigate(page))
	mark(t, ctx, "4", "4")
	do(t, ctx, chromedp.Click(chromedp.CSS("form:has(> .review-form) button[type=submit]")))
	wait(t, ctx, `document.querySelector("#review-`+me.String()+`") !== null`)
	x.chains.Store(true)
	do(t, ctx, chromedp.Navigate(page), chromedp.Click(chromedp.CSS("#eas button[type=submit]")))
	wait(t, ctx, `document.body.innerText.includes("Your review is signed as an attestation of EAS")`)
	if link := eval[string](t, ctx, `document.querySelector("#review-`+me.String()+` a[download]").href`); link != site.URL+"/api/v1/exchange-review/exchanges/meridian/reviews/"+me.String()+"/eas" {
		t.Errorf("the attestation is at %q", link)
	}
}

// A reviewer shows by a transaction that they used the exchange.
func TestAReviewerShowsThatTheyUsedTheExchange(t *testing.T) {
	site := webtest.Full(t)
	key := webtest.Key(t, "a reviewer")
	ctx, me := open(t, phone), webtest.AddressOf(key)
	signIn(t, ctx, site.URL, &extension{key: key})
	page := site.URL + "/exchanges/meridian"
	do(t, ctx, chromedp.Navigate(page))
	mark(t, ctx, "4", "4")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("#review-`+me.String()+`") !== null`)
	do(t, ctx,
		chromedp.Navigate(page),
		chromedp.SendKeys(chromedp.CSS("#proof-chain"), "optimism"),
		chromedp.SendKeys(chromedp.CSS("#proof-tx"), exchangereview.Hash{0xab}.String()),
		chromedp.Click(chromedp.CSS("#prove button[type=submit]")),
	)
	wait(t, ctx, `document.querySelector("#review-`+me.String()+` .badge")?.textContent === "Swapped here"`)
}
