//go:build devchain

package contracts_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
)

// A token that takes a fee would pay the first claimers less, and the last nothing:
// it is refused when the distributor is funded.
func TestATokenThatTakesAFeeIsRefusedAtFunding(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	fee := read(t, "testdata/FeeToken.json")
	token := w.deploy(fee)
	built := tree(t, merkle.OZIndexed, people("fee", 4))
	c := load(t, contracts.Distributor)
	at := w.deploy(c, token, [32]byte(built.Root()), big.NewInt(far), w.owner)
	w.send(token, pack(t, fee.ABI, "approve", at, big.NewInt(1e6)))
	w.refuses(c, w.owner, at, pack(t, c.ABI, "fund", big.NewInt(1e6)), "TokenTookFee")
}

// What a token returns, or does not, decides: nobody counts as paid who was not.
func TestWhatATokenReturnsIsBelieved(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	mood := read(t, "testdata/MoodToken.json")
	for kind, want := range map[int64]string{
		0: "SafeERC20FailedOperation", // returns false
		1: "not today",                // reverts: the token's own words reach the claimer
		2: "",                         // returns nothing, as USDT does
		3: "SafeERC20FailedOperation", // returns 2, which is not true
	} {
		token := w.deploy(mood, big.NewInt(kind))
		built := tree(t, merkle.OZIndexed, people("mood", 5))
		c := load(t, contracts.Distributor)
		at := w.deploy(c, token, [32]byte(built.Root()), big.NewInt(far), w.owner)
		w.send(token, pack(t, mood.ABI, "give", at, big.NewInt(1e18)))
		r := rowAt(t, built, 3)
		if want != "" {
			w.refuses(c, w.owner, at, claimData(t, c, r), want)
			if ask[bool](w, c, at, "isClaimed", r.Index) {
				t.Errorf("a token of kind %d: the row counts as paid", kind)
			}
			continue
		}
		w.send(at, claimData(t, c, r))
		if got := w.balance(token, r.Account); got.Cmp(r.Amount) != 0 {
			t.Errorf("a token of kind %d paid %s, want %s", kind, got, r.Amount)
		}
	}
}

// A token that calls back during the payment is paid once, alone and in a batch.
func TestATokenThatCallsBackIsPaidOnce(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	hook := read(t, "testdata/HookToken.json")
	for _, name := range []string{contracts.Distributor, contracts.VestingDistributor, contracts.CumulativeDistributor} {
		token := w.deploy(hook)
		c, format := load(t, name), merkle.OZIndexed
		if name == contracts.CumulativeDistributor {
			format = merkle.Cumulative
		}
		built := tree(t, format, people("hook", 6))
		root, end := [32]byte(built.Root()), big.NewInt(far)
		var at common.Address
		r := rowAt(t, built, 2)
		var data []byte
		switch name {
		case contracts.Distributor:
			at, data = w.deploy(c, token, root, end, w.owner), claimData(t, c, r)
		case contracts.VestingDistributor:
			at, data = w.deploy(c, token, root, big.NewInt(1), big.NewInt(0), big.NewInt(1), end, w.owner), claimData(t, c, r)
		default:
			at = w.deploy(c, token, root, big.NewInt(3600), end, w.owner)
			data = pack(t, c.ABI, "claim", r.Account, r.Amount, root, r.Proof)
		}
		w.send(token, pack(t, hook.ABI, "transfer", at, big.NewInt(1e18)))
		w.send(token, pack(t, hook.ABI, "arm", at, data))
		w.send(at, data)
		if got := w.balance(token, r.Account); got.Cmp(r.Amount) != 0 {
			t.Errorf("%s paid %s, want %s", name, got, r.Amount)
		}
		if again := ask[*big.Int](w, hook, token, "succeeded"); again.Sign() != 0 {
			t.Errorf("%s let the token claim %s times more", name, again)
		}
	}
}

// A distributor that has too little pays nobody half.
func TestWithoutFundsNobodyCountsAsPaid(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	built := tree(t, merkle.OZIndexed, people("poor", 5))
	c := load(t, contracts.Distributor)
	at := w.deploy(c, w.token, [32]byte(built.Root()), big.NewInt(far), w.owner)
	r := rowAt(t, built, 1)
	w.fund(c, at, new(big.Int).Sub(r.Amount, big.NewInt(1)))
	w.refuses(c, w.owner, at, claimData(t, c, r), "execution reverted")
	w.fund(c, at, big.NewInt(1))
	w.send(at, claimData(t, c, r))
}
