package rules

import (
	"bufio"
	"fmt"
	"io"

	"github.com/holiman/uint256"

	"banyan/platform/appendjson"
	"banyan/platform/wallet"
	"banyan/platform/wallet/hexdigits"
)

// WriteTable writes the file of a source with one value, as ReadTable reads it: by
// address, and the same bytes whatever the order of the wallets is. values are in the
// units of the source. It fails as out does.
func WriteTable(out io.Writer, s Source, wallets []wallet.Address, values []uint256.Int) error {
	to := bufio.NewWriterSize(out, 1<<16)
	fmt.Fprintf(to, "address,%s\n", s.Values[0].Name) // Flush has its error
	var line []byte
	for _, at := range sorted(wallets) {
		// In lower case: the check sums of a million addresses are a second to write, and
		// another to read.
		line = hexdigits.Append(append(line[:0], "0x"...), wallets[at][:])
		line = appendUnits(append(line, ','), &values[at], s.Values[0].Decimals)
		if _, err := to.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return to.Flush()
}

// appendUnits appends what written writes, for files of millions of lines.
func appendUnits(to []byte, u *uint256.Int, decimals int) []byte {
	var room [78]byte
	digits := appendjson.Decimal(room[:0], *u)
	if decimals == 0 {
		return append(to, digits...)
	}
	whole, fraction := []byte{'0'}, digits
	if len(digits) > decimals {
		whole, fraction = digits[:len(digits)-decimals], digits[len(digits)-decimals:]
	}
	to = append(append(to, whole...), '.')
	for range decimals - len(fraction) {
		to = append(to, '0')
	}
	to = append(to, fraction...)
	for to[len(to)-1] == '0' {
		to = to[:len(to)-1]
	}
	if to[len(to)-1] == '.' {
		to = to[:len(to)-1]
	}
	return to
}
