package list_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"banyan/modules/airdrop/list"
	"banyan/platform/fault"
)

// readValues returns the rows as text: words without their leading zeros, bytes
// in quotes.
func readValues(text string, columns []list.ValueColumn, options list.Options) (rows []string, err error) {
	_, err = list.ReadValues(context.Background(), strings.NewReader(text), columns, options, func(read []list.ValueRow) error {
		for _, r := range read {
			line := fmt.Sprint(r.Line)
			for i, v := range r.Values {
				switch {
				case v.Bytes != nil:
					line += fmt.Sprintf(" %q", v.Bytes)
				case strings.HasPrefix(columns[i].Type, "bytes"):
					line += " " + hex.EncodeToString(v.Word[:4])
				default:
					line += " " + strings.TrimLeft(hex.EncodeToString(v.Word[:]), "0")
				}
			}
			rows = append(rows, line)
		}
		return nil
	})
	return rows, err
}

func columns(types ...string) (all []list.ValueColumn) {
	for _, t := range types {
		name, kind, _ := strings.Cut(t, ":")
		all = append(all, list.ValueColumn{Name: name, Type: kind, Flag: "--column"})
	}
	return all
}

func TestRowsOfAnyValuesAreRead(t *testing.T) {
	low, other := strings.ToLower(first[2:]), strings.ToLower(second[2:])
	for _, c := range []struct {
		name, text, want string
		columns          []list.ValueColumn
		options          list.Options
	}{
		{"an allowlist", first + "\n" + second + "\n", "1 " + low + "|2 " + other, columns("address:address"), list.Options{}},
		{"an allowlist with a header", "Wallet\n" + first + "\n", "2 " + low, columns("address:address"), list.Options{}},
		{"three values", first + ",1000,1\n", "1 " + low + " 3e8 1", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{}},
		{"in another order, by their names", "tier;Balance;Holder Address;note\n1;1000;" + first + ";x\n", "2 " + low + " 3e8 1", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{}},
		{"decimals are the amount's", "address,amount,tier\n" + first + ",1.5,1\n", "2 " + low + " f 1", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{Decimals: 1}},
		{"a token of each row", "recipient,token,amount\n" + first + "," + second + ",9\n" + first + "," + first + ",9\n", "2 " + low + " " + other + " 9|3 " + low + " " + low + " 9", columns("user:address", "token:address", "amount:uint256"), list.Options{}},
		{"ids of tokens", "address,token_id\n" + first + ",0\n" + first + ",7\n", "2 " + low + " |3 " + low + " 7", columns("address:address", "tokenId:uint256"), list.Options{}},
		{"a chosen column", "a,address\n5," + first + "\n", "2 " + low + " 5", []list.ValueColumn{{Name: "address", Type: "address"}, {Name: "tier", Type: "uint8", Chosen: "a"}}, list.Options{}},
		{"signed, true, bytes, text", "-1,TRUE,0x01020304,0x6869,\"a, b\"\n", "1 " + strings.Repeat("f", 64) + " 1 01020304 \"hi\" \"a, b\"", columns("a:int8", "b:bool", "c:bytes4", "d:bytes", "e:string"), list.Options{}},
		{"JSON", `[{"user":"` + first + `","token":"` + second + `","amount":"0x10"}]`, "1 " + low + " " + other + " 10", columns("user:address", "token:address", "amount:uint256"), list.Options{}},
		{"JSON arrays", `[["` + first + `",true,"0x01020304"],["eth:` + second + `",0,"0x01020304"]]`, "1 " + low + " 1 01020304|2 " + other + "  01020304", columns("a:address", "b:bool", "c:bytes4"), list.Options{}},
		{"a map", `{"` + first + `":{"amount":"5","tier":1}}`, "1 " + low + " 5 1", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{}},
		{"zeros left out", "address,amount,tier\n" + first + ",0,1\n" + second + ",1,0\n", "3 " + other + " 1 ", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{SkipZeros: true}},
		{"thousands", "address;amount;tier\n" + first + ";1,000;1\n" + second + ";1,000,000;0\n", "2 " + low + " 3e8 1|3 " + other + " f4240 ", columns("address:address", "amount:uint256", "tier:uint8"), list.Options{}},
		{"the least and the most", "-128,255\n127,0\n", "1 " + strings.Repeat("f", 62) + "80 ff|2 7f ", columns("a:int8", "b:uint8"), list.Options{}},
		{"the widest", "-57896044618658097711785492504343953926634992332820282019728792003956564819968,115792089237316195423570985008687907853269984665640564039457584007913129639935\n", "1 8" + strings.Repeat("0", 63) + " " + strings.Repeat("f", 64), columns("a:int", "b:uint"), list.Options{}},
	} {
		rows, err := readValues(c.text, c.columns, c.options)
		if got := strings.Join(rows, "|"); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestValuesThatAreNoneAreNamedByLineAndColumn(t *testing.T) {
	for _, c := range []struct{ column, cell, says string }{
		{"tier:uint8", "256", "out of range: the numbers of this column are 0 to 2^8-1"},
		{"tier:int8", "128", "-2^7 to 2^7-1"},
		{"tier:int8", "-129", "-2^7 to 2^7-1"},
		{"tier:uint8", "-1", "is negative"},
		{"tier:uint8", "", "is missing"},
		{"ok:bool", "yes", `"yes" is neither true nor false`},
		{"id:bytes4", "0x0102", "bytes4 are 8 hex digits after 0x, this has 4"},
		{"id:bytes", "0x010", "odd number"},
		{"id:bytes", "hi", "is not bytes"},
		{"id:bytes", "0xzz", "other than hex digits"},
		{"to:address", "0x12", "40 hex digits"},
		{"to:address", "a.xyz", "is a name"},
		{"amount:uint8", "0", "is zero"},
		{"to:address", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "EIP-55"},
	} {
		name, _, _ := strings.Cut(c.column, ":")
		_, err := readValues("n,"+name+"\n1,"+c.cell+"\n", columns("n:uint8", c.column), list.Options{})
		f := fault.From(err)
		if f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Line != 2 || f.Fields[0].Name != name || !strings.Contains(f.Fields[0].Message, c.says) {
			t.Errorf("%s of %q: %v", c.column, c.cell, err)
		}
	}
}

func TestListsOfValuesThatCannotBeToldAreRefused(t *testing.T) {
	three := columns("address:address", "amount:uint256", "tier:uint8")
	for _, c := range []struct {
		text, says string
		columns    []list.ValueColumn
	}{
		{first + ",1\n", "a line without a header is address,amount,tier; this one has 2 columns", three},
		{"address,amount\n" + first + ",1\n", "has no tier column", three},
		{"address,amount,tier,decimals\n" + first + ",1,1,18\n", "is 18, and amounts are read with 0 decimals", three},
		{"address,token_id\n" + first + ",1\n", "one token of many", columns("address:address")},
		{"a\n", "not a type that a column can have", columns("a:uint7")},
		{"a\n", "not a type that a column can have", columns("a:tuple")},
		{"a\n", "1 to 1024 values, not 0", nil},
	} {
		if rows, err := readValues(c.text, c.columns, list.Options{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) || rows != nil {
			t.Errorf("%q: %v, %v", c.text, rows, err)
		}
	}
}
