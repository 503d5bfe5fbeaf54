package list

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"
)

func TestTheSpellingOfAmountsIsThatOfTheWholeList(t *testing.T) {
	for _, c := range []struct {
		amounts string // separated by |
		want    string // the amounts in plain digits, or "" where nothing is certain
	}{
		{"1304|25", "1304|25"},
		{"1304.53|25", "1304.53|25"},
		{"+5|5.|.5|000123", "+5|5.|.5|000123"},
		{"1,304", ""},
		{"1,304|25", ""},
		{"1,304|1,304,000", "1304|1304000"},
		{"1,304|2,500.5", "1304|2500.5"},
		{"1,304.53", "1304.53"},
		{"1.304|2.500.000", "1304|2500000"},
		{"1.304,53|5", "1304.53|5"},
		{"1.304", "1.304"},
		{"1,5|2,25", "1.5|2.25"},
		{"0,125", "0.125"},
		{"1,304|1,5", "1.304|1.5"},
		{"1,30|5", "1.30|5"},
		{"1 000|5", "1000|5"},
		{"1 000,5", "1000.5"},
		{"1\u00a0000\u202f000,5", "1000000.5"},
		{"1'000", "1000"},
		{"1’000.5", "1000.5"},
		{"1_000", "1000"},
		{"1,304.53|0,125", ""},
		{"1,304.5|1.304,5", ""},
		{"12,34,567", ""},
		{"1,00", "1.00"},
		{"1,0000", "1.0000"},
		{"1,000,00", ""},
		{"0,000,001", ""},
		{"1 000|1,000,000", ""},
		{"1,5|many", "1.5|many"},
	} {
		cells := strings.Split(c.amounts, "|")
		s := spellingOf(func(yield func([]byte) bool) {
			for _, cell := range cells {
				if !yield([]byte(cell)) {
					return
				}
			}
		})
		var plain []string
		for _, cell := range cells {
			digits, ok := s.plain([]byte(cell))
			if !ok && madeOfNumbers([]byte(cell)) {
				plain = nil
				break
			}
			if !ok {
				digits = []byte(cell)
			}
			plain = append(plain, string(digits))
		}
		if got := strings.Join(plain, "|"); got != c.want {
			t.Errorf("%s is read as %q, want %q", c.amounts, got, c.want)
		}
	}
}

// A spelling never changes the digits of a number, only what stands between them,
// and what one list leaves in doubt is refused.
func FuzzSpelling(f *testing.F) {
	for _, seed := range []string{"1,304", "1.304,5|5", "1 000|1,5", "1'000|+5", "1\u00a0000|.5", "1,,000", "|", "1_000_000"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cells := bytes.Split(text, []byte{'|'})
		r := cellReader{decimals: 30}
		r.spelling = spellingOf(func(yield func([]byte) bool) {
			for _, cell := range cells {
				if !yield(cell) {
					return
				}
			}
		})
		if !slices.Contains(spellings, r.spelling) {
			t.Fatalf("%q is spelled like nothing known", text)
		}
		for _, cell := range cells {
			var n uint256.Int
			if r.parseNumber(cell, 30, &n) != "" {
				continue
			}
			digits := func(of []byte) string {
				return strings.Trim(strings.Map(func(c rune) rune {
					if c < '0' || c > '9' {
						return -1
					}
					return c
				}, string(of)), "0")
			}
			if got, want := strings.Trim(n.Dec(), "0"), digits(cell); got != want {
				t.Fatalf("%q in %q is read as %s", cell, text, n.Dec())
			}
		}
	})
}
