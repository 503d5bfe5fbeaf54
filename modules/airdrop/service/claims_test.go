package service_test

import (
	"sync"
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
)

// Claims share the memory of their proofs, one after the other: no answer may
// show what belongs to another wallet.
func TestClaimsOfManyWalletsAtOnceDoNotMix(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), numberedList(300))
		var all sync.WaitGroup
		for caller := range 8 {
			all.Go(func() {
				for i := range 100 {
					who := numbered((caller*37 + i) % 300)
					claim, err := w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: who})
					entry := merkle.Entry{Index: claim.Index, Wallet: who, Amount: claim.Amount}
					if err != nil || claim.Wallet != who || !merkle.Verify(merkle.OZ, *c.Root, entry, claim.Proof) {
						t.Errorf("the claim of %s cannot be verified: %v", who, err)
					}
				}
			})
		}
		all.Wait()
	})
}
