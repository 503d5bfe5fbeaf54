package merkle_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// typesOfLeaves are leaves of every type, as different tools have them.
var typesOfLeaves = []string{
	"address", "address,uint256", "uint256,address,uint256", "address,address,uint256", "address,uint256,uint256", "bytes32",
	"uint256", "string", "bytes", "bool,int8", "uint8,int256,bytes4", "address,string,uint256", "bytes,bytes,string",
	"uint128,address,uint96", "address,uint256,uint256,uint256,bytes32", "int16,bytes1,bool,address,uint64", "string,string",
}

// valueOf makes up the value i of a type: its text, and what go-ethereum packs.
func valueOf(t *testing.T, name string, i int) (text string, value any) {
	t.Helper()
	kind, err := merkle.ParseType(name)
	if err != nil {
		t.Fatal(err)
	}
	switch kind.Kind {
	case merkle.KindAddress:
		a := common.BigToAddress(crypto.Keccak256Hash([]byte{byte(i), 1}).Big())
		return a.Hex(), a
	case merkle.KindUint, merkle.KindInt:
		n := new(big.Int).SetBytes(crypto.Keccak256([]byte{byte(i), 2})[:kind.Size])
		n.Rsh(n, 6) // so that no sum is too large
		if kind.Kind == merkle.KindInt && i%2 == 1 {
			n.Neg(n)
		}
		return n.String(), n
	case merkle.KindBool:
		return fmt.Sprint(i%2 == 0), i%2 == 0
	case merkle.KindFixed:
		b := crypto.Keccak256([]byte{byte(i), 3})[:kind.Size]
		return "0x" + hex.EncodeToString(b), b
	case merkle.KindBytes:
		b := bytes.Repeat([]byte{byte(i)}, i*7%70)
		return "0x" + hex.EncodeToString(b), b
	}
	s := strings.Repeat("ä", i*5%40)
	return s, s
}

// encoded is what go-ethereum's ABI packs, or encodePacked in the obvious way.
func encoded(t *testing.T, types []string, values []any, packed bool) []byte {
	t.Helper()
	var all []byte
	var words []byte // heads, then tails
	var tails []byte
	for i, name := range types {
		kind, err := merkle.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		solidity, err := abi.NewType(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var raw, word []byte
		switch v := values[i].(type) {
		case common.Address:
			raw, word = v[:], common.LeftPadBytes(v[:], 32)
		case *big.Int:
			two := new(big.Int).Set(v)
			if v.Sign() < 0 {
				two.Add(two, new(big.Int).Lsh(big.NewInt(1), 256))
			}
			word = common.LeftPadBytes(two.Bytes(), 32)
			raw = word[32-kind.Size:]
		case bool:
			raw = []byte{0}
			if v {
				raw[0] = 1
			}
			word = common.LeftPadBytes(raw, 32)
		case string:
			raw = []byte(v)
		case []byte:
			raw = v
			if kind.Kind == merkle.KindFixed {
				word = common.RightPadBytes(v, 32)
			}
		}
		all = append(all, raw...)
		if word != nil {
			words = append(words, word...)
			continue
		}
		one, err := abi.Arguments{{Type: solidity}}.Pack(values[i])
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, common.LeftPadBytes(big.NewInt(int64(32*len(types)+len(tails))).Bytes(), 32)...)
		tails = append(tails, one[32:]...)
	}
	if packed {
		return all
	}
	return append(words, tails...)
}

func referenceJoin(s merkle.Spec, a, b []byte) []byte {
	if s.Positional {
		return crypto.Keccak256(a, b)
	}
	return referencePair(a, b)
}

func referenceTree(s merkle.Spec, leaves [][]byte) []byte {
	leaves = slices.Clone(leaves)
	if !s.Listed {
		slices.SortFunc(leaves, bytes.Compare)
	}
	if s.Shape == merkle.Complete {
		n := len(leaves)
		t := make([][]byte, 2*n-1)
		for i, leaf := range leaves {
			t[len(t)-1-i] = leaf
		}
		for i := n - 2; i >= 0; i-- {
			t[i] = referenceJoin(s, t[2*i+1], t[2*i+2])
		}
		return t[0]
	}
	for s.Shape == merkle.Padded && len(leaves)&(len(leaves)-1) != 0 {
		leaves = append(leaves, make([]byte, 32))
	}
	for len(leaves) > 1 {
		var next [][]byte
		for i := 0; i < len(leaves); i += 2 {
			switch {
			case i+1 < len(leaves):
				next = append(next, referenceJoin(s, leaves[i], leaves[i+1]))
			case s.Shape == merkle.Promoted:
				next = append(next, leaves[i])
			case s.Shape == merkle.Duplicated:
				next = append(next, referenceJoin(s, leaves[i], leaves[i]))
			case s.Shape == merkle.ZeroFilled:
				next = append(next, referenceJoin(s, leaves[i], make([]byte, 32)))
			case s.Shape == merkle.EmptyFilled:
				next = append(next, referenceJoin(s, leaves[i], crypto.Keccak256()))
			}
		}
		leaves = next
	}
	return leaves[0]
}

// everySpec yields all trees over a leaf.
func everySpec(t *testing.T, types string, yield func(merkle.Spec)) {
	t.Helper()
	for _, encoding := range []string{"abi", "packed"} {
		for _, hash := range []string{"1", "2"} {
			for _, shape := range merkle.Shapes() {
				for _, leaves := range []string{"sorted", "listed"} {
					for _, pairs := range []string{"sorted", "positional"} {
						c := merkle.Choices{Leaf: types, Encoding: encoding, Hash: hash, Tree: string(shape), Leaves: leaves, Pairs: pairs}
						spec, err := c.Spec(merkle.OZ.Spec())
						if err != nil {
							t.Fatal(err)
						}
						yield(spec)
					}
				}
			}
		}
	}
}

func TestEveryLeafInEveryTreeAgreesWithTheReference(t *testing.T) {
	for at, types := range typesOfLeaves {
		everySpec(t, types, func(spec merkle.Spec) {
			n := []int{1, 2, 3, 5, 6, 7, 11, 16, 17, 33}[(at+len(spec.Shape))%10]
			checkSpec(t, spec, n)
		})
	}
	for n := 1; n <= 24; n++ {
		everySpec(t, "bytes32", func(spec merkle.Spec) { checkSpec(t, spec, n) })
	}
}

// checkSpec compares a tree of n rows with the reference, in memory and in a
// file.
func checkSpec(t *testing.T, spec merkle.Spec, n int) {
	t.Helper()
	format := spec.Format()
	list := merkle.NewListOf(format)
	var leaves [][]byte
	var rows [][]string
	for i := range n {
		texts, values := make([]string, len(spec.Leaf.Fields)), make([]any, len(spec.Leaf.Fields))
		for k, name := range spec.Leaf.Types() {
			texts[k], values[k] = valueOf(t, name, i*len(texts)+k)
			if format.Indexed() && k == 0 {
				texts[k], values[k] = fmt.Sprint(i), big.NewInt(int64(i))
			}
		}
		rows = append(rows, texts)
		appendValues(t, list, spec, texts)
		leaf := crypto.Keccak256(encoded(t, spec.Leaf.Types(), values, spec.Leaf.Packed))
		if spec.Leaf.Hashes == 2 {
			leaf = crypto.Keccak256(leaf)
		}
		leaves = append(leaves, leaf)
	}
	tree := build(t, format, list, merkle.Options{})
	if root := tree.Root(); !bytes.Equal(root[:], referenceTree(spec, leaves)) {
		t.Fatalf("%s of %d rows: root %s, want %x", format, n, root, referenceTree(spec, leaves))
	}
	checkRows(t, tree, rows, leaves)
	if (n+len(format))%5 > 0 {
		return // a file for some of them: each is synced to the disk
	}
	path := filepath.Join(t.TempDir(), "a.tree")
	if err := tree.WriteFile(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	file, err := merkle.Open(path)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	defer func() { _ = file.Close() }()
	if file.Spec().Description() != spec.Description() || file.Format() != format {
		t.Fatalf("%s came back as %s", spec.Description(), file.Spec().Description())
	}
	if err := file.Check(context.Background(), merkle.Options{}); err != nil {
		t.Fatalf("%s of %d rows: %v", format, n, err)
	}
	checkRows(t, file, rows, leaves)
}

// checkRows compares what a tree says of its rows.
func checkRows(t *testing.T, tree *merkle.Tree, rows [][]string, leaves [][]byte) {
	t.Helper()
	for i := range rows {
		if values, err := tree.Values(i); err != nil || !slices.Equal(values, rows[i]) {
			t.Fatalf("%s: row %d has %q, want %q (%v)", tree.Format(), i, values, rows[i], err)
		}
		leaf, proof, err := tree.Prove(nil, i)
		if err != nil || !bytes.Equal(leaf[:], leaves[i]) {
			t.Fatalf("%s: leaf %d is %s, want %x (%v)", tree.Format(), i, leaf, leaves[i], err)
		}
		root := merkle.ProcessProof(leaf, proof)
		if sides, err := tree.LeftSides(i); err != nil {
			t.Fatal(err)
		} else if sides != nil {
			root = merkle.ProcessSided(leaf, proof, sides)
		}
		if root != tree.Root() {
			t.Fatalf("%s of %d rows: the proof of row %d leads to %s", tree.Format(), len(rows), i, root)
		}
	}
}

func appendValues(t *testing.T, list *merkle.List, spec merkle.Spec, values []string) {
	t.Helper()
	record, err := spec.Leaf.AppendRecord(nil, values)
	if err != nil {
		t.Fatal(err)
	}
	if list.Typed() {
		err = list.AppendRecords(record)
	} else {
		err = list.AppendRows(record[len(record)-merkle.RowSize:], nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormatsHaveOneName(t *testing.T) {
	for _, format := range merkle.Formats() {
		if got := format.Spec().Format(); got != format {
			t.Errorf("%s is called %s", format, got)
		}
		if format == merkle.ENS {
			continue // its forest has no other name
		}
		if got, err := merkle.ParseFormat(format.Spec().Description()); err != nil || got != format {
			t.Errorf("%s: %s %v", format.Spec().Description(), got, err)
		}
	}
	for text, want := range map[string]merkle.Format{
		"leaf=address,uint":                     merkle.OZ,
		"tree=promoted":                         "leaf=address,uint256;encoding=abi;hash=2;tree=promoted;leaves=sorted;pairs=sorted",
		"leaf=address  user, uint8 tier;hash=1": "leaf=address user,uint8 tier;encoding=abi;hash=1;tree=complete;leaves=sorted;pairs=sorted",
	} {
		if got, err := merkle.ParseFormat(text); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestRefusesDescriptionsThatMakeNoSense(t *testing.T) {
	for text, code := range map[string]fault.Code{
		"":                            fault.Invalid,
		"merkle":                      fault.Invalid,
		"leaf=":                       fault.Invalid,
		"leaf=addr":                   fault.Invalid,
		"leaf=uint7":                  fault.Invalid,
		"leaf=uint264":                fault.Invalid,
		"leaf=uint08":                 fault.Invalid,
		"leaf=bytes33":                fault.Invalid,
		"leaf=bytes0":                 fault.Invalid,
		"leaf=address[]":              fault.Unsupported,
		"leaf=(address,uint256)":      fault.Unsupported,
		"leaf=address,,uint256":       fault.Invalid,
		"leaf=address a,uint8 a":      fault.Invalid,
		"hash=3":                      fault.Invalid,
		"hash=0":                      fault.Invalid,
		"tree=round":                  fault.Invalid,
		"tree=sharded":                fault.Invalid,
		"pairs=listed":                fault.Invalid,
		"leaves=sorted;leaves=listed": fault.Invalid,
		"colour=red":                  fault.Invalid,
		"leaf=" + strings.Repeat("address,", 16) + "address": fault.Invalid,
	} {
		if _, err := merkle.ParseFormat(text); !fault.Is(err, code) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestValuesAreChecked(t *testing.T) {
	for _, c := range []struct{ kind, text, says string }{
		{"uint8", "256", "does not fit"},
		{"uint8", "-1", "negative"},
		{"uint256", "1.5", "digits"},
		{"uint256", "", "digits"},
		{"int8", "128", "does not fit"},
		{"int8", "-129", "does not fit"},
		{"int8", "--1", "digits"},
		{"bool", "yes", "true or false"},
		{"bytes4", "0x12", "has 4 bytes"},
		{"bytes", "12", "0x"},
		{"bytes", "0x1", "even"},
		{"string", "\xff", "UTF-8"},
		{"address", "0x12", "40 hex"},
		{"uint256", "1" + strings.Repeat("0", 78), "digits"},
	} {
		kind, err := merkle.ParseType(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kind.AppendValue(nil, c.text); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %q: %v", c.kind, c.text, err)
		}
	}
	for _, c := range []struct{ kind, text, want string }{
		{"uint8", "255", "255"},
		{"uint", "0x00ff", "255"},
		{"int8", "-128", "-128"},
		{"int8", "127", "127"},
		{"int256", "-1", "-1"},
		{"int8", "-0", "0"},
		{"bool", "TRUE", "true"},
		{"bool", "0", "false"},
		{"bytes3", "0XABCDEF", "0xabcdef"},
		{"string", "a,b", "a,b"},
	} {
		leaf := merkle.Choices{Leaf: c.kind}
		spec, err := leaf.Spec(merkle.OZ.Spec())
		if err != nil {
			t.Fatal(err)
		}
		record, err := spec.Leaf.AppendRecord(nil, []string{c.text})
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.text, err)
			continue
		}
		if values, err := spec.Leaf.Values(record); err != nil || values[0] != c.want {
			t.Errorf("%s %q is %q (%v), want %q", c.kind, c.text, values, err, c.want)
		}
	}
}

func TestTheSolidityOfALeaf(t *testing.T) {
	for text, want := range map[string]string{
		"oz":         "bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount)))); // address account, uint256 amount",
		"uniswap":    "bytes32 leaf = keccak256(abi.encodePacked(index, account, amount)); // uint256 index, address account, uint256 amount",
		"cumulative": "bytes32 leaf = keccak256(abi.encodePacked(account, amount)); // address account, uint256 amount",
		"leaf=address user,address token,uint256 amount;hash=1": "bytes32 leaf = keccak256(abi.encode(user, token, amount)); // address user, address token, uint256 amount",
	} {
		format, err := merkle.ParseFormat(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := format.Spec().Leaf.Solidity(); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestFindsAllRowsOfAWallet(t *testing.T) {
	list := madeUp(3000)
	who := list.At(7).Wallet
	for _, amount := range []uint64{5, 6} {
		e := list.At(7)
		e.Amount.SetUint64(amount)
		if err := list.Append(who, e.Amount); err != nil {
			t.Fatal(err)
		}
	}
	tree := build(t, merkle.OZ, list, merkle.Options{})
	path := filepath.Join(t.TempDir(), "a.tree")
	if err := tree.WriteFile(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	file, err := merkle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, tree := range []*merkle.Tree{tree, file} {
		var got []int
		err := tree.FindAll(who, func(i int) bool { got = append(got, i); return true })
		if err != nil || !slices.Equal(got, []int{7, 3000, 3001}) {
			t.Fatalf("%v %v", got, err)
		}
		got = nil
		if err := tree.FindAll(list.At(8).Wallet, func(i int) bool { got = append(got, i); return true }); err != nil || !slices.Equal(got, []int{8}) {
			t.Fatalf("%v %v", got, err)
		}
	}
}
