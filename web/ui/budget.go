package ui

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"banyan/platform/fault"
)

// A page has so much time for what modules say. A part that is not there by then is
// left out with a sentence, and the page's script asks for it again and
// then waits longer (waitHeader): a module that is slow, or hangs, holds nobody's page. What is
// not a page (a file, a feed) has the time of its request.
const (
	pageTime = 800 * time.Millisecond
	longTime = 10 * time.Second
	// waitHeader is sent by whoever would rather wait than have a page without some
	// part.
	waitHeader = "Banyan-Wait"
)

type budgetKey struct{}

// budgeted bounds the time of a page.
func (s *Site) budgeted(r *http.Request) (*http.Request, context.CancelFunc) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || path.Ext(r.URL.Path) != "" || strings.HasPrefix(s.Plain(r), AssetPrefix) {
		return r, func() {}
	}
	length, waits := pageTime, r.Header.Get(waitHeader) != ""
	if waits {
		length = longTime
	}
	ctx, cancel := context.WithTimeout(r.Context(), length)
	return r.WithContext(context.WithValue(ctx, budgetKey{}, waits)), cancel
}

// isLate reports whether something is missing because the page's time was over, and
// whether it was asked for with a longer wait already.
func isLate(ctx context.Context, err error) (late, again bool) {
	waited, bounded := ctx.Value(budgetKey{}).(bool)
	if !bounded || !fault.Is(err, fault.DeadlineExceeded) {
		return false, false
	}
	return true, !waited
}
