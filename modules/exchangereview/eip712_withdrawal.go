package exchangereview

import (
	"encoding/binary"
	"strconv"
)

// withdrawalType is what a wallet signs to take its review back; previous is the
// hash of the version that was live.
const withdrawalType = "Withdrawal(string site,string exchange,address wallet,uint64 createdAt,bytes32 previous)"

const withdrawalFields = 5

// HashWithdrawal returns the EIP-712 digest that the wallet signs to take a
// review back. CreatedMS must not be negative.
func (d *Digester) HashWithdrawal(w *SignedWithdrawal) Hash {
	var encoded [(1 + withdrawalFields) * word]byte
	exchange := keccak([]byte(w.Slug))
	copy(encoded[0:], d.withdrawalType[:])
	copy(encoded[word:], d.siteHash[:])
	copy(encoded[2*word:], exchange[:])
	copy(encoded[4*word-len(w.Wallet):], w.Wallet[:])
	binary.BigEndian.PutUint64(encoded[5*word-8:], uint64(w.CreatedMS))
	copy(encoded[5*word:], w.Previous[:])
	inner := keccak(encoded[:])
	return keccak(d.prefix[:], inner[:])
}

// WithdrawalDocument returns what HashWithdrawal hashes as a document for
// eth_signTypedData_v4.
func (d *Digester) WithdrawalDocument(w *SignedWithdrawal) TypedData {
	return TypedData{
		Types: map[string][]TypedField{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Withdrawal":   {{Name: "site", Type: "string"}, {Name: "exchange", Type: "string"}, {Name: "wallet", Type: "address"}, {Name: "createdAt", Type: "uint64"}, {Name: "previous", Type: "bytes32"}},
		},
		PrimaryType: "Withdrawal",
		Domain:      map[string]any{"name": domainName, "version": domainVersion},
		Message: map[string]any{
			"site":      d.site,
			"exchange":  w.Slug,
			"wallet":    w.Wallet.String(),
			"createdAt": strconv.FormatInt(w.CreatedMS, 10),
			"previous":  w.Previous.String(),
		},
	}
}

// TextHash is the part of a digest that a text has in it: keccak-256.
func TextHash(text string) Hash { return keccak([]byte(text)) }

// Digest makes the digest of a stored review again, from what it has. Site must
// be known.
func (r *Review) Digest() Hash { return NewDigester(r.Site).HashStored(r) }

// HashStored is Review.Digest of a review of the digester's site: one digester serves
// many.
func (d *Digester) HashStored(r *Review) Hash {
	if r.State == Withdrawn {
		return d.HashWithdrawal(&SignedWithdrawal{Slug: r.Exchange, Wallet: r.Wallet, CreatedMS: r.CreatedMS, Previous: r.Previous})
	}
	text := TextHash(r.Text)
	if r.TextHash != nil {
		text = *r.TextHash
	}
	return d.hash(&SignedReview{
		Slug: r.Exchange, Wallet: r.Wallet, Overall: r.Overall, Aspects: r.Aspects, CreatedMS: r.CreatedMS, Previous: r.Previous,
	}, text)
}
