package diff

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"banyan/platform/redact"
)

const (
	keptMost = 100     // per operation
	maxShown = 8 << 10 // bytes of a request or an answer that are kept of a difference
	MaxValue = 200     // bytes of one value that people see
)

// Difference is a read that the remote answered otherwise than this process.
type Difference struct {
	At         time.Time       `json:"at"`
	Persistent bool            `json:"persistent"` // it was still there when both were asked again
	RequestID  string          `json:"request_id,omitempty"`
	Request    json.RawMessage `json:"request"` // its fields by name, wherever they stand
	Local      json.RawMessage `json:"local"`   // the answer, or {"error": code, "message": …}
	Remote     json.RawMessage `json:"remote"`
	Fields     []Field         `json:"fields"` // the first 20
}

// Field is one field that differs, as standings[3].score, and what it
// is on both sides as JSON. Of an error the path is "error", of two lists of
// different lengths the list's path and ".length"; of two things that are not
// found "error.missing".
type Field struct {
	Path   string `json:"path"`
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// Recent keeps the last differences of one operation, at most 100. Its zero value
// is ready.
type Recent struct {
	mu   sync.Mutex
	kept []Difference // a ring once it is full
	next int          // the oldest in a full ring
}

// Add keeps a difference, and drops the oldest for it.
func (d *Recent) Add(one Difference) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) < keptMost {
		d.kept = append(d.kept, one)
		return
	}
	d.kept[d.next] = one
	d.next = (d.next + 1) % keptMost
}

// Newest returns the kept differences, newest first.
func (d *Recent) Newest() []Difference {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := append(slices.Clone(d.kept[d.next:]), d.kept[:d.next]...)
	slices.Reverse(all)
	return all
}

// Shown returns the JSON that people see of a value: secrets masked, and cut when
// it is long, as a JSON text of the beginning.
func Shown(v any) json.RawMessage {
	tree, err := Tree(v)
	if err != nil {
		text, _ := json.Marshal("cannot be shown: " + err.Error())
		return text
	}
	text, _ := json.Marshal(masked(tree)) // it came from JSON
	if len(text) > maxShown {
		text, _ = json.Marshal(Cut(string(text), maxShown))
	}
	return text
}

// Tree turns a value into maps, lists, texts and json.Numbers.
func Tree(v any) (tree any, err error) {
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
// is not a secret.
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

// Cut shortens a text to whole characters within n bytes.
func Cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
