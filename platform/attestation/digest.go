package attestation

import (
	"encoding/binary"

	"golang.org/x/crypto/sha3"

	"banyan/platform/wallet"
)

const word = 32 // bytes of an encoded field

const (
	domainType  = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
	attestType1 = "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data)"
	attestType2 = "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,bytes32 salt)"
)

func encodeType(version uint16) string {
	if version == Version1 {
		return attestType1
	}
	return attestType2
}

// keccak hashes the concatenated parts. It is x/crypto's, because go-ethereum's
// depends on a C library, and a contract must not.
func keccak(parts ...[]byte) (sum Hash) {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		_, _ = h.Write(part) // a hash never fails
	}
	h.Sum(sum[:0])
	return sum
}

// words encodes fields of 32 bytes each.
type words []byte

// put appends b, left-padded, as numbers and addresses are.
func (w *words) put(b []byte) {
	var padded [word]byte
	copy(padded[word-len(b):], b)
	*w = append(*w, padded[:]...)
}

func (w *words) hash(h Hash)      { *w = append(*w, h[:]...) }
func (w *words) number(n uint64)  { w.put(binary.BigEndian.AppendUint64(nil, n)) }
func (w *words) text(text string) { w.hash(keccak([]byte(text))) }

func (w *words) flag(b bool) {
	if b {
		w.number(1)
		return
	}
	w.number(0)
}

// separator hashes the domain.
func (d *Domain) separator() Hash {
	var w words
	w.text(domainType)
	w.text(d.Name)
	w.text(d.Version)
	w.number(uint64(d.ChainID))
	w.put(d.VerifyingContract[:])
	return keccak(w)
}

// Digest returns the EIP-712 digest that the attester signed
// (https://eips.ethereum.org/EIPS/eip-712). Check must have passed.
func (s *Signed) Digest() Hash {
	m := &s.Message
	w := make(words, 0, 10*word)
	w.text(encodeType(s.Version))
	w.number(uint64(m.Version))
	w.hash(m.Schema.Hash())
	w.put(m.Recipient[:])
	w.number(uint64(m.Time))
	w.number(uint64(m.ExpirationTime))
	w.flag(m.Revocable)
	w.hash(m.RefUID)
	w.hash(keccak(m.Data))
	if m.Salt != nil {
		w.hash(*m.Salt)
	}
	return typedDigest(s.Domain.separator(), keccak(w))
}

func typedDigest(separator, message Hash) Hash {
	return keccak([]byte{0x19, 0x01}, separator[:], message[:])
}

// uid computes the UID as the SDK's getOffchainUID does: over the text of the
// schema, as it was written, and neither over the domain nor over the attester.
// So two attesters may have attestations with one UID.
func (m *Message) uid() Hash {
	var none wallet.Address
	packed := binary.BigEndian.AppendUint16(nil, m.Version)
	packed = append(packed, m.Schema...)
	packed = append(packed, m.Recipient[:]...)
	packed = append(packed, none[:]...)
	packed = binary.BigEndian.AppendUint64(packed, uint64(m.Time))
	packed = binary.BigEndian.AppendUint64(packed, uint64(m.ExpirationTime))
	revocable := byte(0)
	if m.Revocable {
		revocable = 1
	}
	packed = append(packed, revocable)
	packed = append(packed, m.RefUID[:]...)
	packed = append(packed, m.Data...)
	if m.Salt != nil {
		packed = append(packed, m.Salt[:]...)
	}
	return keccak(binary.BigEndian.AppendUint32(packed, 0))
}
