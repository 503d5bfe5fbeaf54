package list_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"strings"
	"testing"

	"banyan/modules/airdrop/list"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/testneeds"
)

// Lists like those of other people's bug reports: each makes the tree that the
// original tool makes, or is refused by line with a word of what it is.
func TestListsOfOtherPeoplesBugReports(t *testing.T) {
	const same = "0x1450ca0514503a43f45cb51428fb5d5998c1e045d371f23e82fdaa945bee8a6d"
	for _, c := range []struct {
		file, want string // a root, or what the refusal says
		options    list.Options
	}{
		{"01-bom-crlf/list.csv", same, list.Options{}},
		{"01-bom-crlf/noheader.csv", same, list.Options{}},
		{"02-semicolons/header.csv", same, list.Options{}},
		{"02-semicolons/noheader.csv", same, list.Options{}},
		{"02-semicolons/quoted.csv", same, list.Options{}},
		{"02-semicolons/decimal-comma.csv", "0x4855c1585692c36ac61bd849153bd9799a3bf3ce7103ff5d8594e2142377f154", list.Options{Decimals: 18}}, // of 1.5 for each
		{"04-blank-lines/blank.csv", same, list.Options{}},
		{"04-blank-lines/commas.csv", same, list.Options{}},
		{"04-blank-lines/trailing-columns.csv", same, list.Options{}},
		{"04-blank-lines/trailing-noheader.csv", same, list.Options{}},
		{"05-no-header-cut-off/list.csv", same, list.Options{}},
		{"06-safe-csv-app/safe.csv", same, list.Options{}},
		{"06-safe-csv-app/legacy.csv", same, list.Options{}},
		{"08-thirdweb-snapshot/quantity.csv", same, list.Options{}},
		{"08-thirdweb-snapshot/maxclaimable.csv", same, list.Options{}},
		{"09-allowlist/allow-header.csv", "line 1: the header has no amount column", list.Options{}},
		{"11-three-values/tri.csv", same, list.Options{}}, // of the first two, and tier is named
		{"11-three-values/tri-noheader.csv", "line 1: a line without a header is address,amount", list.Options{}},
		{"14-json-lists/array.json", same, list.Options{}},
		{"14-json-lists/pretty.json", same, list.Options{}},
		{"14-json-lists/map.json", same, list.Options{}},
		{"14-json-lists/map.json", "entry 1, amount: is text in a map", list.Options{TextAmounts: list.Ask}},
		{"14-json-lists/map-pretty.json", same, list.Options{}},
		{"14-json-lists/pairs.json", same, list.Options{}},
		{"14-json-lists/uniswap-new.json", same, list.Options{}},
		{"14-json-lists/nd.ndjson", same, list.Options{}},
		{"15-scientific-and-fractions/sci.ndjson", "line 1: amount: is in scientific notation", list.Options{}},
		{"15-scientific-and-fractions/zero-fraction.csv", "line 1: amount: has a decimal point", list.Options{}},
		{"15-scientific-and-fractions/zero-fraction.csv", "0x", list.Options{Decimals: 18}},
		{"15-scientific-and-fractions/sci.csv", "line 1: amount: is in scientific notation", list.Options{}},
		{"21-duplicates-in-case/dup.csv", "line 2: address: this address is already on line 1", list.Options{}},
		{"23-zero-amounts/zeros.csv", "line 2: amount: is zero", list.Options{}},
		{"21-duplicates-in-case/dup.csv", "0x", list.Options{OnDuplicate: list.Sum}},
		{"22-duplicate-rows-equal/dup.csv", "line 2: address: this address is already on line 1", list.Options{}},
		{"23-zero-amounts/zeros.csv", "0x", list.Options{SkipZeros: true, Decimals: 18}},
		{"24-zero-and-dead-address/zero.csv", "0x", list.Options{}},
		{"26-commas-in-amounts/german.csv", "0x", list.Options{Decimals: 18}},
		{"26-commas-in-amounts/unquoted.csv", "line 2: the line has 3 columns", list.Options{Decimals: 18}},
		{"26-commas-in-amounts/unquoted-noheader.csv", "line 1: a line without a header is address,amount", list.Options{}},
		{"26-commas-in-amounts/unquoted-later.csv", "line 2: the line has 3 columns", list.Options{}},
		{"26-commas-in-amounts/quoted.csv", "line 2: amount: has a comma", list.Options{Decimals: 18}},
		{"29-ens-names/ens.csv", `line 1: address: "alisha.eth" is a name`, list.Options{}},
		{"28-eip3770-prefix/prefix.csv", "line 2: address: is on Polygon by its prefix", list.Options{}},
		{"28-eip3770-prefix/caip.csv", "0x", list.Options{}},
		{"29-ens-names/ok.csv", same, list.Options{}},
		{"31-eip1191-checksum/rsk.csv", "EIP-1191 checksum for chain 30", list.Options{}},
		{"31-eip1191-checksum/rsk.csv", "0x", list.Options{Chain: 30}},
		{"32-totals-and-comments/comment.csv", same, list.Options{}},
		{"32-totals-and-comments/title.csv", same, list.Options{}},
		{"32-totals-and-comments/total.csv", `line 7: address: "Total" is a row of totals and not an address`, list.Options{}},
		{"32-totals-and-comments/total2.csv", "line 7: address: is missing: if this is a row of totals", list.Options{}},
		{"32-totals-and-comments/sum.csv", `line 7: address: "SUM(B2:B6)" is a row of totals and not an address`, list.Options{}},
		{"33-one-leaf/one.csv", "0xeafe25f86097fe510fd8c0e91a13422f7bc7f164c3ef90aca07ba23d6f63d7e9", list.Options{}},
		{"36-lookup-in-other-case/list.csv", same, list.Options{}},
		{"39-number-spellings/spell.csv", "0x", list.Options{Decimals: 18}},
		{"42-indexes/huge.csv", "0x", list.Options{Indexed: true}},
		{"42-indexes/twice.csv", "line 2: index: this index is already on line 1", list.Options{Indexed: true}},
		{"42-indexes/rank.csv", "line 1: a line without a header is address,amount or index,address,amount", list.Options{}},
		{"42-indexes/rank.csv", same, list.Options{Columns: list.Columns{Address: "1", Amount: "3"}}},
		{"42-indexes/indexed.csv", same, list.Options{}},
		{"46-columns-that-matter/usd-value.csv", `two columns could be the amount, "Quantity" and "Value"`, list.Options{Decimals: 18}},
		{"46-columns-that-matter/decimals.csv", "line 2: decimals: is 18, and amounts are read with 0", list.Options{}},
		{"46-columns-that-matter/tokens.csv", "line 3: token_address: the token is", list.Options{}},
		{"46-columns-that-matter/token-id.csv", "line 2: token_id: the row is of one token of many", list.Options{}},
		{"46-columns-that-matter/chain.csv", "line 3: chain: the chain is", list.Options{}},
	} {
		text := testneeds.ReadData(t, path.Join("cases/airdrop", c.file))
		rows, err := list.Read(context.Background(), bytes.NewReader(text), c.options)
		got := ""
		if f := fault.From(err); f != nil && len(f.Fields) > 0 {
			got = f.Fields[0].String()
		} else if err == nil {
			tree, err := merkle.Build(context.Background(), merkle.OZ, rows, merkle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got = tree.Root().String()
			if right := rightRoot(t, path.Dir(c.file)); right != "" && right != got && !strings.Contains(c.file, "decimal-comma") {
				t.Errorf("%s makes %s, and the original tool %s", c.file, got, right)
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s (%v), want %s", c.file, got, err, c.want)
		}
		t.Logf("%-50s %.120s", c.file, got)
	}
}

// rightRoot is what a case says of itself; "" if it says nothing of a root.
func rightRoot(t *testing.T, folder string) string {
	t.Helper()
	var expected struct {
		Right struct {
			Root string `json:"root"`
		} `json:"right"`
	}
	if err := json.Unmarshal(testneeds.ReadData(t, path.Join("cases/airdrop", folder, "expected.json")), &expected); err != nil {
		t.Fatal(err)
	}
	return expected.Right.Root
}

func TestWalletsWithCRLineEndsAreAllAnswered(t *testing.T) {
	for _, file := range []string{"cr.csv", "cr-noheader.csv"} {
		text := testneeds.ReadData(t, path.Join("cases/airdrop/47-verify-cr-only", file))
		if got := answers(t, string(text)); len(got) != 5 || strings.Contains(strings.Join(got, ""), "!") {
			t.Errorf("%s: %d answers: %v", file, len(got), got)
		}
	}
}
