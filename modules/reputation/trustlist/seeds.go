package trustlist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// The columns of a list of seeds, by their place in seedList.Columns.
const (
	idColumn = iota
	seedWeightColumn
)

// seedList is what a list of seeds looks like: an id, and how much it counts.
func seedList() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{
				Name: "id", Synonyms: []string{"node", "seed", "wallet", "address", "user", "account", "name", "i", "peerid", "peer"},
				Required: true,
			},
			{Name: "weight", Synonyms: []string{"trust", "label", "value", "score", "v"}, Trailing: true},
		},
		Row: holdsNumber, Place: placeSeed, Shape: "id[,weight]", Ragged: true,
	}
}

func placeSeed(cells [][]byte) table.Placement {
	p := table.Placement{Columns: []int{idColumn, seedWeightColumn}, Least: 1}
	switch {
	case len(cells) > 2:
		p.Problem = fmt.Sprintf("has %d cells, and a row is id[,weight]", len(cells))
	case len(cells) == 2 && len(cells[seedWeightColumn]) > 0:
		if p.Certain = looksLikeNumber(cells[seedWeightColumn]); !p.Certain {
			p.Problem = fmt.Sprintf("%q is not a finite decimal number, and a row is id[,weight]", table.Short(cells[seedWeightColumn]))
		}
	}
	return p
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
func ReadSeeds(ctx context.Context, r io.Reader, limits decompress.Limits, names *trust.Interner[string]) (Seeds, table.Report, error) {
	seeds, report, err := readIDs(ctx, r, limits, names)
	if err == nil {
		err = seeds.check()
	}
	return seeds, report, err
}

// readIDs is ReadSeeds, which none of the named needs to be known for.
func readIDs(ctx context.Context, r io.Reader, limits decompress.Limits, names *trust.Interner[string]) (Seeds, table.Report, error) {
	var seeds Seeds
	var wrong problems
	take := func(part *table.Part) error {
		for !wrong.full() && part.Next() {
			wrong.line = part.Line
			seeds.row(part, names, &wrong)
		}
		if wrong.full() {
			return io.EOF
		}
		return nil
	}
	report, err := table.Read(ctx, r, seedList(), table.Options{Limits: limits}, asIs, take)
	word := ""
	if report.Layout != nil && len(report.Layout.Header) == 1 {
		word = report.Layout.Header[0]
	}
	if _, isNode := names.Lookup(word); isNode && word != "" && (err == nil || report.Rows == 0 && fault.Is(err, fault.Invalid)) {
		seeds.add(word, 1, names)
		err = nil
	}
	if err == nil {
		err = wrong.err()
	}
	return seeds, report, err
}

// row adds the seed of the present row, or what is wrong with it.
func (s *Seeds) row(part *table.Part, names *trust.Interner[string], wrong *problems) {
	cells, problem := part.Cells()
	switch {
	case problem != "":
		wrong.add("", problem)
		return
	case len(cells[idColumn]) == 0:
		wrong.add("id", "is empty: a seed is an id of the trust list")
		return
	}
	weight := 1.0
	if cell := cells[seedWeightColumn]; len(cell) > 0 {
		var err error
		weight, err = parseWeight(cell)
		if err == nil && weight <= 0 {
			err = errors.New("a seed's weight is over 0: leave out who is no seed")
		}
		if err != nil {
			wrong.add("weight", err.Error())
			return
		}
	}
	s.add(string(cells[idColumn]), weight, names)
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
		named = append(named, table.Short([]byte(name)))
	}
	text := strings.Join(named, ", ")
	if more := len(s.Unknown) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
