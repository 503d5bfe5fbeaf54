package list

import (
	"math/rand/v2"
	"testing"
)

// Rows are noted piece by piece, as parsers do, and asked for in the whole.
func TestEveryRowKeepsItsLine(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		gap  func() int // lines from one row to the next
		most int        // breaks
	}{
		"line by line":             {func() int { return 1 }, 1},
		"an empty line after each": {func() int { return 2 }, 1},
		"empty lines anywhere":     {func() int { return 1 + chance.IntN(10)/8*chance.IntN(4) }, 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			var whole lineMap
			var lines []int
			line := 3
			for len(lines) < 10_000 {
				var piece lineMap
				first := len(lines)
				for row := range 2 + chance.IntN(300) {
					piece.note(row, line)
					lines = append(lines, line)
					line += c.gap()
				}
				whole.add(first, piece)
			}
			for row, line := range lines {
				if got := whole.of(row); got != line {
					t.Fatalf("row %d is on line %d, not %d", row, line, got)
				}
			}
			if len(whole.breaks) > c.most {
				t.Errorf("%d breaks are kept of %d rows", len(whole.breaks), len(lines))
			}
		})
	}
}
