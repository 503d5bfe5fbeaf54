package list_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/fault"
)

// rowsOf returns the rows as "index:wallet's last digit:amount".
func rowsOf(rows *list.List) string {
	var all []string
	for i := range rows.Len() {
		e := rows.At(i)
		all = append(all, fmt.Sprintf("%d:%s:%s", e.Index, e.Wallet.String()[40:], e.Amount.Dec()))
	}
	return strings.Join(all, " ")
}

func TestListsAreReadInTheShapesOfJSON(t *testing.T) {
	a, b := `"`+first+`"`, `"`+second+`"`
	for _, c := range []struct {
		name, text, want string
		options          list.Options
	}{
		{"array of objects", `[{"address":` + a + `,"amount":"1"},{"address":` + b + `,"amount":2}]`, "0:ed:1 1:59:2", list.Options{}},
		{"pretty", "[\r\n  {\r\n    \"recipient\": " + a + ",\r\n    \"units\": 1\r\n  },\r\n  {\"units\": 2, \"recipient\": " + b + "}\r\n]\r\n", "0:ed:1 1:59:2", list.Options{}},
		{"pairs", `[[` + a + `,"1"],[` + b + `,2]]`, "0:ed:1 1:59:2", list.Options{}},
		{"triples", `[["7",` + a + `,"1"],[8,` + b + `,2]]`, "7:ed:1 8:59:2", list.Options{}},
		{"pairs with a header", `[["amount","wallet"],[1,` + a + `]]`, "0:ed:1", list.Options{}},
		{"arrays with chosen columns", `[[` + a + `,9,1],[` + b + `,9,2]]`, "0:ed:1 1:59:2", list.Options{Columns: list.Columns{Address: "1", Amount: "3"}}},
		{"map", `{` + a + `:"1",` + b + `:2}`, "0:ed:1 1:59:2", list.Options{}},
		{"pretty map", "{\n  " + a + " : \"1\",\n  " + b + ":2\n}\n", "0:ed:1 1:59:2", list.Options{}},
		{"map to objects", `{` + a + `:{"amount":"1","index":4},` + b + `:{"amount":2,"index":5}}`, "4:ed:1 5:59:2", list.Options{}},
		{"map of hex digits", `{` + a + `:"3e8",` + b + `:"0x10"}`, "0:ed:1000 1:59:16", list.Options{TextAmounts: list.Hex}},
		{"map of numbers", `{` + a + `:10}`, "0:ed:10", list.Options{TextAmounts: list.Ask}},
		{"objects after each other", "{\n \"address\": " + a + ",\n \"amount\": 1\n}\n{\n \"address\": " + b + ",\n \"amount\": 2\n}", "0:ed:1 1:59:2", list.Options{}},
		{"lines of arrays", "[" + a + ",1]\n[" + b + ",2]\n", "0:ed:1 1:59:2", list.Options{}},
		{"inside an object", `{"name":"x","decimals":2,"recipients":[{"to":` + a + `,"value":"1.5"}],"note":[1,{"a":2}]}`, "0:ed:150", list.Options{Decimals: 2}},
		{"map inside an object", `{"airdrop":{` + a + `:"1"}}`, "0:ed:1", list.Options{}},
		{"new form of Uniswap", `[{"address":` + a + `,"earnings":"0x3e8","reasons":""}]`, "0:ed:1000", list.Options{}},
		{"thirdweb", `[{"address":` + a + `,"maxClaimable":"5","price":0,"currencyAddress":null}]`, "0:ed:5", list.Options{}},
		{"Safe, native", `{"version":"1.0","chainId":"1","meta":{"name":"x"},"transactions":[{"to":` + a + `,"value":"5","data":null,"contractMethod":null,"contractInputsValues":null}]}`, "0:ed:5", list.Options{}},
		{"Safe, tokens", `{"chainId":"1","transactions":[{"to":"0x6b175474e89094c44da98b954eedeac495271d0f","value":"0","contractMethod":{"name":"transfer"},"contractInputsValues":{"to":` + a + `,"value":"5"}}]}`, "0:ed:5", list.Options{}},
		{"a byte order mark, comments", "\ufeff# ours\n\n[[" + a + ",1]]", "0:ed:1", list.Options{}},
		{"zeros", `[{"address":` + a + `,"amount":"0"},{"address":` + b + `,"amount":2}]`, "0:59:2", list.Options{SkipZeros: true}},
		{"other order of names", `[{"address":` + a + `,"amount":"1"},{"amount":2,"x":{"y":[1,"]"]},"address":` + b + `}]`, "0:ed:1 1:59:2", list.Options{}},
		{"escapes", `[{"addr\u0065ss":"\u0030` + first[1:] + `","amount":"1"}]`, "0:ed:1", list.Options{}},
		{"a chosen name", `[{"address":` + a + `,"amount":"1","value":2}]`, "0:ed:2", list.Options{Columns: list.Columns{Amount: "value"}}},
		{"a comma behind the last", `[[` + a + `,1],]`, "0:ed:1", list.Options{}},
	} {
		rows, err := read(c.text, c.options)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := rowsOf(rows); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEntriesOfJSONAreNamedWhereTheyAreWrong(t *testing.T) {
	a, b := `"`+first+`"`, `"`+second+`"`
	for _, c := range []struct {
		name, text, field string
		line              int
		says              string
		options           list.Options
	}{
		{"one line", `[[` + a + `,1],["0x12",2]]`, "entry 2, address", 1, "40 hex digits", list.Options{}},
		{"pretty", "[\n[" + a + ",1],\n\n[\"0x12\",2]]", "entry 2, address", 4, "40 hex digits", list.Options{}},
		{"no JSON", "[[" + a + ",1],\n[" + b + ",1e],[" + b + ",2]]", "entry 2", 2, "no JSON object", list.Options{}},
		{"a word", "[[" + a + ",1],\nnull]", "entry 2", 2, "is no JSON object", list.Options{}},
		{"two commas", "[[" + a + ",1],,[" + b + ",2]]", "entry 2", 1, "nothing between two commas", list.Options{}},
		{"longer", "[[" + a + ",1],[" + b + ",2,3]]", "entry 2", 1, "3 elements and the first one 2", list.Options{}},
		{"duplicate", "[[" + a + ",1],\n[" + b + ",2],\n[" + a + ",3]]", "entry 3, address", 3, "already in entry 1", list.Options{}},
		{"checksum", `{` + b + `:1,"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":2}`, "entry 2, address", 1, "EIP-55", list.Options{}},
		{"text in a map", `{` + a + `:"1000"}`, "entry 1, amount", 1, "Uniswap's scripts take it for hex digits", list.Options{TextAmounts: list.Ask}},
		{"array in a map", `{` + a + `:[1]}`, "entry 1", 1, `"amount" is neither a string nor a number`, list.Options{}},
		{"hex of tokens", `[[` + a + `,"0x10"]]`, "entry 1, amount", 1, "in base units, and amounts are read in tokens", list.Options{Decimals: 18}},
		{"an address for an amount", `[[` + a + `,` + b + `]]`, "entry 1, amount", 1, "the length of an address", list.Options{}},
		{"hex that is none", `[[` + a + `,"0xzz"]]`, "entry 1, amount", 1, "no number", list.Options{}},
		{"hex over", `[[` + a + `,"0x1` + strings.Repeat("0", 64) + `"]]`, "entry 1, amount", 1, "2^256-1", list.Options{}},
		{"other decimals", `{"decimals":18,"list":[{"to":` + a + `,"amount":1}]}`, "entry 1, decimals", 1, "is 18, and amounts are read with 0 decimals", list.Options{}},
		{"another token later", `[{"to":` + a + `,"amount":1},{"to":` + b + `,"amount":1,"token":"0xaa"}]`, "entry 2, token", 1, `the token is "0xaa" here and "" in entry 1`, list.Options{}},
		{"another token in Safe", `{"transactions":[{"to":"0xaa","contractInputsValues":{"to":` + a + `,"value":"5"}},{"to":"0xbb","contractInputsValues":{"to":` + b + `,"value":"5"}}]}`, "entry 2, tokenaddress", 1, "the token is", list.Options{}},
		{"two chains", `[["eth:` + first + `",1],["base:` + second + `",1]]`, "entry 2, address", 1, "is on Base by its prefix, and that in entry 1 on Ethereum", list.Options{}},
		{"a chain that is not the given one", `[{"to":` + a + `,"amount":1,"chain":"base"}]`, "entry 1, chain", 1, "is Base, and the list is for Ethereum", list.Options{Chain: 1}},
		{"no amount", `[{"address":` + a + `}]`, "", 1, "the JSON object has no amount column", list.Options{}},
		{"other names", `[{"a":` + a + `,"b":1}]`, "", 1, "names seen: a, b", list.Options{}},
		{"too few elements", `[[` + a + `]]`, "", 1, "single cell", list.Options{}},
		{"NaN", `[[` + a + `,NaN]]`, "entry 1", 1, "no JSON object", list.Options{}},
	} {
		rows, err := read(c.text, c.options)
		f := fault.From(err)
		if rows != nil || f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 {
			t.Errorf("%s: %v, %v", c.name, rows, err)
			continue
		}
		if got := f.Fields[0]; got.Name != c.field || got.Line != c.line || !strings.Contains(got.Message, c.says) {
			t.Errorf("%s: %q on line %d: %s", c.name, got.Name, got.Line, got.Message)
		}
	}
}

func TestFilesOfJSONThatAreNoListsAreCalledWhatTheyAre(t *testing.T) {
	a := `"` + first + `"`
	for text, says := range map[string]string{
		`[` + a + `,` + a + `]`:                                "a JSON array of single values",
		`["0x` + strings.Repeat("ab", 32) + `"]`:               "a list of hashed leaves",
		`{"merkleRoot":"0x","claims":{` + a + `:{"index":0}}}`: "Uniswap's merkle-distributor",
		`{"format":"standard-v1","leafEncoding":["address"],"tree":[],"values":[{"value":[` + a + `]}]}`: "OpenZeppelin's merkle-tree",
		`{"root":"0x","leaves":[],"layers":[],"options":{}}`:                                             "merkletreejs",
		`{"address":[` + a + `],"amount":[1,2]}`:                                                         `"address" has 1 elements and "amount" has 2`,
		`{"address":[` + a + `],"note":["x"]}`:                                                           "has no amount column",
		`{"recipients":[` + a + strings.Repeat(`,`+a, 2000) + `],"values":[1,`:                           "cut off",
		`[[` + a + `,1],[` + a:       "it is cut off",
		`[[` + a + `,1]] x`:          "text after it",
		`{"a":[[` + a + `,1]],"b":}`: "around the rows is no JSON",
		`[]`:                         "no rows",
		"[\n]\n":                     "no rows",
		`{}`:                         "has no address",
		`[[` + a + `,"` + strings.Repeat("1", 70_000) + `"]]`: "longer than",
	} {
		rows, err := read(text, list.Options{})
		if f := fault.From(err); rows != nil || f == nil || f.Code != fault.Invalid && f.Code != fault.Unsupported || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text[:min(len(text), 80)], err)
		}
	}
}

// The arguments of Disperse, and of other contracts that pay many at once.
func TestJSONWithAnArrayForEachColumnIsRead(t *testing.T) {
	var wallets, amounts strings.Builder
	const rows = 5000 // so that the second array begins behind what is looked at first
	for i := range rows {
		fmt.Fprintf(&wallets, `,"0x%040x"`, i+1)
		fmt.Fprintf(&amounts, `, "%d"`, i+1)
	}
	for name, text := range map[string]string{
		"Disperse's":      `{"token":"0xaa","recipients":[` + wallets.String()[1:] + `],"values":[` + amounts.String()[1:] + `]}`,
		"the other order": "{\n  \"amounts\": [\n" + amounts.String()[1:] + "],\n \"notes\": [\"a, ]\"], \"addresses\":[" + wallets.String()[1:] + "]\n}\n",
	} {
		var seen airdrop.ListReport
		got, err := read(text, list.Options{Seen: func(r airdrop.ListReport) { seen = r }})
		if err != nil || got.Len() != rows || got.At(rows-1).Amount != *uint256.NewInt(rows) || seen.Rows != rows {
			t.Fatalf("%s: %v, %+v", name, err, seen)
		}
		if unused := strings.Contains(seen.PassedOver, "notes"); unused == strings.Contains(name, "Disperse") {
			t.Errorf("%s: %q", name, seen.PassedOver)
		}
	}
	for text, says := range map[string]string{
		`{"recipients":["` + first + `","0x12"],"values":["1","2"]}`:         "entry 2, recipient: ",
		`{"recipients":["` + first + `","` + second + `"],"values":[1,[1]]}`: `"value" is neither a string nor a number`,
	} {
		_, err := read(text, list.Options{})
		if f := fault.From(err); f == nil || len(f.Fields) != 1 || !strings.Contains(f.Fields[0].String(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAListOfAddressesAloneLeadsToItsLeaf(t *testing.T) {
	flags := list.Flags{Amount: "--amount-column", Leaf: "--leaf address"}
	for _, text := range []string{first + "\n" + second + "\n", "address\n" + first + "\n", `["` + first + `","` + second + `"]`} {
		_, err := read(text, list.Options{Flags: flags})
		f := fault.From(err)
		if f == nil || f.Code != fault.Invalid || !strings.Contains(fmt.Sprint(f.Message, f.Fields), "a list of addresses without amounts makes a tree with --leaf address") {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := read(text, list.Options{}); err == nil || strings.Contains(err.Error(), "--leaf") {
			t.Errorf("%s: %v", text, err)
		}
		rows, err := readValues(text, columns("address:address"), list.Options{})
		if err != nil || len(rows) == 0 || !strings.Contains(rows[0], strings.ToLower(first[2:])) {
			t.Errorf("%s: %v, %v", text, rows, err)
		}
	}
	if got := answers(t, `["`+first+`","0x12","`+second+`"]`); len(got) != 3 || !strings.Contains(got[1], "!") || strings.Contains(got[0]+got[2], "!") {
		t.Errorf("questions in a JSON array: %v", got)
	}
	if _, err := readValues(`["`+first+`",{"a":1},[1,2],null]`, columns("address:address"), list.Options{}); err == nil || len(fault.From(err).Fields) != 3 {
		t.Errorf("single values and others: %v", err)
	}
}

func TestLongDocumentsAreCutIntoParts(t *testing.T) {
	var array, object strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&array, "{\n \"address\": \"0x%040x\", \"note\": \"a ] \\\" , }\", \"amount\": %d\n},\n", i+1, i+1)
		fmt.Fprintf(&object, "\"0x%040x\":%d,", i+1, i+1)
	}
	for name, text := range map[string]string{"array": "[" + strings.TrimSuffix(array.String(), ",\n") + "]", "map": "{" + strings.TrimSuffix(object.String(), ",") + "}"} {
		var seen airdrop.ListReport
		rows, err := read(text, list.Options{Seen: func(r airdrop.ListReport) { seen = r }})
		if err != nil || rows.Len() != 60_000 || rows.At(59_999).Amount != *uint256.NewInt(60_000) || seen.Rows != 60_000 || seen.Form != "a JSON "+name {
			t.Fatalf("%s: %v, %+v", name, err, seen)
		}
	}
	bad := strings.Replace("["+array.String()+"]", `"amount": 59000`, `"amount": "x"`, 1)
	if f := fault.From(func() error { _, err := read(bad, list.Options{}); return err }()); f == nil || f.Fields[0].Name != "entry 59000, amount" || f.Fields[0].Line != 3*58_999+1 {
		t.Errorf("a wrong entry: %v", f)
	}
}

func TestNamesOfJSONThatAreNotUsedAreNamed(t *testing.T) {
	var seen airdrop.ListReport
	text := `[{"address":"` + first + `","amount":"1","reasons":""},{"address":"` + second + `","tier":1,"amount":"1"}]`
	if _, err := read(text, list.Options{Seen: func(r airdrop.ListReport) { seen = r }}); err != nil || seen.PassedOver != "not used: reasons, tier" {
		t.Errorf("%q, %v", seen.PassedOver, err)
	}
}

// JSON that is cut off, or lacks a byte, or has one twice, anywhere, is read or
// refused, and nothing worse.
func TestBrokenJSONIsRefused(t *testing.T) {
	a, b := `"`+first+`"`, `"`+second+`"`
	for _, text := range []string{
		`[{"address":` + a + `,"amount":"1"},{"to":[1,{"x":2}],"address":` + b + `,"amount":2}]`, `[["7",` + a + `,"1"],[8,` + b + `,2]]`,
		`{` + a + `:{"amount":"1","index":4},` + b + `:{"amount":2,"index":5}}`, `{"n":"x","decimals":0,"recipients":[{"to":` + a + `,"value":"1"}],"note":[1,{"a":2}]}`,
		"{\n\"address\": " + a + ",\n\"amount\": 1\n}\n{\"address\": " + b + ",\n\"amount\": 2}", `{"airdrop":{` + a + `:"1\u0031"}}`,
		`{"transactions":[{"to":"0xaa","contractInputsValues":{"to":` + a + `,"value":"5"}}]}`, `[["amount","wallet"],[1,` + a + `]]`,
		`{"token":"x","recipients":[` + a + `,` + b + `],"values":["1",2]}`, `[` + a + `,` + b + `]`,
	} {
		for at := range text {
			for _, broken := range []string{text[:at], text[:at] + text[at+1:], text[:at] + text[at:at+1] + text[at:], text[at:]} {
				for _, indexed := range []bool{false, true} {
					rows, err := read(broken, list.Options{Indexed: indexed, Workers: 1})
					if f := fault.From(err); (rows == nil) == (err == nil) || f != nil && f.Code != fault.Invalid && f.Code != fault.Unsupported {
						t.Fatalf("%s: %v, %v", broken, rows, err)
					}
				}
				err := list.Questions(t.Context(), strings.NewReader(broken), list.Options{Workers: 1}, answerText, func([]string) error { return nil })
				if f := fault.From(err); f != nil && f.Code != fault.Invalid && f.Code != fault.Unsupported {
					t.Fatalf("%s: %v", broken, err)
				}
			}
		}
	}
}
