package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"banyan/web/language"
	"banyan/web/webtest"
)

// englishWords are in most English sentences and in no German one.
var englishWords = regexp.MustCompile(`(?i)\b(the|of|and|is|are|its|this|that|with|not|which|from|how|who|your|you)\b`)

// readable calls back with what people read of a page: texts and the titles of
// elements, without code and what somebody has written, or what says that it is English.
func readable(n *html.Node, see func(text string)) {
	if n.Type == html.ElementNode {
		if slices.Contains([]string{"code", "script", "style", "pre", "textarea", "meta", "link", "option:dir"}, n.Data) {
			return
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "dir" || a.Key == "lang" && a.Val == "en" && n.Data != "html":
				return
			case a.Key == "class" && (a.Val == "text" || a.Val == "mono"), a.Key == "data-own":
				return
			}
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"title", "aria-label", "placeholder", "alt", "data-label", "data-busy"}, a.Key) {
				see(a.Val)
			}
		}
	}
	if n.Type == html.TextNode {
		see(strings.TrimSpace(n.Data))
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		readable(c, see)
	}
}

func TestEveryPageIsGerman(t *testing.T) {
	all := webtest.Sites(t)
	visitors := map[string]*visitor{}
	for _, s := range webtest.Tour() {
		t.Run(s.Name, func(t *testing.T) {
			site := all[s.Site]
			who := s.As + " " + s.Site
			if visitors[who] == nil {
				v := newVisitor(t, site)
				switch s.As {
				case "member":
					v.signIn(webtest.Key(t, "member"))
				case "operator":
					v.signIn(site.Operator)
				}
				visitors[who] = v
			}
			v := visitors[who]
			v.t = t
			_, page := v.fetch(http.MethodGet, s.Path, "", "", "Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
			if !strings.Contains(page, `<html lang="de">`) {
				t.Fatalf("the page is not German: %.200s", page)
			}
			isGerman(t, page)
		})
	}
}

func isGerman(t *testing.T, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	readable(root, func(text string) {
		if said, known := language.German.Sentence(text); known && said != text && !isNumber.MatchString(text) && text != "Module" && !strings.HasSuffix(text, ": remote") { // one Modul, two Module
			t.Errorf("%q is left in English: it should be %q", text, said)
		} else if englishWords.MatchString(text) {
			t.Errorf("%q is left in English", text)
		}
	})
}

func TestThePageOfTheModulesIsGerman(t *testing.T) {
	v, _ := atTheModules(t)
	for _, path := range []string{"/operator/modules", "/operator/modules/reputation/audit"} {
		isGerman(t, v.get(path, http.StatusOK, "Accept-Language", "de"))
	}
}

var isNumber = regexp.MustCompile(`^[0-9.,]+`)

func TestALanguageIsChosen(t *testing.T) {
	v := newVisitor(t, webtest.Full(t))
	for wanted, lang := range map[string]string{
		"": "en", "de": "de", "de-CH": "de", "fr": "en", "fr,de;q=0.5": "de", "en-GB,de;q=0.9": "en", "de;q=0.3,en;q=0.8": "en", "*": "en", ";;": "en",
	} {
		resp, page := v.fetch(http.MethodGet, "/exchanges", "", "", "Accept-Language", wanted)
		contains(t, page, `<html lang="`+lang+`">`)
		if got := resp.Header.Get("Content-Language"); got != lang {
			t.Errorf("for %q the Content-Language is %q", wanted, got)
		}
		if vary := strings.Join(resp.Header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Language") || !strings.Contains(vary, "Cookie") {
			t.Errorf("a cache may give the page of one language to all: Vary is %q", vary)
		}
	}
	// The choice goes before the browser's wish, and leads back to the page.
	resp, page := v.fetch(http.MethodPost, "/language", "application/x-www-form-urlencoded", url.Values{"language": {"de"}, "next": {"/exchanges?q=tide"}}.Encode())
	if resp.Request.URL.RequestURI() != "/exchanges?q=tide" {
		t.Errorf("the choice led to %s", resp.Request.URL)
	}
	contains(t, page, `<html lang="de">`, `lang="en" title="English"`)
	contains(t, v.get("/exchanges", http.StatusOK, "Accept-Language", "en"), `<html lang="de">`, "Börsen")
	contains(t, v.get("/exchanges?q=tide", http.StatusOK, "HX-Request", "true", "HX-Target", "results"), "1 Börse gefunden")
	if resp, _ := v.fetch(http.MethodPost, "/language", "application/x-www-form-urlencoded", "language=de&next=//elsewhere.example/"); resp.Request.URL.Path != "/" {
		t.Errorf("the choice led to %s", resp.Request.URL)
	}
	if status, _ := v.post("/language", "application/x-www-form-urlencoded", "language=tlh&next=/"); status != http.StatusBadRequest {
		t.Errorf("a language that there is not is answered with %d", status)
	}
	if status, _ := v.post("/language", "application/x-www-form-urlencoded", "language=en&next=/", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site may choose the language: %d", status)
	}
	v.signIn(webtest.Key(t, "somebody"))
	if status, _ := v.post("/language", "application/x-www-form-urlencoded", "language=en&next=/"); status != http.StatusForbidden {
		t.Errorf("a form that was not made for the session chooses the language: %d", status)
	}
	if status, page := v.form("/language", url.Values{"language": {"en"}, "next": {"/sessions"}}); status != http.StatusOK || !strings.Contains(page, "<h1>My sessions</h1>") {
		t.Errorf("who is signed in cannot choose: %d %.200s", status, page)
	}
	// What is for other programs stays English.
	contains(t, v.get("/exchanges/-/feed.json", http.StatusOK), "Reviews of all exchanges")
}
