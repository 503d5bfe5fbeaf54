package web_test

import (
	"net/http"
	"regexp"
	"testing"

	"banyan/web/webtest"
)

var (
	scrolls   = regexp.MustCompile(`<div class="scroll[^>]*>`)
	reachable = regexp.MustCompile(` tabindex="0" role="region" aria-label="[^"]+">$`)
)

// TestWhatScrollsIsReachedByKeyboard: a table may be wider than the window and
// have nothing in it that takes the focus.
func TestWhatScrollsIsReachedByKeyboard(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	for _, path := range []string{"/operator", modulesPage, modulesPage + "/reputation/differences/score", "/reputation", "/wallets/" + webtest.SampleWallet(3).String()} {
		found := scrolls.FindAllString(v.get(path, http.StatusOK), -1)
		if len(found) == 0 {
			t.Errorf("%s has nothing that scrolls", path)
		}
		for _, tag := range found {
			if !reachable.MatchString(tag) {
				t.Errorf("%s has a region without keyboard access: %s", path, tag)
			}
		}
	}
}
