package offline

import (
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Shape describes a leaf and a tree in the words of build's flags.
type Shape struct {
	Leaf     string `json:"leaf"` // the types, with the names of the list's header if there are any
	Encoding string `json:"encoding"`
	Hash     string `json:"hash"`
	Tree     string `json:"tree"`
	Leaves   string `json:"leaves"`
	Pairs    string `json:"pairs"`
	Solidity string `json:"solidity"` // the line of a contract that computes a leaf
}

// ShapeOf describes a tree.
func ShapeOf(t *merkle.Tree) Shape { return shapeOf(t.Spec()) }

func shapeOf(s merkle.Spec) Shape {
	c := s.Choices()
	return Shape{
		Leaf: c.Leaf, Encoding: c.Encoding, Hash: c.Hash, Tree: c.Tree, Leaves: c.Leaves, Pairs: c.Pairs,
		Solidity: s.Leaf.Solidity(),
	}
}

// FormatOf returns the format of a name, of choices, or of a name with choices
// that differ from it. It fails as bad usage and names the flag.
func FormatOf(name string, choices merkle.Choices) (merkle.Format, error) {
	base := merkle.OZ
	if name != "" || choices.Empty() {
		var err error
		if base, err = merkle.ParseFormat(name); err != nil {
			return "", wrongFormat("format", err)
		}
		if choices.Empty() {
			return base, nil
		}
	}
	spec, err := choices.Spec(base.Spec())
	if err != nil {
		flag := "format"
		if f := fault.From(err); len(f.Fields) > 0 {
			flag = f.Fields[0].Name
		}
		return "", wrongFormat(flag, err)
	}
	return spec.Format(), nil
}

// wrongFormat is bad usage of a flag; a leaf that is legal but not supported
// keeps its code.
func wrongFormat(flag string, err error) error {
	f := fault.From(err)
	if f.Code == fault.Unsupported {
		return fault.New(f.Code, "--"+flag+": "+f.Message)
	}
	return fault.UsageOf("--"+flag, f.Message)
}
