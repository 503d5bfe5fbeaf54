package wallet

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Explain says what a text that is not an address seems to be, and what to do:
// "has no 0x before its 40 hex digits". It does not look at the case of letters.
func Explain(text []byte) string {
	if problem := strangeCharacter(text); problem != "" {
		return problem
	}
	lower := bytes.ToLower(text)
	hex, prefixed := bytes.CutPrefix(lower, []byte("0x"))
	switch {
	case len(text) == 0:
		return "is missing"
	case prefixed:
		return explainDigits(text[2:])
	case len(text) == textSize-2 && onlyHex(text):
		return "has no 0x before its 40 hex digits"
	case bytes.HasPrefix(hex, []byte("ox")) && onlyHex(hex[2:]):
		return "begins with the letter O and not with the digit 0: write 0x"
	case bytes.HasPrefix(hex, []byte("xdc")) && len(text) == len("xdc")+40 && onlyHex(hex[3:]):
		return "has XDC's own prefix: write 0x in the place of xdc"
	case isNumber(lower):
		return fmt.Sprintf("%q is a number: if a spreadsheet made it of an address, its digits are lost; format the column as text and paste the addresses again", short(text))
	}
	if problem := explainOther(text); problem != "" {
		return problem
	}
	return fmt.Sprintf("%q is no address: write 0x and 40 hex digits", short(text))
}

// explainDigits explains what stands behind 0x.
func explainDigits(digits []byte) string {
	for at, c := range digits {
		if !isHex(c) {
			return fmt.Sprintf("%q has something other than hex digits (0-9, a-f) after 0x: %q as its character %d", short(append([]byte("0x"), digits...)), c, at+3)
		}
	}
	const wanted = "an address has 40 hex digits after 0x, this has %d"
	if len(digits) == 64 {
		if bytes.Count(digits[:24], []byte{'0'}) == 24 {
			return fmt.Sprintf(wanted+": it is filled up with zeros to 32 bytes, write its last 40 digits", 64)
		}
		return fmt.Sprintf(wanted+": that is a hash, an address of another kind of chain, or a key that nobody should have", 64) // not repeated
	}
	return fmt.Sprintf(wanted, len(digits))
}

// isNumber reports whether text in lower case is a number, in any spelling.
func isNumber(text []byte) bool {
	return len(text) > 0 && bytes.ContainsAny(text, "0123456789") && len(bytes.Trim(text, "0123456789.,'_ +-e")) == 0 && text[0] != 'e'
}

// explainOther explains names and addresses of other kinds.
func explainOther(text []byte) string {
	upper := string(bytes.ToUpper(text))
	switch {
	case isICAP(upper):
		advice := "write the address it stands for, 0x and 40 hex digits"
		if a, ok := fromICAP(upper); ok {
			advice = "write " + a.String()
		}
		return fmt.Sprintf("%q is an address in the form of a bank account (ICAP): %s", short(text), advice)
	case isName(text):
		return fmt.Sprintf("%q is a name, and nothing is looked up here: write the address it stands for", short(text))
	case text[0] == '@' && bytes.IndexByte(text, ' ') < 0:
		return fmt.Sprintf("%q is somebody's name on a network: write the address of their wallet", short(text))
	case isForeign(text):
		return fmt.Sprintf("%q seems to be the address of another kind of chain: write one of Ethereum's kind, 0x and 40 hex digits", short(text))
	}
	return ""
}

// isName reports whether text is a name with an ending, as of ENS.
func isName(text []byte) bool {
	labels := strings.Split(strings.TrimSuffix(string(text), "."), ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || strings.ContainsAny(label, " \t,;/\\\"'()=<>@:") {
			return false
		}
	}
	end := labels[len(labels)-1]
	first, _ := utf8.DecodeRuneInString(end)
	return utf8.RuneCountInString(end) >= 2 && !unicode.IsDigit(first)
}

// isForeign reports whether text is an address in base58 or bech32, as Bitcoin,
// Solana, TRON and Cosmos have them.
func isForeign(text []byte) bool {
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	if n := len(text); n >= 26 && n <= 48 && len(bytes.Trim(text, base58)) == 0 && bytes.ContainsAny(text, "123456789") {
		return true
	}
	at := bytes.LastIndexByte(text, '1')
	return at >= 2 && len(text)-at > 30 && len(bytes.Trim(bytes.ToLower(text[at+1:]), bech32)) == 0
}

// isICAP reports whether text in upper case is of the form of
// https://ethereum.org/en/developers/docs/standards (ICAP): XE, two check digits,
// and 30 or 31 letters and digits, or 16 of a name.
func isICAP(text string) bool {
	text = strings.ReplaceAll(text, " ", "")
	if n := len(text); !strings.HasPrefix(text, "XE") || n != 20 && n != 34 && n != 35 {
		return false
	}
	return text[2] >= '0' && text[2] <= '9' && text[3] >= '0' && text[3] <= '9' &&
		strings.Trim(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// fromICAP returns the address of a direct ICAP whose check digits are right.
func fromICAP(text string) (a Address, ok bool) {
	text = strings.ReplaceAll(text, " ", "")
	if len(text) < 34 || !hasIBANChecksum(text) {
		return a, false
	}
	n, ok := new(big.Int).SetString(text[4:], 36)
	if !ok || n.BitLen() > 8*len(a) {
		return a, false
	}
	n.FillBytes(a[:])
	return a, true
}

// hasIBANChecksum checks ISO 13616: the first four characters moved to the end
// and letters as 10 to 35 make a number that is 1 modulo 97.
func hasIBANChecksum(text string) bool {
	rest := 0
	for _, c := range text[4:] + text[:4] {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}

// strangeCharacter names the first character that cannot be seen, or that looks
// like a letter of an address and is none; "" if there is none.
func strangeCharacter(text []byte) string {
	isHexed := bytes.HasPrefix(text, []byte("0x")) || bytes.HasPrefix(text, []byte("0X"))
	for at, place := 0, 1; at < len(text); place++ {
		c, size := utf8.DecodeRune(text[at:])
		at += size
		switch {
		case c >= ' ' && c < 127:
		case c == utf8.RuneError && size == 1:
			return fmt.Sprintf("has a byte that is no UTF-8 as its character %d: save the text as UTF-8", place)
		case invisible(c) && (isHexed || c != joiner && c != pictureForm):
			return fmt.Sprintf("has an invisible character, %U (%s), as its character %d: remove it", c, characterName(c), place)
		case isHexed:
			return fmt.Sprintf("has the character %q (%U), which only looks like one of an address, as its character %d: copy the address again", c, c, place)
		}
	}
	return ""
}

// joiner and pictureForm stand between and behind pictures, which names may have.
const (
	joiner      = '\u200d'
	pictureForm = '\ufe0f'
)

// invisible reports whether a character cannot be seen.
func invisible(c rune) bool {
	return unicode.IsControl(c) || unicode.IsSpace(c) || unicode.In(c, unicode.Cf, unicode.Zs, unicode.Variation_Selector) ||
		strings.ContainsRune("\u115f\u1160\u3164\uffa0\u2800", c) // letters and a pattern without ink
}

// characterName is what a character that cannot be seen is called.
func characterName(c rune) string {
	switch {
	case c == 0x00a0:
		return "no-break space"
	case c == 0x00ad:
		return "soft hyphen"
	case c == 0x200b:
		return "zero width space"
	case c == 0x200c:
		return "zero width non-joiner"
	case c == 0x2060:
		return "word joiner"
	case c == 0xfeff:
		return "byte order mark"
	case c == 0x200e, c == 0x200f, c == 0x061c, c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069:
		return "a mark of the direction of writing"
	case unicode.IsControl(c):
		return "a control character"
	case unicode.IsSpace(c), unicode.Is(unicode.Zs, c):
		return "a space"
	}
	return "without a shape"
}
