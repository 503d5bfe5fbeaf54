package merkle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Kind is what a value of a leaf is.
type Kind uint8

// The kinds of Solidity's elementary types.
const (
	KindAddress Kind = iota + 1
	KindUint
	KindInt
	KindBool
	KindFixed // bytes1 … bytes32
	KindBytes
	KindString
)

// Type is the Solidity type of a value of a leaf. Size is its length in bytes;
// 0 for bytes and string, whose values have their own.
type Type struct {
	Kind Kind
	Size int
}

// The types of the plain leaves.
var (
	addressType = Type{KindAddress, walletSize}
	uint256Type = Type{KindUint, wordSize}
	bytes32Type = Type{KindFixed, wordSize}
)

// ParseType reads the name of a type as Solidity and ABIs write it. uint and
// int are uint256 and int256. It fails with fault.Invalid on a name that
// Solidity does not have, and with fault.Unsupported on arrays and tuples.
func ParseType(name string) (Type, error) {
	switch name {
	case "address", "address payable":
		return addressType, nil
	case "bool":
		return Type{KindBool, 1}, nil
	case "bytes":
		return Type{Kind: KindBytes}, nil
	case "string":
		return Type{Kind: KindString}, nil
	case "uint":
		return uint256Type, nil
	case "int":
		return Type{KindInt, wordSize}, nil
	}
	if strings.ContainsAny(name, "[(") || name == "tuple" || strings.HasPrefix(name, "tuple") {
		return Type{}, fault.Newf(fault.Unsupported, "the leaf type %.40q is legal in Solidity, but arrays and tuples are not supported here: use address, uintN, intN, bool, bytesN, bytes and string", name)
	}
	for _, sized := range []struct {
		prefix     string
		kind       Kind
		step, most int // of the number in the name
	}{{"uint", KindUint, 8, 256}, {"int", KindInt, 8, 256}, {"bytes", KindFixed, 1, 32}} {
		digits, found := strings.CutPrefix(name, sized.prefix)
		n, err := strconv.Atoi(digits)
		if !found || err != nil || digits != strconv.Itoa(n) || n < sized.step || n > sized.most || n%sized.step != 0 {
			continue
		}
		return Type{sized.kind, n / sized.step}, nil
	}
	return Type{}, fault.Newf(fault.Invalid, "there is no leaf type %.40q: use address, uint8 … uint256, int8 … int256, bool, bytes1 … bytes32, bytes or string", name)
}

// String returns the name of the type.
func (t Type) String() string {
	switch t.Kind {
	case KindAddress:
		return "address"
	case KindUint:
		return "uint" + strconv.Itoa(8*t.Size)
	case KindInt:
		return "int" + strconv.Itoa(8*t.Size)
	case KindBool:
		return "bool"
	case KindFixed:
		return "bytes" + strconv.Itoa(t.Size)
	case KindBytes:
		return "bytes"
	case KindString:
		return "string"
	}
	return "?"
}

// dynamic reports whether each value has its own length.
func (t Type) dynamic() bool { return t.Size == 0 }

// AppendValue appends the binary form of a value that is written as text: its
// Size bytes, big-endian; values of bytes and string follow their length as a
// uvarint. Numbers are decimal, or hex after 0x; bytes are hex after 0x. It
// fails with fault.Invalid, saying what is wrong with the value.
func (t Type) AppendValue(to []byte, text string) ([]byte, error) {
	switch t.Kind {
	case KindAddress:
		who, err := wallet.Parse(text)
		return append(to, who[:]...), err
	case KindUint, KindInt:
		return t.appendNumber(to, text)
	case KindBool:
		switch strings.ToLower(text) {
		case "true", "1":
			return append(to, 1), nil
		case "false", "0":
			return append(to, 0), nil
		}
		return to, fault.Newf(fault.Invalid, "%.80q is not a bool: write true or false", text)
	case KindString:
		if !utf8.ValidString(text) {
			return to, fault.New(fault.Invalid, "the text is not UTF-8")
		}
		return append(binary.AppendUvarint(to, uint64(len(text))), text...), nil
	}
	value, err := hex.DecodeString(strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X"))
	if err != nil || len(text) < 2 || (text[1] != 'x' && text[1] != 'X') {
		return to, fault.Newf(fault.Invalid, "%.80q is not of the type %s: write 0x and an even number of hex digits", text, t)
	}
	if t.Kind == KindBytes {
		return append(binary.AppendUvarint(to, uint64(len(value))), value...), nil
	}
	if len(value) != t.Size {
		return to, fault.Newf(fault.Invalid, "a %s has %d bytes, this has %d", t, t.Size, len(value))
	}
	return append(to, value...), nil
}

// AppendWord is AppendValue of a value that was read already: its word in
// abi.encode, or the bytes of a value that has its own length.
func (t Type) AppendWord(to, word, own []byte) []byte {
	switch {
	case t.dynamic():
		return append(binary.AppendUvarint(to, uint64(len(own))), own...)
	case t.Kind == KindFixed:
		return append(to, word[:t.Size]...)
	}
	return append(to, word[wordSize-t.Size:]...)
}

// appendNumber is AppendValue of a number.
func (t Type) appendNumber(to []byte, text string) ([]byte, error) {
	digits, negative := strings.CutPrefix(text, "-")
	n, err := ParseNumber(digits)
	if err != nil {
		return to, fault.Newf(fault.Invalid, "%.80q is not a %s: write digits only", text, t)
	}
	bits := 8 * t.Size
	most := n.BitLen()
	if t.Kind == KindInt {
		switch {
		case negative && !n.IsZero(): // -2^(bits-1) is the least
			most = new(uint256.Int).SubUint64(n, 1).BitLen() + 1
			n.Neg(n)
		default:
			most++
		}
	} else if negative {
		return to, fault.Newf(fault.Invalid, "%.80q is negative, and a %s is not", text, t)
	}
	if most > bits {
		return to, fault.Newf(fault.Invalid, "%.80q does not fit a %s", text, t)
	}
	word := n.Bytes32()
	return append(to, word[wordSize-t.Size:]...), nil
}

// ParseNumber reads a whole number up to 2^256-1, decimal or in hex after 0x.
// Leading zeros are accepted: published amounts often have whole bytes of hex.
func ParseNumber(text string) (*uint256.Int, error) {
	var n uint256.Int
	var err error
	if len(text) > 1 && text[0] == '0' && text[1]|0x20 == 'x' {
		digits := strings.TrimLeft(text[2:], "0")
		switch {
		case digits == "" && len(text) > 2:
			return &n, nil
		case strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-"):
			err = uint256.ErrSyntax
		default:
			err = n.SetFromHex("0x" + digits)
		}
	} else if text == "" || text[0] == '+' || text[0] == '-' {
		err = uint256.ErrSyntax
	} else {
		err = n.SetFromDecimal(text)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%.80q is not a uint256", text))
	}
	return &n, nil
}

// cut divides the binary form of a value from what follows it. ok is false
// when there is no whole value.
func (t Type) cut(record []byte) (value, rest []byte, ok bool) {
	size := t.Size
	if t.dynamic() {
		length, n := binary.Uvarint(record)
		if n <= 0 || length > uint64(len(record)-n) {
			return nil, nil, false
		}
		record, size = record[n:], int(length)
	}
	if size > len(record) {
		return nil, nil, false
	}
	return record[:size:size], record[size:], true
}

// text returns a value, without its length, as people write it.
func (t Type) text(value []byte) string {
	switch t.Kind {
	case KindAddress:
		return wallet.Address(value).String()
	case KindUint:
		return new(uint256.Int).SetBytes(value).Dec()
	case KindInt:
		if value[0] < 0x80 {
			return new(uint256.Int).SetBytes(value).Dec()
		}
		wide := bytes.Repeat([]byte{0xff}, wordSize)
		copy(wide[wordSize-len(value):], value)
		n := new(uint256.Int).SetBytes(wide)
		return "-" + n.Neg(n).Dec()
	case KindBool:
		return strconv.FormatBool(value[0] != 0)
	case KindString:
		return string(value)
	}
	return "0x" + hex.EncodeToString(value)
}
