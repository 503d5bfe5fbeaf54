package signature_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// contracts is a chain with one smart wallet, which accepts one signature.
type contracts struct {
	account wallet.Address
	accepts string
	err     error
}

func (c contracts) HasCode(_ context.Context, _ uint64, account wallet.Address, _ []byte) (bool, error) {
	return account == c.account, c.err
}

func (c contracts) Accepts(_ context.Context, _ uint64, _ wallet.Address, _ [32]byte, signed []byte) (accepted bool, block uint64, err error) {
	return string(signed) == c.accepts, 41, c.err
}

func TestWhoseSignatureItIs(t *testing.T) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("key")))
	if err != nil {
		t.Fatal(err)
	}
	digest := [32]byte(crypto.Keccak256([]byte("what is signed")))
	own := wallet.Address(crypto.PubkeyToAddress(key.PublicKey))
	smart := wallet.MustParse("0x000000000000000000000000000000000000aa01")
	byKey, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	byKey[64] += 27
	chain := contracts{account: smart, accepts: string(byKey)}
	for name, c := range map[string]struct {
		contracts signature.Contracts
		signer    wallet.Address
		signed    []byte
		code      fault.Code // "" = it is the signer's
		want      string
	}{
		"a key's":                              {nil, own, byKey, "", ""},
		"a key's, with a chain that fails":     {contracts{err: errors.New("down")}, own, byKey, "", ""},
		"another key's":                        {nil, smart, byKey, fault.Forbidden, "none is configured here"},
		"another key's, nobody at the address": {contracts{}, smart, byKey, fault.Forbidden, "there is no smart wallet at"},
		"a smart wallet's":                     {chain, smart, byKey, "", ""},
		"a smart wallet's, which refuses":      {contracts{account: smart}, smart, byKey, fault.Forbidden, "does not accept this signature on chain 7"},
		"of no key, without a chain":           {nil, smart, make([]byte, 100), fault.Unsupported, "has 100 bytes, so no key made it"},
		"of no key, with one":                  {contracts{account: smart, accepts: "short"}, smart, []byte("short"), "", ""},
		"on a chain without nodes":             {contracts{err: signature.ErrNoSuchChain}, smart, byKey, fault.Forbidden, "no node of chain 7 is configured"},
		"on a chain that does not answer":      {contracts{err: errors.New("down")}, smart, byKey, fault.Unavailable, "try again"},
		"compact, on a chain without nodes":    {contracts{err: signature.ErrNoSuchChain}, smart, byKey[:64], fault.Invalid, "compact form of EIP-2098"},
		"on a chain that is busy":              {contracts{err: fault.New(fault.Busy, "later")}, smart, byKey, fault.Busy, "later"},
		"in the compact form":                  {nil, own, byKey[:64], fault.Invalid, "64 bytes"},
		"with a high s":                        {nil, own, high(byKey), fault.Invalid, "high s"},
		"with a wrong v":                       {nil, own, append(append([]byte{}, byKey[:64]...), 29), fault.Invalid, "v, is 29"},
		"nothing":                              {nil, own, nil, fault.Invalid, "missing"},
	} {
		checked, err := signature.Verifier{Contracts: c.contracts}.Verify(t.Context(), signature.Claim{Digest: digest, Signer: c.signer, ChainID: 7, What: "this text"}, c.signed)
		said := ""
		if err != nil {
			f := fault.From(err)
			said = f.Message
			for _, field := range f.Fields {
				said += " " + field.Message
			}
		}
		if want := map[bool]uint64{true: 41}[err == nil && c.signer == smart]; checked.Block != want {
			t.Errorf("%s: checked at block %d, want %d", name, checked.Block, want)
		}
		if c.code == "" && err != nil || c.code != "" && (!fault.Is(err, c.code) || !strings.Contains(said, c.want)) {
			t.Errorf("%s: %v (%s), want %q %q", name, err, said, c.code, c.want)
		}
	}
}

// high is the malleable copy of a signature.
func high(s []byte) []byte {
	out := append([]byte{}, s...)
	new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(s[32:64])).FillBytes(out[32:64])
	out[64] = 27 + 28 - s[64]
	return out
}
