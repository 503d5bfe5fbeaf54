package attestation

import "banyan/platform/wallet"

// Revocation takes an attestation back. It is signed by the attester as EIP-712
// typed data and costs nothing: EAS itself revokes off-chain attestations by a
// transaction only. It names the attestation for good, so it may be sent on to
// every other place that holds it.
type Revocation struct {
	UID       Hash           `json:"uid"`
	Attester  wallet.Address `json:"attester"`
	Time      Uint           `json:"time"`     // UTC seconds
	ChainID   Uint           `json:"chain_id"` // that the wallet was on
	Signature Signature      `json:"signature"`
}

const (
	revocationName    = "Banyan Revocation"
	revocationVersion = "1"

	shortDomainType = "EIP712Domain(string name,string version,uint256 chainId)"
	revokeType      = "Revoke(bytes32 uid,address attester,uint64 time)"
)

// Digest returns the EIP-712 digest that the attester signs. The domain has the
// chain, because wallets refuse documents without one, and one that is not
// their own.
func (r *Revocation) Digest() Hash {
	var d words
	d.text(shortDomainType)
	d.text(revocationName)
	d.text(revocationVersion)
	d.number(uint64(r.ChainID))
	var w words
	w.text(revokeType)
	w.hash(r.UID)
	w.put(r.Attester[:])
	w.number(uint64(r.Time))
	return typedDigest(keccak(d), keccak(w))
}

// DomainDocument is a domain as eth_signTypedData_v4 takes it: the chain is a
// number.
type DomainDocument struct {
	Name              string          `json:"name"`
	Version           string          `json:"version"`
	ChainID           uint64          `json:"chainId"`
	VerifyingContract *wallet.Address `json:"verifyingContract,omitempty"`
}

// Document is an attestation for eth_signTypedData_v4.
type Document struct {
	Types       map[string][]Field `json:"types"`
	PrimaryType string             `json:"primaryType"`
	Domain      DomainDocument     `json:"domain"`
	Message     Message            `json:"message"`
}

// Document returns what Digest hashes.
func (s *Signed) Document() Document {
	types := TypesOf(s.Version)
	types["EIP712Domain"] = []Field{{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}}
	return Document{
		Types: types, PrimaryType: primaryType, Message: s.Message,
		Domain: DomainDocument{s.Domain.Name, s.Domain.Version, uint64(s.Domain.ChainID), &s.Domain.VerifyingContract},
	}
}

// RevokeMessage is what a revocation's document says.
type RevokeMessage struct {
	UID      Hash           `json:"uid"`
	Attester wallet.Address `json:"attester"`
	Time     Uint           `json:"time"`
}

// RevokeDocument is a revocation for eth_signTypedData_v4.
type RevokeDocument struct {
	Types       map[string][]Field `json:"types"`
	PrimaryType string             `json:"primaryType"`
	Domain      DomainDocument     `json:"domain"`
	Message     RevokeMessage      `json:"message"`
}

// Document returns what Digest hashes.
func (r *Revocation) Document() RevokeDocument {
	return RevokeDocument{
		Types: map[string][]Field{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}},
			"Revoke":       {{"uid", "bytes32"}, {"attester", "address"}, {"time", "uint64"}},
		},
		PrimaryType: "Revoke", Domain: DomainDocument{Name: revocationName, Version: revocationVersion, ChainID: uint64(r.ChainID)},
		Message: RevokeMessage{r.UID, r.Attester, r.Time},
	}
}
