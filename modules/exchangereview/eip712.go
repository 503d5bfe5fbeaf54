package exchangereview

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/crypto/sha3"
)

// What a wallet signs is the EIP-712 struct Review
// (https://eips.ethereum.org/EIPS/eip-712). The domain has no chain id, so that
// a wallet signs on whatever chain it is; site is the public host of this
// installation, so that a review is not valid at another one; and previous
// chains the versions, so that an old one cannot be published again.
const (
	domainName    = "Banyan Review"
	domainVersion = "1"

	domainType = "EIP712Domain(string name,string version)"
	reviewType = "Review(string site,string exchange,address wallet,uint8 overall,uint8 withdrawals,uint8 support," +
		"uint8 fees,uint8 execution,uint8 security,uint8 ease,string text,uint64 createdAt,bytes32 previous)"
)

const (
	word         = 32 // bytes of an encoded field
	reviewFields = 13
)

// Digester hashes the reviews of one site. It is immutable and safe for
// concurrent use.
type Digester struct {
	site       string
	prefix     [2 + word]byte // 0x19 0x01 and the domain separator
	reviewType [word]byte
	siteHash   [word]byte

	withdrawalType [word]byte
}

// NewDigester returns a Digester for a site: the public host, with its port if
// it has one.
func NewDigester(site string) *Digester {
	d := &Digester{site: site, reviewType: keccak([]byte(reviewType)), siteHash: keccak([]byte(site)), withdrawalType: keccak([]byte(withdrawalType))}
	parts := [3][word]byte{keccak([]byte(domainType)), keccak([]byte(domainName)), keccak([]byte(domainVersion))}
	separator := keccak(parts[0][:], parts[1][:], parts[2][:])
	d.prefix[0], d.prefix[1] = 0x19, 0x01
	copy(d.prefix[2:], separator[:])
	return d
}

// keccak hashes the concatenated parts. It is x/crypto's, because go-ethereum's
// depends on a C library, and a contract must not.
func keccak(parts ...[]byte) (sum [word]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		_, _ = h.Write(part) // a hash never fails
	}
	h.Sum(sum[:0])
	return sum
}

// Hash returns the EIP-712 digest that the wallet signs: Review.Hash. The
// ratings must be within 0–255 and CreatedMS not negative, as Validate checks.
func (d *Digester) Hash(r *SignedReview) Hash { return d.hash(r, keccak([]byte(r.Text))) }

// hash is Hash of a review whose text has this hash.
func (d *Digester) hash(r *SignedReview, text [word]byte) Hash {
	var encoded [(1 + reviewFields) * word]byte
	rest := encoded[:]
	put := func(b []byte) { // left-padded, as numbers and addresses are
		copy(rest[word-len(b):word], b)
		rest = rest[word:]
	}
	hashed := func(h [word]byte) { put(h[:]) }
	hashed(d.reviewType)
	hashed(d.siteHash)
	hashed(keccak([]byte(r.Slug)))
	put(r.Wallet[:])
	for _, stars := range r.Stars() {
		put([]byte{byte(stars)})
	}
	hashed(text)
	var created [8]byte
	binary.BigEndian.PutUint64(created[:], uint64(r.CreatedMS))
	put(created[:])
	hashed(r.Previous)
	inner := keccak(encoded[:])
	return keccak(d.prefix[:], inner[:])
}

// Document returns what Hash hashes as a document for eth_signTypedData_v4.
// createdAt is a string because JavaScript's numbers are not exact beyond 2^53;
// the stars are float64 because that is what JSON decodes to, so the document
// is the same on both sides of the seam.
func (d *Digester) Document(r *SignedReview) TypedData {
	message := map[string]any{
		"site":      d.site,
		"exchange":  r.Slug,
		"wallet":    r.Wallet.String(),
		"text":      r.Text,
		"createdAt": strconv.FormatInt(r.CreatedMS, 10),
		"previous":  r.Previous.String(),
	}
	for i, stars := range r.Stars() {
		message[DimensionNames[i]] = float64(stars)
	}
	fields := []TypedField{{Name: "site", Type: "string"}, {Name: "exchange", Type: "string"}, {Name: "wallet", Type: "address"}}
	for _, name := range DimensionNames {
		fields = append(fields, TypedField{Name: name, Type: "uint8"})
	}
	fields = append(fields, TypedField{Name: "text", Type: "string"}, TypedField{Name: "createdAt", Type: "uint64"}, TypedField{Name: "previous", Type: "bytes32"})
	return TypedData{
		Types: map[string][]TypedField{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Review":       fields,
		},
		PrimaryType: "Review",
		Domain:      map[string]any{"name": domainName, "version": domainVersion},
		Message:     message,
	}
}
