package trustlist

import (
	"context"
	"io"
	"strings"

	"banyan/modules/reputation/evaluation"
	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// Evaluated is how well a method does by each protocol.
type Evaluated struct {
	Protocols []Measured `json:"protocols"`
	Labels    int        `json:"labels"`         // of ids in the trust list
	Unknown   int        `json:"labels_unknown"` // named, and not in the trust list
	Report    Report     `json:"report"`
}

// Measured is the estimate of one protocol.
type Measured struct {
	Protocol string `json:"protocol"`
	Rule     string `json:"rule"`
	evaluation.Estimate
}

// Evaluate measures the method of the inputs against a list id,label, and
// against what was rated later where the rows have times. labels is "" for the
// latter alone.
func Evaluate(ctx context.Context, in Inputs, labels string) (Evaluated, error) {
	var e Evaluated
	if err := in.check(); err != nil {
		return e, err
	}
	var edges []trust.Edge
	l, err := in.load(ctx, &e.Report, func(all []trust.Edge) { edges = all })
	if err != nil {
		return e, err
	}
	known := evaluation.Labels{}
	if labels != "" {
		if err := in.readLabels(ctx, labels, l.names, known, &e); err != nil {
			return e, err
		}
	}
	seeds := make([]uint32, len(l.seeds))
	for i, s := range l.seeds {
		seeds[i] = s.Node
	}
	protocols := evaluation.Protocols(edges, seeds, known)
	if len(protocols) == 0 {
		return e, fault.UsageOf("--labels", "name a list id,label: the rows of the trust list have no times, so there is nothing else to measure by")
	}
	for _, p := range protocols {
		values, err := in.seen(ctx, l, p.Seen)
		if err != nil {
			return e, err
		}
		e.Protocols = append(e.Protocols, Measured{p.Name, p.Rule, evaluation.Measure(p.Cases, func(s uint32) float64 { return values[s] })})
	}
	return e, nil
}

// seen ranks by the edges that a protocol shows.
func (in Inputs) seen(ctx context.Context, l loaded, shown []trust.Edge) ([]float64, error) {
	edges, latest := &trust.Edges{}, trust.NoTime
	for _, e := range shown {
		latest = max(latest, e.Time)
		if err := edges.Add(e); err != nil {
			return nil, err
		}
	}
	decay := trust.Decay{HalfLife: in.HalfLife, At: in.At}
	if in.At == trust.NoTime {
		decay.At = latest
	}
	g, err := trust.NewGraph(l.names.Len(), edges, decay)
	if err != nil {
		return nil, err
	}
	r, err := trust.Rank(ctx, g, l.pre, in.Parameters, in.Options)
	return r.Value, err
}

const labelColumn = 1

func labelList() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{Name: "id", Synonyms: []string{"node", "wallet", "address", "user", "account", "name", "i"}, Required: true},
			{Name: "label", Synonyms: []string{"class", "good", "trustworthy", "value", "v"}, Required: true},
		},
		Row: func(cells [][]byte) bool { _, known := labelOf(cells[len(cells)-1]); return known },
		Place: func([][]byte) table.Placement {
			return table.Placement{Columns: []int{idColumn, labelColumn}, Least: 2}
		},
		Shape: "id,label", Ragged: true,
	}
}

// labelOf reads 1, trustworthy, good or true; and -1, 0, fraudulent, bad or
// false.
func labelOf(cell []byte) (good, known bool) {
	switch strings.ToLower(string(cell)) {
	case "1", "+1", "1.0", "trustworthy", "good", "true":
		return true, true
	case "-1", "0", "-1.0", "0.0", "fraudulent", "bad", "false":
		return false, true
	}
	return false, false
}

func (in Inputs) readLabels(ctx context.Context, path string, names *trust.Interner[string], into evaluation.Labels, e *Evaluated) error {
	var wrong problems
	return in.readFile(path, nil, func(r io.Reader) error {
		report, err := table.Read(ctx, r, labelList(), table.Options{Limits: decompress.Files()}, asIs, func(part *table.Part) error {
			for !wrong.full() && part.Next() {
				wrong.line = part.Line
				cells, problem := part.Cells()
				if problem != "" {
					wrong.add("", problem)
					continue
				}
				good, known := labelOf(cells[labelColumn])
				if !known {
					wrong.add("label", "is neither 1 (trustworthy) nor -1 (fraudulent): "+table.Short(cells[labelColumn]))
					continue
				}
				node, ranked := names.Lookup(string(cells[idColumn]))
				if !ranked {
					e.Unknown++
					continue
				}
				into[node] = good
			}
			return nil
		})
		e.Report.pass(path, report.Passed())
		e.Labels = len(into)
		if err == nil {
			err = wrong.err()
		}
		if err == nil && len(into) == 0 {
			err = fault.New(fault.Invalid, "no label is of an id in the trust list: ids are compared letter by letter")
		}
		return err
	})
}
