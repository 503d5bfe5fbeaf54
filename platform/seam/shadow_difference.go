package seam

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/redact"
)

const (
	keptDifferences = 100     // per operation
	maxShown        = 8 << 10 // bytes of a request or an answer that are kept of a difference
	maxShownValue   = 200     // bytes of one field's value
)

// Difference is a read that the remote answered otherwise than this process.
type Difference struct {
	At        time.Time         `json:"at"`
	Lasting   bool              `json:"lasting"` // it was still there when both were asked again
	RequestID string            `json:"request_id,omitempty"`
	Request   json.RawMessage   `json:"request"` // its fields by name, wherever they stand
	Local     json.RawMessage   `json:"local"`   // the answer, or {"error": code, "message": …}
	Remote    json.RawMessage   `json:"remote"`
	Fields    []FieldDifference `json:"fields"` // the first 20
}

// FieldDifference is one field that differs, as standings[3].score, and what it
// is on both sides as JSON. Of an error the path is "error", of two lists of
// different lengths the list's path and ".length"; of two things that are not
// found "error.missing".
type FieldDifference struct {
	Path   string `json:"path"`
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// differences are the last ones of an operation.
type differences struct {
	mu   sync.Mutex
	kept []Difference // a ring once it is full
	next int          // the oldest in a full ring
}

func (d *differences) add(one Difference) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) < keptDifferences {
		d.kept = append(d.kept, one)
		return
	}
	d.kept[d.next] = one
	d.next = (d.next + 1) % keptDifferences
}

// newest gives them in the order of their age.
func (d *differences) newest() []Difference {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := append(slices.Clone(d.kept[d.next:]), d.kept[:d.next]...)
	slices.Reverse(all)
	return all
}

// Differences gives the last differences of an operation, the newest first, at
// most 100. Fails with fault.NotFound when the contract has no such operation.
func (r *Route) Differences(operation string) ([]Difference, error) {
	for i, d := range r.contract.operations {
		if d.id == operation {
			return r.found[i].newest(), nil
		}
	}
	return nil, fault.Newf(fault.NotFound, "the module %s has no operation of this name: its status lists them", r.contract.Module)
}

// shown makes the JSON that people see of a value: secrets masked, and cut when
// it is long, as a JSON text of the beginning.
func shown(v any) json.RawMessage {
	tree, err := plainJSON(v)
	if err != nil {
		text, _ := json.Marshal("cannot be shown: " + err.Error())
		return text
	}
	text, _ := json.Marshal(masked(tree)) // it came from JSON
	if len(text) > maxShown {
		text, _ = json.Marshal(cut(string(text), maxShown))
	}
	return text
}

func (o outcome[A]) shown() json.RawMessage {
	if o.err != nil {
		f := fault.From(o.err)
		what := map[string]any{"error": f.Code, "message": f.Message}
		if f.Missing != "" {
			what["missing"] = f.Missing
		}
		return shown(what)
	}
	return shown(&o.answer)
}

// named gives the fields of a request by the names that they have in the path,
// the query and the body.
func (c *requestCodec) named(q reflect.Value) map[string]any {
	fields := make(map[string]any)
	if c.hasBody {
		if body, err := plainJSON(q.Interface()); err == nil {
			fields, _ = body.(map[string]any)
		}
	}
	for _, params := range [][]param{c.path, c.query} {
		for _, p := range params {
			if v := q.Field(p.index); !v.IsZero() {
				fields[p.name] = v.Interface()
			}
		}
	}
	return fields
}

// plainJSON turns a value into maps, lists, texts and json.Numbers.
func plainJSON(v any) (tree any, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&tree)
	return tree, err
}

const mask = "•••"

// masked hides secrets in place. Numbers and booleans stay: a count of tokens
// is no secret.
func masked(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		for name, value := range t {
			if redact.IsSecret(name) {
				switch value.(type) {
				case nil, bool, json.Number:
				default:
					t[name] = mask
				}
				continue
			}
			t[name] = masked(value)
		}
	case []any:
		for i := range t {
			t[i] = masked(t[i])
		}
	}
	return tree
}

// cut shortens a text to whole characters within n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
