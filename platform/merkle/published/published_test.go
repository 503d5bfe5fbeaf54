package published_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
	"banyan/platform/wallet"
)

// A dump that @openzeppelin/merkle-tree 1.0.8 made of three entries.
const dump = `{"format":"standard-v1","leafEncoding":["address","uint256"],"tree":["0x62e140c142acc7f3c525755e198d00c296249b7c866395d47cd9d07c8c164e4f","0xe9a502719104d76176b8fc2168bf6cca1953501bdb006d8db2c8c06f5dc70485","0xdc984b7043e0c8ae8e70bc0e6568af0135198234df994ba88ca915bbf0734048","0xdbab0b93196101a262b6f891b5786c9868513d8fc48f8757ee197f9cf288d94b","0x5b862b031c768e6231380ff4c69ef42ac67977af0bd8b08af10b032941be63fb"],"values":[{"value":["0x1111111111111111111111111111111111111111","5"],"treeIndex":2},{"value":["0x2222222222222222222222222222222222222222","7"],"treeIndex":3},{"value":["0x3333333333333333333333333333333333333333","9"],"treeIndex":4}]}
`

func read(text string) (*merkle.Tree, error) {
	result, err := published.Read(context.Background(), strings.NewReader(text), published.Options{})
	return result.Tree, err
}

func some(t testing.TB, format merkle.Format, n int) *merkle.Tree {
	t.Helper()
	list := merkle.NewList()
	for i := range n {
		// The reverse of the wallets' order, so that places, rows and ranks differ.
		if err := list.Append(wallet.Address{byte(200 - i), 19: byte(i)}, *uint256.NewInt(uint64(250 + i))); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := merkle.Build(context.Background(), format, list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func write(t testing.TB, tree *merkle.Tree) string {
	t.Helper()
	var out bytes.Buffer
	var err error
	if tree.Format() == merkle.Uniswap {
		err = published.WriteUniswap(context.Background(), &out, tree)
	} else {
		err = published.WriteOpenZeppelin(context.Background(), &out, tree)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReadsAndWritesOpenZeppelinsDump(t *testing.T) {
	tree, err := read(dump)
	if err != nil {
		t.Fatal(err)
	}
	if again := write(t, tree); again != dump {
		t.Fatalf("written as\n%s", again)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for _, format := range []merkle.Format{merkle.OZ, merkle.OZIndexed, merkle.Uniswap} {
		for _, n := range []int{1, 2, 3, 100} {
			tree := some(t, format, n)
			again, err := read(write(t, tree))
			if err != nil {
				t.Fatalf("%s of %d: %v", format, n, err)
			}
			if again.Root() != tree.Root() || again.Format() != format || again.Total() != tree.Total() {
				t.Fatalf("%s of %d came back as %s %s", format, n, again.Format(), again.Root())
			}
			for i := range n {
				was, _ := tree.At(i)
				if is, _ := again.At(i); is != was {
					t.Fatalf("%s: row %d was %v and is %v", format, i, was, is)
				}
			}
		}
	}
}

func TestUniswapsAmountsAreWholeBytes(t *testing.T) {
	text := write(t, some(t, merkle.Uniswap, 7)) // 250 … 256
	for _, amount := range []string{`"0xfa"`, `"0xff"`, `"0x0100"`} {
		if !strings.Contains(text, `"amount":`+amount) {
			t.Errorf("no amount %s in %s", amount, text)
		}
	}
	if strings.Index(text, "0xC20000") > strings.Index(text, "0xC80000") || !strings.Contains(text, `"tokenTotal":"0x06eb"`) {
		t.Errorf("not as the origin writes it: %s", text)
	}
}

func TestRefusesWrongPublishedTrees(t *testing.T) {
	uniswap := write(t, some(t, merkle.Uniswap, 5))
	change := func(text, from, to string) string {
		if !strings.Contains(text, from) {
			t.Fatalf("no %q in the file", from)
		}
		return strings.Replace(text, from, to, 1)
	}
	cases := map[string]struct {
		text string
		code fault.Code
		says string
	}{
		"another root":          {change(dump, "0x62e1", "0x62e2"), fault.Invalid, "node 0"},
		"another leaf":          {change(dump, "0x5b86", "0x5b87"), fault.Invalid, "node"},
		"another amount":        {change(dump, `"9"`, `"8"`), fault.Invalid, "node"},
		"another place":         {change(dump, `"treeIndex":2`, `"treeIndex":3`), fault.Invalid, "value 0"},
		"a place outside":       {change(dump, `"treeIndex":2`, `"treeIndex":-1`), fault.Invalid, "value 0"},
		"a node less":           {change(dump, `,"0x5b862b031c768e6231380ff4c69ef42ac67977af0bd8b08af10b032941be63fb"`, ""), fault.Invalid, "4 nodes"},
		"no values":             {`{"format":"standard-v1","leafEncoding":["address","uint256"],"tree":[],"values":[]}`, fault.Invalid, "no rows"},
		"another dump":          {change(dump, "standard-v1", "standard-v2"), fault.Unsupported, "standard-v2"},
		"other leaves":          {change(dump, `["address","uint256"]`, `["address","uint256[]"]`), fault.Unsupported, "uint256[]"},
		"three parts":           {change(dump, `,"5"]`, `,"5","6"]`), fault.Invalid, "3 parts"},
		"bad address":           {change(dump, `["0x1111`, `["0x111`), fault.Invalid, "not an address"},
		"bad amount":            {change(dump, `"5"`, `"-5"`), fault.Invalid, "negative"},
		"Uniswap's root":        {flipDigit(uniswap, `"merkleRoot":"0x`), fault.Invalid, "published root"},
		"Uniswap's total":       {change(uniswap, `"tokenTotal":"0x04ec"`, `"tokenTotal":"0x04ed"`), fault.Invalid, "published total"},
		"Uniswap's proof":       {flipDigit(uniswap, `"proof":["0x`), fault.Invalid, "published proof"},
		"an index twice":        {change(uniswap, `"index":1`, `"index":2`), fault.Invalid, "same index"},
		"neither":               {`{"a":1}`, fault.Invalid, "neither"},
		"an array":              {`[]`, fault.Invalid, "neither"},
		"nothing":               {``, fault.Invalid, "truncated"},
		"cut":                   {dump[:len(dump)/2], fault.Invalid, ""},
		"something after":       {dump + "1", fault.Invalid, "after the JSON"},
		"no JSON":               {"address,amount", fault.Invalid, "not JSON"},
		"the wrong kind inside": {change(dump, `"treeIndex":2`, `"treeIndex":"2"`), fault.Invalid, "JSON has a string"},
		"a short hash":          {change(dump, "0x62e1", "0x62e"), fault.Invalid, "hash"},
	}
	for name, c := range cases {
		_, err := read(c.text)
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// flipDigit changes the first digit after a text.
func flipDigit(text, after string) string {
	at := strings.Index(text, after) + len(after)
	digit := "0"
	if text[at] == '0' {
		digit = "1"
	}
	return text[:at] + digit + text[at+1:]
}

func TestPassesOnWhyTheReaderFailed(t *testing.T) {
	broken := errors.New("disk failure")
	_, err := published.Read(context.Background(), io.MultiReader(strings.NewReader(dump[:100]), failing{broken}), published.Options{})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestWritesOnlyWhatTheOriginCouldRead(t *testing.T) {
	for _, format := range merkle.Formats() {
		tree := some(t, format, 3)
		if err := published.WriteUniswap(context.Background(), io.Discard, tree); (err == nil) != (format == merkle.Uniswap) {
			t.Errorf("%s as Uniswap's: %v", format, err)
		}
		oz := format == merkle.OZ || format == merkle.OZIndexed
		if err := published.WriteOpenZeppelin(context.Background(), io.Discard, tree); (err == nil) != oz {
			t.Errorf("%s as OpenZeppelin's: %v", format, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(dump)
	f.Add(write(f, some(f, merkle.Uniswap, 3)))
	f.Add(write(f, some(f, merkle.OZIndexed, 2)))
	f.Add(`{"format":"standard-v1"}`)
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := read(text)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Invalid && c != fault.Unsupported && c != fault.TooLarge {
				t.Fatal(err)
			}
			return
		}
		if again, err := read(write(t, tree)); err != nil || again.Root() != tree.Root() {
			t.Fatalf("written back: %v", err)
		}
	})
}
