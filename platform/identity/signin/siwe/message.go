// Package siwe reads, writes and checks sign-in messages of EIP-4361
// (https://eips.ethereum.org/EIPS/eip-4361): the text that a wallet shows and
// signs.
//
// The server makes the message (Message.String) and the wallet signs it. Parse
// is strict: it accepts the grammar, complete and in order, and nothing else.
// Verify hashes the bytes that were received, never a message written again
// from its parts, because two texts could be read as the same parts.
package siwe

import (
	"strconv"
	"strings"
	"time"

	"banyan/platform/wallet"
)

// MaxLength bounds a message, in bytes. A wallet shows it on one screen.
const MaxLength = 8 << 10

// Version is the only version of the format there is.
const Version = "1"

// Message is a sign-in message in parts.
type Message struct {
	Scheme    string // "https", or "" when the message does not say
	Domain    string // RFC 3986 authority that asks: host[:port]
	Address   wallet.Address
	Statement string // one line for the person, or ""
	URI       string // RFC 3986 URI that the sign-in is for
	ChainID   uint64 // EIP-155
	Nonce     string // at least 8 letters and digits

	IssuedAt       Stamp
	ExpirationTime Stamp // "" = none
	NotBefore      Stamp // "" = none

	RequestID string   // "" = none
	Resources []string // URIs, nil = none
}

// Stamp is an RFC 3339 date-time exactly as in the message, because
// the same instant can be written in many ways and only one of them was signed.
type Stamp string

// StampOf returns the stamp of an instant in UTC, to the millisecond.
func StampOf(t time.Time) Stamp {
	return Stamp(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// Time parses the stamp. It does not fail for a stamp of a parsed message.
func (s Stamp) Time() (time.Time, error) { return parseStamp(string(s)) }

const (
	asks           = " wants you to sign in with your Ethereum account:"
	labelURI       = "URI: "
	labelVersion   = "Version: "
	labelChainID   = "Chain ID: "
	labelNonce     = "Nonce: "
	labelIssuedAt  = "Issued At: "
	labelExpires   = "Expiration Time: "
	labelNotBefore = "Not Before: "
	labelRequestID = "Request ID: "
	labelResources = "Resources:"
)

// String returns the message as the wallet signs it. It can be parsed again only if
// every part follows the grammar: Build checks that.
func (m Message) String() string {
	var b strings.Builder
	if m.Scheme != "" {
		b.WriteString(m.Scheme + "://")
	}
	b.WriteString(m.Domain + asks + "\n" + m.Address.String() + "\n\n")
	if m.Statement != "" {
		b.WriteString(m.Statement + "\n")
	}
	b.WriteString("\n" + labelURI + m.URI)
	b.WriteString("\n" + labelVersion + Version)
	b.WriteString("\n" + labelChainID + strconv.FormatUint(m.ChainID, 10))
	b.WriteString("\n" + labelNonce + m.Nonce)
	b.WriteString("\n" + labelIssuedAt + string(m.IssuedAt))
	optional := func(label, value string) {
		if value != "" {
			b.WriteString("\n" + label + value)
		}
	}
	optional(labelExpires, string(m.ExpirationTime))
	optional(labelNotBefore, string(m.NotBefore))
	optional(labelRequestID, m.RequestID)
	if len(m.Resources) > 0 {
		b.WriteString("\n" + labelResources)
		for _, r := range m.Resources {
			b.WriteString("\n- " + r)
		}
	}
	return b.String()
}

// Build returns the text of the message after checking that it parses: a statement
// with a line break, for example, could otherwise inject a field. Fails with
// fault.Invalid.
func Build(m Message) (string, error) {
	text := m.String()
	if _, err := Parse(text); err != nil {
		return "", err
	}
	return text, nil
}
