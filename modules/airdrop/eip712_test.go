package airdrop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/airdrop"
	"banyan/platform/wallet"
)

// The document that a wallet shows has the digest that is checked, as go-ethereum hashes
// it; and each field is signed.
func TestAnAppealIsHashedAsWalletsDo(t *testing.T) {
	hash := func(site string, a airdrop.SignedAppeal) [32]byte {
		text, err := json.Marshal(airdrop.AppealDocument(site, a))
		if err != nil {
			t.Fatal(err)
		}
		var typed apitypes.TypedData
		if err := json.Unmarshal(text, &typed); err != nil {
			t.Fatal(err)
		}
		digest, _, err := apitypes.TypedDataAndHash(typed)
		if err != nil {
			t.Fatal(err)
		}
		if got := airdrop.AppealHash(site, a); string(got[:]) != string(digest) {
			t.Errorf("%+v has the digest %x, want %x", a, got, digest)
		}
		return [32]byte(digest)
	}
	a := airdrop.SignedAppeal{ID: "abcdefghij", Wallet: wallet.Address{1, 19: 2}, Kind: airdrop.AnAppeal, Text: "We are two people who share a flat. ❤", CreatedMS: 1_700_000_000_123}
	seen := map[[32]byte]bool{hash("banyan.example", a): true, hash("other.example", a): true}
	for _, change := range []func(*airdrop.SignedAppeal){
		func(a *airdrop.SignedAppeal) { a.ID = "bbcdefghij" }, func(a *airdrop.SignedAppeal) { a.Wallet[3] = 1 }, func(a *airdrop.SignedAppeal) { a.Kind = airdrop.AReport },
		func(a *airdrop.SignedAppeal) { a.Text += "." }, func(a *airdrop.SignedAppeal) { a.CreatedMS++ }, func(a *airdrop.SignedAppeal) { a.Text = strings.Repeat("x", airdrop.MaxAppealText) },
	} {
		other := a
		change(&other)
		seen[hash("banyan.example", other)] = true
	}
	if len(seen) != 8 {
		t.Errorf("of 8 different appeals %d have a digest of their own", len(seen))
	}
}
