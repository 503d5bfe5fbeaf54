package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/strangler/control"
)

// difference is one read that both places answered, as diff.Difference.
type difference struct {
	At         time.Time         `json:"at"`
	Persistent bool              `json:"persistent"`
	RequestID  string            `json:"request_id"`
	Request    json.RawMessage   `json:"request"`
	Local      json.RawMessage   `json:"local"`
	Remote     json.RawMessage   `json:"remote"`
	Fields     []fieldDifference `json:"fields"`
}

type fieldDifference struct {
	Path   string `json:"path"` // standings[3].score
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

type differencesData struct {
	Module, Title, Operation string
	Differences              []differenceView
	Persistent, Transient    int
}

type differenceView struct {
	difference
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
func (s *strangler) differences(w *Web) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if s.modules == nil {
			return fault.New(fault.NotFound, "this program has no route control, so nothing is compared")
		}
		d := differencesData{Module: chi.URLParam(r, "name"), Operation: chi.URLParam(r, "operation")}
		d.Title = moduleTitle(d.Module)
		found, err := s.modules.Differences(r.Context(), control.DifferencesQuery{Name: d.Module, Operation: d.Operation})
		if err != nil {
			return err
		}
		var all []difference
		if len(found.Differences) > 0 {
			if err := json.Unmarshal(found.Differences, &all); err != nil {
				return fault.Wrap(err, fault.Internal, "the differences of this operation cannot be read: the log has the reason")
			}
		}
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
		return w.show(rw, r, http.StatusOK, "strangler-differences", page{Title: "Differences of " + d.Operation, Nav: "operator", Data: d})
	}
}

func viewDifference(number int, one difference) differenceView {
	var paths []string
	for _, field := range one.Fields {
		paths = append(paths, field.Path)
	}
	return differenceView{
		difference: one, Number: number, AtMS: one.At.UnixMilli(),
		Asked: jsonLines(one.Request, nil), Here: jsonLines(one.Local, paths), Elsewhere: jsonLines(one.Remote, paths),
	}
}

// More is how many differences are not on the page.
func (d differencesData) More() int { return d.Persistent + d.Transient - len(d.Differences) }

// jsonLines indents a value and marks the lines of the paths. What is no JSON,
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
