package rules_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop/rules"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const contract = "0x00000000219ab540356cBB839Cbe05303d7705Fa"

func source(t *testing.T, fields string) (rules.Source, error) {
	t.Helper()
	parsed, err := rules.Parse(fmt.Appendf(nil, "version: 1\ndecimals: 18\nsources:\n  s: {%s}\nallocation:\n  - {name: all, each: 1}\n", fields))
	if err != nil {
		return rules.Source{}, err
	}
	return parsed.Sources[0], nil
}

func TestSourcesOfAChainNameAllThatIsRead(t *testing.T) {
	for fields, onChain := range map[string]bool{
		"kind: holders, chain: 1, token: " + contract + ", block: 5":                                     true,
		"kind: holders, chain: 1, token: " + contract + ", block: 5, file: b.csv":                        false,
		"kind: holders, token: " + contract + ", block: 5":                                               false,
		"kind: averages, chain: 1, token: " + contract + ", from: 4, block: 5":                           true,
		"kind: averages, chain: 1, from: 4, block: 5":                                                    false,
		"kind: averages, file: a.csv":                                                                    false,
		"kind: callers, chain: 1, to: " + contract + ", from: 5, block: 5":                               true,
		"kind: callers, chain: 1, to: " + contract + ", method: \"0xA9059CBB\", from: 5, block: 1000004": true,
		"kind: callers, chain: 1, from: 5, block: 5":                                                     false,
	} {
		if s, err := source(t, fields); err != nil || s.OnChain() != onChain {
			t.Errorf("%s: read from the chain %v, %v", fields, s.OnChain(), err)
		}
	}
	for fields, says := range map[string]string{
		"kind: averages, chain: 1, token: " + contract + ", from: 5, block: 5":                   "comes after from (5)",
		"kind: averages, chain: 1, token: " + contract + ", block: 5":                            "write from and block",
		"kind: callers, chain: 1, to: " + contract + ", from: 6, block: 5":                       "comes after from (6)",
		"kind: callers, chain: 1, to: " + contract + ", from: 5, block: 1000005":                 "up to 1000000 blocks",
		"kind: callers, chain: 1, to: " + contract + ", method: 0xa9059c, from: 5, block: 6":     "8 hex digits",
		"kind: callers, chain: 1, to: " + contract + ", method: transfer, from: 5, block: 6":     "8 hex digits",
		"kind: holders, chain: 1, token: " + contract + ", from: 4, block: 5":                    "there is no field",
		"kind: averages, chain: 1, token: " + contract + ", from: 4, block: 5, method: 0xa9059c": "there is no field",
	} {
		_, err := source(t, fields)
		f := fault.From(err)
		if f == nil || len(f.Fields) == 0 || !strings.Contains(f.Fields[0].Message, says) || f.Fields[0].Line != 4 {
			t.Errorf("%s: %v does not say %q of line 4", fields, err, says)
		}
	}
}

// What is written of a source is read again as the same numbers, and the bytes do not
// depend on the order of the wallets: its hash stands in manifests.
func TestAWrittenSourceIsReadAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for _, decimals := range []int{0, 1, 6, 18, 36} {
		s, err := source(t, fmt.Sprintf("kind: holders, decimals: %d", decimals))
		if err != nil {
			t.Fatal(err)
		}
		values := map[wallet.Address]uint256.Int{}
		var wallets []wallet.Address
		for i := range 200 {
			var v uint256.Int
			v.SetUint64(random.Uint64() >> random.IntN(64))
			if i == 0 {
				v.SetAllOne()
			}
			for range random.IntN(30) {
				v.Mul(&v, uint256.NewInt(10)) // ends with zeros
			}
			values[numbered(i)], wallets = v, append(wallets, numbered(i))
		}
		write := func() []byte {
			var file bytes.Buffer
			random.Shuffle(len(wallets), func(i, j int) { wallets[i], wallets[j] = wallets[j], wallets[i] })
			all := make([]uint256.Int, len(wallets))
			for i, w := range wallets {
				all[i] = values[w]
			}
			if err := rules.WriteTable(&file, s, wallets, all); err != nil {
				t.Fatal(err)
			}
			return file.Bytes()
		}
		first := write()
		if !bytes.Equal(first, write()) {
			t.Errorf("with %d decimals another order of the wallets has another file", decimals)
		}
		table, _, err := rules.ReadTable(context.Background(), bytes.NewReader(first), s, rules.ReadOptions{})
		if err != nil || len(table.Wallets) != len(values) {
			t.Fatal(err)
		}
		for i, w := range table.Wallets {
			if table.Columns[0][i] != values[w] {
				want := values[w]
				t.Errorf("with %d decimals %s was read as %s", decimals, want.Dec(), table.Columns[0][i].Dec())
			}
		}
	}
	calls, err := source(t, "kind: callers")
	if err != nil {
		t.Fatal(err)
	}
	var nobody bytes.Buffer
	if err := rules.WriteTable(&nobody, calls, nil, nil); err != nil {
		t.Fatal(err)
	}
	if table, _, err := rules.ReadTable(context.Background(), &nobody, calls, rules.ReadOptions{}); err != nil || len(table.Wallets) != 0 {
		t.Errorf("nobody has called: %v", err)
	}
}
