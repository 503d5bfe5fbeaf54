package airdrop

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/crypto/sha3"

	"banyan/platform/eip712"
)

// What a wallet signs to appeal is the EIP-712 struct Appeal. The domain has no chain
// id, so that a wallet signs on whatever chain it is; site is the public host of this
// installation, and campaign the id, so that an appeal is valid nowhere else.
const (
	appealDomain     = "Banyan Airdrop"
	appealVersion    = "1"
	appealDomainType = "EIP712Domain(string name,string version)"
	appealType       = "Appeal(string site,string campaign,address wallet,string kind,string text,uint64 createdAt)"
)

// keccak hashes the concatenated parts. It is x/crypto's, because go-ethereum's
// depends on a C library, and a contract must not.
func keccak(parts ...[]byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		_, _ = h.Write(part) // a hash never fails
	}
	h.Sum(sum[:0])
	return sum
}

// AppealHash is the EIP-712 digest that the wallet signs.
func AppealHash(site string, a SignedAppeal) [32]byte {
	var encoded [7 * 32]byte
	for i, h := range [...][32]byte{keccak([]byte(appealType)), keccak([]byte(site)), keccak([]byte(a.ID)), {}, keccak([]byte(a.Kind)), keccak([]byte(a.Text))} {
		copy(encoded[i*32:], h[:])
	}
	copy(encoded[4*32-len(a.Wallet):], a.Wallet[:])
	binary.BigEndian.PutUint64(encoded[7*32-8:], uint64(a.CreatedMS))
	types, name, version := keccak([]byte(appealDomainType)), keccak([]byte(appealDomain)), keccak([]byte(appealVersion))
	domain, inner := keccak(types[:], name[:], version[:]), keccak(encoded[:])
	return keccak([]byte{0x19, 0x01}, domain[:], inner[:])
}

// AppealDocument returns what AppealHash hashes as a document for eth_signTypedData_v4.
func AppealDocument(site string, a SignedAppeal) eip712.TypedData {
	return eip712.TypedData{
		Types: map[string][]eip712.TypedField{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Appeal": {
				{Name: "site", Type: "string"},
				{Name: "campaign", Type: "string"},
				{Name: "wallet", Type: "address"},
				{Name: "kind", Type: "string"},
				{Name: "text", Type: "string"},
				{Name: "createdAt", Type: "uint64"},
			},
		},
		PrimaryType: "Appeal",
		Domain:      map[string]any{"name": appealDomain, "version": appealVersion},
		Message: map[string]any{
			"site": site, "campaign": a.ID, "wallet": a.Wallet.String(), "kind": a.Kind, "text": a.Text,
			"createdAt": strconv.FormatInt(a.CreatedMS, 10), // JavaScript's numbers are not exact beyond 2^53
		},
	}
}
