package language

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var todo = flag.String("todo", "", "file to which the texts without a translation are written, as entries to fill in")

// shown are the sources of what people read on pages, from here.
var shown = []string{"../templates", "../rollout", "../ui", "../../platform/browserwallet", "../../modules/airdrop/offline/claimpage", ".."}

// apart are sources below these whose texts stay English: what other sites and
// programs load (feeds, widgets, pictures, answers to a wallet), and what is no page.
var apart = []string{
	"_test.go", "../audit/", "../browser/", "../card/", "../demo/", "../keywallet/", "../language/", "../webtest/", "../workload/", "../ui/thirdparty/",
	"../../modules/airdrop/offline/claimpage/de/", "../cards.go", "../demochain.go", "../demowallet.go", "../exchange_feeds.go", "../airdrops_feeds.go", "../markdown/",
}

// otherStrings are strings that look like texts and are none: headers, names of browsers and
// of types, parts of files in other formats, and what the log alone has.
var otherStrings = []string{
	"Vary", "Accept-Language, Cookie, HX-Request", "no-cache, private", "Edge", "Opera", "Firefox", "Chrome", "Chromium", "Safari", "Android", "Windows", "Mac OS X", "Linux",
	"{1} on {2}", "{1} of {2}", "Review", "Person", "Rating", "Organization", "AggregateRating", "identicon large", "flow mirrored", "step automatic", "is slow", "banyan told {1}",
	"there is no template {1}", "of 5<small>{1} to {2} with 90 % confidence, from {3} signed reviews</small>", "not enough evidence<small>{1} signed reviews so far</small>",
	"floor: {1}", "cap: {1}", "{1} ns", "{1} µs", "{1} ms", "{1} s", "{1} min", "{1} h", "{1} B", "{1} KiB", "{1} MiB", "{1} GiB", "{1}, {2}", "{1} {2}", "{1} %", "{1} · {2}", "{1}: {2}",
	"1 ms", "10 ms", "100 ms", "AbortError", "{1} of 5 · {2}", "User-agent: *\nDisallow: {1}\nDisallow: {2}\nDisallow: {3}\nDisallow: {4}\nDisallow: {5}\nDisallow: {6}\n\nSitemap: {7}",
	"V{1}H0Z\"/>", "allocation:\n  - name: everybody\n    {1}: {2}", "d=\"M12 66 A54 54 0 0 1 120 66\" pathLength=\"1000\"", "version: 1\ndecimals: {1}\nsources:",
	"cast wallet sign --ledger --data --from-file ",
}

type foundText struct {
	text
	file string
}

// allTexts returns the texts of all sources, each once.
func allTexts(t *testing.T) map[string]foundText {
	t.Helper()
	all := map[string]foundText{}
	for _, folder := range shown {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && path != folder && strings.HasSuffix(path, "testdata") {
				return fs.SkipDir
			}
			for _, a := range apart {
				if strings.HasPrefix(path, a) || strings.HasSuffix(path, a) {
					return nil
				}
			}
			source, err := os.ReadFile(path)
			if err != nil || entry.IsDir() {
				return nil
			}
			var texts []text
			switch filepath.Ext(path) {
			case ".html":
				texts = templateTexts(string(source))
			case ".js":
				texts = scriptTexts(string(source))
			case ".go":
				if texts, err = goTexts(path, source); err != nil {
					return err
				}
			}
			for _, x := range texts {
				if _, known := all[x.key]; !known && !slices.Contains(otherStrings, x.key) {
					all[x.key] = foundText{x, path}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 1500 {
		t.Fatalf("only %d texts were found: the pages have more", len(all))
	}
	return all
}

func TestEveryTextHasItsTranslation(t *testing.T) {
	var entries strings.Builder
	for _, x := range sorted(allTexts(t)) {
		if _, known := German.text(x.key); !known {
			t.Errorf("%s:%d has a text without German: %q", strings.TrimPrefix(x.file, "../"), x.line, x.key)
			fmt.Fprintf(&entries, "#: %s:%d\nmsgid %s\nmsgstr \"\"\n\n", x.file, x.line, strconv.Quote(x.key))
		}
	}
	if *todo != "" {
		if err := os.WriteFile(*todo, []byte(entries.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func sorted(all map[string]foundText) []foundText {
	list := make([]foundText, 0, len(all))
	for _, x := range all {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b foundText) int { return strings.Compare(a.key, b.key) })
	return list
}

func TestTheCatalogueIsWhole(t *testing.T) {
	texts, err := readPO(germanFile)
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range texts {
		if text == "" {
			t.Errorf("%q has no translation", key)
		} else if a, b := placeholders(key), placeholders(text); !slices.Equal(a, b) {
			t.Errorf("%q has the placeholders %q, its translation %q has %q", key, a, text, b)
		}
	}
}

// What stands in the catalogue and on no page of ours is a message of a module or of
// the platform, and stands there.
func TestNoTranslationIsLeftOver(t *testing.T) {
	all := allTexts(t)
	var code strings.Builder
	for _, folder := range []string{"../../modules", "../../platform", ".."} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			code.Write(source)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	words := code.String()
	texts, err := readPO(germanFile)
	if err != nil {
		t.Fatal(err)
	}
	for key := range texts {
		if _, used := all[key]; used || slices.Contains(otherStrings, key) {
			continue
		}
		for _, part := range valueOnly.Split(key, -1) {
			quoted := strings.Trim(strconv.Quote(part), `"`)
			if !strings.Contains(words, quoted) && !strings.Contains(words, strings.ReplaceAll(quoted, "%", "%%")) {
				t.Errorf("%q stands in the catalogue and nowhere in the program: %q is not found", key, part)
				break
			}
		}
	}
}

func TestATemplateInGerman(t *testing.T) {
	for source, want := range map[string]string{
		`<p>Chain</p>`:                                    `<p>Chain</p>`,
		`<h1 title="Exchanges">{{.Name}}</h1>`:            `<h1 title="Börsen">{{.Name}}</h1>`,
		`<p>{{plural .N "wallet" "wallets"}}</p>`:         `<p>{{plural .N "Wallet" "Wallets"}}</p>`,
		`<p>Sign in{{if .Sent}} and come back{{end}}</p>`: `<p>Anmelden{{if .Sent}} und zurückkehren{{end}}</p>`,
		`<p>{{num .A}} compared</p>{{if .B}}<b>Reviews</b>{{else}}<i>Exchanges</i>{{end}}`:                 `<p>{{num .A}} im Vergleich</p>{{if .B}}<b>Bewertungen</b>{{else}}<i>Börsen</i>{{end}}`,
		`<code>Exchanges</code><script>"Exchanges"</script>`:                                               `<code>Exchanges</code><script>"Exchanges"</script>`,
		`<a href="{{at "/exchanges"}}" {{if eq .Nav "Exchanges"}}aria-current="page"{{end}}>Exchanges</a>`: `<a href="{{at "/exchanges"}}" {{if eq .Nav "Exchanges"}}aria-current="page"{{end}}>Börsen</a>`,
		`<p>a text that nobody has translated</p>`:                                                         `<p>a text that nobody has translated</p>`,
	} {
		if got := German.Template(source); got != want {
			t.Errorf("%s\nbecame %s\nand not %s", source, got, want)
		}
	}
}

func TestASentenceInGerman(t *testing.T) {
	for english, want := range map[string]string{
		"Exchanges": "Börsen",
		"3 exchanges were added and 1,200 updated.": "3 Börsen wurden hinzugefügt und 1.200 aktualisiert.",
		"1 exchange was added and 0 updated.":       "1 Börse wurde hinzugefügt und 0 aktualisiert.",
		"Not available right now: the exchanges":    "Gerade nicht verfügbar: die Börsen",
		"1,234.5":                                   "1.234,5",
		"30 Nov 2026":                               "30. November 2026",
		"30 Nov 2026, 09:15 UTC":                    "30. November 2026, 09:15 UTC",
		"chain: is a whole number; line 3: level: is a whole number from -10 to 10":       "chain: ist eine ganze Zahl; Zeile 3: level: ist eine ganze Zahl von -10 bis 10",
		"Nothing has changed: your review says this already, so there is nothing to sign": "Nichts hat sich geändert: Ihre Bewertung sagt das schon, deshalb gibt es nichts zu signieren",
	} {
		if got, known := German.Sentence(english); got != want || !known {
			t.Errorf("%q became %q (%v) and not %q", english, got, known, want)
		}
	}
	for _, foreign := range []string{"Bank of China", "Harbour & Quay", "people wrote this", strings.Repeat("Exchanges ", 1000)} {
		if got, known := German.Sentence(foreign); got != foreign || known {
			t.Errorf("%q became %q (%v)", foreign, got, known)
		}
	}
}
