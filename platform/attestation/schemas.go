package attestation

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// The kinds of statement that count.
const (
	Trust  = "trust"  // a level from MinLevel to MaxLevel, in a context
	Vouch  = "vouch"  // the attester answers for the subject
	Report = "report" // the attester warns of the subject
)

// The levels of trust; 0 neither trusts nor distrusts.
const (
	MinLevel = -10
	MaxLevel = 10
)

// The limits of the texts in statements, in characters.
const (
	MaxContext = 64  // of trust: what the subject is trusted with; "" = in general
	MaxNote    = 500 // of a vouch or a report
)

// Schema is the form of a statement: its UID is that of the same schema in any
// EAS registry.
type Schema struct {
	Kind       string // of those that count
	Definition string // the fields as EAS writes them
	Resolver   wallet.Address
	Revocable  bool
}

// UID returns the schema's UID.
func (s Schema) UID() Hash { return SchemaUID(s.Definition, s.Resolver, s.Revocable) }

// SchemaUID returns the UID that EAS's registry has for a schema.
func SchemaUID(definition string, resolver wallet.Address, revocable bool) Hash {
	last := []byte{0}
	if revocable {
		last[0] = 1
	}
	return keccak([]byte(definition), resolver[:], last)
}

// Schemas returns those that count. All can be taken back, and have no resolver.
func Schemas() []Schema {
	return []Schema{
		{Kind: Trust, Definition: "address subject,int8 level,string context", Revocable: true},
		{Kind: Vouch, Definition: "address subject,string note", Revocable: true},
		{Kind: Report, Definition: "address subject,string reason", Revocable: true},
	}
}

// SchemaOf returns the schema of a kind.
func SchemaOf(kind string) (Schema, bool) {
	for _, s := range Schemas() {
		if s.Kind == kind {
			return s, true
		}
	}
	return Schema{}, false
}

// Statement is what an attestation of a counted schema says.
type Statement struct {
	Kind    string
	Subject wallet.Address
	Level   int    // of trust
	Context string // of trust
	Note    string // of a vouch or a report
}

// Check refuses levels and texts out of range. Fails with fault.Invalid.
func (s Statement) Check() error {
	var c checks
	if s.Level < MinLevel || s.Level > MaxLevel {
		c.wrong("level", "is "+strconv.Itoa(s.Level)+", must be from -10 to 10")
	}
	if s.Subject.IsZero() {
		c.wrong("subject", "is missing")
	}
	c.text("context", s.Context, MaxContext)
	c.text("note", s.Note, MaxNote)
	if s.Context != strings.TrimSpace(s.Context) {
		c.wrong("context", "begins or ends with a space")
	}
	if len(c.fields) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the statement has values out of range: see the fields").With(c.fields...)
}

func (c *checks) text(field, text string, most int) {
	switch {
	case !utf8.ValidString(text):
		c.wrong(field, "is not UTF-8")
	case utf8.RuneCountInString(text) > most:
		c.wrong(field, "has more than "+strconv.Itoa(most)+" characters")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		c.wrong(field, "has control characters")
	}
}

// Encode returns the ABI encoding of the statement by its schema.
func (s Statement) Encode() Bytes {
	var w words
	w.put(s.Subject[:])
	text := s.Note
	if s.Kind == Trust {
		w.signed(s.Level)
		text = s.Context
	}
	w.number(uint64(len(w) + word))
	w.number(uint64(len(text)))
	w = append(w, text...)
	for len(w)%word != 0 {
		w = append(w, 0)
	}
	return Bytes(w)
}

func (w *words) signed(n int) {
	fill := byte(0)
	if n < 0 {
		fill = 0xff
	}
	for range word - 1 {
		*w = append(*w, fill)
	}
	*w = append(*w, byte(int8(n)))
}

// Decode reads the data of an attestation of a counted schema. Fails with
// fault.Invalid for data of other types and values out of range.
func (s Schema) Decode(data []byte) (Statement, error) {
	out := Statement{Kind: s.Kind}
	d := decoder{data: data}
	out.Subject = d.address("subject")
	if s.Kind == Trust {
		out.Level = d.int8("level")
		out.Context = d.text("context", 2)
	} else {
		out.Note = d.text("note", 1)
	}
	if len(d.fields) > 0 {
		return Statement{}, fault.New(fault.Invalid, "the data is not encoded by its schema, "+s.Definition+": see the fields").With(d.fields...)
	}
	return out, out.Check()
}

// decoder reads ABI-encoded words from the first on.
type decoder struct {
	checks
	data []byte
	at   int
}

func (d *decoder) next(field string) []byte {
	if len(d.data) < d.at+word {
		d.wrong(field, "is missing: the data ends before it")
		return nil
	}
	d.at += word
	return d.data[d.at-word : d.at]
}

func (d *decoder) address(field string) (a wallet.Address) {
	w := d.next(field)
	if w == nil {
		return a
	}
	if !all(w[:12], 0) {
		d.wrong(field, "is not an address: its first 12 bytes are not zero")
	}
	copy(a[:], w[12:])
	return a
}

func (d *decoder) int8(field string) int {
	w := d.next(field)
	if w == nil {
		return 0
	}
	n := int8(w[word-1])
	fill := byte(0)
	if n < 0 {
		fill = 0xff
	}
	if !all(w[:word-1], fill) {
		d.wrong(field, "does not fit into int8: a level is from -10 to 10")
	}
	return int(n)
}

// text reads a string whose head is the word at this place; nothing may follow it.
func (d *decoder) text(field string, place int) string {
	head := d.next(field)
	if head == nil {
		return ""
	}
	begin := uint64((place + 1) * word)
	if !all(head[:word-8], 0) || binary.BigEndian.Uint64(head[word-8:]) != begin {
		d.wrong(field, "is not where its schema puts it: the data is of other types")
		return ""
	}
	size := d.next(field)
	if size == nil {
		return ""
	}
	n := binary.BigEndian.Uint64(size[word-8:])
	rest := d.data[d.at:]
	if !all(size[:word-8], 0) || n > MaxData || uint64(len(rest)) != (n+word-1)/word*word || !all(rest[n:], 0) {
		d.wrong(field, "has another length than the data has bytes for")
		return ""
	}
	return string(rest[:n])
}

func all(b []byte, value byte) bool {
	for _, x := range b {
		if x != value {
			return false
		}
	}
	return true
}
