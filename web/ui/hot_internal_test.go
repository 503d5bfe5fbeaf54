package ui

import (
	"bytes"
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
