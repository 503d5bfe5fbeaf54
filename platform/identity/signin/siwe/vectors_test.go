package siwe_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/signature"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// vectors reads one file of the published EIP-4361 vectors into v.
func vectors(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(testneeds.ReadData(t, "siwe/"+name), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// fields is a message as the vectors write its parts.
type fields struct {
	Scheme         string      `json:"scheme"`
	Domain         string      `json:"domain"`
	Address        string      `json:"address"`
	Statement      string      `json:"statement"`
	URI            string      `json:"uri"`
	Version        string      `json:"version"`
	ChainID        uint64      `json:"chainId"`
	Nonce          string      `json:"nonce"`
	IssuedAt       siwe.Stamp  `json:"issuedAt"`
	ExpirationTime siwe.Stamp  `json:"expirationTime"`
	NotBefore      siwe.Stamp  `json:"notBefore"`
	RequestID      string      `json:"requestId"`
	Resources      []string    `json:"resources"`
	Signature      string      `json:"signature"`
	Time           *siwe.Stamp `json:"time"`
	DomainBinding  string      `json:"domainBinding"`
	MatchNonce     string      `json:"matchNonce"`
}

func (f fields) message() siwe.Message {
	return siwe.Message{
		Scheme: f.Scheme, Domain: f.Domain, Address: wallet.MustParse(f.Address), Statement: f.Statement,
		URI: f.URI, ChainID: f.ChainID, Nonce: f.Nonce, IssuedAt: f.IssuedAt,
		ExpirationTime: f.ExpirationTime, NotBefore: f.NotBefore, RequestID: f.RequestID, Resources: f.Resources,
	}
}

func (f fields) signature(t *testing.T) []byte {
	t.Helper()
	signature, err := siwe.ParseSignature(f.Signature)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// verify does what a sign-in does with the texts that came.
func (f fields) verify(t *testing.T) error {
	t.Helper()
	signature, err := siwe.ParseSignature(f.Signature)
	if err != nil {
		return err
	}
	_, err = siwe.Verify(context.Background(), f.message().String(), signature, f.expected(t))
	return err
}

// expected takes domain and nonce from the message itself unless the vector
// says what the server would have wanted instead.
func (f fields) expected(t *testing.T) siwe.Expected {
	t.Helper()
	want := siwe.Expected{
		Domain: f.Domain, Nonce: f.Nonce, URI: f.URI, ChainID: f.ChainID,
		Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if f.DomainBinding != "" {
		want.Domain = f.DomainBinding
	}
	if f.MatchNonce != "" {
		want.Nonce = f.MatchNonce
	}
	if f.Time != nil {
		at, err := f.Time.Time()
		if err != nil {
			t.Fatal(err)
		}
		want.Now = at
	}
	return want
}

func TestEveryMessageThatMustParseDoes(t *testing.T) {
	var cases map[string]struct {
		Message string `json:"message"`
		Fields  fields `json:"fields"`
	}
	vectors(t, "parsing_positive.json", &cases)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := siwe.Parse(c.Message)
			if err != nil {
				t.Fatal(err)
			}
			if want := c.Fields.message(); !same(got, want) {
				t.Errorf("parts differ\n got %+v\nwant %+v", got, want)
			}
			if text := got.String(); text != c.Message {
				t.Errorf("written again it differs\n got %q\nwant %q", text, c.Message)
			}
		})
	}
}

func TestNoMessageThatMustNotParseDoes(t *testing.T) {
	var cases map[string]string
	vectors(t, "parsing_negative.json", &cases)
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := siwe.Parse(text)
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("got %+v and %v, want an invalid fault", m, err)
			}
		})
	}
}

func TestEveryMessageThatMustVerifyDoes(t *testing.T) {
	var cases map[string]fields
	vectors(t, "verification_positive.json", &cases)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := c.verify(t); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoMessageThatMustNotVerifyDoes(t *testing.T) {
	var cases map[string]fields
	vectors(t, "verification_negative.json", &cases)
	why := map[string]string{ // the reason a person is told, so that each is refused for what is wrong with it
		"expired message":        "has expired",
		"domain binding":         "not to example.com",
		"custom time":            "has expired",
		"custom nonce":           "nonce",
		"malformed signature":    "even number of hex digits",
		"wrong signature":        "was signed by",
		"not yet valid":          "valid only from",
		"invalid issuedAt":       "Issued At",
		"invalid notBefore":      "Not Before",
		"invalid expirationTime": "Expiration Time",
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := c.verify(t)
			if err == nil || why[name] == "" || !strings.Contains(err.Error(), why[name]) {
				t.Errorf("got %v, want a fault that says %q", err, why[name])
			}
		})
	}
}

// fakeChain answers as a chain with one smart wallet on it.
type fakeChain struct {
	account wallet.Address
	accepts []byte // the one signature its wallet takes
	err     error
	asked   int
}

func (c *fakeChain) HasCode(_ context.Context, _ uint64, account wallet.Address, _ []byte) (bool, error) {
	return account == c.account, c.err
}

func (c *fakeChain) Accepts(_ context.Context, _ uint64, _ wallet.Address, digest [32]byte, signature []byte) (accepted bool, block uint64, err error) {
	c.asked++
	return digest != [32]byte{} && string(signature) == string(c.accepts), 1, c.err
}

func TestSmartWalletsAreAskedOnTheirChain(t *testing.T) {
	var cases map[string]struct {
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	vectors(t, "eip1271.json", &cases)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := siwe.Parse(c.Message)
			if err != nil {
				t.Fatal(err)
			}
			signed := fields{Signature: c.Signature}.signature(t)
			want := siwe.Expected{Domain: m.Domain, Nonce: m.Nonce, URI: m.URI, ChainID: 1, Now: time.Unix(1_700_000_000, 0)}
			verify := func(chain signature.Contracts, signed []byte) error {
				want.Contracts = chain
				_, err := siwe.Verify(context.Background(), c.Message, signed, want)
				return err
			}

			chain := &fakeChain{account: m.Address, accepts: signed}
			if err := verify(chain, signed); err != nil || chain.asked != 1 {
				t.Errorf("accepted by its contract: got %v after %d questions", err, chain.asked)
			}
			if err := verify(chain, append([]byte{9}, signed...)); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("not accepted by its contract: got %v", err)
			}
			noCode := &fakeChain{}
			if err := verify(noCode, signed); !fault.Is(err, fault.Unauthenticated) || noCode.asked != 0 {
				t.Errorf("an account without code: got %v after %d questions", err, noCode.asked)
			}
			if err := verify(&fakeChain{err: signature.ErrNoSuchChain}, signed); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("on a chain that is not configured: got %v", err)
			}
			if err := verify(&fakeChain{err: context.DeadlineExceeded}, signed); !fault.Is(err, fault.Unavailable) {
				t.Errorf("on a chain that does not answer: got %v", err)
			}
			if err := verify(nil, signed); err == nil || !strings.Contains(err.Error(), "no chain is configured") &&
				!strings.Contains(err.Error(), "none is configured") {
				t.Errorf("without any chain: got %v", err)
			}
		})
	}
}
