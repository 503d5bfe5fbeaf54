package web_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/exchangereview"
	"banyan/web/webtest"
)

func marks(overall string) url.Values {
	return url.Values{
		"overall": {overall}, "withdrawals": {"4"}, "support": {"4"}, "fees": {"4"}, "execution": {"4"}, "security": {"4"}, "ease": {"4"},
		"text": {"One line.\r\nAnother."},
	}
}

func TestAReviewIsPreparedForTheSignedInWalletAndPublished(t *testing.T) {
	s := webtest.Full(t)
	v, key := newVisitor(t, s), webtest.Key(t, "a writer")
	asScript := []string{"Accept", "application/json"}

	if status, answer := v.form("/exchanges/meridian/review", marks("4"), asScript...); status != http.StatusUnauthorized || !strings.Contains(answer, `"code":"unauthenticated"`) {
		t.Errorf("without a session: %d %s", status, answer)
	}
	v.signIn(key)
	contains(t, v.get("/exchanges/meridian", 200), "Give marks from 1", `data-wallet="`+webtest.AddressOf(key).String()+`"`)
	if status, answer := v.form("/exchanges/meridian/review", marks("6"), asScript...); status != 400 || !strings.Contains(answer, `"name":"Overall"`) {
		t.Errorf("six stars: %d %s", status, answer)
	}
	if status, page := v.form("/exchanges/meridian/review", marks("4")); status != 400 || !strings.Contains(page, "needs JavaScript") {
		t.Errorf("without a script: %d", status)
	}
	if status, _ := v.post("/exchanges/meridian/review", "application/x-www-form-urlencoded", marks("4").Encode(), asScript...); status != http.StatusForbidden {
		t.Errorf("without the session's token: %d, want 403", status)
	}
	status, answer := v.form("/exchanges/meridian/review", marks("4"), asScript...)
	var prepared exchangereview.PreparedReview
	if err := json.Unmarshal([]byte(answer), &prepared); err != nil || status != 200 {
		t.Fatalf("prepare: %d %s", status, answer)
	}
	if prepared.Review.Wallet != webtest.AddressOf(key) || prepared.Review.Overall != 4 || prepared.Review.Text != "One line.\nAnother." {
		t.Errorf("prepared %+v", prepared.Review)
	}

	if prepared.Review.Slug != "meridian" {
		t.Errorf("what the browser has to send back names the exchange %q", prepared.Review.Slug)
	}
	publish := func(slug string, p exchangereview.PreparedReview) (int, string) {
		t.Helper()
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return v.post("/exchanges/"+slug+"/review/publish", "application/json", string(body), "X-CSRF-Token", v.csrf(), "Accept", "application/json")
	}
	if status, answer := publish("meridian", prepared); status != http.StatusBadRequest {
		t.Errorf("a review without a signature: %d %s", status, answer)
	}
	prepared.Review.Signature = sign(t, key, prepared.TypedData)
	if status, answer := publish("kraken", prepared); status != http.StatusBadRequest || !strings.Contains(answer, "another exchange") {
		t.Errorf("a review of another exchange: %d %s", status, answer)
	}
	if status, answer := publish("meridian", prepared); status != 200 || !strings.Contains(answer, `"/exchanges/meridian#review-`) {
		t.Errorf("a signed review: %d %s", status, answer)
	}
}

// sign does what a wallet does for eth_signTypedData_v4.
func sign(t *testing.T, key *ecdsa.PrivateKey, document exchangereview.TypedData) (signature exchangereview.Signature) {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(text, &typed); err != nil {
		t.Fatal(err)
	}
	digest, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := crypto.Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	raw[64] += 27
	return exchangereview.Signature(raw)
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	s := webtest.Full(t)
	key := webtest.Key(t, "two browsers")
	here, there := newVisitor(t, s), newVisitor(t, s)
	here.signIn(key)
	there.signIn(key)
	page := here.get("/sessions", 200)
	contains(t, page, "this session", "End session")
	_, rest, _ := strings.Cut(page, `action="./sessions/`)
	id, _, _ := strings.Cut(rest, "/end")
	if status, _ := here.post("/sessions/"+id+"/end", "application/x-www-form-urlencoded", ""); status != http.StatusForbidden {
		t.Errorf("a session was ended without the token: %d", status)
	}
	if status, page := here.form("/sessions/"+id+"/end", url.Values{}); status != 200 || strings.Contains(page, "End session") {
		t.Errorf("ending the other session: %d", status)
	}
	contains(t, there.get("/sessions", 200), "Sign in with your wallet")
	if status, page := here.form("/sign-out", url.Values{}); status != 200 || strings.Contains(page, "My sessions") {
		t.Errorf("signing out: %d", status)
	}
}

func TestSigningInLeadsBackToThisSiteOnly(t *testing.T) {
	v := newVisitor(t, webtest.Full(t))
	for next, want := range map[string]string{
		"/exchanges?q=x": "/exchanges?q=x", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "": "/", "/a\tb": "/",
	} {
		contains(t, v.get("/sign-in?next="+url.QueryEscape(next), 200), `data-next=".`+want+`"`)
	}
}

func TestOnlyOperatorsOperate(t *testing.T) {
	s := webtest.Full(t)
	stranger, member := newVisitor(t, s), newVisitor(t, s)
	contains(t, stranger.get("/operator", 200), "Sign in with your wallet")
	member.signIn(webtest.Key(t, "a member"))
	contains(t, member.get("/operator", http.StatusForbidden), "This is not open to you")
	member.get("/airdrops/c3", http.StatusNotFound) // a draft
	if page := member.get("/airdrops/c1", 200); strings.Contains(page, "operators only") {
		t.Error("a member sees the operator's forms")
	}
	for _, path := range []string{"/operator/epochs", "/operator/campaigns", "/operator/campaigns/c3/build"} {
		if status, _ := member.form(path, url.Values{}); status != http.StatusForbidden {
			t.Errorf("a member's POST %s: %d, want 403", path, status)
		}
	}
	for _, path := range []string{"/operator/trust", "/operator/exchanges", "/operator/campaigns/c3/list"} {
		if status, _ := member.upload(path, member.csrf(), "x"); status != http.StatusForbidden {
			t.Errorf("a member's upload to %s: %d, want 403", path, status)
		}
	}
}

func TestTheOperatorPage(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/operator", 200), `data-module="reputation"`, "remote", "http://127.0.0.1:8081", "184,550", "412 µs", "3.1 ms", `data-module="airdrop"`, "local", "20,311", "epoch 12")
	contains(t, v.get("/operator", 200), `data-database="reputation"`, "91,204", "45.3", "311 of 1,024", "2.1 ms", "18.7 ms", "3 ms", "71 MiB", "240 s", "3 of 8 busy, waited for 12 times",
		`data-database="airdrop"`, "PostgreSQL", "1 of 4 busy")

	if status, page := v.form("/operator/epochs", url.Values{}); status != 200 || !strings.Contains(page, "Epoch 13 is computed") {
		t.Errorf("compute an epoch: %d", status)
	}
	status, page := v.upload("/operator/trust", v.csrf(), "a,b,1\nc,d\n")
	if status != 400 {
		t.Errorf("a wrong row: %d, want 400", status)
	}
	contains(t, page, `data-outcome="refused"`, "line 2: has no weight", "Nothing was changed")
	status, page = v.upload("/operator/trust", v.csrf(), "a,b,1\nc,d,2\n")
	if status != 200 || !strings.Contains(page, "2 edges between 3 wallets were imported") {
		t.Errorf("import trust: %d", status)
	}
	if _, page = v.upload("/operator/trust", v.csrf(), "a,b,1,x\n"); !strings.Contains(page, "Of the list, not used: note.") {
		t.Error("a column without a use is not named")
	}
	if status, _ := v.upload("/operator/trust", "", "a,b,1\n"); status != http.StatusForbidden {
		t.Errorf("an upload without the session's token: %d, want 403", status)
	}
	if status, page := v.post("/operator/trust", "multipart/form-data; boundary=x", "--x--\r\n", "X-CSRF-Token", v.csrf()); status != 400 || !strings.Contains(page, "no file") {
		t.Errorf("a form without a file: %d", status)
	}
	s.Reputation.Fail(webtest.Gone("reputation"))
	contains(t, v.get("/operator", 200), `data-missing="Reputation"`, "Create a campaign")
}

func TestACampaignFromDraftToRoot(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	draft := url.Values{"name": {""}, "symbol": {"TKN"}, "decimals": {"6"}, "format": {"oz"}, "description": {"kept"}}
	status, page := v.form("/operator/campaigns", draft)
	if status != 400 {
		t.Errorf("a campaign without a name: %d, want 400", status)
	}
	contains(t, page, "name: has 1 to 100 characters", `value="TKN"`, ">kept</textarea>")
	draft.Set("name", "Leaves")
	status, page = v.form("/operator/campaigns", draft)
	if status != 200 || !strings.Contains(page, "There is no list yet") {
		t.Fatalf("create: %d", status)
	}
	status, page = v.form("/operator/campaigns/c5/build", url.Values{})
	if status != http.StatusConflict || !strings.Contains(page, "There is no list yet: upload one") {
		t.Errorf("build without a list: %d, want 409", status)
	}
	status, page = v.upload("/operator/campaigns/c5/list", v.csrf(), webtest.SampleWallet(0).String()+",2500000\n", "on_duplicate", "error")
	if status != 200 || !strings.Contains(page, "1 wallet, 2.5 TKN") || !strings.Contains(page, "\nRows read: 1\n") {
		t.Errorf("upload: %d", status)
	}
	sure := askedToBuild(t, v, "<dt>Claims</dt><dd>1</dd>", "2.5 TKN", "<dt>Largest amount</dt><dd>2</dd>", "<dt>Duplicates</dt><dd>none</dd>")

	// Another list comes meanwhile: the answer is not about it.
	s.Airdrop.Merged = 2
	v.upload("/operator/campaigns/c5/list", v.csrf(), webtest.SampleWallet(0).String()+",3500000\n", "on_duplicate", "sum")
	status, page = v.form("/operator/campaigns/c5/build", url.Values{"sure": {sure}})
	if status != 200 || strings.Contains(page, `id="root"`) {
		t.Errorf("built over a list that was not asked about: %d", status)
	}
	contains(t, page, "The list was replaced meanwhile", "3.5 TKN", "2 rows were of a wallet that had one already")
	status, page = v.form("/operator/campaigns/c5/build", url.Values{"sure": {askedToBuild(t, v, "3.5 TKN")}})
	if status != 200 || !strings.Contains(page, `id="root"`) {
		t.Errorf("build: %d", status)
	}
}

// askedToBuild presses "build" and returns what the question's answer names.
func askedToBuild(t *testing.T, v *visitor, says ...string) (sure string) {
	t.Helper()
	status, page := v.form("/operator/campaigns/c5/build", url.Values{})
	if status != 200 || strings.Contains(page, `id="root"`) {
		t.Fatalf("built without a question: %d", status)
	}
	_, question, _ := strings.Cut(page, "data-question")
	contains(t, question, append(says, "Build it for good", "Not yet")...)
	_, sure, _ = strings.Cut(question, `name="sure" value="`)
	sure, _, _ = strings.Cut(sure, `"`)
	return sure
}

func TestADraftIsRenamedAndDeleted(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/airdrops", 200), "list not final", "draft")
	contains(t, v.get("/airdrops/c3", 200), "The list is not final yet")
	contains(t, v.get("/airdrops/c4", 200), "There is no list yet")
	status, page := v.form("/operator/campaigns/c3/edit", url.Values{"name": {"Longer <roots>"}, "description": {"another"}})
	if status != 200 {
		t.Fatalf("rename: %d", status)
	}
	contains(t, page, "<h1>Longer &lt;roots&gt;", "is called “Longer &lt;roots&gt;” now", "another")
	if status, page = v.form("/operator/campaigns/c3/edit", url.Values{"name": {" "}, "description": {"kept"}}); status != 400 {
		t.Errorf("a name that is empty: %d", status)
	}
	contains(t, page, `data-field="name"`, ">kept</textarea>")
	if status, page = v.form("/operator/campaigns/c3/delete", url.Values{"confirm": {"Longer"}}); status != 400 {
		t.Errorf("deleted without its name: %d", status)
	}
	contains(t, page, `data-field="confirm"`, "type its name")
	if status, page = v.form("/operator/campaigns/c3/delete", url.Values{"confirm": {"Longer <roots>"}}); status != 200 {
		t.Errorf("delete: %d", status)
	}
	contains(t, page, "“Longer &lt;roots&gt;” is deleted")
	v.get("/airdrops/c3", http.StatusNotFound)
	if status, page = v.form("/operator/campaigns/c1/delete", url.Values{"confirm": {nameOf(t, v, "/airdrops/c1")}}); status != http.StatusConflict || !strings.Contains(page, "cannot be deleted") {
		t.Errorf("a built campaign: %d", status)
	}
}

// nameOf returns the heading of a page.
func nameOf(t *testing.T, v *visitor, path string) string {
	t.Helper()
	_, rest, _ := strings.Cut(v.get(path, 200), "<h1>")
	name, _, found := strings.Cut(rest, "<")
	if !found {
		t.Fatalf("%s has no heading", path)
	}
	return strings.TrimSpace(name)
}

func TestTheListFormKeepsItsChoicesWhenAListIsRefused(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	choices := []string{"on_duplicate", "sum", "zero", "skip", "decimals", "true", "address_column", "2", "amount_column", `"units"`, "chain", "base", "map_amounts", "hex"}
	status, page := v.upload("/operator/campaigns/c3/list", v.csrf(), "nobody,1\n", choices...)
	if status != 400 {
		t.Errorf("a wrong list: %d, want 400", status)
	}
	contains(t, page, `value="sum" selected`, `value="skip" selected`, `value="true" checked`, `name="address_column" type="text" value="2"`,
		`value="&#34;units&#34;"`, `name="chain" type="text" value="base"`, `value="hex" selected`, `<details class="more" open>`, "Choose the file again")
	if page := v.get("/airdrops/c3", 200); strings.Contains(page, " selected>add") || strings.Contains(page, `<details class="more" open>`) || strings.Contains(page, "Choose the file again") {
		t.Error("the form has choices that nobody made")
	}
	status, page = v.post("/operator/campaigns/c3/list", "multipart/form-data; boundary=x",
		"--x\r\nContent-Disposition: form-data; name=\"zero\"\r\n\r\nskip\r\n--x--\r\n", "X-CSRF-Token", v.csrf())
	if status != 400 || !strings.Contains(page, `data-outcome="refused"`) || !strings.Contains(page, "no file") || !strings.Contains(page, `value="skip" selected`) {
		t.Errorf("without a file: %d", status)
	}
}

// A hundred wrong lines must not push the form that mends them off the screen.
func TestManyWrongLinesAreFolded(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	for lines, folded := range map[int]string{1: "", 10: "", 11: "<summary>1 more</summary>", 100: "<summary>90 more</summary>"} {
		_, page := v.upload("/operator/campaigns/c3/list", v.csrf(), strings.Repeat("nobody,1\n", lines), "on_duplicate", "error")
		if n := strings.Count(page, `">line `) + strings.Count(page, "<li>line "); n != lines {
			t.Errorf("%d of %d wrong lines are shown", n, lines)
		}
		if (folded == "") == strings.Contains(page, " more</summary>") || !strings.Contains(page, folded) {
			t.Errorf("of %d lines it is not %q that is folded", lines, folded)
		}
	}
}

// TestAWriterAppeals: the form is there when something was decided, and what is signed
// reaches the module.
func TestAWriterAppeals(t *testing.T) {
	s := webtest.Full(t)
	v, key := newVisitor(t, s), webtest.Key(t, "a writer")
	v.signIn(key)
	mine := exchangereview.Review{
		Exchange: "meridian", Wallet: webtest.AddressOf(key), Overall: 1, Version: 1, State: exchangereview.Counted, CreatedMS: webtest.SampleMS,
		Aspects: exchangereview.Aspects[int]{Withdrawals: 1, Support: 1, Fees: 1, Execution: 1, Security: 1, Ease: 1},
	}
	s.Exchanges.Written = append([]exchangereview.Review{mine}, s.Exchanges.Written...)
	const page = "/exchanges/meridian"
	if strings.Contains(v.get(page, 200), `id="appeal"`) {
		t.Error("there is something to appeal against")
	}
	s.Exchanges.Written[0].State = exchangereview.Removed
	contains(t, v.get(page, 200), `id="appeal"`, "A moderator has removed your review")
	words := url.Values{"text": {"It is true."}}
	if status, page := v.form(page+"/appeal", words); status != 400 || !strings.Contains(page, "needs JavaScript") {
		t.Errorf("without a script: %d", status)
	}
	status, answer := v.form(page+"/appeal", words, "Accept", "application/json")
	var prepared exchangereview.PreparedAppeal
	if err := json.Unmarshal([]byte(answer), &prepared); err != nil || status != 200 {
		t.Fatalf("prepare: %d %s", status, answer)
	}
	prepared.Appeal.Signature = sign(t, key, prepared.TypedData)
	body, err := json.Marshal(prepared)
	if err != nil {
		t.Fatal(err)
	}
	status, answer = v.post(page+"/appeal/publish", "application/json", string(body), "X-CSRF-Token", v.csrf(), "Accept", "application/json")
	if status != 200 || !strings.Contains(answer, `"/exchanges/meridian"`) {
		t.Errorf("publish: %d %s", status, answer)
	}
	if got := s.Exchanges.Appealed; len(got) != 1 || got[0].Slug != "meridian" || got[0].Text != "It is true." || got[0].Wallet != webtest.AddressOf(key) {
		t.Errorf("appealed %+v", got)
	}
	contains(t, v.get(page, 200), "Your appeal is in the queue")
}
