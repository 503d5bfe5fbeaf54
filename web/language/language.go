// Package language has the pages in the languages that people can choose. English is
// what stands in the templates, the scripts and the Go code; this package finds the
// texts there and puts those of the catalogue in their place: in templates and scripts
// when they are read (Template, Script), so that showing a page costs nothing more,
// and in what is made while the program runs when it is shown (Sentence).
//
//	german := language.German.Template(source)
//	text, known := language.German.Sentence("3 exchanges were added and 2 updated.")
//
// Reading order: language.go, catalogue.go, markup.go, tokens.go, sentence.go, script.go, numbers.go.
package language

import (
	"net/http"

	xlanguage "golang.org/x/text/language"
)

// Language is one that pages can be read in; its value is the tag of BCP 47.
type Language string

// The languages that there are.
const (
	English Language = "en"
	German  Language = "de"
)

// All are the languages, the usual one first.
func All() []Language { return []Language{English, German} }

// Name is what a language calls itself.
func (l Language) Name() string {
	if l == German {
		return "Deutsch"
	}
	return "English"
}

// Other is the language that a page offers instead of its own.
func (l Language) Other() Language {
	if l == German {
		return English
	}
	return German
}

// Cookie keeps the language that somebody chose.
const Cookie = "banyan-language"

// Named returns the language with this tag.
func Named(tag string) (Language, bool) {
	for _, l := range All() {
		if string(l) == tag {
			return l, true
		}
	}
	return English, false
}

var matcher = xlanguage.NewMatcher([]xlanguage.Tag{xlanguage.English, xlanguage.German})

// Of returns the language of whoever sent a request: the one that was chosen, or else
// the one that the browser would rather have.
func Of(r *http.Request) Language {
	if chosen, err := r.Cookie(Cookie); err == nil {
		if l, known := Named(chosen.Value); known {
			return l
		}
	}
	// The net/http server bounds the header; x/text refuses one with very many entries.
	wanted, _, err := xlanguage.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return English
	}
	_, at, _ := matcher.Match(wanted...)
	return All()[at]
}
