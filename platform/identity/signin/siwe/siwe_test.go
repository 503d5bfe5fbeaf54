package siwe_test

import (
	"bytes"
	"context"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/wallet"
)

func same(a, b siwe.Message) bool { return reflect.DeepEqual(a, b) }

// full is a message with every part.
func full() siwe.Message {
	return siwe.Message{
		Scheme: "https", Domain: "banyan.example:8443",
		Address:   wallet.MustParse("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
		Statement: "Sign in to Banyan.", URI: "https://banyan.example:8443", ChainID: 137, Nonce: "abcDEF0123",
		IssuedAt: "2026-03-01T10:00:00.000Z", ExpirationTime: "2026-03-01T10:10:00.000Z", NotBefore: "2026-03-01T09:59:00.000Z",
		RequestID: "r-1%20x", Resources: []string{"ipfs://Qm/1", "urn:isbn:1", "https://[::1]:80/a?b#c"},
	}
}

func TestAMessageReadsBackAsItself(t *testing.T) {
	for name, change := range map[string]func(*siwe.Message){
		"with every part": func(*siwe.Message) {},
		"without options": func(m *siwe.Message) {
			*m = siwe.Message{Domain: m.Domain, Address: m.Address, URI: m.URI, Nonce: m.Nonce, IssuedAt: m.IssuedAt}
		},
		"only not before":     func(m *siwe.Message) { m.ExpirationTime = "" },
		"largest chain id":    func(m *siwe.Message) { m.ChainID = 1<<64 - 1 },
		"a field as sentence": func(m *siwe.Message) { m.Statement = "URI: https://evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			m := full()
			change(&m)
			text, err := siwe.Build(m)
			if err != nil {
				t.Fatal(err)
			}
			back, err := siwe.Parse(text)
			if err != nil || !same(back, m) {
				t.Errorf("got %+v, %v\nwant %+v", back, err, m)
			}
		})
	}
}

func TestBuildRefusesPartsThatWouldReadAsOtherParts(t *testing.T) {
	for name, change := range map[string]func(*siwe.Message){
		"line break in the statement": func(m *siwe.Message) { m.Statement = "x\n\nURI: https://evil.example" },
		"line break in a resource":    func(m *siwe.Message) { m.Resources = []string{"a:b\n- c:d e"} },
		"space in the domain":         func(m *siwe.Message) { m.Domain = "evil.example wants" },
		"slash in the domain":         func(m *siwe.Message) { m.Domain = "evil.example/x" },
		"empty host":                  func(m *siwe.Message) { m.Domain = ":80" },
		"short nonce":                 func(m *siwe.Message) { m.Nonce = "1234567" },
		"no issued at":                func(m *siwe.Message) { m.IssuedAt = "" },
		"not a stamp":                 func(m *siwe.Message) { m.NotBefore = "tomorrow" },
	} {
		t.Run(name, func(t *testing.T) {
			m := full()
			change(&m)
			if text, err := siwe.Build(m); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %q, %v; want an invalid fault", text, err)
			}
		})
	}
}

func TestParseIsStrict(t *testing.T) {
	text := full().String()
	replace := func(old, by string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the message has no %q", old)
		}
		return strings.Replace(text, old, by, 1)
	}
	for name, text := range map[string]string{
		"nothing":                  "",
		"a line after the end":     text + "\n",
		"a field after the end":    text + "\nX: 1",
		"carriage returns":         strings.ReplaceAll(text, "\n", "\r\n"),
		"address in lower case":    replace("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"),
		"address with wrong case":  replace("0xC02aaA", "0xC02AaA"),
		"chain id over 64 bits":    replace("Chain ID: 137", "Chain ID: 18446744073709551616"),
		"chain id with a sign":     replace("Chain ID: 137", "Chain ID: +137"),
		"no space after the label": replace("Nonce: ", "Nonce:"),
		"a comma in a stamp":       replace("10:00:00.000Z", "10:00:00,000Z"),
		"a fraction of no digit":   replace("10:00:00.000Z", "10:00:00.Z"),
		"a fraction of ten digits": replace("10:00:00.000Z", "10:00:00.0000000001Z"),
		"an hour of one digit":     replace("T10:00:00.000Z", "T1:00:00.000Z"),
		"the 30th of February":     replace("2026-03-01T10:00:00", "2026-02-30T10:00:00"),
		"a stamp without a zone":   replace("10:00:00.000Z", "10:00:00.000"),
		"a bad percent":            replace("r-1%20x", "r-1%2x"),
		"a URI without scheme":     replace("URI: https://banyan", "URI: //banyan"),
		"an unclosed IPv6":         replace("[::1]", "[::1"),
		"an IPv6 zone":             replace("[::1]", "[fe80::1%eth0]"),
		"a broken byte":            replace("Sign in", "Sign \xff"),
		"letters beyond ASCII":     replace("Sign in", "Sïgn in"),
		"twice the same field":     replace("Version: 1\n", "Version: 1\nVersion: 1\n"),
		"too long":                 text + strings.Repeat("\n- a:b", siwe.MaxLength),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := siwe.Parse(text); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %+v, %v; want an invalid fault", m, err)
			}
		})
	}
}

func TestParseNamesTheLineThatIsWrong(t *testing.T) {
	text := strings.Replace(full().String(), "Nonce: ", "Nonsense: ", 1)
	_, err := siwe.Parse(text)
	f := fault.From(err)
	if len(f.Fields) != 1 || f.Fields[0].Name != "Nonce" || f.Fields[0].Line != 9 {
		t.Errorf("got %v, want the Nonce on line 9", f.Fields)
	}
}

func TestVerifyComparesEveryPartWithWhatTheServerKnows(t *testing.T) {
	key, err := crypto.HexToECDSA(strings.Repeat("01", 32))
	if err != nil {
		t.Fatal(err)
	}
	m := full()
	m.Scheme = ""
	m.Address = wallet.Address(crypto.PubkeyToAddress(key.PublicKey))
	text, err := siwe.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	digest := siwe.Digest(text)
	good, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	right := siwe.Expected{Domain: m.Domain, URI: m.URI, Nonce: m.Nonce, ChainID: m.ChainID, Now: now}

	wrongS := bytes.Clone(good)
	s := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(good[32:64]))
	s.FillBytes(wrongS[32:64])
	wrongS[64] ^= 1
	v27 := bytes.Clone(good)
	v27[64] += 27
	withV := func(v byte) []byte { b := bytes.Clone(good); b[64] = v; return b }

	for name, c := range map[string]struct {
		text      string
		signature []byte
		want      func(*siwe.Expected)
		code      fault.Code // "" = holds
	}{
		"right":                   {},
		"v as 27":                 {signature: v27},
		"at the last millisecond": {want: func(w *siwe.Expected) { w.Now = now.Add(10*time.Minute - time.Millisecond) }},
		"at the expiration":       {want: func(w *siwe.Expected) { w.Now = now.Add(10 * time.Minute) }, code: fault.Unauthenticated},
		"before not before":       {want: func(w *siwe.Expected) { w.Now = now.Add(-time.Hour) }, code: fault.Unauthenticated},
		"another domain":          {want: func(w *siwe.Expected) { w.Domain = "banyan.example" }, code: fault.Unauthenticated},
		"domain in other case":    {want: func(w *siwe.Expected) { w.Domain = "Banyan.example:8443" }, code: fault.Unauthenticated},
		"another URI":             {want: func(w *siwe.Expected) { w.URI = "https://banyan.example:8443/" }, code: fault.Unauthenticated},
		"another nonce":           {want: func(w *siwe.Expected) { w.Nonce = "ABCdef0123" }, code: fault.Unauthenticated},
		"another chain":           {want: func(w *siwe.Expected) { w.ChainID = 1 }, code: fault.Unauthenticated},
		"other bytes than signed": {text: strings.Replace(text, "Banyan.", "Banyan!", 1), code: fault.Unauthenticated},
		"high s":                  {signature: wrongS, code: fault.Unauthenticated},
		"v as 2":                  {signature: withV(2), code: fault.Unauthenticated},
		"v as 29":                 {signature: withV(29), code: fault.Unauthenticated},
		"64 bytes":                {signature: good[:64], code: fault.Unauthenticated},
		"no bytes":                {signature: []byte{}, code: fault.Invalid},
		"endless bytes":           {signature: make([]byte, siwe.MaxSignature+1), code: fault.Invalid},
		"zeros":                   {signature: make([]byte, 65), code: fault.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			want := right
			if c.want != nil {
				c.want(&want)
			}
			if c.text == "" {
				c.text = text
			}
			if c.signature == nil {
				c.signature = good
			}
			if _, err := siwe.Verify(context.Background(), c.text, c.signature, want); fault.CodeOf(err) != c.code {
				t.Errorf("got %v, want code %q", err, c.code)
			}
		})
	}
}
