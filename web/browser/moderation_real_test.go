package browser

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

// moderated is the real program with a moderator in a tab of their own.
type moderated struct {
	site string
	tab  context.Context // of the moderator
}

const reviewsAPI = "/api/v1/exchange-review/"

func moderates(t *testing.T, env ...string) moderated {
	t.Helper()
	start(t) // skip before building
	x := &extension{key: webtest.Key(t, "operator")}
	listen := testneeds.Address(t)
	m := moderated{site: "http://" + listen}
	serve(t, built(t), append([]string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + m.site, "BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(x.key).String(),
	}, env...), "--listen", listen)
	m.tab = open(t, desk)
	signIn(t, m.tab, m.site, x)
	return m
}

// signed is a review as its writer sends it.
func (m moderated) signed(t *testing.T, key *ecdsa.PrivateKey, slug string, overall int, at time.Time) exchangereview.SignedReview {
	t.Helper()
	u, err := url.Parse(m.site)
	if err != nil {
		t.Fatal(err)
	}
	r := exchangereview.SignedReview{
		Slug: slug, Wallet: webtest.AddressOf(key), Overall: overall, CreatedMS: at.UnixMilli(), Text: fmt.Sprintf("Words of %s.", webtest.AddressOf(key)),
		Aspects: exchangereview.Aspects[int]{Withdrawals: overall, Support: overall, Fees: overall, Execution: overall, Security: overall, Ease: overall},
	}
	digest := exchangereview.NewDigester(u.Host).Hash(&r)
	made, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	made[64] += 27
	r.Signature = exchangereview.Signature(made)
	return r
}

// post sends JSON as nobody who is signed in.
func (m moderated) post(t *testing.T, path string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.site+reviewsAPI+path, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", path, resp.Status)
	}
}

// asks is what the page of the moderator's tab sends to the API, with the session that it
// has.
func (m moderated) asks(t *testing.T, path, contentType, body string) {
	t.Helper()
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status := eval[int](t, m.tab, `fetch("`+reviewsAPI+path+`", { method: "POST", credentials: "same-origin", body: `+string(quoted)+`,
		headers: { "Content-Type": "`+contentType+`", "X-CSRF-Token": document.querySelector('meta[name="csrf"]').content } }).then((r) => r.status)`)
	if status != http.StatusOK {
		t.Fatalf("POST %s as the moderator: %d", path, status)
	}
}

// queue shows the moderator's page.
func (m moderated) queue(t *testing.T) string {
	t.Helper()
	do(t, m.tab, chromedp.Navigate(m.site+"/exchanges/-/moderation"))
	return text(t, m.tab, "main")
}

// decides chooses an action for the flag that says this, as a person does.
func (m moderated) decides(t *testing.T, flag, action, days, reason string) {
	t.Helper()
	m.queue(t)
	if !eval[bool](t, m.tab, `(() => {
		const card = [...document.querySelectorAll("article[aria-label^=Flag]")].find((a) => a.innerText.includes("`+flag+`"));
		if (!card) return false;
		card.id = "decided";
		return true;
	})()`) {
		t.Fatalf("no flag says %q: %s", flag, text(t, m.tab, "main"))
	}
	do(t, m.tab,
		chromedp.SetValue(chromedp.CSS("#decided select"), action),
		chromedp.SendKeys(chromedp.CSS(`#decided input[name="reason"]`), reason),
	)
	if days != "" {
		do(t, m.tab, chromedp.SendKeys(chromedp.CSS(`#decided input[name="days"]`), days))
	}
	do(t, m.tab, chromedp.Click(chromedp.CSS("#decided button[type=submit]")))
	wait(t, m.tab, `document.querySelector("#decided") === null && document.querySelector("section[aria-labelledby=log]")?.innerText.includes("`+reason+`")`)
}

// member is a person with a wallet in a tab of their own.
func (m moderated) member(t *testing.T, name string) (tab context.Context, address string) {
	t.Helper()
	x := &extension{key: webtest.Key(t, name)}
	tab = open(t, phone)
	signIn(t, tab, m.site, x)
	return tab, webtest.AddressOf(x.key).String()
}

// writes publishes a review in the form, or an edit of it, and waits for what the page
// says of that.
func writes(t *testing.T, tab context.Context, page, words, says string) {
	t.Helper()
	do(t, tab, chromedp.Navigate(page))
	mark(t, tab, "2", "2")
	do(t, tab, chromedp.SetValue(chromedp.CSS("form[data-review] #text"), words), chromedp.Click(chromedp.CSS("form:has(> .review-form) button[type=submit]")))
	wait(t, tab, "document.body.innerText.includes(`"+says+"`)")
}

func reports(t *testing.T, tab context.Context, page, of, reason, words string) {
	t.Helper()
	form := `#review-` + of + ` ~ .cluster form[action$="/` + of + `/report"]`
	do(t, tab, chromedp.Navigate(page))
	eval[bool](t, tab, "window.isPageBefore = document.querySelector(`"+form+"`).closest('details').open = true")
	do(t, tab,
		chromedp.SetValue(chromedp.CSS(form+` select`), reason), chromedp.SendKeys(chromedp.CSS(form+` input[type="text"]`), words),
		chromedp.Click(chromedp.CSS(form+` button`)),
	)
	wait(t, tab, `!window.isPageBefore`)
}

// TestAModeratorsTour goes from a report to the second decision about the same review, and
// to a suspension that ends by itself, in the real program.
func TestAModeratorsTour(t *testing.T) {
	m := moderates(t)
	page := m.site + "/exchanges/kraken"
	writer, author := m.member(t, "a writer")
	reader, _ := m.member(t, "a reader")
	const lure = "Support never answered. Somebody on Telegram: @kraken_helpdesk got my money back."
	writes(t, writer, page, lure, "Your review is published")
	reports(t, reader, page, author, "contact", "It leads to a swindler.")

	shown := m.queue(t)
	for _, says := range []string{"contact-lure", "@kraken_helpdesk", "It leads to a swindler.", "the review is counted"} {
		if !strings.Contains(shown, says) {
			t.Errorf("the queue does not say %q: %s", says, shown)
		}
	}
	fitsIn(t, m.tab, "real-moderation-queue")
	m.decides(t, "It leads to a swindler.", "remove", "", "A lure to a swindler.")
	if waits := text(t, m.tab, "section[aria-labelledby=queue]"); !strings.Contains(waits, "Nothing waits") {
		t.Errorf("a decision about a review leaves flags of it: %s", waits)
	}

	// Everybody reads why, and nobody the text.
	visitor := open(t, phone)
	do(t, visitor, chromedp.Navigate(page))
	if now := text(t, visitor, "main"); strings.Contains(now, "helpdesk") {
		t.Error("a removed review is shown")
	}
	do(t, visitor, chromedp.Navigate(m.site+"/exchanges/-/moderation"))
	if log := text(t, visitor, "main"); !strings.Contains(log, "A lure to a swindler.") || strings.Contains(log, "Waiting for a decision") {
		t.Errorf("a visitor reads %s", log)
	}
	fitsIn(t, visitor, "real-moderation-log")

	// The writer signs an appeal; another decision follows it, and both stay.
	do(t, writer,
		chromedp.Navigate(page), chromedp.SendKeys(chromedp.CSS("#appeal-text"), "That is how I lost it, and a warning."),
		chromedp.Click(chromedp.CSS("#appeal button[type=submit]")),
	)
	wait(t, writer, `document.body.innerText.includes("Your appeal is in the queue")`)
	wait(t, writer, `performance.getEntriesByType("navigation")[0].type === "navigate"`) // a second load would not say it again
	if shown := m.queue(t); !strings.Contains(shown, "who has signed it") || !strings.Contains(shown, "That is how I lost it") || !strings.Contains(shown, "@kraken_helpdesk") {
		t.Errorf("the appeal in the queue: %s", shown)
	}
	m.decides(t, "That is how I lost it", "restore", "", "It warns of the lure.")
	do(t, visitor, chromedp.Navigate(page))
	if now := text(t, visitor, "main"); !strings.Contains(now, "helpdesk") {
		t.Errorf("a restored review is not shown: %s", now)
	}
	do(t, visitor, chromedp.Navigate(m.site+"/exchanges/-/moderation"))
	if log := text(t, visitor, "section[aria-labelledby=log]"); strings.Index(log, "It warns of the lure.") > strings.Index(log, "A lure to a swindler.") || !strings.Contains(log, "A lure to a swindler.") {
		t.Errorf("the log is not of both, newest first: %s", log)
	}
	m.suspension(t, writer, author, page)
}

// suspension ends by a decision, and by itself.
func (m moderated) suspension(t *testing.T, writer context.Context, author, page string) {
	t.Helper()
	about := func(action, days, reason string) {
		t.Helper()
		m.queue(t)
		do(t, m.tab,
			chromedp.Click(chromedp.CSS("#wallet > summary")), chromedp.SendKeys(chromedp.CSS("#named"), author),
			chromedp.SetValue(chromedp.CSS("#named-action"), action), chromedp.SendKeys(chromedp.CSS("#named-days"), days),
			chromedp.SendKeys(chromedp.CSS("#named-reason"), reason), chromedp.Click(chromedp.CSS("#wallet button[type=submit]")),
		)
		wait(t, m.tab, `document.querySelector("section[aria-labelledby=log]")?.innerText.includes("`+reason+`")`)
	}
	const refusal = "a moderator has suspended this wallet until"
	about("suspend", "2", "Threats in a mail.")
	writes(t, writer, page, "First words.", refusal)
	about("clear", "", "They were somebody else's.")
	writes(t, writer, page, "Second words.", "Your review is published")

	until := time.Now().Add(3 * time.Second)
	decision, err := json.Marshal(map[string]any{"slug": "", "wallet": author, "action": "suspend", "reason": "For a moment.", "until_ms": until.UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	m.asks(t, "moderation/decisions", "application/json", string(decision))
	if shown := m.queue(t); !strings.Contains(shown, "For a moment.") {
		t.Errorf("the log: %s", shown)
	}
	wait(t, writer, fmt.Sprintf(`Date.now() > %d`, until.UnixMilli()))
	writes(t, writer, page, "Third words.", "Your review is published")
}

// TestANewcomerWaitsForAModerator: with that setting the first review of a wallet is shown
// after a decision, and its next one at once.
func TestANewcomerWaitsForAModerator(t *testing.T) {
	m := moderates(t, "BANYAN_EXCHANGE_REVIEW_PREMODERATION=newcomers")
	page := m.site + "/exchanges/kraken"
	writer, author := m.member(t, "a newcomer")
	writes(t, writer, page, "My first words here.", "A moderator looks at it before it is shown")
	if own := text(t, writer, "main"); !strings.Contains(own, "waits for a moderator") {
		t.Errorf("the writer's page: %s", own)
	}
	visitor := open(t, phone)
	shown := `document.querySelector("#review-` + author + `") !== null`
	do(t, visitor, chromedp.Navigate(page))
	if eval[bool](t, visitor, shown) || strings.Contains(text(t, visitor, "main"), "My first words here.") {
		t.Error("it is shown before a decision")
	}
	if queue := m.queue(t); !strings.Contains(queue, "premoderation") || !strings.Contains(queue, "My first words here.") {
		t.Errorf("the queue: %s", queue)
	}
	m.decides(t, "My first words here.", "keep", "", "Nothing is wrong with it.")
	do(t, visitor, chromedp.Navigate(page))
	wait(t, visitor, shown)
	writes(t, writer, m.site+"/exchanges/okx", "Of another one.", "Your review is published")
	do(t, visitor, chromedp.Navigate(m.site+"/exchanges/okx"))
	wait(t, visitor, shown)
}

// TestAModeratorReleasesAFlood: four quiet weeks, then a flood of bad reviews in a minute.
// Readers are warned, new reviews are held, and a person lets them count.
func TestAModeratorReleasesAFlood(t *testing.T) {
	m := moderates(t)
	now := time.Now()
	var quiet strings.Builder
	lines := json.NewEncoder(&quiet)
	for i := range 14 {
		r := m.signed(t, webtest.Key(t, fmt.Sprint("quiet", i)), "kraken", 5-i%2, now.Add(-time.Duration(2*(15-i))*24*time.Hour))
		if err := lines.Encode(exchangereview.Review{Exchange: r.Slug, Wallet: r.Wallet, Overall: r.Overall, Aspects: r.Aspects, Text: r.Text, CreatedMS: r.CreatedMS, Signature: r.Signature}); err != nil {
			t.Fatal(err)
		}
	}
	m.asks(t, "reviews/import", "application/x-ndjson", quiet.String())
	for i := range 40 {
		m.post(t, "exchanges/kraken/reviews", m.signed(t, webtest.Key(t, fmt.Sprint("flood", i)), "kraken", 1, time.Now()))
	}
	visitor := open(t, phone)
	do(t, visitor, chromedp.Navigate(m.site+"/exchanges/kraken"))
	if shown := text(t, visitor, "main"); !strings.Contains(shown, "Unusual activity.") || !strings.Contains(shown, "Held: it does not count until") {
		t.Errorf("the page in a flood: %s", shown)
	}
	fitsIn(t, visitor, "real-moderation-flood")
	if shown := m.queue(t); !strings.Contains(shown, "so new ones were held") {
		t.Errorf("the moderator's page: %s", shown)
	}
	do(t, m.tab,
		chromedp.SendKeys(chromedp.CSS("#burst-0"), "A halt of withdrawals was in the news."),
		chromedp.Click(chromedp.CSS(`section[aria-labelledby=bursts] button[value="release"]`)),
	)
	wait(t, m.tab, `document.querySelector("section[aria-labelledby=log]").innerText.includes("A halt of withdrawals")`)
	if shown := text(t, m.tab, "section[aria-labelledby=bursts]"); strings.Contains(shown, "held reviews") {
		t.Errorf("after the release: %s", shown)
	}
	do(t, visitor, chromedp.Navigate(m.site+"/exchanges/kraken"))
	if shown := text(t, visitor, "main"); strings.Contains(shown, "Held: it does not count") || !strings.Contains(shown, "54 signed reviews") || !strings.Contains(shown, "Unusual activity.") {
		t.Errorf("the page after the release: %s", shown)
	}
}
