package exchangereview

import (
	"encoding/binary"
	"strconv"
	"strings"

	"banyan/platform/wallet"
)

// member is a member of an EIP-712 struct: its type, the word that is hashed, and what
// a wallet shows.
type member struct {
	TypedField
	word  [word]byte
	shown string
}

func textMember(name, text string) member {
	return member{TypedField{Name: name, Type: "string"}, keccak([]byte(text)), text}
}

func walletMember(name string, a wallet.Address) member {
	m := member{TypedField: TypedField{Name: name, Type: "address"}, shown: a.String()}
	copy(m.word[word-len(a):], a[:])
	return m
}

func hashMember(name string, h Hash) member {
	return member{TypedField{Name: name, Type: "bytes32"}, h, h.String()}
}

// numberMember is of a number that is not negative. It is shown as a string, because
// JavaScript's numbers are not exact beyond 2^53.
func numberMember(name string, n int64) member {
	m := member{TypedField: TypedField{Name: name, Type: "uint64"}, shown: strconv.FormatInt(n, 10)}
	binary.BigEndian.PutUint64(m.word[word-8:], uint64(n))
	return m
}

// structHash returns the EIP-712 digest of a flat struct in the domain of reviews.
func (d *Digester) structHash(name string, members []member) Hash {
	types := make([]string, len(members))
	encoded := make([]byte, word, (1+len(members))*word)
	for i := range members {
		m := &members[i]
		types[i] = m.Type + " " + m.Name
		encoded = append(encoded, m.word[:]...)
	}
	kind := keccak([]byte(name + "(" + strings.Join(types, ",") + ")"))
	copy(encoded, kind[:])
	inner := keccak(encoded)
	return keccak(d.prefix[:], inner[:])
}

// structDocument returns what structHash hashes as a document for
// eth_signTypedData_v4.
func structDocument(name string, members []member) TypedData {
	fields, message := make([]TypedField, len(members)), make(map[string]any, len(members))
	for i := range members {
		fields[i] = members[i].TypedField
		message[members[i].Name] = members[i].shown
	}
	return TypedData{
		Types:       map[string][]TypedField{"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}}, name: fields},
		PrimaryType: name,
		Domain:      map[string]any{"name": domainName, "version": domainVersion},
		Message:     message,
	}
}
