package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// Manifest says what a list of amounts was computed from, so that anybody can compute
// it again: the rules themselves, the inputs by their hashes, and the result.
type Manifest struct {
	Engine string        `json:"engine"` // Engine
	Rules  string        `json:"rules"`  // the YAML as it was written
	Inputs []Input       `json:"inputs"` // in the order of the rules' sources
	Format merkle.Format `json:"format"` // of the tree
	Root   merkle.Hash   `json:"root"`
	Count  int           `json:"count"`
	Total  string        `json:"total"` // base units, decimal
}

// Input is a file that a source was read from.
type Input struct {
	Source string          `json:"source"`
	Kind   string          `json:"kind"`
	File   string          `json:"file"`   // its name, without folders
	SHA256 string          `json:"sha256"` // of the file as it is, 64 hex digits
	Rows   int             `json:"rows"`
	Chain  uint64          `json:"chain,omitempty"`
	From   uint64          `json:"from,omitempty"`
	Block  uint64          `json:"block,omitempty"`
	Token  *wallet.Address `json:"token,omitempty"`
	To     *wallet.Address `json:"to,omitempty"`
	Method string          `json:"method,omitempty"`
	// BlockHash is the hash of Block, 0x and 64 hex digits, where the file was read from the
	// chain: another node that has this block has the same events; "" = it was not.
	BlockHash string `json:"block_hash,omitempty"`
	// Epoch and EpochRoot are those of the reputation that the file has; 0 and "" for
	// other kinds, or where it is not known.
	Epoch     int64  `json:"epoch,omitempty"`
	EpochRoot string `json:"epoch_root,omitempty"`
}

// MaxManifest bounds a manifest, in bytes.
const MaxManifest = 1 << 20

// ParseManifest reads a manifest. It fails with fault.Invalid; a manifest of another
// engine is one that this program cannot reproduce.
func ParseManifest(text []byte) (m Manifest, rules *Rules, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, nil, notManifest(err)
	}
	if m.Engine != Engine {
		return m, nil, fault.Newf(fault.Unsupported, "the manifest is of the engine %q, and this program has %s: use a program that has it", short(m.Engine), Engine)
	}
	if _, err := merkle.ParseFormat(string(m.Format)); err != nil {
		return m, nil, err
	}
	if rules, err = Parse([]byte(m.Rules)); err != nil {
		return m, nil, fmt.Errorf("the manifest's rules: %w", err)
	}
	if !slices.EqualFunc(m.Inputs, rules.Sources, func(in Input, s Source) bool { return in.Source == s.Name && len(in.SHA256) == 64 }) {
		return m, nil, fault.New(fault.Invalid, "the inputs of the manifest are not the sources of its rules: it was changed, so get it again from whoever published it")
	}
	return m, rules, nil
}

// notManifest says what is wrong with a text that is no manifest, without the words of
// this program.
func notManifest(err error) error {
	what := strings.TrimPrefix(err.Error(), "json: ")
	var value *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &value) && value.Field != "":
		what = fmt.Sprintf("the field %s must not have this kind of value (%s)", value.Field, value.Value)
	case errors.As(err, &value):
		what = fmt.Sprintf("it is one value (%s), and not an object with fields", value.Value)
	case errors.As(err, &syntax):
		what = fmt.Sprintf("it is no JSON from byte %d on", syntax.Offset)
	}
	return fault.Newf(fault.Invalid, "is no manifest: %s. Name the file that banyan airdrop allocate --manifest has written, or that a frozen campaign offers", what)
}

// InputOf describes the file of a source.
func InputOf(s Source, file, sha256 string, t *Table) Input {
	return Input{Source: s.Name, Kind: s.Kind, File: file, SHA256: sha256, Rows: t.Rows, Chain: s.Chain, From: s.From, Block: s.Block, Token: s.Token, To: s.To, Method: s.Method, Epoch: s.Epoch}
}

// List returns the wallets that get something with their amounts, by address, and
// with the indexes that the format's origin gives them.
func (e *Result) List(ctx context.Context, format merkle.Format) (*merkle.List, error) {
	if !format.Plain() {
		return nil, fault.Newf(fault.Invalid, "rules say a wallet and an amount, and the leaves of the format %s have other values: build it from the list with banyan airdrop build", format)
	}
	list := merkle.NewList()
	for i := range e.Wallets {
		if e.Amounts[i].IsZero() {
			continue
		}
		if err := list.Append(e.Wallets[i], e.Amounts[i]); err != nil {
			return nil, err
		}
	}
	if format == merkle.Uniswap {
		return list, list.IndexBySpelling(ctx, merkle.Options{})
	}
	return list, nil
}

// CheckEpoch compares a source of kind reputation with the root of its epoch, which
// is that of a tree of all wallets and their scores. It fails with fault.Conflict.
func CheckEpoch(ctx context.Context, s Source, t *Table, root string) error {
	whole, list := uint256.MustFromBig(tenTo(s.Values[0].Decimals)), merkle.NewList()
	for i, w := range t.Wallets {
		var score, rest uint256.Int
		if score.DivMod(&t.Columns[0][i], whole, &rest); !rest.IsZero() {
			return fault.Newf(fault.Conflict, "the source %s has scores with decimals, which epochs have not: it is not of the epoch with the root %s; upload the file that the epoch's page offers", s.Name, root)
		}
		if err := list.Append(w, score); err != nil {
			return err
		}
	}
	tree, err := merkle.Build(ctx, merkle.OZ, list, merkle.Options{})
	if err != nil {
		return err
	}
	if tree.Root().String() != root {
		return fault.Newf(fault.Conflict, "the source %s has the root %s, and its epoch has %s: it is of another epoch, or was changed; upload the file that the epoch's page offers", s.Name, tree.Root(), root)
	}
	return nil
}
