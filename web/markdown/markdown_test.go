package markdown_test

import (
	"regexp"
	"strings"
	"testing"

	"banyan/web/markdown"
)

func TestHarmlessMarkdownIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"**bold** and *thin*":             "<p><strong>bold</strong> and <em>thin</em></p>\n",
		"line\nbreak":                     "<p>line<br>\nbreak</p>\n",
		"# Title":                         "<h4>Title</h4>\n",
		"[a](https://a.example/?b=1&c=2)": "<p><a href=\"https://a.example/?b=1&amp;c=2\" rel=\"nofollow ugc noopener noreferrer\">a</a></p>\n",
		"1 < 2 & \"so\"":                  "<p>1 &lt; 2 &amp; &quot;so&quot;</p>\n",
		"| a | b |\n|---|---|\n| 1 | 2 |": "<p>| a | b |<br>\n|---|---|<br>\n| 1 | 2 |</p>\n",
		"a <b>tag</b>":                    "<p>a &lt;b&gt;tag&lt;/b&gt;</p>\n",
		"<div>\na block\n</div>":          "<p>&lt;div&gt;<br>\na block<br>\n&lt;/div&gt;</p>\n",
		"pay\u202etxt.exe\u2066x":         "<p>paytxt.exex</p>\n",
	} {
		if got := string(markdown.HTML(text)); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

var harmful = regexp.MustCompile(`(?i)<(script|img|iframe|svg|object|style|form|input)|\son\w+=|href="(javascript|data|vbscript|file|//)`)

// tags leaves out the text between them.
func tags(html string) string { return regexp.MustCompile(`(?s)>[^<]*<`).ReplaceAllString(html, "><") }

func TestHarmfulMarkdownIsNot(t *testing.T) {
	for _, text := range []string{
		"<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))",
		"[a](data:text/html,<script>alert(1)</script>)", "![a](https://a.example/x.png)", "![a](javascript:alert(1))", "<javascript:alert(1)>",
		"<https://a.example/\" onclick=\"alert(1)>", "[a]( //a.example )", "[a](vbscript:x)", "[a][b]\n\n[b]: javascript:alert(1)", "<svg onload=alert(1)>",
		"[![x](javascript:1)](javascript:2)", "```<script>\n<script>```", "[a](java\nscript:alert(1))", "&#x3c;script&#x3e;", "[a](\x01javascript:alert(1))",
	} {
		if got := string(markdown.HTML(text)); harmful.MatchString(tags(got)) {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	if got := string(markdown.HTML("[![logo](https://a.example/x.png)](https://a.example/)")); !strings.Contains(got, ">logo</a>") {
		t.Errorf("the text of an image is lost: %s", got)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("[a](javascript:alert(1)) <b>**x**")
	f.Fuzz(func(t *testing.T, text string) {
		if got := string(markdown.HTML(text)); harmful.MatchString(tags(got)) {
			t.Errorf("%q is shown as %q", text, got)
		}
	})
}

// Texts of ours may have tables, without the style attributes that the policy of the
// pages forbids; those of people have none.
func TestTables(t *testing.T) {
	table := "| a | b |\n|---|--:|\n| 1 | 2 |\n"
	if got := string(markdown.Document(table)); !strings.Contains(got, "<td>2</td>") || strings.Contains(got, "style") || strings.Contains(got, "align") {
		t.Errorf("a table is shown as %s", got)
	}
	if got := string(markdown.HTML(table)); strings.Contains(got, "<table") {
		t.Errorf("a review has a table: %s", got)
	}
}
