package browser

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testdata/README.md says where it comes from.
//
//go:embed testdata/axe.min.js
var axe string

type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		Target  []any  `json:"target"`
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// TestEveryPage finds no violation of WCAG A and AA on any page, in both themes,
// on the desk and on the phone, and no page wider than its window.
func TestEveryPage(t *testing.T) {
	for _, l := range []look{desk, deskDark, phone, phoneDark, deskGerman, phoneGerman} {
		t.Run(l.String(), func(t *testing.T) {
			walk(t, l, func(t *testing.T, ctx context.Context, s stop) {
				if got := eval[string](t, ctx, `document.documentElement.lang`); got != cmp.Or(l.Language, "en") {
					t.Errorf("%s is in the language %q", s.Name, got)
				}
				inspect(t, ctx, s)
			})
		})
	}
}

// inspect looks at the page that is open.
func inspect(t *testing.T, ctx context.Context, s stop) {
	t.Helper()
	if wide := eval[int](t, ctx, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		t.Errorf("%s is %d px wider than its window", s.Name, wide)
	}
	for _, v := range violations(t, ctx) {
		var where strings.Builder
		for i, n := range v.Nodes {
			if i == 4 {
				fmt.Fprintf(&where, "\n  and %d more", len(v.Nodes)-i)
				break
			}
			fmt.Fprintf(&where, "\n  %v %.160s\n    %.300s", n.Target, n.HTML, strings.ReplaceAll(n.Summary, "\n", " "))
		}
		t.Errorf("%s: %s (%s)%s", s.Name, v.Help, v.ID, where.String())
	}
}

// violations runs axe-core through the debugger, which the page's
// Content-Security-Policy does not concern, so the policy stays as it is.
func violations(t *testing.T, ctx context.Context) []violation {
	t.Helper()
	do(t, ctx, chromedp.Evaluate[chromedp.Void](axe))
	found := eval[string](t, ctx, `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations))`)
	var list []violation
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		t.Fatalf("read axe's answer: %v", err)
	}
	return list
}
