package signature

import (
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

func newKey(t testing.TB) (*ecdsa.PrivateKey, wallet.Address) {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, wallet.Address(crypto.PubkeyToAddress(key.PublicKey))
}

func sign(t testing.TB, key *ecdsa.PrivateKey, digest [32]byte) [65]byte {
	t.Helper()
	made, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	made[64] += 27
	return [65]byte(made)
}

func TestSignerIsRecovered(t *testing.T) {
	key, address := newKey(t)
	digest := [32]byte{0: 1, 31: 0xff}
	good := sign(t, key, digest)
	small := good
	small[64] -= 27
	for name, s := range map[string][65]byte{"v of 27 or 28": good, "v of 0 or 1": small} {
		if got, err := Recover(digest, s[:]); err != nil || got != address {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, address)
		}
	}
	other := digest
	other[0]++
	if got, err := Recover(other, good[:]); err == nil && got == address {
		t.Error("a signature is valid for another digest")
	}
}

func TestMalformedSignaturesAreRefused(t *testing.T) {
	key, _ := newKey(t)
	digest := [32]byte{0: 1, 31: 0xff}
	good := sign(t, key, digest)

	upper := good // the same point in its second form: s → n − s, v flipped
	s := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(good[32:64]))
	s.FillBytes(upper[32:64])
	upper[64] ^= 27 ^ 28
	if raw := upper; true {
		raw[64] -= 27
		if _, err := crypto.Ecrecover(digest[:], raw[:]); err != nil {
			t.Fatalf("the second form must be valid in itself, or the test proves nothing: %v", err)
		}
	}
	badV, noR, noS := good, good, good
	badV[64] = 29
	clear(noR[:32])
	clear(noS[32:64])
	for name, bad := range map[string][65]byte{"s in the upper half": upper, "v of 29": badV, "r of zero": noR, "s of zero": noS, "all zero": {}} {
		if got, err := Recover(digest, bad[:]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %s, %v, want an invalid fault", name, got, err)
		}
	}
}
