package wallet

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// Written is an address as somebody wrote it.
type Written struct {
	Address Address
	// Chain is the one that stands before the address (EIP-3770, CAIP-10); 0: none does.
	Chain uint64
	// Prefix is how it is written there: "eth".
	Prefix string
}

// Read reads an address in the forms in which people, explorers, wallets and
// databases write it: what Parse reads; with a chain before it (eth:0x…,
// eip155:1:0x…); a link to it on an explorer; \x and its digits as SQL exports
// write bytes. chain is the one that it is for, 0 if that is not known: another
// before the address is refused, and its letters may be in the case of EIP-1191
// for that chain. It fails with fault.Invalid, and says what the text seems to be
// and what to write.
func Read(text string, chain uint64) (Written, error) {
	w, problem := ReadText([]byte(text), chain)
	if problem != "" {
		return Written{}, refuse(problem)
	}
	return w, nil
}

// refuse makes a sentence of a problem.
func refuse(problem string) error {
	for _, verb := range []string{"has ", "is ", "begins "} {
		if strings.HasPrefix(problem, verb) {
			problem = "the wallet address " + problem
		}
	}
	return fault.New(fault.Invalid, problem)
}

// ReadText is Read for lists: problem says what is wrong, "" if nothing is.
func ReadText(text []byte, chain uint64) (w Written, problem string) {
	if hasForm(text) { // as nearly all have
		if w.Address, problem = readDigits(text, chain); problem == "" {
			return w, ""
		}
		w.Address = Address{}
	}
	text = bytes.TrimSpace(text)
	if problem := strangeCharacter(text); problem != "" {
		return w, problem
	}
	switch {
	case isLink(text):
		if text, problem = addressOfLink(text); problem != "" {
			return w, problem
		}
	case bytes.HasPrefix(text, []byte(`\x`)):
		text = append([]byte("0x"), text[2:]...)
	case bytes.HasPrefix(text, []byte(`\\x`)):
		text = append([]byte("0x"), text[3:]...)
	case len(text) > 3 && text[0]|0x20 == 'x' && text[1] == '\'' && text[len(text)-1] == '\'':
		text = append([]byte("0x"), text[2:len(text)-1]...)
	}
	if at := bytes.LastIndexByte(text, ':'); at > 0 {
		if w.Prefix, w.Chain, problem = readChain(string(text[:at])); problem != "" {
			return Written{}, problem
		}
		text = text[at+1:]
	}
	if chain != 0 && w.Chain != 0 && w.Chain != chain {
		return Written{}, fmt.Sprintf("is on another chain by its prefix %q (%s) than the one that was given (%s)", w.Prefix+":", ChainName(w.Chain), ChainName(chain))
	}
	if w.Address, problem = readDigits(text, max(chain, w.Chain)); problem != "" {
		return Written{}, problem
	}
	return w, ""
}

// hasForm reports whether text is 0x and as many characters as an address has digits.
func hasForm(text []byte) bool {
	return len(text) == textSize && text[0] == '0' && text[1]|0x20 == 'x'
}

// readDigits reads 0x and 40 digits, with the checksum of EIP-55, or of EIP-1191
// for a chain.
func readDigits(text []byte, chain uint64) (a Address, problem string) {
	if !hasForm(text) {
		return a, Explain(text)
	}
	a, digits := decode(text)
	switch {
	case !digits:
		return Address{}, Explain(text)
	case !isMixed(text[2:]) || a.isChecksummed(text[2:]):
		return a, ""
	case chain != 0 && a.isChecksummedFor(chain, text[2:]):
		return a, ""
	}
	return Address{}, wrongCase(a, text[2:])
}

// wrongCase explains letters whose case is not that of EIP-55.
func wrongCase(a Address, digits []byte) string {
	for _, chain := range []uint64{rootstock, rootstockTest} {
		if a.isChecksummedFor(chain, digits) {
			return fmt.Sprintf("has the letters of the EIP-1191 checksum for chain %d (%s), which other chains spell in another way: write it in lower case", chain, ChainName(chain))
		}
	}
	return WrongChecksum
}

// WrongChecksum is the problem of an address whose letters are in the wrong case.
const WrongChecksum = "has upper and lower case letters that do not match its EIP-55 checksum: a digit may be wrong; copy it again"

// ExplainChecksum is the problem of 0x and 40 hex digits whose case is not that
// of EIP-55; "" if it is that of EIP-1191 for chain, which is 0 if it is not known.
func ExplainChecksum(text []byte, chain uint64) string {
	_, problem := readDigits(text, chain)
	return problem
}

// isLink reports whether text is the address of a web page.
func isLink(text []byte) bool {
	lower := strings.ToLower(string(text[:min(len(text), 8)]))
	return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") || bytes.Contains(text, []byte("/address/"))
}

// addressOfLink finds the one wallet that a link to an explorer is about, with
// the chain before it if it stands there.
func addressOfLink(link []byte) (address []byte, problem string) {
	if at := bytes.Index(link, []byte("?a=0x")); at >= 0 { // of a token, by one holder
		return cutAddress(link, at+len("?a=")), ""
	}
	for at := 0; at < len(link); {
		next := bytes.Index(link[at:], []byte("0x"))
		if next < 0 {
			break
		}
		at += next
		found := cutAddress(link, at)
		switch {
		case len(found) != textSize:
			return nil, "is a link to something other than a wallet: write the address alone"
		case bytes.HasSuffix(bytes.ToLower(link[:at]), []byte("/token/")):
			return nil, "is a link to a token and not to a wallet: write the wallet's address"
		case address != nil && !bytes.EqualFold(address, found):
			return nil, "is a link with two addresses: write the wallet's alone"
		}
		address = found
		at += textSize
	}
	if address == nil {
		return nil, "is a link in which there is no address: write the address itself"
	}
	return address, ""
}

// cutAddress returns 0x and the hex digits behind it.
func cutAddress(text []byte, at int) []byte {
	end := at + len("0x")
	for end < len(text) && isHex(text[end]) {
		end++
	}
	return text[at:end]
}

// readChain reads what stands before an address and its colon.
func readChain(prefix string) (name string, chain uint64, problem string) {
	name = strings.TrimPrefix(strings.TrimPrefix(prefix, "did:pkh:"), "ethereum:")
	if name == "ethereum" { // the scheme of EIP-681, which names no chain
		return "", 0, ""
	}
	if id, ok := strings.CutPrefix(name, "eip155:"); ok {
		if chain, err := strconv.ParseUint(id, 10, 64); err == nil && chain != 0 {
			return name, chain, ""
		}
	}
	if chain, ok := chainCalled(strings.ToLower(name)); ok {
		return name, chain, ""
	}
	return "", 0, fmt.Sprintf("has %q before it, which is not a chain's short name that is known here (EIP-3770): remove it", short([]byte(prefix))+":")
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func onlyHex(text []byte) bool {
	return len(bytes.TrimFunc(text, func(r rune) bool { return r < 128 && isHex(byte(r)) })) == 0
}

// short keeps a message short whatever a text holds.
func short(text []byte) string {
	const most = 48
	cut := strings.ToValidUTF8(string(text[:min(len(text), most)]), "\ufffd")
	if len(text) > most {
		cut = strings.TrimRight(cut, "\ufffd") + "…"
	}
	return cut
}
