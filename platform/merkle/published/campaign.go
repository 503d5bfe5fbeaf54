package published

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// campaign reads a file with a dump inside, as Sablier's Merkle API publishes
// it: the root and the sum beside it must be those of the dump.
func (f *file) campaign(ctx context.Context) (Result, error) {
	inner, err := f.inner.result(ctx)
	if err != nil {
		return inner, err
	}
	inner.Kind = "a campaign file with a dump inside (" + inner.Kind + ")"
	if err := f.compareRoot(inner.Tree); err != nil {
		return inner, err
	}
	if f.root == nil {
		inner.Notes = append(inner.Notes, "the file names no root beside the dump")
	}
	note, err := f.compareTotal(inner.Tree)
	if note != "" {
		inner.Notes = append(inner.Notes, note)
	}
	return inner, err
}

// compareTotal compares the sum of the amounts with the published one; note says
// that there was none.
func (f *file) compareTotal(tree *merkle.Tree) (note string, err error) {
	if f.total == "" {
		return "the file has no total: it was not compared", nil
	}
	total, err := merkle.ParseNumber(f.total)
	if err != nil {
		return "", fault.Newf(fault.Invalid, "the published total: %s", fault.From(err).Message)
	}
	if sum := tree.Total(); !sum.Eq(total) {
		return "", fault.Newf(fault.Invalid, "the published total is %s, and the claims add up to %s", total.Dec(), sum.Dec())
	}
	return "", nil
}
