package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"banyan/web/webtest"
)

// get fetches a page and checks what must hold for every page.
func get(t *testing.T, client *http.Client, url string, status int) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Fatalf("GET %s: %d, want %d\n%s", url, resp.StatusCode, status, body)
	}
	return string(body)
}

func contains(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

func TestEveryPageOfAFullSite(t *testing.T) {
	s := webtest.Full(t)
	for _, path := range []string{"/", "/exchanges", "/exchanges/meridian", "/exchanges/kestrel-exchange", "/airdrops", "/airdrops/c1", "/airdrops/c3", "/airdrops/c4", "/reputation",
		"/wallets/" + webtest.SampleWallet(0).String(), "/sign-in", "/docs"} {
		get(t, http.DefaultClient, s.URL+path, 200)
	}
}
