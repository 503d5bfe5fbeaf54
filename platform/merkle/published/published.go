// Package published reads and writes trees in the JSON that other tools
// publish: @openzeppelin/merkle-tree's standard-v1 dump and Uniswap's
// merkle-distributor result. The input is verified: the tree is built again
// from the entries, and every published root, node and proof is compared with
// it.
package published

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Read reads either kind of file and returns its tree, built again and
// verified. It fails with fault.Invalid on the first difference, naming the
// entry, and with fault.Unsupported on other kinds of trees.
func Read(ctx context.Context, in io.Reader) (*merkle.Tree, error) {
	decoder := json.NewDecoder(bufio.NewReaderSize(in, 256<<10))
	f := &file{}
	if err := f.read(ctx, decoder); err != nil {
		return nil, explain(err)
	}
	switch {
	case f.Format != "" || f.treeSeen:
		return f.openZeppelin(ctx)
	case f.MerkleRoot != nil:
		return f.uniswap(ctx)
	}
	return nil, fault.New(fault.Invalid, "this is neither an OpenZeppelin standard-v1 dump (format, leafEncoding, tree, values) nor a Uniswap result (merkleRoot, tokenTotal, claims)")
}

// file has the contents of either kind of file.
type file struct {
	Format       string
	LeafEncoding []string
	tree         []merkle.Hash
	treeSeen     bool
	values       []value

	MerkleRoot *merkle.Hash
	TokenTotal string
	claims     []claim
}

// read decodes the file element by element: a file of a million claims has more
// than a gigabyte.
func (f *file) read(ctx context.Context, d *json.Decoder) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "format":
			err = d.Decode(&f.Format)
		case "leafEncoding":
			err = d.Decode(&f.LeafEncoding)
		case "tree":
			f.treeSeen = true
			err = elements(d, '[', func(string) error {
				var node merkle.Hash
				err := d.Decode(&node)
				f.tree = append(f.tree, node)
				return err
			})
		case "values":
			err = elements(d, '[', func(string) error {
				var v value
				err := d.Decode(&v)
				f.values = append(f.values, v)
				return err
			})
		case "merkleRoot":
			err = d.Decode(&f.MerkleRoot)
		case "tokenTotal":
			err = d.Decode(&f.TokenTotal)
		case "claims":
			err = elements(d, '{', func(address string) error {
				c := claim{address: address}
				err := d.Decode(&c)
				f.claims = append(f.claims, c)
				return err
			})
		default:
			var ignored json.RawMessage
			err = d.Decode(&ignored)
		}
		if err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
	}
	if err := expect(d, '}'); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "there is more text after the JSON object")
	}
	return nil
}

// elements calls each for every element of an array, or member of an object
// with its name.
func elements(d *json.Decoder, open json.Delim, each func(name string) error) error {
	if err := expect(d, open); err != nil {
		return err
	}
	for n := 0; d.More(); n++ {
		name := ""
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = token.(string) // the decoder ensures that a member's name is a string
		}
		if err := each(name); err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
	}
	_, err := d.Token()
	return err
}

func expect(d *json.Decoder, delim json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != delim {
		return fault.Newf(fault.Invalid, "there is %v instead of %v", token, delim)
	}
	return nil
}

// explain converts the decoder's errors to invalid faults; errors of the reader
// below it stay unchanged.
func explain(err error) error {
	var f *fault.Fault
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &f) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(err, fault.Invalid, "the JSON ends too early: the file is truncated")
	case errors.As(err, &syntax):
		return fault.Wrap(err, fault.Invalid, fmt.Sprintf("the file is not JSON at byte %d", syntax.Offset))
	case errors.As(err, &kind):
		return fault.Wrap(err, fault.Invalid, fmt.Sprintf("the JSON has a %s at byte %d where another kind of value must be", kind.Value, kind.Offset))
	}
	return fmt.Errorf("read the published tree: %w", err)
}
