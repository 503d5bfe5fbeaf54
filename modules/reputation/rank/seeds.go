package rank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
)

// seedColumns is what a list of seeds has: an id, and how much it counts.
var seedColumns = [...]column{
	{"id", []string{"id", "node", "seed", "wallet", "address", "user", "account", "name"}, false},
	{"weight", []string{"weight", "trust", "label"}, true},
}

// Seeds is what a list of seeds named.
type Seeds struct {
	Known   []trust.Seed
	Unknown []string // named, and not in the trust list
}

// ReadSeeds reads rows id[,weight] of nodes that names has numbered. The weight
// is over zero, 1 when left out. A header line is optional; one that is a
// single word is a seed when the trust list knows it. Fails like Read, and
// with fault.Invalid when none is known.
func ReadSeeds(ctx context.Context, r io.Reader, limits decompress.Limits, names *trust.Interner[string]) (Seeds, error) {
	var seeds Seeds
	table, err := openTable(ctx, r, limits, seedColumns[:], 1)
	if err != nil {
		return seeds, err
	}
	defer table.close()
	for table.next() {
		if len(table.cells[0]) == 0 {
			table.wrong("id", "is empty: a seed is an id of the trust list")
			continue
		}
		weight := 1.0
		if len(table.cells) > 1 && len(table.cells[1]) > 0 {
			weight, err = parseWeight(table.cells[1])
			if err == nil && weight <= 0 {
				err = errors.New("a seed's weight is over 0: leave out who is no seed")
			}
			if err != nil {
				table.wrong("weight", err.Error())
				continue
			}
		}
		seeds.add(string(table.cells[0]), weight, names)
	}
	if err := table.finish(); err != nil {
		return seeds, err
	}
	if _, isNode := names.Lookup(table.header); isNode && table.header != "" {
		seeds.add(table.header, 1, names)
	}
	return seeds, seeds.check()
}

func (s *Seeds) add(name string, weight float64, names *trust.Interner[string]) {
	if number, ok := names.Lookup(name); ok {
		s.Known = append(s.Known, trust.Seed{Node: number, Weight: weight})
		return
	}
	s.Unknown = append(s.Unknown, name)
}

func (s *Seeds) check() error {
	switch {
	case len(s.Known) > 0:
		return nil
	case len(s.Unknown) == 0:
		return fault.New(fault.Invalid, "the list of seeds is empty: name the ids that the community is sure of, one per line")
	}
	return fault.Newf(fault.Invalid, "none of the %d seeds is in the trust list (%s): ids are compared letter by letter, upper and lower case differ",
		len(s.Unknown), s.UnknownBrief())
}

// UnknownBrief names the first unknown seeds for a message.
func (s *Seeds) UnknownBrief() string {
	const most = 5
	named := make([]string, 0, most)
	for _, name := range s.Unknown[:min(most, len(s.Unknown))] {
		named = append(named, brief([]byte(name)))
	}
	text := strings.Join(named, ", ")
	if more := len(s.Unknown) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
