package web_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/web/webtest"
)

func TestTheDemoWalletSignsForItselfOnly(t *testing.T) {
	s := webtest.Full(t)
	v, own := newVisitor(t, s), webtest.AddressOf(s.DemoKey).String()
	ask := func(body string) (status int, result, detail string) {
		t.Helper()
		status, answer := v.post("/demo/sign", "application/json", body)
		var a struct {
			Result json.RawMessage
			Detail string
		}
		if err := json.Unmarshal([]byte(answer), &a); err != nil {
			t.Fatalf("%s is answered with %s", body, answer)
		}
		return status, strings.Trim(string(a.Result), `"`), a.Detail
	}
	if _, result, _ := ask(`{"method":"eth_accounts"}`); result != `["`+own+`"]` {
		t.Errorf("its accounts are %s", result)
	}
	if _, result, _ := ask(`{"method":"eth_chainId"}`); result != "0x1" {
		t.Errorf("its chain is %s", result)
	}
	_, result, _ := ask(`{"method":"personal_sign","params":["0x6869","` + own + `"]}`)
	signature, err := hex.DecodeString(strings.TrimPrefix(result, "0x"))
	if err != nil || len(signature) != 65 {
		t.Fatalf("personal_sign returns %s", result)
	}
	signature[64] -= 27
	key, err := crypto.SigToPub(accounts.TextHash([]byte("hi")), signature)
	if err != nil || crypto.PubkeyToAddress(*key).String() != own {
		t.Errorf("personal_sign is by another wallet: %v", err)
	}
	for body, want := range map[string]int{
		`{"method":"personal_sign","params":["0x6869","` + nobody + `"]}`:     400,
		`{"method":"personal_sign","params":["hi","` + own + `"]}`:            400,
		`{"method":"personal_sign","params":["0x6869"]}`:                      400,
		`{"method":"eth_signTypedData_v4","params":["` + own + `","{}"]}`:     400,
		`{"method":"eth_sendTransaction","params":[{"to":"` + nobody + `"}]}`: 415,
		`no JSON`: 400,
	} {
		if status, result, detail := ask(body); status != want || result != "" || detail == "" {
			t.Errorf("%s: %d %q %q, want %d with words", body, status, result, detail, want)
		}
	}
}

// TestTheDemoWalletSignsOnlyForPagesOfThisMachine: what a site of somebody else
// can make a browser send here is refused, whatever name it made lead here.
func TestTheDemoWalletSignsOnlyForPagesOfThisMachine(t *testing.T) {
	s := webtest.Full(t)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	const asJSON = "application/json"
	for name, c := range map[string]struct {
		host, contentType string
		headers           []string
		want              int
	}{
		"the address":               {"127.0.0.1" + port, asJSON, nil, 200},
		"the page's own script":     {"127.0.0.1" + port, asJSON, []string{"Origin", s.URL, "Sec-Fetch-Site", "same-origin"}, 200},
		"a name of this machine":    {"localhost" + port, "application/json; charset=utf-8", nil, 200},
		"another loopback address":  {"[::1]" + port, asJSON, nil, 200},
		"a port that is forwarded":  {"localhost:9999", asJSON, nil, 200},
		"a name that leads here":    {"evil.example" + port, asJSON, []string{"Origin", "http://evil.example" + port, "Sec-Fetch-Site", "same-origin"}, 421},
		"one that looks like it":    {"127.0.0.1.evil.example", asJSON, nil, 421},
		"an address of the network": {"192.0.2.1" + port, asJSON, nil, 421},
		"another site's script":     {"127.0.0.1" + port, asJSON, []string{"Origin", "http://evil.example"}, 403},
		"another port's script":     {"127.0.0.1" + port, asJSON, []string{"Origin", "http://127.0.0.1:1"}, 403},
		"another site's form":       {"127.0.0.1" + port, "text/plain", nil, 415},
		"another site's request":    {"127.0.0.1" + port, "", nil, 415},
		"a form in an old browser":  {"127.0.0.1" + port, "application/x-www-form-urlencoded", nil, 415},
		"JSON as a parameter only":  {"127.0.0.1" + port, "text/plain; application/json", nil, 415},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/demo/sign", strings.NewReader(`{"method":"eth_accounts"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		for i := 0; i < len(c.headers); i += 2 {
			req.Header.Set(c.headers[i], c.headers[i+1])
		}
		if c.contentType != "" {
			req.Header.Set("Content-Type", c.contentType)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, c.want)
		}
	}
}

func TestTheDemoWalletWantsTheSessionsToken(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.DemoKey)
	for token, want := range map[string]int{"": 403, "of-another-session": 403, v.csrf(): 200} {
		resp, _ := v.fetch(http.MethodPost, "/demo/sign", "application/json", `{"method":"eth_accounts"}`, "X-CSRF-Token", token)
		if resp.StatusCode != want {
			t.Errorf("with the token %q: %d, want %d", token, resp.StatusCode, want)
		}
	}
}

// TestWithoutADemoNothingOfItsWalletIsServed, not even the script to those who
// know its address.
func TestWithoutADemoNothingOfItsWalletIsServed(t *testing.T) {
	script := demoScript.FindString(newVisitor(t, webtest.Full(t)).get("/sign-in", http.StatusOK))
	if script == "" {
		t.Fatal("a demo does not name the script of its wallet")
	}
	newVisitor(t, webtest.Full(t)).get(script, http.StatusOK)
	v := newVisitor(t, webtest.Empty(t))
	v.get(script, http.StatusNotFound)
	if status, _ := v.post("/demo/sign", "application/json", `{"method":"eth_accounts"}`); status != http.StatusNotFound {
		t.Errorf("the demo wallet answers %d on a site without one", status)
	}
}

var demoScript = regexp.MustCompile(`/assets/demo-wallet\.[0-9a-f]+\.js`)
