package rollout

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam/diff"
	"banyan/web/ui"
)

type differencesData struct {
	Module, Title, Operation string
	Differences              []differenceView
	Persistent, Transient    int
}

type differenceView struct {
	diff.Difference
	Number                 int
	AtMS                   int64
	Asked, Here, Elsewhere []jsonLine
}

// jsonLine is a line of indented JSON.
type jsonLine struct {
	Text    string
	Differs bool
}

// differencesShown keeps the page readable: two answers of 8 KB each.
const differencesShown = 25

// differences shows what shadow found of one operation.
func (p *Pages) differences(rw http.ResponseWriter, r *http.Request) error {
	if p.o.Modules == nil {
		return fault.New(fault.NotFound, "this program moves no modules, so nothing is compared")
	}
	d := differencesData{Module: chi.URLParam(r, "name"), Operation: chi.URLParam(r, "operation")}
	d.Title = p.o.Title(d.Module)
	found, err := p.o.Modules.Differences(r.Context(), rollout.DifferencesQuery{Name: d.Module, Operation: d.Operation})
	if err != nil {
		return err
	}
	all := found.Differences
	for _, one := range all {
		if one.Persistent {
			d.Persistent++
		} else {
			d.Transient++
		}
	}
	for i, one := range all[:min(differencesShown, len(all))] {
		d.Differences = append(d.Differences, viewDifference(i+1, one))
	}
	return p.site.Show(rw, r, http.StatusOK, "rollout/differences", ui.Page{Title: "Differences of " + d.Operation, Nav: "/operator", Data: d})
}

func viewDifference(number int, one diff.Difference) differenceView {
	var paths []string
	for _, field := range one.Fields {
		paths = append(paths, field.Path)
	}
	return differenceView{
		Difference: one, Number: number, AtMS: one.At.UnixMilli(),
		Asked: jsonLines(one.Request, nil), Here: jsonLines(one.Local, paths), Elsewhere: jsonLines(one.Remote, paths),
	}
}

// More is how many differences are not on the page.
func (d differencesData) More() int { return d.Persistent + d.Transient - len(d.Differences) }

// jsonLines indents a value and marks the lines of the paths. What is not JSON,
// like an answer that was cut, is shown as it is.
func jsonLines(raw json.RawMessage, paths []string) []jsonLine {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return []jsonLine{{Text: "nothing"}}
	}
	p := jsonPrinter{decoder: json.NewDecoder(bytes.NewReader(raw)), paths: paths}
	p.decoder.UseNumber()
	if err := p.value("", "", ""); err != nil {
		return []jsonLine{{Text: string(raw)}}
	}
	return p.lines
}

// jsonPrinter keeps the order of the fields, which maps would not.
type jsonPrinter struct {
	decoder *json.Decoder
	paths   []string
	lines   []jsonLine
}

// value prints what comes next, behind a label, at a path as standings[3].score.
func (p *jsonPrinter) value(indent, label, path string) error {
	token, err := p.decoder.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		text, err := json.Marshal(token)
		if err != nil {
			return err
		}
		p.line(indent+label+string(text), path)
		return nil
	}
	closing := map[json.Delim]string{'{': "}", '[': "]"}[open]
	p.line(indent+label+open.String(), path)
	for i := 0; p.decoder.More(); i++ {
		name, at := "", path+"["+strconv.Itoa(i)+"]"
		if open == '{' {
			key, err := p.decoder.Token()
			if err != nil {
				return err
			}
			field, _ := key.(string)
			name, at = field+": ", strings.TrimPrefix(path+"."+field, ".")
		}
		if err := p.value(indent+"  ", name, at); err != nil {
			return err
		}
	}
	if _, err := p.decoder.Token(); err != nil {
		return err
	}
	p.line(indent+closing, "")
	return nil
}

// line is marked when its value is one that differs, or a part of one. The
// length of a list marks the list's first line.
func (p *jsonPrinter) line(text, path string) {
	differs := path != "" && slices.ContainsFunc(p.paths, func(one string) bool {
		rest, within := strings.CutPrefix(path, one)
		return within && (rest == "" || rest[0] == '.' || rest[0] == '[') || one == path+".length"
	})
	p.lines = append(p.lines, jsonLine{text, differs})
}
