package ui

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAPageIsHotWhileManyAskForIt(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	pages := hotPages{now: func() time.Time { return now }}
	made := func(nonce, text string) *recorded {
		return &recorded{nonce: nonce, body: *bytes.NewBufferString(text)}
	}
	for n := range hotAfter {
		if page, toMake := pages.visit("a"); page != nil || toMake {
			t.Fatalf("visit %d: %v, %v", n+1, page, toMake)
		}
	}
	page, toMake := pages.visit("a")
	if page == nil || !toMake {
		t.Fatal("nobody makes the page that many ask for")
	}
	other, toMake := pages.visit("a")
	if other != page || toMake {
		t.Fatal("two make the same page")
	}
	if page, toMake := pages.visit("b"); page != nil || toMake {
		t.Error("another page is hot, too")
	}
	pages.keep(page, made("NONCE", "one NONCE two NONCE"))
	<-other.made
	if got := string(bytes.Join(other.parts, []byte("X"))); got != "one X two X" {
		t.Errorf("the page is %q", got)
	}
	now = now.Add(hotFor)
	if page, toMake := pages.visit("a"); page != nil || toMake {
		t.Error("an old page is shown")
	}

	for range hotAfter {
		pages.visit("fails")
	}
	failed, _ := pages.visit("fails")
	pages.keep(failed, nil)
	if waits, _ := pages.visit("fails"); waits != failed || waits.parts != nil {
		t.Error("who waits for a page that fails does not make it")
	}
	<-failed.made

	for range hotAfter {
		pages.visit("large")
	}
	large, _ := pages.visit("large")
	pages.bytes = hotMost - 3
	pages.keep(large, made("NONCE", "four"))
	if large.parts != nil {
		t.Error("more is kept than there is room for")
	}
	for n := range hotVisits {
		pages.visit(string(rune(n)))
	}
	if len(pages.visits) != hotVisits {
		t.Errorf("%d pages are counted", len(pages.visits))
	}
}

// A client that reads slowly, or not at all, keeps nobody waiting for the page.
func TestAHotPageIsKeptBeforeItIsSent(t *testing.T) {
	var pages hotPages
	for range hotAfter {
		pages.visit("a")
	}
	page, _ := pages.visit("a")
	client := httptest.NewRecorder()
	answer := pages.make(page, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", sharedPage)
		rw.WriteHeader(http.StatusOK)
		_, _ = rw.Write([]byte("text")) // into memory
	}, client, httptest.NewRequest(http.MethodGet, "/", nil))
	<-page.made
	if page.parts == nil || client.Body.Len() > 0 {
		t.Fatalf("kept: %v, sent: %q", page.parts != nil, client.Body)
	}
	if answer.send(); client.Body.String() != "text" {
		t.Errorf("sent: %q", client.Body)
	}
}

func TestAPageThatFailsIsSentAndNotKept(t *testing.T) {
	var pages hotPages
	for range hotAfter {
		pages.visit("a")
	}
	page, _ := pages.visit("a")
	client := httptest.NewRecorder()
	pages.make(page, func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "gone", http.StatusNotFound) }, client, httptest.NewRequest(http.MethodGet, "/", nil)).send()
	<-page.made
	if page.parts != nil || client.Code != http.StatusNotFound || client.Body.String() != "gone\n" {
		t.Errorf("kept: %v, sent: %d %q", page.parts != nil, client.Code, client.Body)
	}
}
