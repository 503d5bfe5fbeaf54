package list_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holiman/uint256"
	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/table"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

const (
	first  = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" // EIP-55's own examples
	second = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
	third  = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
)

func read(text string, options list.Options) (*list.List, error) {
	return list.Read(context.Background(), strings.NewReader(text), options)
}

func TestReadsWhatPeopleWrite(t *testing.T) {
	lower, upper := strings.ToLower(first), "0x"+strings.ToUpper(first[2:])
	cases := map[string]struct {
		text    string
		options list.Options
		amount  string // of the first row
		index   uint64
		rows    int
	}{
		"no header":              {text: first + ",10\n" + second + ",20\n", amount: "10", rows: 2},
		"no newline at the end":  {text: first + ",10", amount: "10", rows: 1},
		"header":                 {text: "address,amount\n" + first + ",10\n", amount: "10", rows: 1},
		"header in other words":  {text: "Value,Note,WALLET\n10,hello," + first + "\n", amount: "10", rows: 1},
		"index column":           {text: "index,account,amount\n7," + first + ",10\n", amount: "10", index: 7, rows: 1},
		"index of two":           {text: "index,account,amount\n7," + first + ",10\n7," + second + ",10\n", amount: "10", index: 7, rows: 2}, // leaves have none
		"index without header":   {text: "7," + first + ",10\n", amount: "10", index: 7, rows: 1},
		"lower case":             {text: lower + ",10\n", amount: "10", rows: 1},
		"upper case":             {text: upper + ",10\n", amount: "10", rows: 1},
		"CRLF":                   {text: "address,amount\r\n" + first + ",10\r\n\r\n", amount: "10", rows: 1},
		"byte order mark":        {text: "\xef\xbb\xbfaddress,amount\n" + first + ",10\n", amount: "10", rows: 1},
		"mark without header":    {text: "\xef\xbb\xbf" + first + ",10\n", amount: "10", rows: 1},
		"quotes":                 {text: `"` + first + `" , "10"` + "\n", amount: "10", rows: 1},
		"quoted comma elsewhere": {text: "name,address,amount\n\"Doe, \"\"Jo\"\"\"," + first + ",10\n", amount: "10", rows: 1},
		"blanks and empty lines": {text: "\n \n " + first + " ,\t10 \n\n", amount: "10", rows: 1},
		"leading zeros":          {text: first + ",0010\n", amount: "10", rows: 1},
		"the most":               {text: first + ",115792089237316195423570985008687907853269984665640564039457584007913129639935\n", amount: "115792089237316195423570985008687907853269984665640564039457584007913129639935", rows: 1},
		"decimals":               {text: first + ",1.5\n", options: list.Options{Decimals: 18}, amount: "1500000000000000000", rows: 1},
		"decimals to the last":   {text: first + ",0.000000000000000001\n", options: list.Options{Decimals: 18}, amount: "1", rows: 1},
		"needless zeros":         {text: first + ",1.500\n", options: list.Options{Decimals: 1}, amount: "15", rows: 1},
		"whole with decimals":    {text: first + ",25\n", options: list.Options{Decimals: 6}, amount: "25000000", rows: 1},
		"NDJSON":                 {text: `{"address":"` + first + `","amount":"10"}` + "\n" + `{"value":20,"account":"` + lower[:41] + `0"}`, amount: "10", rows: 2},
		"NDJSON with escapes":    {text: `{"address":"\u0030` + first[1:] + `","amount":"1\u0030"}`, amount: "10", rows: 1},
		"NDJSON's large number":  {text: `{"wallet":"` + first + `","amount":123456789012345678901234567890,"index":3}`, amount: "123456789012345678901234567890", index: 3, rows: 1},
		"first of two":           {text: first + ",10\n" + lower + ",5\n", options: list.Options{OnDuplicate: list.First}, amount: "10", rows: 1},
		"sum of two":             {text: first + ",10\n" + second + ",1\n" + lower + ",5\n", options: list.Options{OnDuplicate: list.Sum}, amount: "15", rows: 2},
		"sum of three":           {text: first + ",10\n" + first + ",1\n" + lower + ",5\n", options: list.Options{OnDuplicate: list.Sum}, amount: "16", rows: 1},
		"sum with other rows":    {text: second + ",1\n" + first + ",10\n" + lower + ",5\n", options: list.Options{OnDuplicate: list.Sum}, amount: "1", rows: 2},
		"within the limits":      {text: first + ",10\n", options: list.Options{MaxRows: 1, Limits: decompress.Limits{Max: 46}}, amount: "10", rows: 1},
		"empty lines first":      {text: strings.Repeat("\n", 1<<20) + first + ",10\n", amount: "10", rows: 1},
		"semicolons":             {text: "address;amount\n" + first + ";10\n", amount: "10", rows: 1},
		"semicolons, no header":  {text: first + ";1.5\n", options: list.Options{Decimals: 1}, amount: "15", rows: 1},
		"tabs":                   {text: "Holder Address\tBalance\n" + first + "\t10\n", amount: "10", rows: 1},
		"spaces":                 {text: first + "  10\n# more\n" + second + " 5 \n", amount: "10", rows: 2},
		"equals signs":           {text: first + "=10\n" + second + " = 5\n", amount: "10", rows: 2},
		"CR":                     {text: "address,amount\r" + first + ",10\r" + second + ",5", amount: "10", rows: 2},
		"UTF-16":                 {text: utf16("\ufeffaddress,amount\r\n" + first + ",10\r\n"), amount: "10", rows: 1},
		"title and comments":     {text: "Round 2\n# ours\n,,\naddress,amount,\n# more\n" + first + ",10,\n,,\n", amount: "10", rows: 1},
		"synonyms":               {text: "from,to,Quantity\n" + second + "," + first + ",10\n", amount: "10", rows: 1},
		"chosen columns":         {text: "user,owner,tokens,value\n" + second + "," + first + ",9,10\n", options: list.Options{Columns: list.Columns{Address: "Owner", Amount: "4"}}, amount: "10", rows: 1},
		"a column of indexes":    {text: "n,address,amount\n7," + first + ",10\n", options: list.Options{Columns: list.Columns{Index: "n"}}, amount: "10", index: 7, rows: 1},
		"one token and chain":    {text: "token_address,chain,decimals,address,amount,token_id\n0xAA,1,18," + first + ",1,\n0xaa,1,18," + second + ",1,\n", options: list.Options{Decimals: 18}, amount: "1000000000000000000", rows: 2},
		"several workers":        {text: first + ",10\n", options: list.Options{Workers: 5}, amount: "10", rows: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rows, err := read(c.text, c.options)
			if err != nil {
				t.Fatal(err)
			}
			e := rows.At(0)
			if rows.Len() != c.rows || e.Amount.Dec() != c.amount || e.Index != c.index {
				t.Fatalf("%d rows, the first %+v with amount %s", rows.Len(), e, e.Amount.Dec())
			}
			if name != "sum with other rows" && e.Wallet != wallet.MustParse(first) {
				t.Fatalf("the first wallet is %s", e.Wallet)
			}
		})
	}
}

// The bad list: what is wrong, where, and on which column.
func TestNamesEveryBadRow(t *testing.T) {
	cases := map[string]struct {
		text   string
		column string
		line   int
		says   string
	}{
		"missing column":        {"address,amount\n" + first + "\n", "", 2, "1 columns"},
		"comma too many":        {first + ",1\n" + second + ",1,000\n", "", 2, "3 columns"},
		"no amount column":      {"address,note\n" + first + ",1\n", "", 1, "no amount column"},
		"no address column":     {"who,amount\n" + first + ",1\n", "", 1, "no address column"},
		"semicolons":            {"address;amount\n" + first + ",1\n", "", 2, "a semicolon is too many"},
		"two amount columns":    {"address,amount,value\n" + first + ",1,2\n", "", 1, "two columns"},
		"39 digits":             {first[:41] + ",1\n", "address", 1, "has 39"},
		"41 digits":             {"wallet,amount\n\n" + first + "0,1\n", "wallet", 3, "has 41"},
		"no 0x":                 {"address,amount\n" + first[2:] + ",1\n", "address", 2, "no 0x"},
		"not hex":               {first[:41] + "g,1\n", "address", 1, "hex digits"},
		"a name":                {"address,amount\nvitalik.eth,1\n", "address", 2, "is a name"},
		"no address":            {"address,amount\n,1\n", "address", 2, "is missing"},
		"wrong checksum":        {second + ",1\n" + "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed,1\n", "address", 2, "checksum"},
		"zero":                  {first + ",0\n", "amount", 1, "zero"},
		"zero with decimals":    {"address,value\n" + first + ",0000\n", "value", 2, "zero"},
		"negative":              {first + ",-5\n", "amount", 1, "negative"},
		"scientific":            {first + ",1e18\n", "amount", 1, "scientific"},
		"hex amount":            {first + ",0x10\n", "amount", 1, "hex"},
		"over uint256":          {first + ",115792089237316195423570985008687907853269984665640564039457584007913129639936\n", "amount", 1, "2^256-1"},
		"far over uint256":      {first + "," + strings.Repeat("9", 400) + "\n", "amount", 1, "2^256-1"},
		"decimal point":         {first + ",1.5\n", "amount", 1, "decimal point"},
		"thousands":             {first + ",\"1,000\"\n", "amount", 1, "comma"},
		"plus of two":           {first + ",1+1\n", "amount", 1, "no number"},
		"underscore":            {first + ",1_00\n", "amount", 1, "no number"},
		"other digits":          {first + ",١٢\n", "amount", 1, "no number"},
		"no amount":             {first + ",\n", "amount", 1, "missing"},
		"words":                 {first + ",many\n", "amount", 1, "no number"},
		"negative index":        {"-1," + first + ",1\n", "index", 1, "no index"},
		"quoted empty index":    {"index,address,amount\n\"\"," + first + ",1\n", "index", 2, "no index"},
		"JSON broken at once":   {`{"address":"` + first + `","index":6` + "\n" + `{"address":"` + second + `","amount":1,"index":7}`, "", 1, "no JSON object"},
		"JSON index too late":   {`{"address":"` + first + `","amount":1}` + "\n" + `{"address":"` + second + `","amount":1,"index":7}`, "index", 2, "not on the first line"},
		"JSON index too rare":   {`{"address":"` + first + `","amount":1,"index":7}` + "\n" + `{"address":"` + second + `","amount":1}`, "index", 2, "no index"},
		"duplicate":             {first + ",1\n" + second + ",1\n\n" + strings.ToLower(first) + ",2\n", "address", 4, "line 1"},
		"index of another":      {"index,address,amount\n7," + first + ",1\n8," + strings.ToLower(second[:40]) + "00,1\n7," + second + ",1\n", "index", 4, "line 2"},
		"NUL":                   {first + ",1\n" + second + ",\x002\n", "", 2, "NUL"},
		"invalid UTF-8":         {"address,amount,note\n" + first + ",1,\xff\n", "", 2, "not UTF-8"},
		"UTF-16":                {"\xff\xfea\x00d\x00", "", 1, "columns seen: ad"},
		"open quote":            {"\"" + first + ",1\n" + second + ",1\n", "", 1, "not closed"},
		"text after a quote":    {"address,amount\n\"" + first + "\"x,1\n", "", 2, "after a closing quote"},
		"long line":             {first + ",1\n" + second + "," + strings.Repeat("1", table.MaxLine) + "\n", "", 2, "longer than"},
		"endless line":          {first + ",1\n" + strings.Repeat("1", 1<<20), "", 2, "longer than"},
		"other decimals":        {"address,amount,decimals\n" + first + ",1,18\n", "decimals", 2, "is 18, and amounts are read with 0 decimals"},
		"another token":         {"Token Address,address,amount\n0xAA," + first + ",1\n0xBB," + second + ",1\n", "token address", 3, `"0xaa" on line 2`},
		"another chain later":   {"chain,address,amount\nbase," + first + ",1\n" + strings.Repeat("# "+first+"\n", 20_000) + "op," + second + ",1\n", "chain", 20_003, `is "op" here and "base" on line 2`},
		"no chain":              {"chain,address,amount\nbase," + first + ",1\n," + second + ",1\n", "chain", 3, `is "" here`},
		"a token id":            {"address,amount,tokenId\n" + first + ",1,7\n", "tokenid", 2, "one token of many"},
		"a kind of token":       {"token_type,receiver,amount\nERC721," + first + ",1\n", "token_type", 2, "has token ids"},
		"totals":                {"address,amount\n" + first + ",1\nGrand total:,1\n", "address", 3, "a row of totals"},
		"totals of a formula":   {first + ",1\n=SUM(A1:A1),1\n", "address", 2, "a row of totals"},
		"amount or value":       {"Rank,Address,Quantity,Value\n1," + first + ",1,2\n", "", 1, `two columns could be the amount, "Quantity" and "Value": keep one`},
		"broken JSON":           {`{"address":"` + first + `","amount":"1"}` + "\n" + `{"address":`, "", 2, "no JSON object"},
		"JSON with two wallets": {`{"address":"` + first + `","wallet":"` + first + `","amount":"1"}`, "", 1, "two columns could be the address"},
		"JSON with two sums":    {`{"address":"` + first + `","value":1,"amount":1}`, "", 1, "two columns could be the amount"},
		"JSON name again":       {`{"address":"` + first + `","amount":1,"amount":9}`, "", 1, "twice"},
		"JSON Name again":       {`{"Address":"` + second + `","address":"` + first + `","amount":1}`, "", 1, "twice"},
		"JSON no address":       {`{"address":null,"amount":1}`, "address", 1, "is missing"},
		"JSON float":            {`{"address":"` + first + `","amount":1e18}`, "amount", 1, "scientific"},
		"JSON amount object":    {`{"address":"` + first + `","amount":{}}`, "", 1, "neither"},
		"JSON without amount":   {`{"address":"` + first + `"}`, "", 1, "the JSON object has no amount column"},
		"JSON then no amount":   {`{"address":"` + first + `","amount":1}` + "\n" + `{"address":"` + second + `"}`, "amount", 2, "missing"},
		"JSON no wallet":        {`{"id":1}`, "", 1, "has no address column"},
		"single cells":          {first + ":1\n", "", 1, "separate the cells by commas, semicolons or tabs"},
		"JSON then more":        {`{"address":"` + first + `","amount":1} 5`, "", 1, "after the JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rows, err := read(c.text, list.Options{Indexed: true})
			f := fault.From(err)
			if rows != nil || f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 {
				t.Fatalf("rows %v, error %v", rows, err)
			}
			got := f.Fields[0]
			if got.Name != c.column || got.Line != c.line || !strings.Contains(got.Message, c.says) {
				t.Fatalf("got %q on line %d: %s", got.Name, got.Line, got.Message)
			}
		})
	}
}

func utf16(text string) string {
	var out []byte
	for _, c := range []byte(text[3:]) { // behind the mark
		out = append(out, c, 0)
	}
	return "\xff\xfe" + string(out)
}

func TestSaysHowTheListWasRead(t *testing.T) {
	var seen airdrop.ListReport
	options := list.Options{Seen: func(r airdrop.ListReport) { seen = r }}
	if _, err := read("# ours\nRank;Address;Quantity\n1;"+first+";10\n", options); err != nil || seen.PassedOver != "not used: Rank; passed over: 1 comment" {
		t.Errorf("of a list: %q, %v", seen.PassedOver, err)
	}
	seen = airdrop.ListReport{}
	err := list.Questions(context.Background(), strings.NewReader("wallet,tier\n"+first+",a\n"), options, answerText, func([]string) error { return nil })
	if err != nil || seen.PassedOver != "not used: tier" {
		t.Errorf("of questions: %q, %v", seen.PassedOver, err)
	}
	if _, err := read(first+",0\n", list.Options{Seen: func(airdrop.ListReport) { t.Error("a refused list is reported") }}); err == nil {
		t.Error("a list with a zero was taken")
	}
}

func TestQuestionsThatAskNothingAreRefused(t *testing.T) {
	for text, says := range map[string]string{"": "is empty", "\n\n": "only blank lines", "address,amount\n": "only a header on line 1", "# " + first: "only comments"} {
		err := list.Questions(context.Background(), strings.NewReader(text), list.Options{}, answerText, func([]string) error { return nil })
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTooPrecise(t *testing.T) {
	for text, says := range map[string]string{
		"0.0000000000000000001": "too precise", ".": "no number", "1.2.3": "no number",
		"99999999999999999999999999999999999999999999999999999999999999": "2^256-1",
	} {
		_, err := read(first+","+text+"\n", list.Options{Decimals: 18})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRefusesWhatHoldsNoList(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "header only": "address,amount\n", "empty lines": "\n\r\n  \n", "mark only": "\xef\xbb\xbf",
		"gzip of nothing": string(gzipped("")), "zstd of nothing": string(zstandard("")),
	} {
		if rows, err := read(text, list.Options{}); !fault.Is(err, fault.Invalid) || rows != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesAHundredProblemsInTheOrderOfTheirLines(t *testing.T) {
	var text strings.Builder
	for i := range 60_000 { // many chunks
		switch i % 500 {
		case 0:
			fmt.Fprintf(&text, "0x%040x,zero\n", i)
		case 250:
			text.WriteString("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed,1\n") // a checksum, found later than the rest
		default:
			fmt.Fprintf(&text, "0x%040x,%d\n", i, i)
		}
	}
	_, err := read(text.String(), list.Options{Workers: 4})
	fields := fault.From(err).Fields
	if len(fields) != table.MaxProblems || !strings.Contains(err.Error(), "100 wrong lines of the list are named here, and there may be more") {
		t.Fatalf("%d problems are named: %v", len(fields), err)
	}
	for i, f := range fields {
		if f.Line != 250*i+1 {
			t.Fatalf("problem %d is on line %d, want %d", i, f.Line, 250*i+1)
		}
	}
}

func TestDuplicatesNameTheirLinesAcrossChunksAndGaps(t *testing.T) {
	var text strings.Builder
	text.WriteString("amount,address\n\n")
	for i := range 30_000 {
		fmt.Fprintf(&text, "1,0x%040x\n", i)
		if i%1000 == 0 {
			text.WriteString("\n")
		}
	}
	text.WriteString("1,0x" + fmt.Sprintf("%040x", 25_123) + "\n")
	_, err := read(text.String(), list.Options{})
	fields := fault.From(err).Fields
	if len(fields) != 1 || fields[0].Line != 30_033 || !strings.Contains(fields[0].Message, "line 25152:") {
		t.Fatalf("got %v", fields)
	}
}

func gzipped(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.Bytes()
}

func zstandard(text string) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func TestUndoesCompressionByItsFirstBytes(t *testing.T) {
	text := "address,amount\n" + first + ",10\n" + second + ",20\n"
	for name, data := range map[string][]byte{"gzip": gzipped(text), "zstd": zstandard(text)} {
		if rows, err := list.Read(context.Background(), bytes.NewReader(data), list.Options{}); err != nil || rows.Len() != 2 {
			t.Fatalf("%s: %v", name, err)
		}
		for cut := 5; cut < len(data); cut++ {
			rows, err := list.Read(context.Background(), bytes.NewReader(data[:cut]), list.Options{})
			if !fault.Is(err, fault.Invalid) || rows != nil {
				t.Fatalf("%s cut to %d bytes: %v", name, cut, err)
			}
		}
	}
	if _, err := read("PK\x03\x04", list.Options{}); !fault.Is(err, fault.Unsupported) {
		t.Fatalf("a zip archive: %v", err)
	}
}

func TestLimits(t *testing.T) {
	var rows strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&rows, "0x%040x,1\n", i+1)
	}
	bomb := zstandard(rows.String())
	zeros := zstandard(string(make([]byte, 64<<20)))
	cases := map[string]struct {
		data    []byte
		options list.Options
		code    fault.Code
	}{
		"rows":         {[]byte(rows.String()), list.Options{MaxRows: 199_999}, fault.TooLarge},
		"bytes":        {[]byte(rows.String()), list.Options{Limits: decompress.Limits{Max: 1 << 20}}, fault.TooLarge},
		"a bomb":       {bomb, list.Options{Limits: decompress.Limits{Max: 1 << 20}}, fault.TooLarge},
		"zeros":        {zeros, list.Options{}, fault.Invalid},
		"zeros, bytes": {zeros, list.Options{Limits: decompress.Limits{Max: 1000}}, fault.TooLarge},
	}
	for name, c := range cases {
		if _, err := list.Read(context.Background(), bytes.NewReader(c.data), c.options); !fault.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A reader that fails is not a bad list: its own error must come back.
func TestPassesOnWhyTheReaderFailed(t *testing.T) {
	broken := errors.New("the cable is cut")
	for name, start := range map[string][]byte{"plain": []byte(first + ",1\n"), "zstd": zstandard(first + ",1\n")[:20], "gzip": gzipped(first + ",1\n")[:20]} {
		in := io.MultiReader(bytes.NewReader(start), failing{broken})
		if _, err := list.Read(context.Background(), in, list.Options{}); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := io.MultiReader(strings.NewReader(first+",1\n"), failing{io.ErrUnexpectedEOF})
	if _, err := list.Read(context.Background(), in, list.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an upload that was cut: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestStopsWhenTheCallerLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	leave()
	if _, err := list.Read(ctx, strings.NewReader(first+",1\n"), list.Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestReadsTheUniswapAirdrop(t *testing.T) {
	file, err := os.Open(testneeds.Data(t, "uni/uni_claims.csv.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := list.Read(context.Background(), file, list.Options{})
	if err != nil {
		t.Fatal(err)
	}
	total := rows.Total()
	if rows.Len() != 252_803 || total.Dec() != "149999999975656000000000000" || rows.Indexed() {
		t.Fatalf("%d rows, total %s, own indexes %v", rows.Len(), total.Dec(), rows.Indexed())
	}
	tree, err := merkle.Build(context.Background(), merkle.Uniswap, rows, merkle.Options{})
	if err != nil || tree.Root().String() != "0xc8500f8e2fcf3c9a32880e1b973fb28acc88be35787a8abcf9981b2b65dbdeb5" {
		t.Fatalf("root %v, %v", tree, err)
	}
}

func TestQuestionsAreAnsweredLineByLine(t *testing.T) {
	text := first + "\n" + second + ",5\n\nnonsense\n0x12\n" + strings.ToLower(third) + ",-1\n" +
		"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n" + third + "\n\xff\n"
	want := []string{
		"1 " + first + " 0", "2 " + second + " 5", `4 !address: "nonsense" is no address: write 0x and 40 hex digits`,
		"5 !address: an address has 40 hex digits after 0x, this has 2", "6 !amount: is negative",
		"7 !address: has upper and lower case letters that do not match its EIP-55 checksum: a digit may be wrong; copy it again",
		"8 " + third + " 0", "9 !the line is not UTF-8, and may be Windows-1252: save the list as UTF-8 (CSV UTF-8 in spreadsheets)",
	}
	if got := answers(t, text); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := answers(t, "address,amount\r"+first+",5\r"+second+",x\r"); strings.Join(got, "\n") != "2 "+first+` 5
3 !amount: "x" is no number: write digits only, with a point before decimals` {
		t.Fatalf("with CR line ends: %v", got)
	}
	if got := answers(t, "Note,Wallet\nhello,"+first+"\n"); strings.Join(got, "\n") != "2 "+first+" 0" {
		t.Fatalf("with a header: %v", got)
	}
}

func answers(t *testing.T, text string) (all []string) {
	t.Helper()
	err := list.Questions(context.Background(), strings.NewReader(text), list.Options{}, answerText,
		func(lines []string) error { all = append(all, lines...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func answerText(questions []list.Question) (lines []string, err error) {
	for _, q := range questions {
		line := fmt.Sprintf("%d %s %s", q.Line, q.Wallet, q.Amount.Dec())
		if q.Problem != "" {
			line = fmt.Sprintf("%d !%s", q.Line, q.Problem)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func TestQuestionsKeepTheirOrderAndTheirFirstError(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "0x%040x\n", i)
	}
	next := 1
	err := list.Questions(context.Background(), strings.NewReader(text.String()), list.Options{Workers: 4},
		func(questions []list.Question) ([]list.Question, error) { return slices.Clone(questions), nil },
		func(questions []list.Question) error {
			for _, q := range questions {
				if q.Line != next || q.Wallet[19] != byte(next-1) {
					return fmt.Errorf("line %d with %s comes where line %d should", q.Line, q.Wallet, next)
				}
				next++
			}
			return nil
		})
	if err != nil || next != 100_001 {
		t.Fatalf("%d lines, %v", next-1, err)
	}
	stop := errors.New("the disk is full")
	err = list.Questions(context.Background(), strings.NewReader(text.String()), list.Options{},
		func([]list.Question) (int, error) { return 0, nil }, func(int) error { return stop })
	if !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
}

// Lines of two bytes are many in a little text: what stands for them in memory
// has a bound of its own.
func TestShortLinesAreAnsweredInBatches(t *testing.T) {
	const lines = 400_000
	longest, taken, reserved := atomic.Int64{}, 0, atomic.Int64{}
	options := list.Options{Workers: 2, Limits: decompress.Limits{Reserve: func(n int64) error { reserved.Add(n); return nil }}}
	err := list.Questions(context.Background(), strings.NewReader("0x\n"+strings.Repeat("x\n", lines)), options,
		func(questions []list.Question) (int, error) {
			for n := int64(len(questions)); ; {
				if was := longest.Load(); was >= n || longest.CompareAndSwap(was, n) {
					return len(questions), nil
				}
			}
		}, func(n int) error { taken += n; return nil })
	if err != nil || taken != lines+1 || longest.Load() > 16<<10 {
		t.Errorf("%d lines in batches of up to %d: %v", taken, longest.Load(), err)
	}
	if got := reserved.Load(); got < 1<<20 || got > 16<<20 {
		t.Errorf("%d bytes were reserved", got)
	}
	full := fault.New(fault.Unavailable, "full")
	options.Limits.Reserve = func(int64) error { return full }
	err = list.Questions(context.Background(), strings.NewReader("0x\n"), options,
		func([]list.Question) (int, error) { t.Error("a line was read without memory"); return 0, nil }, func(int) error { return nil })
	if !errors.Is(err, full) {
		t.Errorf("without memory: %v", err)
	}
}

// A caller that goes away ends the work within a batch, also where the text is
// nothing but line ends and no line is ever answered.
func TestWorkEndsWithItsContext(t *testing.T) {
	for name, text := range map[string]string{"line ends": "\n", "blanks": "\n \n", "short lines": "0x\n", "wallets": first + "\n"} {
		ctx, cancel := context.WithCancel(context.Background())
		read := 0
		endless := readerFunc(func(p []byte) (int, error) {
			if read += len(p); read > 4<<20 {
				cancel()
			}
			if read > 64<<20 {
				return 0, errors.New("the reader goes on and on")
			}
			for n := 0; n < len(p); {
				n += copy(p[n:], text)
			}
			return len(p), nil
		})
		err := list.Questions(ctx, endless, list.Options{Workers: 2},
			func(questions []list.Question) (int, error) { return len(questions), nil }, func(int) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// FuzzRead holds the reader to what it promises whatever it is given: no
// panic, and either a list whose every row could be written back and read the
// same, or one invalid fault with at most MaxProblems fields.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "address,amount\n" + first + ",10\n", first + ",1.5\r\n\r\n\"" + second + "\",2", "index,wallet,value\n3," + first + ",4",
		`[{"address":"` + first + `","amount":"10"},{"amount":1,"to":"` + second + `"}]`, `{"` + first + `":"10","` + second + `":{"amount":1}}`,
		"[,", "{,", `{"":[,`, "[[,", `{"a":[]`, `{"a":{`, "[{", `{"a":[{"b":`, "[]]", "[{}]", `{"":{"":1}}`,
		`{"a":1,"list":[["` + first + `",1],["eth:` + second + `","0x10"]]}`, "{\n\"address\":\"" + first + "\",\n\"amount\":1}\n{}", "a;b\n" + first + ";1.000,5\n" + second + ";1 000",
		`{"address":"` + first + `","amount":"10"}`, "\xef\xbb\xbf,\n", "a,b\x00", string(gzipped(first + ",1")), string(zstandard(first + ",1")),
	} {
		f.Add([]byte(seed), uint8(18))
	}
	f.Fuzz(func(t *testing.T, data []byte, decimals uint8) {
		options := list.Options{Decimals: int(decimals % 30), SkipZeros: decimals > 127, Workers: 2, Limits: decompress.Limits{Max: 4 << 20}}
		rows, err := list.Read(context.Background(), bytes.NewReader(data), options)
		if err != nil {
			failure := fault.From(err)
			if rows != nil || !slices.Contains([]fault.Code{fault.Invalid, fault.TooLarge, fault.Unsupported}, failure.Code) || len(failure.Fields) > table.MaxProblems {
				t.Fatalf("rows %v, error %v", rows, err)
			}
			return
		}
		var again strings.Builder
		again.WriteString("index,address,amount\n")
		for i := range rows.Len() {
			e := rows.At(i)
			if e.Amount.IsZero() {
				t.Fatalf("row %d has no amount", i)
			}
			fmt.Fprintf(&again, "%d,%s,%s\n", e.Index, e.Wallet, e.Amount.Dec())
		}
		same, err := read(again.String(), list.Options{})
		if err != nil || same.Len() != rows.Len() || same.Total() != rows.Total() {
			t.Fatalf("%d rows written back: %v", rows.Len(), err)
		}
	})
}

// Amounts are checked against the slow way, digit by digit in big integers.
func FuzzAmount(f *testing.F) {
	f.Add("123.456", uint8(6))
	f.Add("115792089237316195423570985008687907853269984665640564039457584007913129639935", uint8(0))
	f.Fuzz(func(t *testing.T, text string, decimals uint8) {
		places := int(decimals % (list.MaxDecimals + 1))
		rows, err := read(first+","+text, list.Options{Decimals: places})
		if err != nil || strings.Trim(strings.Trim(text, "\" \t\r\n\v\f"), "0123456789.") != "" || strings.Count(text, ".") > 1 { // other spellings are FuzzSpelling's
			return
		}
		whole, fraction, _ := strings.Cut(strings.Trim(text, "\" \t\r\n\v\f"), ".")
		fraction = strings.TrimRight(fraction, "0")
		digits := strings.TrimLeft(whole+fraction+strings.Repeat("0", places-len(fraction)), "0")
		want, err := uint256.FromDecimal(digits)
		amount := rows.At(0).Amount
		if err != nil || !amount.Eq(want) {
			t.Fatalf("%q with %d decimals was read as %s", text, places, amount.Dec())
		}
	})
}
