package exchangereview

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// What a wallet signs is the EIP-712 struct Review
// (https://eips.ethereum.org/EIPS/eip-712). The domain has no chain id, so that
// a wallet signs whatever chain it is on; site is the public host of this
// place, so that a review cannot be passed off as one written elsewhere; and
// previous chains the versions, so that an old one cannot be put back.
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

// digester hashes reviews of one site. It is immutable.
type digester struct {
	site       string
	prefix     [2 + word]byte // 0x19 0x01 and the domain separator
	reviewType [word]byte
	siteHash   [word]byte
}

func newDigester(site string) *digester {
	d := &digester{site: site, reviewType: keccak([]byte(reviewType)), siteHash: keccak([]byte(site))}
	parts := [3][word]byte{keccak([]byte(domainType)), keccak([]byte(domainName)), keccak([]byte(domainVersion))}
	separator := crypto.Keccak256(parts[0][:], parts[1][:], parts[2][:])
	d.prefix[0], d.prefix[1] = 0x19, 0x01
	copy(d.prefix[2:], separator)
	return d
}

func keccak(text []byte) [word]byte { return crypto.Keccak256Hash(text) }

// digest is the hash that the wallet signs: Review.Hash. The ratings are within
// 0–255 and CreatedMS is not negative: Validate has seen to it.
func (d *digester) digest(r *SignedReview) Hash {
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
	for _, stars := range r.stars() {
		put([]byte{byte(stars)})
	}
	hashed(keccak([]byte(r.Text)))
	var created [8]byte
	binary.BigEndian.PutUint64(created[:], uint64(r.CreatedMS))
	put(created[:])
	hashed(r.Previous)
	return Hash(crypto.Keccak256Hash(d.prefix[:], crypto.Keccak256(encoded[:])))
}

// typedData is the same as a document for eth_signTypedData_v4. createdAt is a
// string because JavaScript's numbers are not exact beyond 2^53; the stars are
// float64 because that is what JSON gives back, so the document is the same on
// both sides of the seam.
func (d *digester) typedData(r *SignedReview) TypedData {
	message := map[string]any{
		"site":      d.site,
		"exchange":  r.Slug,
		"wallet":    r.Wallet.String(),
		"text":      r.Text,
		"createdAt": strconv.FormatInt(r.CreatedMS, 10),
		"previous":  r.Previous.String(),
	}
	for i, stars := range r.stars() {
		message[starNames[i]] = float64(stars)
	}
	fields := []TypedField{{"site", "string"}, {"exchange", "string"}, {"wallet", "address"}}
	for _, name := range starNames {
		fields = append(fields, TypedField{name, "uint8"})
	}
	fields = append(fields, TypedField{"text", "string"}, TypedField{"createdAt", "uint64"}, TypedField{"previous", "bytes32"})
	return TypedData{
		Types: map[string][]TypedField{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}},
			"Review":       fields,
		},
		PrimaryType: "Review",
		Domain:      map[string]any{"name": domainName, "version": domainVersion},
		Message:     message,
	}
}

// halfOrder is half the order of secp256k1, rounded down: s above it is the
// same signature written in a second way (EIP-2).
const halfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"

// signer recovers who signed a digest. Fails with fault.Invalid when the
// signature is none.
func signer(digest Hash, s Signature) (wallet.Address, error) {
	wrong := func(why string) (wallet.Address, error) {
		return wallet.Address{}, fault.New(fault.Invalid, "the signature is malformed: sign again in your wallet and send what it gives").
			With(fault.Field{Name: "signature", Message: why})
	}
	switch v := &s[64]; *v {
	case 27, 28:
		*v -= 27
	case 0, 1:
	default:
		return wrong("its last byte is 27 or 28")
	}
	limit, err := hex.DecodeString(halfOrder)
	if err != nil {
		return wallet.Address{}, err
	}
	if bytes.Compare(s[32:64], limit) > 0 {
		return wrong("its s is in the upper half, which is a copy of another signature")
	}
	key, err := crypto.Ecrecover(digest[:], s[:])
	if err != nil {
		return wrong("it belongs to no key")
	}
	return wallet.Address(crypto.Keccak256(key[1:])[12:]), nil
}

// Digest is what a wallet signs to publish r at a site (see Options.Site), and
// the hash of the stored version. The ratings and the time are as Validate
// wants them.
func Digest(site string, r SignedReview) Hash { return newDigester(site).digest(&r) }
