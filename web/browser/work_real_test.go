package browser

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	_ "github.com/mattn/go-sqlite3" // the lock of a database that the test holds

	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

// heldDatabase is the database of a module of a program that runs, in which nobody else
// writes while it is locked: work waits there for as long as the test wants.
type heldDatabase struct {
	t  *testing.T
	db *sql.DB
}

func holdable(t *testing.T, data, module string) heldDatabase {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(data, module+".db")+"?_txlock=immediate&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return heldDatabase{t, db}
}

// lock keeps everybody else from writing, until release.
func (h heldDatabase) lock() (release func()) {
	h.t.Helper()
	tx, err := h.db.Begin()
	if err != nil {
		h.t.Fatal(err)
	}
	return func() {
		h.t.Helper()
		if err := tx.Rollback(); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h heldDatabase) count(query string) (n int) {
	h.t.Helper()
	if err := h.db.QueryRow(query).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestAListAndABuildAreCancelled: of a list of 300,000 rows the page shows how far the
// sending, the storing and the building are; cancelled, neither a list nor a tree is left,
// and the same can be done again and be finished.
func TestAListAndABuildAreCancelled(t *testing.T) {
	start(t) // skip before building
	x := &extension{key: webtest.Key(t, "operator")}
	listen, data := testneeds.Address(t), t.TempDir()
	site := "http://" + listen
	serve(t, built(t), []string{
		"BANYAN_DATA=" + data, "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + site, "BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(x.key).String(),
	}, "--listen", listen)
	var rows strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&rows, "0x%040x,%d\n", uint64(i+1)*0x9e3779b97f4a7c15, i+1)
	}
	list := filepath.Join(t.TempDir(), "list.csv")
	write(t, list, rows.String())
	stored := holdable(t, data, "airdrop")

	ctx := open(t, desk)
	signIn(t, ctx, site, x)
	do(t, ctx,
		chromedp.Navigate(site+"/operator"),
		chromedp.SendKeys(chromedp.CSS("#name"), "A long list"), chromedp.SendKeys(chromedp.CSS("#symbol"), "LONG"),
		chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)),
	)
	wait(t, ctx, `document.querySelector("#list") !== null`)
	page := eval[string](t, ctx, `location.href`)
	// What the page says of work is kept, to be looked at afterwards.
	watched := func(form string) {
		t.Helper()
		eval[bool](t, ctx, `(window.said = new Set(), new MutationObserver(() => {
			const hint = document.querySelector("[data-progress] .hint")?.innerText, bar = document.querySelector("[data-progress] progress");
			if (hint) window.said.add(hint + (bar.hasAttribute("value") ? " (" + bar.value + ")" : ""));
		}).observe(document.querySelector('`+form+`'), { childList: true, subtree: true, characterData: true, attributes: true }), true)`)
	}
	const listForm, buildForm = `form[action$="/list"]`, `form[action$="/build"]`
	upload := func() {
		t.Helper()
		do(t, ctx, chromedp.Navigate(page))
		watched(listForm)
		do(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(listForm+` button`)))
	}
	cancelled := func() {
		t.Helper()
		do(t, ctx, chromedp.Click(chromedp.CSS("[data-cancel]")))
		wait(t, ctx, `document.querySelector("[data-refusal]")?.innerText.startsWith("Cancelled.") && document.querySelector("[data-progress]") === null`)
	}

	release := stored.lock()
	upload()
	wait(t, ctx, `document.querySelector("[data-stage=storing] .hint")?.innerText === "Storing … 0 %"`)
	if !eval[bool](t, ctx, `[...window.said].some((s) => /MB sent/.test(s)) && document.querySelector('`+listForm+`').getAttribute("aria-busy") === "true"`) {
		t.Errorf("the page has not said how much is sent: %s", eval[string](t, ctx, `[...window.said].join("; ")`))
	}
	fitsIn(t, ctx, "work-list")
	cancelled()
	release()
	if lists, chunks := stored.count(`SELECT COUNT(*) FROM list`), stored.count(`SELECT COUNT(*) FROM list_chunk`); lists+chunks != 0 {
		t.Errorf("a cancelled upload has left %d lists and %d chunks", lists, chunks)
	}

	upload() // the same again
	wait(t, ctx, `document.querySelector("[data-outcome=done]")?.innerText.includes("300,000 wallets")`)

	ask := func() {
		t.Helper()
		do(t, ctx, chromedp.Navigate(page), chromedp.Click(chromedp.CSS(buildForm+` button`)))
		wait(t, ctx, `document.querySelector("[data-question]") !== null`)
		watched(buildForm)
	}
	ask()
	release = stored.lock()
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-build]")))
	wait(t, ctx, `document.querySelector("[data-stage=storing] .hint")?.innerText === "Storing …"`)
	fitsIn(t, ctx, "work-build")
	cancelled()
	release()
	if built := stored.count(`SELECT COUNT(*) FROM campaign WHERE root IS NOT NULL`); built != 0 || eval[string](t, ctx, `location.href`) != page {
		t.Errorf("a cancelled build has left %d trees, and the page %s", built, eval[string](t, ctx, `location.href`))
	}
	if files, err := filepath.Glob(filepath.Join(data, "*", "*.tree*")); err != nil || len(files) > 0 {
		t.Errorf("a cancelled build has left %v (%v)", files, err)
	}

	ask()
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-build]")))
	wait(t, ctx, `document.querySelector("#root") !== null`)
	if files, err := filepath.Glob(filepath.Join(data, "*", "*.tree")); err != nil || len(files) != 1 {
		t.Errorf("the build has made %v (%v)", files, err)
	}
}

// TestATrustListIsCancelled: of a list of 100,000 edges the page shows how far the sending
// and the storing are; cancelled, neither an import nor an edge is left, and the same can
// be done again and be finished.
func TestATrustListIsCancelled(t *testing.T) {
	start(t) // skip before building
	x := &extension{key: webtest.Key(t, "operator")}
	listen, data := testneeds.Address(t), t.TempDir()
	site := "http://" + listen
	serve(t, built(t), []string{
		"BANYAN_DATA=" + data, "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + site, "BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(x.key).String(),
	}, "--listen", listen)
	var rows strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&rows, "0x%040x,0x%040x,1\n", 2*i+1, 2*i+2)
	}
	list := filepath.Join(t.TempDir(), "trust.csv")
	write(t, list, rows.String())
	stored := holdable(t, data, "reputation")

	ctx := open(t, desk)
	signIn(t, ctx, site, x)
	const form = `form[action$="/operator/imports"]`
	upload := func() {
		t.Helper()
		do(t, ctx, chromedp.Navigate(site+"/operator/imports"), chromedp.SendKeys(chromedp.CSS("#import"), "otc"),
			chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(form+` button`)))
	}
	release := stored.lock()
	upload()
	wait(t, ctx, `document.querySelector("[data-stage=storing] .hint")?.innerText === "Storing … 0 %"`)
	if !eval[bool](t, ctx, `document.querySelector('`+form+`').getAttribute("aria-busy") === "true"`) {
		t.Error("the form does not say that it is busy")
	}
	fitsIn(t, ctx, "work-trust")
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-cancel]")))
	wait(t, ctx, `document.querySelector("[data-refusal]")?.innerText.startsWith("Cancelled.") && document.querySelector("[data-progress]") === null`)
	release()
	if imports, edges := stored.count(`SELECT COUNT(*) FROM imports`), stored.count(`SELECT COUNT(*) FROM import_edges`); imports+edges != 0 {
		t.Errorf("a cancelled upload has left %d imports and %d edges", imports, edges)
	}
	upload()
	wait(t, ctx, `document.querySelector("[data-outcome=done]")?.innerText.includes("100,000 rows")`)
	if edges := stored.count(`SELECT COUNT(*) FROM import_edges`); edges != 100_000 {
		t.Errorf("%d edges are stored", edges)
	}
}
