package wallet_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// The test cases of EIP-55 (https://eips.ethereum.org/EIPS/eip-55#test-cases).
var eip55 = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestTheVectorsOfEIP55(t *testing.T) {
	for _, text := range eip55 {
		a, err := wallet.Parse(text)
		if err != nil || a.String() != text {
			t.Errorf("%s reads back as %s, %v", text, a, err)
		}
		for _, other := range []string{strings.ToLower(text), "0x" + strings.ToUpper(text[2:]), strings.ToUpper(text)} {
			if b, err := wallet.Parse(other); err != nil || b != a {
				t.Errorf("%s is another address than %s: %v", other, text, err)
			}
		}
	}
}

// One letter in the wrong case is a mistyped address, at any position.
func TestEveryLetterInTheWrongCaseIsRefused(t *testing.T) {
	refused := 0
	for _, text := range eip55[4:] { // the mixed ones
		for i := 2; i < len(text); i++ {
			wrong := []byte(text)
			if wrong[i] |= 0x20; wrong[i] < 'a' || wrong[i] > 'f' {
				continue
			}
			if text[i] >= 'a' {
				wrong[i] = text[i] - 'a' + 'A'
			}
			_, err := wallet.Parse(string(wrong))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "EIP-55") {
				t.Errorf("%s was accepted: %v", wrong, err)
			}
			refused++
		}
	}
	if refused < 40 {
		t.Errorf("only %d letters were tried", refused)
	}
}

func TestMalformedAddressesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "0x", eip55[0][2:], "0x" + eip55[0], eip55[0] + "0", eip55[0][:41],
		"1x" + eip55[0][2:], "0x" + strings.Repeat("g", 40), " " + eip55[0][:41], "0x" + strings.Repeat("é", 20),
		"vitalik.eth",
	} {
		if a, err := wallet.Parse(text); !fault.Is(err, fault.Invalid) || !a.IsZero() {
			t.Errorf("%q is read as %s, %v", text, a, err)
		}
	}
}

func TestAddressesRoundTripThroughJSONAndTheDatabase(t *testing.T) {
	a := wallet.MustParse(eip55[4])
	text, err := json.Marshal(map[wallet.Address]wallet.Address{a: a})
	if want := `{"` + eip55[4] + `":"` + eip55[4] + `"}`; err != nil || string(text) != want {
		t.Errorf("JSON %s, %v; want %s", text, err, want)
	}
	var back map[wallet.Address]wallet.Address
	if err := json.Unmarshal(text, &back); err != nil || back[a] != a {
		t.Errorf("back from JSON: %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`"0x12"`), new(wallet.Address)); err == nil {
		t.Error("JSON accepted a short address")
	}
	value, err := a.Value()
	if err != nil {
		t.Fatal(err)
	}
	var row wallet.Address
	if err := row.Scan(value); err != nil || row != a {
		t.Errorf("back from the database: %s, %v", row, err)
	}
	value.([]byte)[0] ^= 0xff // a driver may reuse its buffer
	if row != wallet.MustParse(eip55[4]) {
		t.Error("the address shares its bytes with the driver")
	}
	for _, bad := range []any{nil, eip55[4], []byte{1}, make([]byte, 21), int64(5)} {
		if err := row.Scan(bad); err == nil {
			t.Errorf("the database's %T was accepted", bad)
		}
	}
}

func TestShortAndZero(t *testing.T) {
	if got := wallet.MustParse(eip55[4]).Short(); got != "0x5aAe…eAed" {
		t.Errorf("short is %s", got)
	}
	if !(wallet.Address{}).IsZero() || (wallet.Address{19: 1}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

// go-ethereum writes addresses independently of us.
func TestTheTextIsTheSameAsGoEthereums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a wallet.Address
		copy(a[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "address"))
		if got, want := a.String(), common.Address(a).Hex(); got != want {
			t.Fatalf("%s, go-ethereum writes %s", got, want)
		}
		if back, err := wallet.Parse(a.String()); err != nil || back != a {
			t.Fatalf("%s reads back as %s, %v", a, back, err)
		}
	})
}

func TestTheTextIsAppended(t *testing.T) {
	text, err := wallet.MustParse(eip55[4]).AppendText([]byte("to "))
	if err != nil || string(text) != "to "+eip55[4] {
		t.Errorf("appended %q, %v", text, err)
	}
}

// The cached text of one wallet must not be returned for another.
func TestManyReadAndWriteAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for from := range 8 {
		all.Go(func() {
			for i := range 2000 {
				text := eip55[(from+i)%len(eip55)]
				if a, err := wallet.Parse(text); err != nil || a.String() != text {
					t.Errorf("%s reads back as %s, %v", text, a, err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzParse(f *testing.F) {
	for _, text := range eip55 {
		f.Add(text)
		f.Add(strings.ToLower(text))
	}
	f.Add("0X0000000000000000000000000000000000000000")
	f.Add("0x")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := wallet.Parse(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || !a.IsZero() {
				t.Fatalf("%q: %s, %v", text, a, err)
			}
			return
		}
		if !common.IsHexAddress(text) || common.HexToAddress(text) != common.Address(a) {
			t.Fatalf("%q was accepted as %s", text, a)
		}
		if !strings.EqualFold(a.String(), text) {
			t.Fatalf("%q was accepted as %s", text, a)
		}
	})
}

func TestTheTextIsMadeOfItsCapitals(t *testing.T) {
	random := rand.NewChaCha8([32]byte{7})
	for range 10_000 {
		var a wallet.Address
		_, _ = random.Read(a[:]) // it never fails
		if got := string(a.AppendCapitals([]byte("of "), a.Capitals())); got != "of "+a.String() {
			t.Fatalf("got %s, want %s", got, a)
		}
	}
}
