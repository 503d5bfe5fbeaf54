// Package published reads and writes trees in the JSON that other tools
// publish: dumps of @openzeppelin/merkle-tree and merkletreejs, Sablier's
// campaign files, Uniswap's results and those that are like them, murky's
// output, and plain arrays of claims. The input is verified: the tree is built
// again from the entries, and every published root, node and proof is compared
// with it. It also reads single claims, and says why a proof is wrong
// (explain.go).
package published

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Options are what a file may not say itself.
type Options struct {
	// Root is the root that is known from elsewhere; nil: the file's is believed
	// if it has one.
	Root *merkle.Hash
	// Choices are the tree over a plain list of leaves; "" is what merkletreejs
	// makes with sortPairs: odd nodes promoted, leaves as listed, pairs sorted.
	Choices merkle.Choices
}

// Result is a tree that was published, and what to know about it.
type Result struct {
	Tree  *merkle.Tree
	Kind  string   // of file
	Notes []string // what the file did not have, so that it was not compared
}

// Read reads any kind of file and returns its tree, built again and verified. It
// fails with fault.Invalid on the first difference, naming the entry or node, and
// with fault.Unsupported on trees and files that may be right and are not
// supported.
func Read(ctx context.Context, in io.Reader, options Options) (Result, error) {
	d := json.NewDecoder(bufio.NewReaderSize(in, 256<<10))
	f := &file{options: options}
	if err := f.read(ctx, d); err != nil {
		return Result{}, explain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		if err != nil {
			return Result{}, explain(err)
		}
		return Result{}, fault.New(fault.Invalid, "there is more text after the JSON value: a published tree is one value")
	}
	return f.result(ctx)
}

// result decides which kind of file it is.
func (f *file) result(ctx context.Context) (Result, error) {
	switch {
	case f.inner != nil:
		return f.campaign(ctx)
	case f.Format != "" || f.treeSeen || f.LeafEncoding != nil:
		return f.openZeppelin(ctx)
	case f.layers != nil || f.leaves != nil:
		return f.merkletreejs(ctx)
	case len(f.claims) > 0 && f.proofs > 0:
		return f.fromClaims(ctx)
	case len(f.claims) > 0:
		return Result{}, fault.New(fault.Unsupported, "this is a list of entries without proofs or a tree: build a tree of it with banyan airdrop build")
	}
	return Result{}, fault.New(fault.Invalid, "this is neither an OpenZeppelin dump (format, leafEncoding, tree, values), a Sablier campaign file (root, merkle_tree), a merkletreejs dump (leaves, layers), "+
		"a Uniswap result (merkleRoot, tokenTotal, claims) nor a list of claims with proofs")
}

// file has the contents of any kind of file.
type file struct {
	options Options
	Format  string
	// LeafEncoding is nil when the file has none.
	LeafEncoding []string
	nodeHash     string // "custom" where an OpenZeppelin dump has its own
	tree         []merkle.Hash
	treeSeen     bool
	values       []value

	root   *merkle.Hash
	total  string
	claims []Claim
	proofs int // how many of claims have one

	inner  *file // the dump inside of a campaign file
	leaves []merkle.Hash
	layers [][]merkle.Hash
	js     jsOptions
}

// read decodes the file element by element: a file of a million claims has more
// than a gigabyte.
func (f *file) read(ctx context.Context, d *json.Decoder) error {
	first, err := d.Token()
	if err != nil {
		return err
	}
	switch first {
	case json.Delim('{'):
		return f.members(ctx, d)
	case json.Delim('['):
		return f.array(ctx, d)
	}
	return fault.Newf(fault.Invalid, "the JSON is %.40v instead of an object or an array", first)
}

// members reads the rest of an object.
func (f *file) members(ctx context.Context, d *json.Decoder) error {
	for d.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder ensures it
		if err := f.member(d, name); err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
	}
	_, err := d.Token()
	return err
}

func (f *file) member(d *json.Decoder, name string) (err error) {
	switch plain := simple(name); plain {
	case "format":
		return d.Decode(&f.Format)
	case "leafencoding":
		return d.Decode(&f.LeafEncoding)
	case "hash":
		return d.Decode(&f.nodeHash)
	case "values":
		return elements(d, '[', func(string) error {
			var v value
			err := d.Decode(&v)
			f.values = append(f.values, v)
			return err
		})
	case "root", "merkleroot", "roothash", "hexroot":
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil || string(raw) == "null" {
			return err
		}
		f.root, err = parseAnyHash(raw)
		return err
	case "tokentotal", "totalamount", "total":
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if f.total, err = scalar(raw); err != nil {
			f.total = "" // another kind of total
		}
		return nil
	case "tree", "merkletree":
		return f.treeMember(d)
	case "claims", "proofs", "recipients", "data", "users", "entries", "leaves", "hexleaves", "noderewards":
		return f.entries(d, plain)
	case "layers", "hexlayers":
		return f.layersMember(d)
	default:
		if _, err := parseWallet(name); err == nil {
			return f.claim(d, name)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		return f.js.set(plain, raw)
	}
}

// treeMember reads the nodes of an OpenZeppelin dump, or a dump inside of a
// campaign file, which may be a text.
func (f *file) treeMember(d *json.Decoder) error {
	first, err := d.Token()
	if err != nil {
		return err
	}
	switch t := first.(type) {
	case string:
		f.inner = &file{options: Options{Choices: f.options.Choices}}
		inside := json.NewDecoder(bytes.NewReader([]byte(t)))
		if err := f.inner.read(context.Background(), inside); err != nil {
			return fmt.Errorf("the dump inside: %w", explain(err))
		}
		return nil
	case json.Delim:
		if t == '{' {
			f.inner = &file{options: Options{Choices: f.options.Choices}}
			return f.inner.members(context.Background(), d)
		}
		f.treeSeen = true
		for n := 0; d.More(); n++ {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return err
			}
			node, err := parseAnyHash(raw)
			if err != nil {
				return fmt.Errorf("element %d: %w", n, err)
			}
			f.tree = append(f.tree, *node)
		}
		_, err = d.Token()
		return err
	}
	return fault.Newf(fault.Invalid, "there is %.40v instead of the nodes of a tree", first)
}

// claim reads an entry; without a proof it counts only if all are without.
func (f *file) claim(d *json.Decoder, key string) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	claims, err := ParseClaims(raw, key)
	if err != nil {
		if key != "" {
			return fmt.Errorf("claim of %q: %w", key, err)
		}
		return err
	}
	f.claims = append(f.claims, claims...)
	f.proofs += len(claims)
	return nil
}

// entries reads claims, by wallet or in an array, or the leaves of a tree. A list
// of recipients beside a tree has no proofs and is passed over.
func (f *file) entries(d *json.Decoder, name string) error {
	first, err := d.Token()
	if err != nil {
		return err
	}
	object := first == json.Delim('{')
	if !object && first != json.Delim('[') {
		return fault.Newf(fault.Invalid, "there is %.40v instead of an array or an object", first)
	}
	for n := 0; d.More(); n++ {
		key := ""
		if object {
			token, err := d.Token()
			if err != nil {
				return err
			}
			key, _ = token.(string)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if err := f.entry(name, key, raw); err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
	}
	_, err = d.Token()
	return err
}

func (f *file) entry(name, key string, raw json.RawMessage) error {
	if hash, err := parseAnyHash(raw); err == nil && (name == "leaves" || name == "hexleaves") {
		f.leaves = append(f.leaves, *hash)
		return nil
	}
	claims, err := ParseClaims(raw, key)
	switch {
	case err == nil:
		f.claims = append(f.claims, claims...)
		f.proofs += len(claims)
	case name == "recipients" || name == "users" || name == "entries" || name == "data":
		f.claims = append(f.claims, Claim{}) // without a proof: it only says what the file is
	case key != "":
		return fmt.Errorf("claim of %q: %w", key, err)
	default:
		return err
	}
	return nil
}

// elements calls each for every element of an array, or member of an object
// with its name.
func elements(d *json.Decoder, open json.Delim, each func(name string) error) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != open {
		return fault.Newf(fault.Invalid, "there is %.40v instead of %v", token, open)
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
	_, err = d.Token()
	return err
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
