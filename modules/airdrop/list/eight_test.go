package list

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"banyan/platform/table"
)

// Every byte in every place among hex digits of both cases.
func TestEightHexDigitsAreReadAsOneByOne(t *testing.T) {
	for _, text := range []string{"00000000", "01234567", "89abcdef", "ABCDEF98", "ffffffff", "aBcDeF09", "99999999"} {
		for place := range text {
			for c := range 256 {
				digits := []byte(text)
				digits[place] = byte(c)
				four, lower, upper, ok := hexWord(binary.LittleEndian.Uint64(digits))
				want := make([]byte, 4)
				if _, err := hex.Decode(want, digits); (err == nil) != ok {
					t.Fatalf("%q is taken for hex digits: %v", digits, ok)
				}
				if !ok {
					continue
				}
				if got := binary.LittleEndian.AppendUint32(nil, four); string(got) != string(want) {
					t.Fatalf("%q is read as %x", digits, got)
				}
				if lower != strings.ContainsAny(string(digits), "abcdef") || upper != strings.ContainsAny(string(digits), "ABCDEF") {
					t.Fatalf("%q has lower case letters: %v, upper case: %v", digits, lower, upper)
				}
			}
		}
	}
}

func TestDecimalDigitsAreReadEightAtATime(t *testing.T) {
	r := rand.New(rand.NewChaCha8([32]byte{3}))
	for length := 1; length <= 19; length++ {
		for range 200 {
			digits := make([]byte, length)
			for i := range digits {
				digits[i] = '0' + byte(r.IntN(10))
			}
			want, err := strconv.ParseUint(string(digits), 10, 64)
			if got := number(digits); err != nil || got != want {
				t.Fatalf("%s is read as %d (%v)", digits, got, err)
			}
		}
	}
}

// The short cut through a plain line gives what the long way gives.
func TestAPlainLineIsCutAsAnyOther(t *testing.T) {
	const address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	short := 0
	for _, line := range []string{
		address + ",1", address + ",10.5", address + ",1 2", address + `,1"`, address + ",1e18", address + ",1,2", address + ",",
		address + ", 1", address + `,"1"`, address + " ,1", `"` + address + `",1`, address[:41] + " ,1", address[:41] + `",1`, address,
	} {
		work := func(_ context.Context, part *table.Part) (bool, error) {
			c := new(cellReader).columnsOf(part.Layout())
			if !c.simple || !part.Next() {
				t.Fatalf("%q is no simple list", line)
			}
			if part.Plain() && plain(part.Text, ',') {
				short++
			}
			values, _, problem := c.cut(part)
			c.simple = false
			longValues, _, long := c.cut(part)
			if problem != long || string(values.address) != string(longValues.address) || string(values.amount) != string(longValues.amount) {
				t.Errorf("%q is cut into %q (%s), and the long way into %q (%s)", line, values, problem, longValues, long)
			}
			return true, nil
		}
		options := Options{}
		_, err := table.Read(context.Background(), strings.NewReader("address,amount\n"+line), options.spec(), table.Options{}, work,
			func(bool) error { return nil })
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if short != 5 {
		t.Errorf("%d lines take the short cut", short)
	}
}
