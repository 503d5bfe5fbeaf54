package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/web/webtest"
)

const nobody = "0x000000000000000000000000000000000000dEaD"

func TestPagesSayWhatTheyAreFor(t *testing.T) {
	s := webtest.Full(t)
	visitor := newVisitor(t, s)
	top := webtest.SampleWallet(0)
	for path, texts := range map[string][]string{
		"/":                   {"Reviews and reputation that anybody can check", ">28</dd>", ">162</dd>", ">40</dd>", ">122</dd>", "Saltmarsh Swap", "Canopy season two"},
		"/exchanges":          {"Tidewater", "25 exchanges on this page, more follow"},
		"/exchanges?q=harb":   {"Harbour &amp; Quay", "1 exchange found"},
		"/exchanges?q=zzz":    {"No exchange found", "Show all exchanges"},
		"/exchanges?kind=dex": {"Quillmarket"},
		"/exchanges/kestrel-exchange": {
			"5 signed reviews", `aria-label="Reviews by stars"`, `href="?stars=4#reviews"`, `<span class="v">2<span class="unseen"> reviews, show them`,
			"Singapore", "0.12 %", "Spreads widen a lot at night", `"aggregateRating":{`, "Sign in to write",
		},
		"/exchanges/meridian":  {"Nobody has reviewed Meridian yet"},
		"/airdrops":            {"First readers", "19,624 BNY", "open to check"},
		"/airdrops/c1":         {"OpenZeppelin StandardMerkleTree", "Is a wallet on the list?"},
		"/reputation":          {"Epoch 12", "970", "16.5 %", top.Short(), "1,864 edges"},
		"/reputation/how":      {"The parameters now", "What it does not do", "banyan"},
		"/reputation/epochs/3": {"Epoch 3", "What makes it up", "StandardMerkleTree"},
		"/reputation/bound":    {"Compute the bound"},
		"/reputation/bound?wallets=" + top.String(): {"1 wallet", "1.00 %", "The edges that let most in"},
		"/wallets/" + top.String(): {
			"970", "16.5 %", "100 %", "one of the seeds", "&#43;407.4", "−97.0", "Distrusted by", "17 more ratings", "Reviews published", webtest.SampleWallet(7).Short(),
		},
		"/wallets/" + nobody: {"This wallet has no score yet", "has not reviewed an exchange yet"},
		"/sign-in":           {"Choose a wallet", "No wallet was found", "demo-wallet."},
		"/docs":              {`data-url="./api/openapi.json"`, "swagger-ui-bundle."},
	} {
		t.Run(path, func(t *testing.T) { contains(t, visitor.get(path, http.StatusOK), texts...) })
	}
}

func TestAnEmptySiteSaysWhatToDo(t *testing.T) {
	visitor := newVisitor(t, webtest.Empty(t))
	for path, texts := range map[string][]string{
		"/":           {"No exchanges yet", "No scores yet", "No airdrop is open", ">0</dd>", ">–</dd>"},
		"/exchanges":  {"No exchanges yet", "An operator can import a directory"},
		"/airdrops":   {"No airdrops yet"},
		"/reputation": {"No scores yet", "the first epoch is computed"},
	} {
		page := visitor.get(path, http.StatusOK)
		contains(t, page, texts...)
		if strings.Contains(page, "demo-wallet.") {
			t.Errorf("%s offers a demo wallet though there is none", path)
		}
	}
}

func TestEachModuleMayBeDown(t *testing.T) {
	sample := webtest.SampleWallet(3).String()
	type want struct {
		status  int
		missing string // "" = nothing is missing
		shown   string
	}
	for module, pages := range map[string]map[string]want{
		"reputation": {
			"/":                  {200, "Reputation", "Saltmarsh Swap"},
			"/reputation":        {503, "Reputation", "Look up a wallet"},
			"/wallets/" + sample: {200, "Reputation", "Kestrel Exchange"},
			"/exchanges":         {200, "", "Tidewater"},
			"/airdrops/c1":       {200, "", "First readers"},
		},
		"exchange-review": {
			"/":                           {200, "Exchange reviews", "Canopy season two"},
			"/exchanges":                  {503, "Exchange reviews", "Search"},
			"/exchanges/kestrel-exchange": {503, "", "A part of Banyan is not answering"},
			"/wallets/" + sample:          {200, "Exchange reviews", "5.46 %"},
		},
		"airdrop": {
			"/":             {200, "Airdrops", "Saltmarsh Swap"},
			"/airdrops":     {503, "Airdrops", "Check any wallet"},
			"/airdrops/c1":  {503, "", "A part of Banyan is not answering"},
			"/exchanges":    {200, "", "Tidewater"},
			"/reputation":   {200, "", "Epoch 12"},
			"/sign-in":      {200, "", "Choose a wallet"},
			"/no/such/page": {404, "", "There is nothing here"},
		},
	} {
		t.Run(module, func(t *testing.T) {
			s := webtest.Full(t)
			switch module {
			case "reputation":
				s.Reputation.Fail(webtest.Gone(module))
			case "exchange-review":
				s.Exchanges.Fail(webtest.Gone(module))
			case "airdrop":
				s.Airdrop.Fail(webtest.Gone(module))
			}
			visitor := newVisitor(t, s)
			for path, w := range pages {
				page := visitor.get(path, w.status)
				contains(t, page, w.shown)
				if marked := strings.Contains(page, `data-missing="`); marked != (w.missing != "") {
					t.Errorf("%s says that something is missing: %v", path, marked)
				}
				if w.missing != "" {
					contains(t, page, `data-missing="`+w.missing+`"`)
				}
			}
		})
	}
}

func TestADefectBehindAPageIsNoBlank500(t *testing.T) {
	s := webtest.Full(t)
	s.Exchanges.Fail(fault.New(fault.Internal, "something went wrong on our side"))
	page := newVisitor(t, s).get("/exchanges/meridian", http.StatusInternalServerError)
	contains(t, page, "Something went wrong on our side", "This is our mistake", "Request <code>")
}

func TestCheckAWallet(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	listed := webtest.SampleWallet(3).String()
	contains(t, visitor.get("/airdrops/c1?wallet="+listed, 200), `data-verdict="eligible"`, "121 BNY", "/airdrops/c1/proofs/"+listed+".json")
	contains(t, visitor.get("/airdrops/c2?wallet="+webtest.SampleWallet(5).String(), 200), "135 CNPY")
	contains(t, visitor.get("/airdrops/c1?wallet="+nobody, 200), `data-verdict="not-listed"`, "not on the list")
	contains(t, visitor.get("/airdrops/c1?wallet=0x12", 200), `data-verdict="wrong"`, "40 hex digits after 0x, this has 2")
	contains(t, visitor.get("/airdrops/c1?wallet=fren.base.eth", 200), `data-verdict="wrong"`, "is a name, and nothing is looked up here")
	contains(t, visitor.get("/airdrops/c1?wallet=eth:"+listed, 200), `data-verdict="eligible"`)
	// One digit too many upper case: a mistyped address, not another wallet.
	contains(t, visitor.get("/airdrops/c1?wallet=0x000000000000000000000000000000000000DEaD", 200), `data-verdict="wrong"`, "checksum")
	file := visitor.get("/airdrops/c1/proofs/"+listed+".json", 200)
	contains(t, file, `"proof":[`, `"amount":"121000000000000000000"`)
	if strings.Count(file, "\n") != 1 || !strings.HasSuffix(file, "\n") {
		t.Errorf("the proof is no single line, which banyan airdrop verify --proofs reads: %s", file)
	}
	visitor.get("/airdrops/c1/proofs/"+nobody+".json", 404)
	visitor.get("/airdrops/nothing", 404)

	// htmx asks for the answer alone.
	part := visitor.get("/airdrops/c1?wallet="+listed, 200, "HX-Request", "true", "HX-Target", "check")
	if strings.Contains(part, "<html") || !strings.Contains(part, `data-verdict="eligible"`) {
		t.Errorf("htmx got more or less than the answer: %.200s", part)
	}
}

func TestSearchGivesHTMXTheResultsAlone(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	part := visitor.get("/exchanges?q=tide", 200, "HX-Request", "true", "HX-Target", "results")
	if strings.Contains(part, "<html") || !strings.HasPrefix(strings.TrimSpace(part), `<section id="results"`) {
		t.Errorf("htmx got more than the results: %.200s", part)
	}
	// When htmx restores a page from its history it needs the whole.
	whole := visitor.get("/exchanges?q=tide", 200, "HX-Request", "true", "HX-Target", "results", "HX-History-Restore-Request", "true")
	contains(t, whole, "<html", `value="tide"`)
	visitor.get("/exchanges?sort=luck", 400)
	contains(t, visitor.get("/exchanges?cursor=elsewhere", 400), "omit it for the first page")
}

// nextOf returns the address of the page after the one in this text.
func nextOf(t *testing.T, text, path string) string {
	t.Helper()
	found := regexp.MustCompile(`href="(\?cursor=[A-Za-z0-9_-]+)" rel="next"`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no page follows %s in %s", path, text)
	}
	return path + found[1]
}

func TestTheDirectoryHasPages(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	first := visitor.get("/exchanges", http.StatusOK)
	// Who has too little evidence for a score has no rank either.
	contains(t, first, `<span class="place" aria-hidden="true">–</span>`, `<span class="place" aria-hidden="true">2</span>`)
	second := visitor.get(nextOf(t, first, "/exchanges"), http.StatusOK)
	contains(t, second, "Back to the first page")
	if strings.Contains(second, "Tidewater") {
		t.Error("the second page has the first exchange of the first")
	}
}

// Exchanges are chosen by what shows that reviewers used them.
func TestTheDirectoryIsFilteredByProofOfUse(t *testing.T) {
	s := webtest.Full(t)
	proven := s.Exchanges.Written[0].Exchange
	for i := range s.Exchanges.Written {
		s.Exchanges.Written[i].Proof = nil
	}
	s.Exchanges.Written[0].Proof = &exchangereview.Proof{Kind: exchangereview.ProofSwap}
	v := newVisitor(t, s)
	page := v.get("/exchanges?proof=swap", http.StatusOK)
	contains(t, page, "1 exchange found", `exchanges/`+proven+`"`, `<option value="swap" selected>A swap`)
	contains(t, v.get("/exchanges?proof=withdrawal", http.StatusOK), "No exchange found")
	contains(t, v.get("/exchanges?proof=words", http.StatusBadRequest), "is swap, attestation, withdrawal or any")
}

func TestWalletsAreLookedUpByAddress(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	lower := strings.ToLower(webtest.SampleWallet(2).String())
	contains(t, visitor.get("/reputation?wallet="+lower, 200), "Wallet "+webtest.SampleWallet(2).Short()) // followed the redirect
	contains(t, visitor.get("/reputation?wallet=me", 400), "is no address: write 0x and 40 hex digits", `aria-invalid="true"`)
	contains(t, visitor.get("/wallets/0x12", 404), "This is not a wallet address")
}

func TestWhatPeopleWriteStaysText(t *testing.T) {
	s := webtest.Full(t)
	s.Exchanges.Written[0].Text = `<script>alert(1)</script>`
	s.Exchanges.Listed[0].Name, s.Exchanges.Listed[0].Website = `<img src=x onerror=alert(1)>`, `javascript:alert(1)`
	visitor := newVisitor(t, s)
	for _, path := range []string{"/", "/exchanges", "/exchanges/" + s.Exchanges.Listed[0].Slug, "/exchanges/" + s.Exchanges.Written[0].Exchange} {
		page := visitor.get(path, 200)
		for _, bad := range []string{"<script>alert", "<img src=x", `href="javascript:`} {
			if strings.Contains(page, bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
	}
}

var (
	inline = regexp.MustCompile(`<[^>]+ (style|on[a-z]+)="`)
	script = regexp.MustCompile(`<script[^>]*>`)
)

func TestPagesKeepTheContentSecurityPolicy(t *testing.T) {
	s := webtest.Full(t)
	visitor := newVisitor(t, s)
	for _, path := range []string{"/", "/exchanges", "/exchanges/kestrel-exchange", "/airdrops/c1", "/reputation", "/wallets/" + webtest.SampleWallet(1).String(), "/docs", "/nothing"} {
		resp, page := visitor.fetch(http.MethodGet, path, "", "")
		policy := resp.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(policy)
		if nonce == nil || strings.Contains(policy, "unsafe") {
			t.Fatalf("%s has the policy %q", path, policy)
		}
		if found := inline.FindString(page); found != "" {
			t.Errorf("%s has inline style or script: %s", path, found)
		}
		for _, tag := range script.FindAllString(page, -1) {
			if !strings.Contains(tag, `nonce="`+nonce[1]+`"`) && !strings.Contains(tag, "application/ld+json") {
				t.Errorf("%s has a script without the nonce: %s", path, tag)
			}
		}
	}
}

func TestAssetsMayBeKeptForEver(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	assets := regexp.MustCompile(`/assets/[^"]+`).FindAllString(visitor.get("/docs", 200), -1)
	if len(assets) < 9 {
		t.Fatalf("the page names only %v", assets)
	}
	for _, url := range assets {
		resp, body := visitor.fetch(http.MethodGet, url, "", "")
		if resp.StatusCode != 200 || body == "" || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", url, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
		if kind := resp.Header.Get("Content-Type"); !strings.HasSuffix(kind, "charset=utf-8") {
			t.Errorf("%s is sent as %s", url, kind)
		}
	}
	visitor.get("/assets/base.000000000000.css", 404)
}

func TestPersonalPagesAreNotStored(t *testing.T) {
	s := webtest.Full(t)
	visitor := newVisitor(t, s)
	if resp, _ := visitor.fetch(http.MethodGet, "/", "", ""); resp.Header.Get("Cache-Control") != "no-cache, private" {
		t.Errorf("a public page has Cache-Control %q", resp.Header.Get("Cache-Control"))
	}
	visitor.signIn(webtest.Key(t, "somebody"))
	if resp, _ := visitor.fetch(http.MethodGet, "/", "", ""); resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a personal page has Cache-Control %q", resp.Header.Get("Cache-Control"))
	}
}
