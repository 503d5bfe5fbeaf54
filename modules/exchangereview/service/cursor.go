package service

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// A cursor is opaque to callers: base64url of a JSON array whose first item
// says what it goes on with.

func encodeCursor(parts ...string) string {
	text, _ := json.Marshal(parts) // of strings: cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

// decodeCursor gives the parts after the first, of which there are n.
func decodeCursor(cursor, of string, n int) ([]string, error) {
	var parts []string
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err != nil || len(parts) != n+1 || parts[0] != of {
		return nil, wrongCursor()
	}
	for _, p := range parts {
		if strings.ContainsRune(p, 0) { // PostgreSQL's texts cannot have it
			return nil, wrongCursor()
		}
	}
	return parts[1:], nil
}

func wrongCursor() error {
	return fault.New(fault.Invalid, "the cursor is not one of this list: begin again without it").
		With(fault.Field{Name: "cursor", Message: "is the next of the last answer, with the same sort and q"})
}

// beforeID reads the cursor of a list of reviews: the id that the page stays
// below.
func beforeID(cursor, of string) (int64, error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	parts, err := decodeCursor(cursor, of, 1)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return 0, wrongCursor()
	}
	return id, nil
}

const standardPage = 50

func pageSize(limit int) int {
	if limit == 0 {
		return standardPage
	}
	return limit
}
