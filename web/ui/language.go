package ui

import (
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"strings"

	"banyan/platform/fault"
	"banyan/web/language"
)

// Pages are read in the language of language.Of. Templates are translated when they are
// read. What Go code says is English until it is shown: templates call t for it, and
// what their functions return is translated without that.

// languageLife is how long a browser keeps the language that somebody chose, in seconds.
const languageLife = 365 * 24 * 3600

// ChooseLanguage takes the form by which somebody chooses a language, and answers with a
// redirect to the page that has it.
func (s *Site) ChooseLanguage(rw http.ResponseWriter, r *http.Request) error {
	l, known := language.Named(r.PostFormValue("language"))
	if !known {
		return fault.New(fault.Invalid, "the pages are not in this language: choose English (en) or German (de)")
	}
	s.Keep(rw, language.Cookie, string(l), languageLife)
	s.GoBack(rw, r, s.OwnPath(r.PostFormValue("next")))
	return nil
}

// kept are the functions of templates whose answer is no text of ours: addresses,
// what people wrote, and drawings.
var kept = map[string]bool{
	"asset": true, "at": true, "root": true, "path": true, "host": true, "hex": true, "title": true, "solidity": true, "excerpt": true,
	"chainName": true, "markdown": true, "stars": true, "meter": true, "identicon": true, "when": true, "day": true, "country": true,
	"plural": true, "t": true, "words": true,
}

// inLanguage returns the functions with their answers in the language: those that are a
// text or markup.
func inLanguage(l language.Language, functions template.FuncMap) template.FuncMap {
	if l == language.English {
		return functions
	}
	all := template.FuncMap{}
	for name, f := range functions {
		all[name] = f
		of := reflect.TypeOf(f)
		if kept[name] || of.NumOut() != 1 || of.Out(0).Kind() != reflect.String {
			continue
		}
		call := reflect.ValueOf(f)
		all[name] = reflect.MakeFunc(of, func(in []reflect.Value) []reflect.Value {
			var out []reflect.Value
			if of.IsVariadic() {
				out = call.CallSlice(in)
			} else {
				out = call.Call(in)
			}
			return []reflect.Value{reflect.ValueOf(translated(l, out[0].Interface())).Convert(of.Out(0))}
		}).Interface()
	}
	return all
}

// translated returns a text or markup of ours in the language; anything else stays.
func translated(l language.Language, text any) any {
	switch text := text.(type) {
	case string:
		said, _ := l.Sentence(text)
		return said
	case template.HTML:
		return l.HTML(text)
	case fmt.Stringer:
		said, _ := l.Sentence(text.String())
		return said
	}
	if v := reflect.ValueOf(text); l != language.English && v.IsValid() && v.Kind() == reflect.String { // a named type of a module
		said, _ := l.Sentence(v.String())
		return said
	}
	return text
}

// isForeign reports whether a text is shown in English though the page is not.
func isForeign(l language.Language, text string) bool {
	_, known := l.Sentence(text)
	return !known
}

// agentIn is agentName in the language.
func agentIn(l language.Language, agent string) string {
	name := agentName(agent)
	if l == language.German {
		name = strings.Replace(name, " on ", " unter ", 1)
	}
	return name
}

func pluralIn(l language.Language, n int, one, many string) string {
	// English and German have the same two forms (CLDR: one is 1, other is the rest).
	if n == 1 {
		return "1 " + one
	}
	return l.Number(Number(n)) + " " + many
}

// inWords returns a fault with its message in the language of the request, for a page's
// script that shows it.
func inWords(r *http.Request, f *fault.Fault) *fault.Fault {
	l := language.Of(r)
	if l == language.English {
		return f
	}
	said := *f
	said.Message, _ = l.Sentence(f.Message)
	said.Fields = append([]fault.Field(nil), f.Fields...)
	for i := range said.Fields {
		said.Fields[i].Message, _ = l.Sentence(said.Fields[i].Message)
	}
	return &said
}
