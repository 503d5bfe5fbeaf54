//go:build devchain

package contracts_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
)

// An early claim forfeits nothing, whoever makes it, and at the end everybody has
// all: sum of the claims = amount, to the unit, also where it does not divide.
func TestVestingPaysLittleByLittleAndAll(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	entries := people("vesting", 7)
	entries[3].Amount = *uint256.NewInt(1_000_003)
	built := tree(t, merkle.OZIndexed, entries)
	c := load(t, contracts.VestingDistributor)
	start, cliff, duration := w.now()+1000, uint64(300), uint64(997)
	end := start + duration + 5000
	big64 := func(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
	at := w.deploy(c, w.token, [32]byte(built.Root()), big64(start), big64(cliff), big64(duration), big64(end), w.owner)
	total := built.Total()
	w.fund(c, at, total.ToBig())
	r := rowAt(t, built, 3)
	data := claimData(t, c, r)
	w.refuses(c, w.owner, at, data, "NothingToClaim")
	w.advance(start + cliff - 1)
	w.refuses(c, w.owner, at, data, "NothingToClaim")
	for _, after := range []uint64{cliff, cliff + 7, 500, 991, 1200} {
		if w.now() < start+after-1 {
			w.advance(start + after - 1) // the next block is a second later
		}
		w.send(at, data)
		passed := min(w.now()-start, duration)
		want := new(big.Int).Div(new(big.Int).Mul(r.Amount, big64(passed)), big64(duration))
		if got := w.balance(w.token, r.Account); got.Cmp(want) != 0 {
			t.Errorf("after %d s the account has %s, want %s", passed, got, want)
		}
		if passed == duration {
			break
		}
	}
	w.refuses(c, w.owner, at, data, "NothingToClaim")
	late := rowAt(t, built, 5)
	forged := late
	forged.Amount = new(big.Int).Add(late.Amount, big.NewInt(1))
	w.refuses(c, w.owner, at, claimData(t, c, forged), "InvalidProof")
	w.advance(end)
	w.refuses(c, w.owner, at, claimData(t, c, late), "ClaimWindowFinished")
}

func TestAVestingMustEndBeforeTheRestIsWithdrawn(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	c := load(t, contracts.VestingDistributor)
	now := int64(w.now())
	for _, s := range [][4]int64{ // start, cliff, duration, end
		{now, 0, 1000, now + 1000}, {now, 1001, 1000, now + 5000}, {now, 0, 0, now + 5000},
	} {
		code, err := c.Deployment(w.token, [32]byte{1}, big.NewInt(s[0]), big.NewInt(s[1]), big.NewInt(s[2]), big.NewInt(s[3]), w.owner)
		if err != nil {
			t.Fatal(err)
		}
		w.tries(c, code, nil, "InvalidSchedule")
	}
}

// Rounds add up, a root holds after its delay only, and a claim that was made for
// another root fails with words of its own.
func TestRoundsAddUp(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	c := load(t, contracts.CumulativeDistributor)
	first, second := people("rounds", 6), people("rounds", 6)
	for i := range second { // the next round adds 100 to everybody
		second[i].Amount = *new(uint256.Int).AddUint64(&first[i].Amount, 100)
	}
	one, two := tree(t, merkle.Cumulative, first), tree(t, merkle.Cumulative, second)
	delay := uint64(3600)
	at := w.deploy(c, w.token, [32]byte(one.Root()), new(big.Int).SetUint64(delay), big.NewInt(far), w.owner)
	total := two.Total()
	w.fund(c, at, total.ToBig())
	claim := func(of *merkle.Tree, i int, root merkle.Hash) []byte {
		r := rowAt(t, of, i)
		return pack(t, c.ABI, "claim", r.Account, r.Amount, [32]byte(root), r.Proof)
	}
	w.send(at, claim(one, 0, one.Root()))
	w.refuses(c, w.owner, at, claim(one, 0, one.Root()), "NothingToClaim")
	w.refuses(c, w.owner, at, claim(two, 0, one.Root()), "InvalidProof")
	propose := pack(t, c.ABI, "setMerkleRoot", [32]byte(two.Root()))
	w.refuses(c, common.Address{1}, at, propose, "NotOwner")
	w.send(at, propose)
	from := ask[*big.Int](w, c, at, "pendingFrom").Uint64()
	w.advance(from - 1)
	w.refuses(c, w.owner, at, claim(two, 0, two.Root()), "MerkleRootWasUpdated")
	if err := w.call(w.owner, at, claim(one, 1, one.Root())); err != nil {
		t.Errorf("the old round still holds: %v", err)
	}
	w.advance(from)
	w.refuses(c, w.owner, at, claim(one, 1, one.Root()), "MerkleRootWasUpdated")
	for i := range 6 {
		w.send(at, claim(two, i, two.Root()))
	}
	if left := w.balance(w.token, at); left.Sign() != 0 {
		t.Errorf("%s are left", left)
	}
}

// A root that was proposed by mistake is taken back before it holds.
func TestARootIsReplacedBeforeItHolds(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	c := load(t, contracts.CumulativeDistributor)
	at := w.deploy(c, w.token, [32]byte{1}, big.NewInt(3600), big.NewInt(far), w.owner)
	w.send(at, pack(t, c.ABI, "setMerkleRoot", [32]byte{2}))
	w.send(at, pack(t, c.ABI, "setMerkleRoot", [32]byte{1}))
	w.advance(w.now() + 7200)
	if got := ask[[32]byte](w, c, at, "merkleRoot"); got != [32]byte{1} {
		t.Errorf("the root is %x", got)
	}
	w.refuses(c, w.owner, at, pack(t, c.ABI, "extend", big.NewInt(far)), "EndTimeNotLater")
	w.refuses(c, common.Address{1}, at, pack(t, c.ABI, "extend", big.NewInt(far+1)), "NotOwner")
	w.send(at, pack(t, c.ABI, "extend", big.NewInt(far+1)))
}
