package service

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// position is a place in the order of campaigns: newest first, and by id among
// those of one millisecond.
type position struct {
	createdMS int64
	id        string
}

// maxCursor is more than any cursor of ours has.
const maxCursor = 100

// cursor gives the position to a caller, who is not to look inside.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.createdMS, 10) + " " + p.id))
}

// parseCursor reads a cursor; "" is before the first campaign. Fails with
// fault.Invalid.
func parseCursor(text string) (position, error) {
	if text == "" {
		return position{createdMS: math.MaxInt64}, nil
	}
	if len(text) <= maxCursor {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		created, id, found := strings.Cut(string(raw), " ")
		ms, numberErr := strconv.ParseInt(created, 10, 64)
		if err == nil && numberErr == nil && found && isID(id) {
			return position{createdMS: ms, id: id}, nil
		}
	}
	return position{}, fault.New(fault.Invalid, "the cursor is none of ours: begin again without one").With(
		fault.Field{Name: "cursor", Message: "is what an earlier page gave as next"})
}

// isID tells whether text may be an id, so that nothing else reaches the
// database (which refuses a zero byte, for one).
func isID(text string) bool {
	if text == "" || len(text) > 2*listIDLength {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
