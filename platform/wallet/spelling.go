package wallet

import (
	"encoding/binary"
	"hash"
	"io"
	"strconv"
	"sync"

	"golang.org/x/crypto/sha3"

	"banyan/platform/wallet/hexdigits"
)

// textSize is 0x and 40 hex digits.
const textSize = 2 + 2*len(Address{})

// spelling is an address with its EIP-55 text, and the sponge that computes it.
// Each caches its last address: checking a request's wallet has just computed
// the text that the answer about that wallet needs.
type spelling struct {
	address Address
	text    [textSize]byte
	sponge  sponge
	sum     [len(Address{})]byte // the start of a hash; the rest has no digit to decide
}

// sponge is x/crypto's hash: Read saves the copy of it that Sum makes.
type sponge interface {
	hash.Hash
	io.Reader
}

var spellings = sync.Pool{New: func() any {
	s := &spelling{sponge: sha3.NewLegacyKeccak256().(sponge)}
	s.spell(Address{})
	return s
}}

// takeSpelling returns the spelling of an address, which the caller puts back
// into spellings.
func takeSpelling(a Address) *spelling {
	s := spellings.Get().(*spelling)
	if s.address != a {
		s.spell(a)
	}
	return s
}

// isChecksummedFor reports whether the 40 digits are in the case that EIP-1191
// has for a chain: that of EIP-55, with the chain's number before the text that
// is hashed.
func (a Address) isChecksummedFor(chain uint64, digits []byte) bool {
	var lower [textSize]byte
	copy(lower[:], "0x")
	hexdigits.Write(lower[2:], a[:])
	hash := sha3.NewLegacyKeccak256()
	_, _ = hash.Write(append(strconv.AppendUint(nil, chain, 10), lower[:]...)) // a sponge never fails
	sum := hash.Sum(nil)
	for i, c := range lower[2:] {
		if c >= 'a' && sum[i/2]>>(4-4*(i%2))&8 != 0 {
			c -= 'a' - 'A'
		}
		if digits[i] != c {
			return false
		}
	}
	return true
}

// spell writes a letter in upper case when the hash of the lower-case text has
// 8 or more in its place. That is random, so nothing branches on it.
func (s *spelling) spell(a Address) {
	s.address = a
	copy(s.text[:], "0x")
	digits := s.text[2:]
	hexdigits.Write(digits, a[:])
	s.sponge.Reset()
	_, _ = s.sponge.Write(digits) // a sponge never fails
	_, _ = s.sponge.Read(s.sum[:])
	const letter, small = 6, 'a' - 'A' // the bit that only letters have, and the bit of lower case
	for i := 0; i < len(s.sum); i += 4 {
		eight := binary.BigEndian.Uint64(digits[2*i:])
		large := hexdigits.Halves(binary.BigEndian.Uint32(s.sum[i:])) >> 3
		binary.BigEndian.PutUint64(digits[2*i:], eight-(eight>>letter&large&hexdigits.Ones)*small)
	}
}

// Capitals is which digits the EIP-55 text of an address has in upper case: bit n is
// that of digit n. It is a hash, so who keeps many addresses may keep it, too.
func (a Address) Capitals() (capitals uint64) {
	s := takeSpelling(a)
	defer spellings.Put(s)
	for n, c := range s.text[2:] {
		if 'A' <= c && c <= 'F' {
			capitals |= 1 << n
		}
	}
	return capitals
}

// AppendCapitals is AppendText for an address whose Capitals are known.
func (a Address) AppendCapitals(text []byte, capitals uint64) []byte {
	text = hexdigits.Append(append(text, "0x"...), a[:])
	digits := text[len(text)-2*len(a):]
	const (
		small = 'a' - 'A'
		each  = 0x8040201008040201 // bit n in byte n
		carry = 0x7f7f7f7f7f7f7f7f // makes any bit of a byte its highest
	)
	for n := 0; n < len(digits); n += 8 {
		large := (capitals >> n & 0xff * hexdigits.Ones & each) + carry
		eight := binary.LittleEndian.Uint64(digits[n:])
		binary.LittleEndian.PutUint64(digits[n:], eight-(large>>7&hexdigits.Ones)*small)
	}
	return text
}
