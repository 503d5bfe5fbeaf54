package process_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
)

// browser keeps cookies, as a browser does.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, &http.Client{Jar: jar}}
}

// send sends a request and reads the answer.
func (b *browser) send(method, path, media, body string) (status int, text string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
		req.Header.Set("Origin", b.base)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// ask sends a request, a form when there is one.
func (b *browser) ask(method, path string, form url.Values) (status int, text string) {
	b.t.Helper()
	if form == nil {
		return b.send(method, path, "", "")
	}
	return b.send(method, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *browser) post(path string, form url.Values) (status int) {
	b.t.Helper()
	status, _ = b.ask("POST", path, form)
	return status
}

// get returns a page that must be there.
func (b *browser) get(path string) string {
	b.t.Helper()
	status, text := b.ask("GET", path, nil)
	if status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, status, text)
	}
	return text
}

// signIn signs in as a wallet does in the browser.
func (b *browser) signIn(a author) {
	b.t.Helper()
	status, text := b.send("POST", "/api/v1/identity/nonce", "application/json", fmt.Sprintf(`{"address":%q,"chain_id":1}`, a.address))
	var asked struct{ Message string }
	if err := json.Unmarshal([]byte(text), &asked); err != nil || status != http.StatusOK {
		b.t.Fatalf("the sign-in message: %d %s %v", status, text, err)
	}
	signed, err := crypto.Sign(accounts.TextHash([]byte(asked.Message)), a.key)
	if err != nil {
		b.t.Fatal(err)
	}
	signed[64] += 27
	body, err := json.Marshal(map[string]string{"message": asked.Message, "signature": fmt.Sprintf("0x%x", signed)})
	if err != nil {
		b.t.Fatal(err)
	}
	if status, text := b.send("POST", "/api/v1/identity/sign-in", "application/json", string(body)); status != http.StatusOK {
		b.t.Fatalf("the sign-in: %d %s", status, text)
	}
}
