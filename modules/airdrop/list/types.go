package list

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// kind is the kind of a Solidity type.
type kind int

const (
	addressKind kind = iota
	uintKind
	intKind
	boolKind
	fixedBytesKind
	bytesKind
	stringKind
)

// solidityType is a type of a leaf's value.
type solidityType struct {
	kind kind
	size int // bits of a number, bytes of bytesN
}

// parseType reads address, uintN, intN, bool, bytesN, bytes or string; uint and
// int have 256 bits.
func parseType(text string) (solidityType, error) {
	for _, t := range []struct {
		name string
		is   solidityType
	}{
		{"address", solidityType{addressKind, 0}},
		{"bool", solidityType{boolKind, 0}},
		{"bytes", solidityType{bytesKind, 0}},
		{"string", solidityType{stringKind, 0}},
		{"uint", solidityType{uintKind, 256}},
		{"int", solidityType{intKind, 256}},
	} {
		if text == t.name {
			return t.is, nil
		}
	}
	for _, t := range []struct {
		prefix     string
		kind       kind
		step, most int
	}{{"uint", uintKind, 8, 256}, {"int", intKind, 8, 256}, {"bytes", fixedBytesKind, 1, 32}} {
		digits, ok := strings.CutPrefix(text, t.prefix)
		if !ok || digits == "" || digits[0] == '0' || !onlyDigits([]byte(digits)) {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil && n%t.step == 0 && n <= t.most {
			return solidityType{t.kind, n}, nil
		}
	}
	return solidityType{}, fault.Newf(fault.Invalid, "%q is not a type that a column can have: choose address, uintN, intN, bool, bytesN, bytes or string", table.Short([]byte(text)))
}

// number reports whether cells of the type are numbers.
func (t solidityType) number() bool { return t.kind == uintKind || t.kind == intKind }

// Value is the value of a cell.
type Value struct {
	// Word is the value as abi.encode writes it: numbers and addresses at its
	// end, bytesN at its start. Of bytes and string it is zero.
	Word [32]byte
	// Bytes are the value of bytes and string.
	Bytes []byte
}

// readValue reads a cell, with as many decimals as given. mixed as parseAddress has it.
// chain is the one that stands before an address; 0: none does.
func (r *cellReader) readValue(t solidityType, cell []byte, decimals int, to *Value) (mixed bool, chain uint64, problem string) {
	switch t.kind {
	case addressKind:
		return r.parseAddress(cell, (*wallet.Address)(to.Word[12:]))
	case uintKind, intKind:
		return false, 0, r.readNumber(t, cell, decimals, to)
	case boolKind:
		return false, 0, readBool(cell, to)
	case stringKind:
		to.Bytes = cell
		return false, 0, ""
	}
	return false, 0, t.readBytes(cell, to)
}

func (r *cellReader) readNumber(t solidityType, cell []byte, decimals int, to *Value) (problem string) {
	var n uint256.Int
	digits, negative := cell, false
	if t.kind == intKind && len(cell) > 1 && cell[0] == '-' {
		digits, negative = cell[1:], true
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' && decimals == 0 && !negative {
		problem = parseHex(digits, 0, &n)
	} else {
		problem = r.parseNumber(digits, decimals, &n)
	}
	if problem != "" {
		return problem
	}
	bits, low := t.size, fmt.Sprintf("0 to 2^%d-1", t.size)
	if t.kind == intKind {
		bits, low = t.size-1, fmt.Sprintf("-2^%d to 2^%d-1", t.size-1, t.size-1)
	}
	most := new(uint256.Int).Lsh(uint256.NewInt(1), uint(bits)) // 2^256 is 0, and 0 - 1 the most
	if !negative {
		most.SubUint64(most, 1)
	}
	if n.Gt(most) {
		return fmt.Sprintf("%s is out of range: the numbers of this column are %s", table.Short(cell), low)
	}
	if negative {
		n.Neg(&n)
	}
	to.Word = n.Bytes32()
	return ""
}

func readBool(cell []byte, to *Value) (problem string) {
	switch strings.ToLower(string(cell)) {
	case "true", "1":
		to.Word[31] = 1
	case "false", "0":
	case "":
		return "is missing"
	default:
		return fmt.Sprintf("%q is neither true nor false", table.Short(cell))
	}
	return ""
}

func (t solidityType) readBytes(cell []byte, to *Value) (problem string) {
	digits, ok := bytes.CutPrefix(cell, []byte("0x"))
	if !ok {
		digits, ok = bytes.CutPrefix(cell, []byte("0X"))
	}
	switch {
	case len(cell) == 0:
		return "is missing"
	case !ok:
		return fmt.Sprintf("%q is not bytes: write 0x and hex digits", table.Short(cell))
	case !onlyHex(digits):
		return fmt.Sprintf("%q has something other than hex digits (0-9, a-f) after 0x", table.Short(cell))
	case t.kind == fixedBytesKind && len(digits) != 2*t.size:
		return fmt.Sprintf("bytes%d are %d hex digits after 0x, this has %d", t.size, 2*t.size, len(digits))
	case len(digits)%2 != 0:
		return "has an odd number of hex digits: each byte is two"
	}
	value := to.Word[:]
	if t.kind == bytesKind {
		to.Bytes = make([]byte, len(digits)/2)
		value = to.Bytes
	}
	if _, err := hex.Decode(value, digits); err != nil {
		return err.Error()
	}
	return ""
}
