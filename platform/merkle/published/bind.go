package published

import (
	"slices"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Bind returns the claim for a format: which of its values are those of the leaf.
// at is its index where it names none and the leaf has one. It fails with
// fault.Invalid on a claim that lacks a value, or has one of another type.
func (c *Claim) Bind(format merkle.Format, at *uint64) (merkle.Claimed, error) {
	spec := format.Spec()
	claimed := merkle.Claimed{Proof: c.Proof, Left: c.Left}
	if spec.Positional && len(c.Left) != len(c.Proof) {
		return claimed, fault.New(fault.Invalid, "it does not say on which side each node of its proof is (sides), which a tree with positional pairs needs")
	}
	texts, err := c.bind(spec.Leaf, at)
	if err != nil {
		return claimed, err
	}
	record, err := recordOf(spec.Leaf, texts)
	if err != nil {
		return claimed, err
	}
	if !format.Plain() {
		claimed.Record = record
		return claimed, nil
	}
	r := reading{leaf: spec.Leaf, values: make([]int, len(texts))}
	bound := Claim{}
	for i, text := range texts {
		r.values[i] = i
		bound.Values = append(bound.Values, Value{Text: text})
	}
	entry, ok := r.entry(&bound, 0)
	if !ok {
		return claimed, fault.New(fault.Invalid, "its index is over 2^64-1, which is not supported here")
	}
	claimed.Entry = entry
	return claimed, nil
}

// recordOf is AppendRecord with an error that names the value as claims do.
func recordOf(leaf merkle.Leaf, texts []string) (record []byte, err error) {
	who, amount := leaf.Roles()
	for i, f := range leaf.Fields {
		if record, err = f.Type.AppendValue(record, texts[i]); err == nil {
			continue
		}
		name := f.Name
		switch {
		case i == who:
			name = "address"
		case i == amount:
			name = "amount"
		case name == "":
			name = f.Type.String()
		}
		return nil, fault.Newf(fault.Invalid, "its %s is not right: %s", name, fault.From(err).Message)
	}
	return record, nil
}

// bind returns the texts of the leaf's values.
func (c *Claim) bind(leaf merkle.Leaf, at *uint64) ([]string, error) {
	if c.inOrder(leaf) {
		texts := make([]string, len(c.Values))
		for i, v := range c.Values {
			texts[i] = withPrefix(leaf.Fields[i].Type, v.Text)
		}
		return texts, nil
	}
	texts, used := make([]string, len(leaf.Fields)), make([]bool, len(c.Values))
	who, amount := leaf.Roles()
	take := func(i int, match func(Value) bool) bool {
		at := slices.IndexFunc(c.Values, match)
		if at < 0 || used[at] || texts[i] != "" {
			return false
		}
		texts[i], used[at] = withPrefix(leaf.Fields[i].Type, c.Values[at].Text), true
		return true
	}
	for i, f := range leaf.Fields {
		if f.Name != "" {
			take(i, func(v Value) bool { return simple(v.Name) == simple(f.Name) })
		}
		switch i {
		case who:
			take(i, func(v Value) bool { return c.Text != "" && v.Text == c.Text })
		case amount:
			take(i, func(v Value) bool { return v.Name == "amount" || c.Amount != "" && v.Text == c.Amount && v.Name == "" })
		}
	}
	// Numbers that nobody calls an amount may be one where the claim has just the
	// leaf's values.
	unnamed := c.Amount == "" && len(c.Values) == len(leaf.Fields) && !leaf.Named() && len(leaf.Fields) > 2
	for i, f := range leaf.Fields {
		if texts[i] != "" || i == who || i == amount && !unnamed {
			continue
		}
		if i != amount && f.Type.Kind == merkle.KindUint && (f.Name == "" || simple(f.Name) == "index") {
			if take(i, func(v Value) bool { return v.Name == "index" }) {
				continue
			}
		}
		if next := slices.Index(used, false); next >= 0 && f.Name == "" && c.Values[next].Name != "amount" && c.Values[next].Text != c.Text {
			texts[i], used[next] = withPrefix(f.Type, c.Values[next].Text), true
		}
	}
	for i := range texts {
		if texts[i] == "" && !c.has(i, leaf) {
			if what, missing := c.missing(leaf, i, who, amount, at, texts); missing {
				return nil, fault.Newf(fault.Invalid, "it has no %s", what)
			}
		}
	}
	return texts, nil
}

// has reports whether a value of the leaf may be the empty text.
func (c *Claim) has(i int, leaf merkle.Leaf) bool {
	return leaf.Fields[i].Type.Kind == merkle.KindString && slices.ContainsFunc(c.Values, func(v Value) bool {
		return v.Text == "" && simple(v.Name) == simple(leaf.Fields[i].Name)
	})
}

// missing names a value that the claim lacks, unless it is an index that at has.
func (c *Claim) missing(leaf merkle.Leaf, i, who, amount int, at *uint64, texts []string) (what string, missing bool) {
	switch f := leaf.Fields[i]; {
	case i == who:
		return "address", true
	case i == amount:
		return "amount", true
	case f.Name != "":
		return f.Name, true
	case f.Type.Kind == merkle.KindUint && at != nil:
		texts[i] = decimal(*at)
		return "", false
	case f.Type.Kind == merkle.KindUint && i == 0:
		return "index, which the leaf (" + strings.Join(leaf.Types(), ", ") + ") includes", true
	}
	return "value for the " + leaf.Fields[i].Type.String() + " of the leaf (" + strings.Join(leaf.Types(), ", ") + ")", true
}

// inOrder reports whether the values stand in an array without names, as the
// leaf has them.
func (c *Claim) inOrder(leaf merkle.Leaf) bool {
	return len(c.Values) == len(leaf.Fields) && !slices.ContainsFunc(c.Values, func(v Value) bool { return v.Name != "" })
}

func withPrefix(t merkle.Type, text string) string {
	if t.Kind == merkle.KindAddress && len(text) == 40 {
		return "0x" + text
	}
	return text
}
