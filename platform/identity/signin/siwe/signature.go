package siwe

import (
	"encoding/hex"
	"strings"

	"banyan/platform/fault"
)

// ParseSignature reads a signature as wallets give it: 0x and hex digits.
// Fails with fault.Invalid.
func ParseSignature(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok || len(digits) > 2*MaxSignature {
		return nil, fault.Newf(fault.Invalid, "a signature is 0x and hex digits, at most %d bytes: send the signature that the wallet returned", MaxSignature)
	}
	signature, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "a signature is 0x and an even number of hex digits: send the whole signature that the wallet returned")
	}
	return signature, nil
}
