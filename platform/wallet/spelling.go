package wallet

import (
	"encoding/binary"
	"hash"
	"io"
	"sync"

	"golang.org/x/crypto/sha3"

	"banyan/platform/wallet/hexdigits"
)

// textSize is 0x and 40 hex digits.
const textSize = 2 + 2*len(Address{})

// spelling is an address with its EIP-55 text, and the sponge that finds it.
// Each remembers its last address: the check of a request's wallet has just
// found what the answer about that wallet will say.
type spelling struct {
	address Address
	text    [textSize]byte
	sponge  sponge
	sum     [len(Address{})]byte // the beginning of a hash; the rest has no digit to tell of
}

// sponge is what x/crypto gives: Read spares the copy of it that Sum makes.
type sponge interface {
	hash.Hash
	io.Reader
}

var spellings = sync.Pool{New: func() any {
	s := &spelling{sponge: sha3.NewLegacyKeccak256().(sponge)}
	s.spell(Address{})
	return s
}}

// takeSpelling gives the spelling of an address, until it goes back to
// spellings.
func takeSpelling(a Address) *spelling {
	s := spellings.Get().(*spelling)
	if s.address != a {
		s.spell(a)
	}
	return s
}

// spell writes a letter large when the hash of the small text has 8 or more in
// its place. Where that is so is a matter of chance: nothing branches on it.
func (s *spelling) spell(a Address) {
	s.address = a
	copy(s.text[:], "0x")
	digits := s.text[2:]
	hexdigits.Write(digits, a[:])
	s.sponge.Reset()
	_, _ = s.sponge.Write(digits) // a sponge never fails
	_, _ = s.sponge.Read(s.sum[:])
	const letter, small = 6, 'a' - 'A' // the bit that no digit has, and what makes a letter small
	for i := 0; i < len(s.sum); i += 4 {
		eight := binary.BigEndian.Uint64(digits[2*i:])
		large := hexdigits.Halves(binary.BigEndian.Uint32(s.sum[i:])) >> 3
		binary.BigEndian.PutUint64(digits[2*i:], eight-(eight>>letter&large&hexdigits.Ones)*small)
	}
}
