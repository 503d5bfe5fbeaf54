package service

import (
	"encoding/binary"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/appendjson"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// findings are the outcomes of a batch of lines of VerifyWallets, in order,
// encoded as
//
//	1 byte    outcome, and how the address was written
//	uvarint   lines since the previous finding
//	uvarint   position on the list (onList, otherAmount); or length of the
//	          reason (notAWallet), and the reason
//	20 bytes  address, when it was 0x and hex digits; then, if some of them were
//	          capitals, 5 bytes with a bit for each
//	          otherwise uvarint length, and the text as it was sent
type findings []byte

// The outcomes, in the low two bits.
const (
	onList = iota
	notOnList
	otherAmount
	notAWallet
	outcomeBits = 3
)

// How an address was written, in the bits above.
const (
	inLower   = iota << 2 // 0x and lower-case hex digits
	withUpper             // 0x, and capitals among the hex digits
	asText                // anything else
)

// finding is the outcome of one line.
type finding struct {
	line    int
	outcome byte
	at      int    // position on the list (onList, otherAmount)
	reason  []byte // (notAWallet)
	written byte   // inLower, withUpper or asText
	address []byte // 20 bytes, and 5 of capitals (withUpper); or the text
}

const (
	addressBytes = 20
	capitalBytes = 5
)

// find looks up the wallets of a batch. length is about the greatest length of
// their verdicts, in bytes.
func (t *served) find(questions []list.Question) (found findings, length int64, err error) {
	to := make(findings, 0, (addressBytes+6)*len(questions))
	line := 0
	for i := range questions {
		if i%merkle.LookAhead == 0 {
			t.tree.ReadAhead(len(questions)-i, func(k int) *wallet.Address { return &questions[i+k].Wallet })
		}
		q := &questions[i]
		f := finding{line: q.Line, outcome: notAWallet}
		length += usualVerdict
		if q.Problem == "" {
			if f.outcome, f.at, err = t.outcome(q); err != nil {
				return nil, 0, err
			}
		} else {
			f.reason = []byte(q.Problem)
			length += quotedLength(f.reason) + quotedLength(q.Address)
		}
		to = to.add(f, q, line)
		line = q.Line
	}
	return to, length, nil
}

// usualVerdict is the length of a verdict on a wallet.
const usualVerdict = 130

// quotedLength returns the greatest length of a text in JSON: a byte that is
// written as \u and four digits counts six.
func quotedLength(text []byte) (length int64) {
	for _, c := range text {
		switch {
		case c < ' ' || c > '~' || c == '<' || c == '>' || c == '&':
			length += 6
		case c == '"' || c == '\\':
			length += 2
		default:
			length++
		}
	}
	return length
}

// outcome looks one wallet up.
func (t *served) outcome(q *list.Question) (outcome byte, at int, err error) {
	at, found, err := t.tree.Find(q.Wallet)
	switch {
	case err != nil:
		return 0, 0, t.unreadable(err)
	case !found:
		return notOnList, 0, nil
	case !q.WithAmount:
		return onList, at, nil
	}
	row, err := t.tree.At(at)
	switch {
	case err != nil:
		return 0, 0, t.unreadable(err)
	case q.Amount != row.Amount:
		other, _, found, err := t.tree.FindAmount(q.Wallet, q.Amount)
		switch {
		case err != nil:
			return 0, 0, t.unreadable(err)
		case found: // another row of a wallet that has several
			return onList, other, nil
		}
		return otherAmount, at, nil
	}
	return onList, at, nil
}

// add appends a finding on q; before is the line of the previous one.
func (fs findings) add(f finding, q *list.Question, before int) findings {
	to := fs
	start := len(to)
	to = append(to, f.outcome)
	to = binary.AppendUvarint(to, uint64(f.line-before))
	switch f.outcome {
	case onList, otherAmount:
		to = binary.AppendUvarint(to, uint64(f.at))
	case notAWallet:
		to = binary.AppendUvarint(to, uint64(len(f.reason)))
		to = append(to, f.reason...)
	}
	if f.outcome == notAWallet || len(q.Address) != 2+2*addressBytes || q.Address[1] != 'x' {
		to[start] |= asText
		to = binary.AppendUvarint(to, uint64(len(q.Address)))
		return append(to, q.Address...)
	}
	to = append(to, q.Wallet[:]...)
	capitals := uint64(0)
	for i, c := range q.Address[2:] {
		if c >= 'A' && c <= 'F' {
			capitals |= 1 << i
		}
	}
	if capitals == 0 {
		return to
	}
	to[start] |= withUpper
	var packed [8]byte
	binary.LittleEndian.PutUint64(packed[:], capitals)
	return append(to, packed[:capitalBytes]...)
}

// next decodes the first finding; before is the line of the previous one.
func (fs findings) next(before int) (finding, findings) {
	f := finding{outcome: fs[0] & outcomeBits, written: fs[0] &^ outcomeBits}
	from := fs[1:]
	number := func() int {
		n, size := binary.Uvarint(from)
		from = from[size:]
		return int(n)
	}
	text := func(length int) (part []byte) {
		part, from = from[:length], from[length:]
		return part
	}
	f.line = before + number()
	switch f.outcome {
	case onList, otherAmount:
		f.at = number()
	case notAWallet:
		f.reason = text(number())
	}
	switch f.written {
	case inLower:
		f.address = text(addressBytes)
	case withUpper:
		f.address = text(addressBytes + capitalBytes)
	default:
		f.address = text(number())
	}
	return f, from
}

// appendVerdict writes the Verdict of a finding, as encoding/json would.
func (t *served) appendVerdict(to []byte, f finding) ([]byte, error) {
	to = append(to, `{"line":`...)
	to = strconv.AppendInt(to, int64(f.line), 10)
	to = append(to, `,"address":`...)
	to = f.appendAddress(to)
	var amount uint256.Int
	if f.outcome == onList || f.outcome == otherAmount {
		row, err := t.tree.At(f.at)
		if err != nil {
			return nil, t.unreadable(err)
		}
		amount = row.Amount
	}
	switch f.outcome {
	case onList:
		to = append(to, `,"status":"`+airdrop.Eligible+`","amount":"`...)
		to = appendjson.Decimal(to, amount)
		to = append(to, '"')
	case otherAmount:
		to = append(to, `,"status":"`+airdrop.Ineligible+`","amount":"`...)
		to = appendjson.Decimal(to, amount)
		to = append(to, `","reason":"has another amount on the list"`...)
	case notOnList:
		to = append(to, `,"status":"`+airdrop.Ineligible+`","reason":"is not on the list"`...)
	default:
		to = append(to, `,"status":"`+airdrop.Invalid+`","reason":`...)
		to = appendjson.Text(to, string(f.reason))
	}
	return append(to, "}\n"...), nil
}

// appendAddress writes the address as it was sent.
func (f finding) appendAddress(to []byte) []byte {
	if f.written == asText {
		return appendjson.Text(to, string(f.address))
	}
	to = append(to, '"')
	digits := len(to) + len("0x")
	to = appendjson.Hex(to, f.address[:addressBytes])
	if f.written == withUpper {
		var packed [8]byte
		copy(packed[:], f.address[addressBytes:])
		capitals := binary.LittleEndian.Uint64(packed[:])
		for i := range to[digits:] {
			to[digits+i] -= byte(capitals>>i&1) * ('a' - 'A')
		}
	}
	return append(to, '"')
}
