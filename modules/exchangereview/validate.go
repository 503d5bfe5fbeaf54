package exchangereview

import (
	"fmt"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Validate refuses stars out of range, texts too long and no wallet.
func (r ReviewDraft) Validate() error {
	return invalidReview(checkWritten(r.Wallet, StarsOf(r.Overall, r.Aspects), r.Text))
}

// Validate refuses what no signature can make valid; the time and the signature
// are checked when the review is published.
func (r SignedReview) Validate() error {
	wrong := checkWritten(r.Wallet, r.Stars(), r.Text)
	if r.CreatedMS < 0 {
		wrong = append(wrong, fault.Field{Name: "created_ms", Message: "is milliseconds since 1970, not negative"})
	}
	return invalidReview(append(wrong, wrongSignature(r.Signature)...))
}

func checkWritten(writer wallet.Address, stars [Dimensions]int, text string) (wrong []fault.Field) {
	if writer.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "is missing: send the address that signs"})
	}
	for i, k := range stars {
		if k < 1 || k > 5 {
			name := DimensionNames[i]
			if i > 0 {
				name = "aspects." + name
			}
			wrong = append(wrong, fault.Field{Name: name, Message: "is 1 to 5 stars"})
		}
	}
	if message := checkText(text); message != "" {
		wrong = append(wrong, fault.Field{Name: "text", Message: message})
	}
	return wrong
}

func checkText(text string) string {
	if !utf8.ValidString(text) {
		return "is not valid UTF-8"
	}
	if n := utf8.RuneCountInString(text); n > MaxText {
		return fmt.Sprintf("has at most %d characters, not %d", MaxText, n)
	}
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return "has control characters: only line breaks and tabs are accepted"
		}
		if c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' {
			return "has characters that turn the direction of writing around (U+202A to U+202E, U+2066 to U+2069): leave them out"
		}
	}
	return ""
}

func invalidReview(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the review has values out of range: see the fields").With(wrong...)
}

// Validate refuses no wallet.
func (d WithdrawalDraft) Validate() error { return checkWithdrawal(d.Wallet, 0, "") }

// Validate refuses what no signature can make valid; the time and the signature
// are checked when the review is withdrawn.
func (w SignedWithdrawal) Validate() error {
	return checkWithdrawal(w.Wallet, w.CreatedMS, w.Signature)
}

// wrongSignature says what no wallet makes.
func wrongSignature(s Signature) []fault.Field {
	if len(s) <= MaxSignature {
		return nil
	}
	return []fault.Field{{Name: "signature", Message: fmt.Sprintf("has at most %d bytes", MaxSignature)}}
}

func checkWithdrawal(writer wallet.Address, createdMS int64, signed Signature) error {
	wrong := wrongSignature(signed)
	if writer.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "is missing: send the address that signs"})
	}
	if createdMS < 0 {
		wrong = append(wrong, fault.Field{Name: "created_ms", Message: "is milliseconds since 1970, not negative"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the withdrawal has values out of range: see the fields").With(wrong...)
}
