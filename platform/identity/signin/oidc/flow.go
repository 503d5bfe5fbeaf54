package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
)

// derive returns what is sent for one purpose: the state, the nonce, or the verifier of
// PKCE, whose hash alone is sent at first. None of them says anything of the others.
func (f Flow) derive(purpose string) string {
	sum := sha256.Sum256([]byte("banyan oidc " + purpose + " " + f.Secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// State returns the state of this flow, which is used once.
func (f Flow) State() string { return f.derive("state") }

// plain makes a text of the provider printable and short.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	for len(text) > maxText {
		text = text[:len(text)-1]
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, ""))
}
