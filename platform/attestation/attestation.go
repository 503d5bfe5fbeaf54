// Package attestation reads, makes and hashes statements in the form of the
// Ethereum Attestation Service (https://attest.org): off-chain attestations of
// version 1 and 2 as its SDK signs them, their UIDs, the schemas that Banyan
// counts, and the signed form that takes an attestation back.
//
//	p, err := attestation.Parse(text)    // as the SDK or EAS' explorer writes it
//	err = p.Sig.Check()                  // types, version, UID
//	digest := p.Sig.Digest()             // what the attester signed
//
// Nothing here checks a signature or looks at a clock: whose key made it is the
// service's question. Reading order: attestation.go, digest.go, json.go,
// schemas.go, revocation.go.
package attestation

import (
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// The versions of an off-chain attestation. The SDK's version 0 (legacy) has no
// version in what is signed, and is not read.
const (
	Version1 = 1
	Version2 = 2 // has a salt
)

// Limits of an attestation: what they bound is stored and shown.
const (
	MaxData      = 8 << 10  // bytes of the encoded statement
	MaxSignature = 8 << 10  // bytes; a key's has 65, a smart wallet's may carry several, and its deployment
	MaxPackage   = 96 << 10 // of JSON, which has two letters for a byte: also of the longest that a module takes by CheckUpTo
)

// DomainName is the EIP-712 name of every off-chain attestation.
const DomainName = "EAS Attestation"

const primaryType = "Attest"

// Package is an attestation with its signer, as the SDK shares it.
type Package struct {
	Sig    Signed         `json:"sig"`
	Signer wallet.Address `json:"signer"` // zero: whoever signed it
}

// Signed is an attestation with its signature.
type Signed struct {
	Version     uint16             `json:"version"`
	UID         Hash               `json:"uid"`
	Domain      Domain             `json:"domain"`
	PrimaryType string             `json:"primaryType"`
	Types       map[string][]Field `json:"types"`
	Message     Message            `json:"message"`
	Signature   Signature          `json:"signature"`
}

// Domain is the EIP-712 domain: the EAS contract of a chain.
type Domain struct {
	Name              string         `json:"name"`
	Version           string         `json:"version"` // of the EAS contract
	ChainID           Uint           `json:"chainId"`
	VerifyingContract wallet.Address `json:"verifyingContract"`
}

// Field is a field of an EIP-712 type.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Message is what is attested.
type Message struct {
	Version        uint16         `json:"version"`
	Schema         SchemaID       `json:"schema"`
	Recipient      wallet.Address `json:"recipient"`
	Time           Uint           `json:"time"`           // UTC seconds
	ExpirationTime Uint           `json:"expirationTime"` // UTC seconds; 0 = never
	Revocable      bool           `json:"revocable"`
	RefUID         Hash           `json:"refUID"` // of another attestation; zero = none
	Data           Bytes          `json:"data"`   // ABI-encoded by the schema
	Salt           *Hash          `json:"salt,omitempty"`
}

// TypesOf returns the EIP-712 types of a version.
func TypesOf(version uint16) map[string][]Field {
	fields := []Field{
		{"version", "uint16"},
		{"schema", "bytes32"},
		{"recipient", "address"},
		{"time", "uint64"},
		{"expirationTime", "uint64"},
		{"revocable", "bool"},
		{"refUID", "bytes32"},
		{"data", "bytes"},
	}
	if version == Version2 {
		fields = append(fields, Field{"salt", "bytes32"})
	}
	return map[string][]Field{primaryType: fields}
}

// New returns the attestation of a message, complete but for its signature.
func New(d Domain, m Message) Signed {
	s := Signed{Version: m.Version, Domain: d, PrimaryType: primaryType, Types: TypesOf(m.Version), Message: m}
	s.UID = s.Message.uid()
	return s
}

// Check refuses what is not an attestation of version 1 or 2, or has another UID
// than its contents. Fails with fault.Invalid naming the fields.
func (s *Signed) Check() error { return s.CheckUpTo(MaxData) }

// CheckUpTo is Check for data of at most so many bytes.
func (s *Signed) CheckUpTo(most int) error {
	c := checks{}
	c.version(s)
	c.domain(&s.Domain)
	c.message(s, most)
	if len(s.Signature) == 0 {
		c.wrong("signature", "is missing: an attestation is signed by its attester")
	}
	if len(c.fields) == 0 && s.UID != s.Message.uid() {
		c.wrong("uid", "is not the UID of this attestation, which is "+s.Message.uid().String()+": something was changed after it was made")
	}
	return c.err()
}

type checks struct{ fields []fault.Field }

func (c *checks) wrong(field, message string) {
	c.fields = append(c.fields, fault.Field{Name: field, Message: message})
}

func (c *checks) err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "this is not an off-chain attestation of EAS that can be read here: see the fields").With(c.fields...)
}

func (c *checks) version(s *Signed) {
	switch {
	case s.Version == 0 && s.Types == nil && s.Message.Schema == "":
		c.wrong("sig", "is missing: an attestation is {\"sig\": {version, uid, domain, types, message, signature}, \"signer\": \"0x…\"}")
		return
	case s.Version == 0 && s.Message.Version == 0:
		c.wrong("version", "is 0, the legacy form: sign it again with a newer EAS SDK, which makes version 2 (1 is read, too)")
		return
	case s.Version != Version1 && s.Version != Version2:
		c.wrong("version", "is "+strconv.Itoa(int(s.Version))+", must be 1 or 2")
		return
	case s.Version != s.Message.Version:
		c.wrong("message.version", "is "+strconv.Itoa(int(s.Message.Version))+", and the attestation says "+strconv.Itoa(int(s.Version)))
	}
	if s.PrimaryType != primaryType {
		c.wrong("primaryType", "is "+strconv.Quote(shortened(s.PrimaryType))+", must be "+primaryType)
	}
	if !sameTypes(s.Types, TypesOf(s.Version)) {
		c.wrong("types", "are not those of EAS version "+strconv.Itoa(int(s.Version))+": "+encodeType(s.Version))
	}
	if (s.Message.Salt != nil) != (s.Version == Version2) {
		c.wrong("message.salt", "must be there in version 2, and not in version 1")
	}
}

// sameTypes compares the types that are signed; a list of the domain's own
// fields, which some wallets add, is not one of them.
func sameTypes(have, want map[string][]Field) bool {
	for name, fields := range have {
		if name == "EIP712Domain" {
			continue
		}
		expected, ok := want[name]
		if !ok || len(fields) != len(expected) {
			return false
		}
		for i := range fields {
			if fields[i] != expected[i] {
				return false
			}
		}
	}
	_, ok := have[primaryType]
	return ok
}

func (c *checks) domain(d *Domain) {
	if d.Name != DomainName {
		c.wrong("domain.name", "is "+strconv.Quote(shortened(d.Name))+", must be "+strconv.Quote(DomainName))
	}
	if d.Version == "" || len(d.Version) > 32 {
		c.wrong("domain.version", "must be the version of the EAS contract, like 0.26")
	}
	if d.ChainID == 0 || d.ChainID > MaxChainID {
		c.wrong("domain.chainId", "must be the number of a chain, from 1 to 2^53-1")
	}
}

func (c *checks) message(s *Signed, most int) {
	m := &s.Message
	if !m.Schema.valid() {
		c.wrong("message.schema", "must be 0x and 64 hex digits")
	}
	if len(m.Data) > most {
		c.wrong("message.data", "has "+strconv.Itoa(len(m.Data))+" bytes, at most "+strconv.Itoa(most)+" are taken")
	}
	if m.ExpirationTime != 0 && m.ExpirationTime <= m.Time {
		c.wrong("message.expirationTime", "is not after its time: it has never been valid")
	}
}

// MaxChainID is the largest chain that JavaScript's numbers hold exactly.
const MaxChainID = 1<<53 - 1

// shortened keeps what others sent short in a message.
func shortened(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}
