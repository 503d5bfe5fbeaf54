package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parts reads the allocation.
func (p *parser) parts(n *yaml.Node, at int) {
	items := p.items(n, "allocation", maxParts)
	if len(items) == 0 {
		if n != nil {
			at = n.Line
		}
		p.wrong(at, "allocation", "has no parts: say what everybody gets, as in - each: 100")
		return
	}
	for i, item := range items {
		p.rules.parts = append(p.rules.parts, p.part(item, i))
	}
}

func (p *parser) part(n *yaml.Node, number int) part {
	a := part{line: n.Line, name: fmt.Sprintf("part %d", number+1)}
	fields := p.mapping(n, "allocation", "name", "to", "each", "budget", "times", "floor", "cap", "arithmetic")
	if fields == nil {
		return a
	}
	if fields["name"] != nil {
		a.name = p.text(fields["name"], "name")
		if len(a.name) > 60 {
			p.wrong(n.Line, "name", "has at most 60 bytes")
		}
	}
	if fields["to"] != nil {
		a.to = p.condition(fields["to"], 0)
	}
	switch {
	case (fields["each"] == nil) == (fields["budget"] == nil):
		p.wrong(n.Line, "allocation", "%s has each (what a wallet gets) or budget (what all get together), one of them", a.name)
	case fields["each"] != nil:
		a.each = p.amount(fields["each"], "each")
	default:
		if a.budget = p.amount(fields["budget"], "budget"); a.budget.Sign() == 0 {
			p.wrong(fields["budget"].Line, "budget", "is zero: say how much all get together")
		}
	}
	if fields["floor"] != nil {
		a.floor = p.amount(fields["floor"], "floor")
	}
	if fields["cap"] != nil {
		a.cap = p.amount(fields["cap"], "cap")
		if a.floor != nil && a.cap.Cmp(a.floor) < 0 {
			p.wrong(fields["cap"].Line, "cap", "is below the floor: raise it, or lower the floor")
		}
	}
	if m := p.text(fields["arithmetic"], "arithmetic"); m != "" {
		if a.doubles = m == "float64"; !a.doubles && m != "exact" {
			p.wrong(fields["arithmetic"].Line, "arithmetic", "is exact or float64, not %q", short(m))
		}
	}
	for _, item := range p.items(fields["times"], "times", maxFactors) {
		a.factors = append(a.factors, p.factor(item))
	}
	return a
}

// factor reads one thing that an amount is multiplied by.
func (p *parser) factor(n *yaml.Node) factor {
	f := factor{line: n.Line}
	fields := p.mapping(n, "times", "value", "sqrt", "tiers", "line")
	if len(fields) != 1 {
		if fields != nil {
			p.wrong(n.Line, "times", "is one of value, sqrt, tiers and line, not %d", len(fields))
		}
		return f
	}
	for kind, value := range fields {
		switch kind {
		case "value", "sqrt":
			if f.kind = linear; kind == "sqrt" {
				f.kind = squareRoot
			}
			f.text = p.text(value, kind)
			f.source, f.value, _ = p.valueOf(value.Line, kind, f.text)
		case "tiers":
			f.kind = tiers
			p.steps(&f, value, "steps", "from", "times")
		case "line":
			f.kind = line
			p.steps(&f, value, "points", "at", "times")
			if len(f.steps) != 2 && len(p.problems) == 0 {
				p.wrong(value.Line, "line", "has two points, not %d", len(f.steps))
			}
		}
	}
	return f
}

// steps reads {of: VALUE, steps: [{from: 3000, times: 3}]}.
func (p *parser) steps(f *factor, n *yaml.Node, list, at, times string) {
	fields := p.mapping(n, "times", "of", list)
	if fields == nil {
		return
	}
	if fields["of"] == nil || fields[list] == nil {
		p.wrong(n.Line, "times", "has of (a value) and %s", list)
		return
	}
	f.text = p.text(fields["of"], "of")
	var ok bool
	if f.source, f.value, ok = p.valueOf(fields["of"].Line, "of", f.text); !ok {
		return
	}
	decimals := p.rules.Sources[f.source].Values[f.value].Decimals
	for _, item := range p.items(fields[list], list, maxSteps) {
		step1 := p.mapping(item, list, at, times)
		if step1 == nil {
			continue
		}
		if step1[at] == nil || step1[times] == nil {
			p.wrong(item.Line, list, "is {%s: …, %s: …}", at, times)
			continue
		}
		s := step{from: p.number(step1[at], at, decimals, f.text), times: p.number(step1[times], times, timesDecimals, "a factor")}
		s.fromFloat, s.timesFlt = p.double(step1[at]), p.double(step1[times])
		f.steps = append(f.steps, s)
	}
	slices.SortStableFunc(f.steps, func(a, b step) int { return b.from.Cmp(a.from) })
	for i := 1; i < len(f.steps); i++ {
		if f.steps[i].from.Cmp(f.steps[i-1].from) == 0 {
			p.wrong(n.Line, list, "two have the same %s: keep one of them", at)
			return
		}
	}
	if f.kind == line {
		slices.Reverse(f.steps)
	}
	if len(f.steps) == 0 && len(p.problems) == 0 {
		p.wrong(n.Line, list, "has none: write one on each line, with - before it")
	}
}

// double is a number as the nearest IEEE 754 double; it was checked before.
func (p *parser) double(n *yaml.Node) float64 {
	value, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(n.Value), "_", ""), 64)
	if err != nil {
		return 0 // the number was refused already
	}
	return value
}
