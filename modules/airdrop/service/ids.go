package service

import (
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

const (
	campaignIDLength = 10 // base32 characters: 50 bits; a collision is noticed and drawn again
	listIDLength     = 24 // 120 bits: never drawn twice
	idAttempts       = 4
)

// ids draws random names: short, safe in URLs, easy to read aloud.
type ids struct{ random io.Reader }

func (i ids) draw(length int) (string, error) {
	raw := make([]byte, (length*5+7)/8)
	if _, err := io.ReadFull(i.random, raw); err != nil {
		return "", fmt.Errorf("draw a random id: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))[:length], nil
}

// isID reports whether text may be an id, so that nothing else reaches the
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
