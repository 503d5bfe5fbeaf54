package demo_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/wallet"
	"banyan/web/demo"
)

// TestNobodyOfTheCommunityHasAKeyThatTheCodeTells: whoever gets rights or trust
// in one run is unknown to the next.
func TestNobodyOfTheCommunityHasAKeyThatTheCodeTells(t *testing.T) {
	one, other := demo.New(), demo.New()
	if one.Wallet() != wallet.Address(crypto.PubkeyToAddress(one.Key().PublicKey)) {
		t.Errorf("the demo wallet %s has another's key", one.Wallet())
	}
	if seeds := one.SeedWallets(); !slices.Equal(seeds, one.SeedWallets()) || len(seeds) != demo.Seeds || slices.Contains(seeds, one.Wallet()) {
		t.Errorf("seeds %v, want %d, always the same of a community, without the demo wallet", seeds, demo.Seeds)
	}
	known := append(other.SeedWallets(), other.Wallet())
	for person := range uint64(100) { // what an earlier version derived from these words
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte("Banyan demo: worth nothing"), binary.BigEndian.AppendUint64(nil, person)))
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, wallet.Address(crypto.PubkeyToAddress(key.PublicKey)))
	}
	for _, w := range append(one.SeedWallets(), one.Wallet()) {
		if slices.Contains(known, w) {
			t.Errorf("%s is known without this run's secret", w)
		}
	}
}
