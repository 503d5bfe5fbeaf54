// Package page is the pagination of every list: the cursor of the next page, and the
// limit on the entries of one.
//
// A list orders its entries by something that does not change, reads one more
// than fits on the page, and cuts that off:
//
//	list := page.NewList[int64]("reviews", slug)
//	before, err := list.After(q.Cursor, math.MaxInt64)
//	…
//	size := page.Standard().Size(q.Limit)
//	rows, err := store.reviews(ctx, slug, before, size+1)
//	…
//	rows, next := page.Cut(list, rows, size, func(r row) int64 { return r.ID })
package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"banyan/platform/fault"
)

// maxCursor bounds the bytes of a cursor that is read: many times what the
// longest place and query need.
const maxCursor = 8 << 10

// List is the list of one query. P is the place of an entry, by which the entries
// after it are found: a value that JSON encodes in one way
// only (integers, texts, and structs of them with exported fields).
type List[P any] struct{ query []string }

// NewList returns a list of this name. query is everything that decides which
// entries it has and in which order: a cursor is valid for the same list and query
// only.
func NewList[P any](name string, query ...string) List[P] {
	return List[P]{query: append([]string{name}, query...)}
}

// Cursor returns the cursor of the page after a place: opaque to clients, and safe
// in a URL without escaping.
func (l List[P]) Cursor(after P) string {
	text, err := json.Marshal([]any{l.query, after})
	if err != nil {
		panic("page: a place in " + l.query[0] + " cannot be encoded: " + err.Error()) // a mistake in P, not in its value
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// After returns the place in a cursor of this list, and first for "", the
// cursor of the first page. Fails with fault.Invalid for every text that
// Cursor does not return, so texts in a place are valid UTF-8 without zero bytes,
// which PostgreSQL refuses. A place may still be one that no entry ever had: where
// that matters, the caller must check it and fail with Wrong.
func (l List[P]) After(cursor string, first P) (P, error) {
	if cursor == "" {
		return first, nil
	}
	var place, none P
	if len(cursor) > maxCursor {
		return none, l.Wrong()
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return none, l.Wrong()
	}
	var parts [2]json.RawMessage // the query and the place
	if json.Unmarshal(text, &parts) != nil || json.Unmarshal(parts[1], &place) != nil {
		return none, l.Wrong()
	}
	// A cursor that encodes to the same text is of this list and query, and has
	// nothing missing, repeated or added.
	if l.Cursor(place) != cursor || hasZeroByte(parts[1]) {
		return none, l.Wrong()
	}
	return place, nil
}

// Wrong returns the fault of a cursor that is not one of this list.
func (l List[P]) Wrong() error {
	return fault.New(fault.Invalid, "the cursor does not belong to this list, its order and its filters").With(
		fault.Field{Name: "cursor", Message: "must be the next of the last answer to the same query; omit it for the first page"})
}

// hasZeroByte reports whether a text of a JSON document has a zero byte.
func hasZeroByte(document []byte) bool {
	for d := json.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			return err != io.EOF
		}
		if text, ok := token.(string); ok && strings.Contains(text, "\x00") {
			return true
		}
	}
}

// MaxBytes bounds the texts on one page: 200 entries of the longest would take
// several times as much, for every client that reads them slowly.
const MaxBytes = 1 << 20

// Fit returns how many of the first size rows fit on a page whose texts have MaxBytes
// at most, at least one, for Cut. weigh returns the bytes of a row's texts.
func Fit[R any](rows []R, size int, weigh func(*R) int) int {
	bytes := 0
	for i := range rows[:min(size, len(rows))] {
		if bytes += weigh(&rows[i]); bytes > MaxBytes {
			return max(i, 1)
		}
	}
	return size
}

// Cut returns the first size rows, size ≥ 1, and the cursor of the next page, "" if
// there is none: rows must have at least one more than size unless the list ends.
func Cut[R, P any](l List[P], rows []R, size int, place func(R) P) (page []R, next string) {
	if len(rows) <= size {
		return rows, ""
	}
	return rows[:size], l.Cursor(place(rows[size-1]))
}
