package list

import (
	"encoding/binary"
	"fmt"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/table"
	"banyan/platform/wallet"
	"banyan/platform/wallet/hexdigits"
)

const (
	hexDigits     = 40            // of an address
	addressLength = 2 + hexDigits // with 0x before them
)

// parseAddress reads an address. mixed means that both cases occur, so that the
// checksum has yet to be checked (see checksums).
func (r *cellReader) parseAddress(text []byte, who *wallet.Address) (mixed bool, chain uint64, problem string) {
	if len(text) == addressLength && text[0] == '0' && text[1]|0x20 == 'x' {
		if mixed, ok := parseDigits(text, who); ok {
			return mixed, 0, ""
		}
	}
	if looksLikeTotal(text) {
		return false, 0, fmt.Sprintf("%q is a row of totals and not an address: remove it", table.Short(text))
	}
	if len(text) == 0 {
		return false, 0, "is missing: if this is a row of totals, remove it"
	}
	w, problem := wallet.ReadText(text, r.chain)
	*who = w.Address
	return false, w.Chain, problem
}

// parseDigits reads 0x and 40 hex digits, the usual case.
func parseDigits(text []byte, who *wallet.Address) (mixed, ok bool) {
	lower, upper := false, false
	for i := 0; i < hexDigits; i += 8 {
		eight, low, up, ok := hexWord(binary.LittleEndian.Uint64(text[2+i:]))
		if !ok {
			return false, false
		}
		binary.LittleEndian.PutUint32(who[i/2:], eight)
		lower, upper = lower || low, upper || up
	}
	return lower && upper, true
}

// hexWord reads eight hex digits at once, the first one in the lowest byte, and
// gives their four bytes likewise; lower and upper tell which letters occur. It
// fails on anything else. Adding to each byte what brings the first one that is
// too great to 0x80 makes the highest bit say whether it is.
func hexWord(digits uint64) (four uint32, lower, upper, ok bool) {
	const (
		every = 0x0101010101010101
		top   = 0x80 * every
	)
	folded := digits | 0x20*every // letters in lower case
	numbers := (digits + (0x80-'0')*every) &^ (digits + (0x80-('9'+1))*every) & top
	letters := (folded + (0x80-'a')*every) &^ (folded + (0x80-('f'+1))*every) & top
	if digits&top != 0 || numbers|letters != top {
		return 0, false, false, false
	}
	small := digits << 2 & letters // the bit that tells the cases apart, 0x20
	values := digits&(0x0f*every) + letters>>7*9
	pairs := values<<4 | values>>8 // in every other byte
	pairs &= 0x00ff00ff00ff00ff
	pairs = (pairs | pairs>>8) & 0x0000ffff0000ffff
	return uint32(pairs | pairs>>16), small != 0, small != letters, true
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func onlyHex(text []byte) bool {
	for _, c := range text {
		if !isHex(c) {
			return false
		}
	}
	return true
}

// checksums gathers addresses in mixed case and checks their EIP-55 checksums
// all at once: it is the one thing on a line that needs a hash.
type checksums struct {
	lower   []byte // 40 lower-case digits each
	written []byte // the same as they were written
	lines   []int  // or what else they are known by
}

// clear forgets the addresses, and keeps their memory for others.
func (c *checksums) clear() { c.lower, c.written, c.lines = c.lower[:0], c.written[:0], c.lines[:0] }

func (c *checksums) add(text []byte, line int) {
	c.written = append(c.written, text[2:]...)
	begin := len(c.lower)
	c.lower = append(c.lower, text[2:]...)
	for eight := c.lower[begin:]; len(eight) >= 8; eight = eight[8:] {
		const small = 0x20 * hexdigits.Ones // digits have that bit already
		binary.LittleEndian.PutUint64(eight, binary.LittleEndian.Uint64(eight)|small)
	}
	c.lines = append(c.lines, line)
}

// wrong calls yield with the line of each address whose checksum is wrong, and
// what to say of it. chain is as in wallet.Read.
func (c *checksums) wrong(engine keccak.Engine, chain uint64, yield func(line int, problem string)) error {
	digests := make([]byte, len(c.lines)*keccak.DigestSize)
	if err := engine.Hash(digests, c.lower, hexDigits); err != nil {
		return fault.From(err)
	}
	for i, line := range c.lines {
		digest, digits := digests[i*keccak.DigestSize:(i+1)*keccak.DigestSize], c.written[i*hexDigits:(i+1)*hexDigits]
		if checksumHolds(digits, digest) {
			continue
		}
		if problem := wallet.ExplainChecksum(append([]byte("0x"), digits...), chain); problem != "" {
			yield(line, problem)
		}
	}
	return nil
}

// checksumHolds compares the case of each letter with the digest's bit for it,
// eight at a time: https://eips.ethereum.org/EIPS/eip-55
func checksumHolds(digits, digest []byte) bool {
	var wrong uint64
	for i := 0; i < hexDigits; i += 8 {
		const letter, small = 6, 5 // bits: only letters have the one, and lower-case ones both
		eight := binary.BigEndian.Uint64(digits[i:])
		large := hexdigits.Halves(binary.BigEndian.Uint32(digest[i/2:])) >> 3
		wrong |= eight >> letter &^ (eight>>small ^ large)
	}
	return wrong&hexdigits.Ones == 0
}
