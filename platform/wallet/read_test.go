package wallet_test

import (
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

func TestAddressesAreReadAsPeopleAndProgramsWriteThem(t *testing.T) {
	const a = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	lower := strings.ToLower(a[2:])
	for _, c := range []struct {
		text  string
		given uint64
		chain uint64
	}{
		{text: a},
		{text: " " + a + "\u00a0"},
		{text: "0X" + lower},
		{text: "0X" + strings.ToUpper(lower)},
		{text: "eth:" + a, chain: 1},
		{text: "matic:" + a, chain: 137},
		{text: "ETH:" + a, chain: 1},
		{text: "eip155:10:" + a, chain: 10},
		{text: "did:pkh:eip155:1:" + a, chain: 1},
		{text: "ethereum:" + a},
		{text: "eth:" + a, given: 1, chain: 1},
		{text: `\x` + lower},
		{text: `\\x` + lower},
		{text: "X'" + lower + "'"},
		{text: "x'" + strings.ToUpper(lower) + "'"},
		{text: "https://etherscan.io/address/" + a},
		{text: "https://etherscan.io/address/" + a + "#tokentxns"},
		{text: "etherscan.io/address/0x" + lower},
		{text: "https://etherscan.io/token/0x6b175474e89094c44da98b954eedeac495271d0f?a=" + a},
		{text: "HTTPS://basescan.org/address/" + a + "?page=2"},
		{text: "https://app.safe.global/home?safe=eth:" + a},
		{text: "https://debank.com/profile/0x" + lower},
		{text: "0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD", given: 30}, // an example of EIP-1191
	} {
		w, err := wallet.Read(c.text, c.given)
		if err != nil || w.Address.String() != a || w.Chain != c.chain {
			t.Errorf("%q is read as %s on chain %d, %v", c.text, w.Address, w.Chain, err)
		}
	}
	var as wallet.Address
	if err := as.UnmarshalText([]byte("oeth:" + a)); err != nil || as.String() != a {
		t.Errorf("as a text of JSON: %s, %v", as, err)
	}
}

func TestWhatIsNoAddressIsCalledWhatItSeemsToBe(t *testing.T) {
	const a = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	for text, says := range map[string]string{
		"":                                     "is missing",
		a[2:]:                                  "has no 0x before its 40 hex digits",
		a[:41]:                                 "40 hex digits after 0x, this has 39",
		a + "0":                                "this has 41",
		"O" + a[1:]:                            "begins with the letter O",
		"0x" + strings.Repeat("0", 24) + a[2:]: "filled up with zeros to 32 bytes",
		"0x" + strings.Repeat("ab", 32):        "a hash, an address of another kind of chain, or a key",
		a[:17] + "O" + a[18:]:                  `'O' as its character 18`,
		a[:20] + "\u200b" + a[20:]:             "U+200B (zero width space), as its character 21",
		a[:20] + "\u200d" + a[20:]:             "U+200D",
		"\ufeff" + a:                           "U+FEFF (byte order mark), as its character 1",
		a[:20] + "\u202e" + a[20:]:             "U+202E",
		"0x\u0430" + a[3:]:                     "'а' (U+0430), which only looks like",
		a[:10] + "\u00a0" + a[10:]:             "U+00A0 (no-break space)",
		a[:10] + "\t" + a[10:]:                 "U+0009 (a control character)",
		"XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS":   "write 0x00c5496aEe77C1bA1f0854206A26DdA82a81D6D8",
		"XE00 38O0 73KY GTWW ZN0F 2WZ0 R8PX 5ZPP ZS": "bank account (ICAP): write the address it stands for",
		"XE81ETHXREGGAVOFYORK":                       "ICAP",
		"alisha.eth":                                 `"alisha.eth" is a name`,
		"Some.Name.ETH":                              "is a name",
		"pay.xyz":                                    "is a name",
		"fren.base.eth":                              "is a name",
		"👨‍👩‍👧.eth":                                  "is a name",
		"@someone":                                   "name on a network",
		"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq":    "another kind of chain",
		"TJRabPrwbZy45sbavfcjinPJC18kjpRTv8":            "another kind of chain",
		"7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV":   "another kind of chain",
		"cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh": "another kind of chain",
		"5.18E+47":      "a spreadsheet made it",
		"1234567":       "is a number",
		"xdc" + a[2:]:   "write 0x in the place of xdc",
		"nonsense":      `"nonsense" is no address`,
		"foo:" + a:      `"foo:" before it`,
		"eip155:0:" + a: "before it",
		"eth:nonsense":  "is no address",
		"https://etherscan.io/tx/0x" + strings.Repeat("ab", 32):                         "something other than a wallet",
		"https://etherscan.io/token/0x6b175474e89094c44da98b954eedeac495271d0f":         "a token and not to a wallet",
		"https://example.org/" + a + "/" + "0x6b175474e89094c44da98b954eedeac495271d0f": "two addresses",
		"https://etherscan.io/address/alisha.eth":                                       "no address",
		"0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD":                                    "EIP-1191 checksum for chain 30 (Rootstock)",
		"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":                                    "EIP-55",
	} {
		if w, err := wallet.Read(text, 0); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) || w != (wallet.Written{}) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := wallet.Read("eth:"+a, 10); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `"eth:" (Ethereum) than the one that was given (OP Mainnet)`) {
		t.Errorf("on another chain: %v", err)
	}
}

func TestChainsAreReadByTheirNumberAndTheirName(t *testing.T) {
	for text, want := range map[string]uint64{"": 0, "1": 1, "ETH": 1, "eip155:10": 10, "arb1": 42161, "424242": 424242} {
		if got, err := wallet.ParseChain(text); err != nil || got != want {
			t.Errorf("%q is chain %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "nowhere", "-1", "1.0"} {
		if got, err := wallet.ParseChain(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is chain %d, %v", text, got, err)
		}
	}
	if wallet.ChainName(424242) != "chain 424242" || wallet.ChainName(8453) != "Base" {
		t.Error("chains are called otherwise")
	}
}

// What is read must be the same as what is written from it.
func FuzzRead(f *testing.F) {
	for _, text := range []string{eip55[4], "eth:" + eip55[5], `\x` + eip55[3][2:], "https://a/address/" + eip55[2] + "?a=1", "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS", "a.eth", "0x\u200b"} {
		f.Add([]byte(text), uint64(30))
	}
	f.Fuzz(func(t *testing.T, text []byte, chain uint64) {
		before := string(text)
		w, problem := wallet.ReadText(text, chain)
		if string(text) != before {
			t.Fatalf("%q was changed to %q", before, text)
		}
		if problem != "" {
			if w != (wallet.Written{}) {
				t.Fatalf("%q is refused (%s), and read as %v", text, problem, w)
			}
			return
		}
		if !strings.Contains(strings.ToLower(before), strings.ToLower(w.Address.String()[2:])) {
			t.Fatalf("%q is read as %s, which is not in it", text, w.Address)
		}
	})
}
