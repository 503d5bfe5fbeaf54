package web_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/web/webtest"
)

// visitor is a browser without scripts.
type visitor struct {
	t      *testing.T
	site   *webtest.Site
	client *http.Client
}

func newVisitor(t *testing.T, s *webtest.Site) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, s, &http.Client{Jar: jar}}
}

// fetch sends a request; headers are names and values in turn.
func (v *visitor) fetch(method, path, contentType, body string, headers ...string) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.site.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Banyan-Wait", "yes") // a busy machine makes no test fail
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp, string(text)
}

func (v *visitor) get(path string, status int, headers ...string) string {
	v.t.Helper()
	resp, body := v.fetch(http.MethodGet, path, "", "", headers...)
	if resp.StatusCode != status {
		v.t.Fatalf("GET %s: %d, want %d\n%.2000s", path, resp.StatusCode, status, body)
	}
	return body
}

func (v *visitor) post(path, contentType, body string, headers ...string) (int, string) {
	v.t.Helper()
	resp, answer := v.fetch(http.MethodPost, path, contentType, body, headers...)
	return resp.StatusCode, answer
}

// form posts fields with the session's token.
func (v *visitor) form(path string, fields url.Values, headers ...string) (int, string) {
	v.t.Helper()
	fields.Set("csrf", v.csrf())
	return v.post(path, "application/x-www-form-urlencoded", fields.Encode(), headers...)
}

// upload posts a file after the fields, as browsers do in the order of the form.
func (v *visitor) upload(path, token, content string, fields ...string) (int, string) {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := form.WriteField("csrf", token); err != nil {
		v.t.Fatal(err)
	}
	file, err := form.CreateFormFile("file", "list.csv")
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := io.WriteString(file, content); err != nil {
		v.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		v.t.Fatal(err)
	}
	return v.post(path, form.FormDataContentType(), body.String())
}

var csrfTag = regexp.MustCompile(`<meta name="csrf" content="([^"]+)">`)

// csrf reads the token of the visitor's session from a page, "" without one.
func (v *visitor) csrf() string {
	v.t.Helper()
	found := csrfTag.FindStringSubmatch(v.get("/airdrops", http.StatusOK))
	if found == nil {
		return ""
	}
	return found[1]
}

func (v *visitor) signIn(key *ecdsa.PrivateKey) {
	v.t.Helper()
	address := webtest.AddressOf(key).String()
	status, answer := v.post("/api/v1/identity/nonce", "application/json", `{"address":"`+address+`","chain_id":1}`)
	var challenge struct{ Message string }
	if err := json.Unmarshal([]byte(answer), &challenge); err != nil || status != http.StatusOK {
		v.t.Fatalf("ask for a sign-in message: %d %s", status, answer)
	}
	signature, err := crypto.Sign(accounts.TextHash([]byte(challenge.Message)), key)
	if err != nil {
		v.t.Fatal(err)
	}
	signature[64] += 27
	body, err := json.Marshal(map[string]string{"message": challenge.Message, "signature": "0x" + hex.EncodeToString(signature)})
	if err != nil {
		v.t.Fatal(err)
	}
	if status, answer := v.post("/api/v1/identity/sign-in", "application/json", string(body)); status != http.StatusOK {
		v.t.Fatalf("sign in: %d %s", status, answer)
	}
}

func contains(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}
