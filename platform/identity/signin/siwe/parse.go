package siwe

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Parse parses a sign-in message. It must follow the grammar of EIP-4361 from the
// first byte to the last: fields in order, none missing, nothing after.
// Fails with fault.Invalid and the line that is wrong.
func Parse(text string) (Message, error) {
	if len(text) > MaxLength {
		return Message{}, fault.Newf(fault.Invalid, "this sign-in message has %d bytes: the limit is %d", len(text), MaxLength)
	}
	if !utf8.ValidString(text) {
		return Message{}, fault.New(fault.Invalid, "this sign-in message is not UTF-8")
	}
	p := &parser{lines: strings.Split(text, "\n")}
	m := p.message()
	if p.err != nil {
		return Message{}, p.err
	}
	return m, nil
}

// parser walks the lines once. The first error stays in err, and from then on every
// step does nothing, so that the steps read as the grammar.
type parser struct {
	lines []string
	at    int // index of the next line
	err   error
}

func (p *parser) message() Message {
	var m Message
	m.Scheme, m.Domain = p.opening()
	m.Address = p.address()
	p.blank()
	m.Statement = p.statement()
	m.URI = p.field(labelURI, isURI, "is not an absolute RFC 3986 URI")
	p.field(labelVersion, func(v string) bool { return v == Version }, "is not 1, the only version there is")
	m.ChainID = p.chainID()
	m.Nonce = p.field(labelNonce, isNonce, "is not at least 8 letters and digits")
	m.IssuedAt = Stamp(p.field(labelIssuedAt, isStamp, notStamp))
	m.ExpirationTime = Stamp(p.optional(labelExpires, isStamp, notStamp))
	m.NotBefore = Stamp(p.optional(labelNotBefore, isStamp, notStamp))
	m.RequestID = p.optional(labelRequestID, isRequestID, "has a character that a URI path would not")
	m.Resources = p.resources()
	if p.err == nil && p.at < len(p.lines) {
		p.fail("", "there is more text after the last field, or a field out of order")
	}
	return m
}

const notStamp = "is not an RFC 3339 date and time, such as 2026-01-31T12:00:00Z"

// next returns the next line and advances; past the end it fails.
func (p *parser) next(what string) string {
	if p.err != nil {
		return ""
	}
	if p.at >= len(p.lines) {
		p.fail(what, "is missing: the message ends before it")
		return ""
	}
	p.at++
	return p.lines[p.at-1]
}

// fail records an error at the line that was read last, or at the one after the end.
func (p *parser) fail(what, message string) {
	if p.err == nil {
		p.err = fault.New(fault.Invalid, "this is not a sign-in message as EIP-4361 writes it: ask for a new one").
			With(fault.Field{Name: what, Line: max(p.at, 1), Message: message})
	}
}

func (p *parser) opening() (scheme, domain string) {
	line := p.next("domain")
	domain, ok := strings.CutSuffix(line, asks)
	if p.err == nil && !ok {
		p.fail("domain", "the first line does not end with \""+asks[1:]+"\"")
		return "", ""
	}
	if before, after, found := strings.Cut(domain, "://"); found {
		scheme, domain = before, after
		if !isScheme(scheme) {
			p.fail("scheme", "is not a URI scheme")
		}
	}
	if !isAuthority(domain) {
		p.fail("domain", "is not an RFC 3986 authority")
	}
	return scheme, domain
}

func (p *parser) address() wallet.Address {
	line := p.next("address")
	if p.err != nil {
		return wallet.Address{}
	}
	a, err := wallet.Parse(line)
	if err != nil || a.String() != line {
		p.fail("address", "is not an address with its EIP-55 checksum")
	}
	return a
}

func (p *parser) blank() {
	if p.next("blank line") != "" {
		p.fail("blank line", "the line after the address is not empty")
	}
}

// statement reads the optional statement and the empty line after it. Without
// a statement there is only the empty line.
func (p *parser) statement() string {
	line := p.next("statement")
	if line == "" {
		return ""
	}
	if !isStatement(line) {
		p.fail("statement", "has a character that EIP-4361 does not allow")
	}
	if p.next("blank line") != "" {
		p.fail("statement", "is not one line with an empty line after it")
	}
	return line
}

// field reads a required line.
func (p *parser) field(label string, valid func(string) bool, otherwise string) string {
	name := strings.TrimSuffix(label, ": ")
	line := p.next(name)
	value, ok := strings.CutPrefix(line, label)
	switch {
	case p.err != nil:
		return ""
	case !ok:
		p.fail(name, "is not here, where it belongs")
	case !valid(value):
		p.fail(name, otherwise)
	}
	return value
}

// optional reads a line if it has this label.
func (p *parser) optional(label string, valid func(string) bool, otherwise string) string {
	if p.err != nil || p.at >= len(p.lines) || !strings.HasPrefix(p.lines[p.at], label) {
		return ""
	}
	return p.field(label, valid, otherwise)
}

func (p *parser) chainID() uint64 {
	text := p.field(labelChainID, isDigits, "is not a number")
	if p.err != nil {
		return 0
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		p.fail("Chain ID", "is not a number below 2^64")
	}
	return id
}

func (p *parser) resources() []string {
	if p.err != nil || p.at >= len(p.lines) || p.lines[p.at] != labelResources {
		return nil
	}
	p.at++
	var list []string
	for p.err == nil && p.at < len(p.lines) {
		list = append(list, p.field("- ", isURI, "this resource is not an absolute RFC 3986 URI"))
	}
	return list
}
