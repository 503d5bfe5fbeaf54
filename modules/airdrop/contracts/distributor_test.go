//go:build devchain

package contracts_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
)

// far is an end that no test reaches unless it wants to.
const far = 4_000_000_000

// distributor deploys one over a tree, with all the tokens that it promises.
func (w *world) distributor(of *merkle.Tree, end uint64) (contracts.Contract, common.Address) {
	w.t.Helper()
	c := load(w.t, contracts.Distributor)
	at := w.deploy(c, w.token, [32]byte(of.Root()), new(big.Int).SetUint64(end), w.owner)
	total := of.Total()
	w.fund(c, at, total.ToBig())
	return c, at
}

func (w *world) fund(c contracts.Contract, at common.Address, amount *big.Int) {
	w.t.Helper()
	token := read(w.t, "../../../platform/chain/devchain/DemoToken.json")
	w.send(w.token, pack(w.t, token.ABI, "approve", at, amount))
	w.send(at, pack(w.t, c.ABI, "fund", amount))
}

func claimData(t testing.TB, c contracts.Contract, r row) []byte {
	t.Helper()
	return pack(t, c.ABI, "claim", r.Index, r.Account, r.Amount, r.Proof)
}

// Every proof of the engine is accepted, of 1,000 random lists each by a contract of
// its own, and the same claim with one thing changed is refused.
func TestTheContractAcceptsTheProofsOfRandomLists(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	random := rand.New(rand.NewPCG(12, 12))
	c := load(t, contracts.Distributor)
	for list := range 1000 {
		built := tree(t, merkle.OZIndexed, people(string(rune('a'+list%26))+big.NewInt(int64(list)).String(), 1+random.IntN(1+random.IntN(300))))
		code, err := c.Deployment(w.token, [32]byte(built.Root()), big.NewInt(far), w.owner)
		if err != nil {
			t.Fatal(err)
		}
		r := rowAt(t, built, random.IntN(built.Count()))
		forged := r
		switch list % 4 {
		case 0:
			forged.Amount = new(big.Int).Add(r.Amount, big.NewInt(1))
		case 1:
			forged.Index = new(big.Int).Add(r.Index, big.NewInt(1))
		case 2:
			forged.Account = w.owner
		case 3:
			forged.Proof = append([][32]byte{{1}}, r.Proof...)
		}
		w.tries(c, code, claimData(t, c, r), "")
		w.tries(c, code, claimData(t, c, forged), "InvalidProof")
	}
}

func TestARowIsPaidOnceAndTellsAsUniswapsDoes(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	built := tree(t, merkle.OZIndexed, people("once", 300))
	c, at := w.distributor(built, far)
	if got := ask[common.Address](w, c, at, "token"); got != w.token {
		t.Errorf("token is %s", got)
	}
	if got := ask[[32]byte](w, c, at, "merkleRoot"); got != built.Root() {
		t.Errorf("merkleRoot is %x", got)
	}
	for _, i := range []int{0, 255, 256, 299} {
		r := rowAt(t, built, i)
		if ask[bool](w, c, at, "isClaimed", r.Index) {
			t.Errorf("row %d is claimed before anybody did", i)
		}
		receipt := w.send(at, claimData(t, c, r))
		if !ask[bool](w, c, at, "isClaimed", r.Index) {
			t.Errorf("row %d is not claimed", i)
		}
		if got := w.balance(w.token, r.Account); got.Cmp(r.Amount) != 0 {
			t.Errorf("row %d was paid %s, want %s", i, got, r.Amount)
		}
		// Indexers of Uniswap's distributor find the event by this topic, and read
		// all three values from the data.
		var found *types.Log
		for _, l := range receipt.Logs {
			if l.Address == at {
				found = l
			}
		}
		want := "0x4ec90e965519d92681267467f775ada5bd214aa92c0dc93d90a5e880ce9ed026"
		if found == nil || len(found.Topics) != 1 || found.Topics[0].Hex() != want || len(found.Data) != 96 ||
			new(big.Int).SetBytes(found.Data[:32]).Cmp(r.Index) != 0 || common.BytesToAddress(found.Data[32:64]) != r.Account ||
			new(big.Int).SetBytes(found.Data[64:]).Cmp(r.Amount) != 0 {
			t.Errorf("row %d has the event %+v", i, found)
		}
		w.refuses(c, w.owner, at, claimData(t, c, r), "AlreadyClaimed")
	}
}

// A batch pays what is left when somebody was faster with one of its rows.
func TestABatchSkipsWhatIsPaid(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	built := tree(t, merkle.OZIndexed, people("batch", 50))
	c, at := w.distributor(built, far)
	var rows []row
	for i := range 50 {
		rows = append(rows, rowAt(t, built, i))
	}
	w.send(at, claimData(t, c, rows[7]))
	w.send(at, pack(t, c.ABI, "claimMany", rows))
	for i, r := range rows {
		if got := w.balance(w.token, r.Account); got.Cmp(r.Amount) != 0 {
			t.Errorf("row %d was paid %s, want %s", i, got, r.Amount)
		}
	}
	if left := w.balance(w.token, at); left.Sign() != 0 {
		t.Errorf("%s are left", left)
	}
	other := tree(t, merkle.OZIndexed, people("batch", 51))
	_, second := w.distributor(other, far)
	forged := rowAt(t, other, 3)
	forged.Amount = big.NewInt(1e9)
	w.refuses(c, w.owner, second, pack(t, c.ABI, "claimMany", []row{rowAt(t, other, 2), forged}), "InvalidProof")
}

// Claims while the time is before the end, the withdrawal from the end on; at no
// moment both, nor neither.
func TestNoMomentHasClaimsAndWithdrawals(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	end := w.now() + 10_000
	built := tree(t, merkle.OZIndexed, people("end", 9))
	c, at := w.distributor(built, end)
	withdraw := c.ABI.Methods["withdraw0"].ID // the one without arguments
	if len(c.ABI.Methods["withdraw"].Inputs) == 0 {
		withdraw = c.ABI.Methods["withdraw"].ID
	}
	w.send(at, claimData(t, c, rowAt(t, built, 0)))
	w.advance(end - 1) // a call is of the head's time
	if err := w.call(w.owner, at, claimData(t, c, rowAt(t, built, 1))); err != nil {
		t.Errorf("the last second: %v", err)
	}
	w.refuses(c, w.owner, at, withdraw, "NoWithdrawDuringClaim")
	w.advance(end)
	w.refuses(c, w.owner, at, claimData(t, c, rowAt(t, built, 1)), "ClaimWindowFinished")
	w.refuses(c, common.Address{1}, at, withdraw, "NotOwner")
	before := w.balance(w.token, w.owner)
	left := w.balance(w.token, at)
	w.send(at, withdraw)
	paid := rowAt(t, built, 0).Amount
	total := built.Total()
	if got := new(big.Int).Sub(w.balance(w.token, w.owner), before); got.Cmp(left) != 0 || got.Add(got, paid).Cmp(total.ToBig()) != 0 {
		t.Errorf("claimed and withdrawn are %s, want %s", got, total.Dec())
	}
}

func TestWrongDeploymentsAreRefused(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	c := load(t, contracts.Distributor)
	for want, arguments := range map[string][]any{
		"InvalidToken":  {common.Address{9}, [32]byte{1}, big.NewInt(far), w.owner}, // no code
		"InvalidRoot":   {w.token, [32]byte{}, big.NewInt(far), w.owner},
		"EndTimeInPast": {w.token, [32]byte{1}, new(big.Int).SetUint64(w.now()), w.owner},
		"InvalidOwner":  {w.token, [32]byte{1}, big.NewInt(far), common.Address{}},
	} {
		code, err := c.Deployment(arguments...)
		if err != nil {
			t.Fatal(err)
		}
		w.tries(c, code, nil, want)
	}
}

// The trees of UNI and ENS have other leaves; a contract with their rule accepts
// their proofs as our engine makes them.
func TestOtherRulesAcceptOurProofs(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	rules := read(t, "testdata/OtherRules.json")
	at := w.deploy(rules)
	uniswap, ens := tree(t, merkle.Uniswap, people("other", 77)), tree(t, merkle.ENS, people("other", 77))
	for i := range 77 {
		u := rowAt(t, uniswap, i)
		if !ask[bool](w, rules, at, "uniswap", [32]byte(uniswap.Root()), u.Index, u.Account, u.Amount, u.Proof) {
			t.Errorf("row %d of uniswap is refused", i)
		}
		e := rowAt(t, ens, i)
		if !ask[bool](w, rules, at, "ens", [32]byte(ens.Root()), e.Account, e.Amount, e.Proof) {
			t.Errorf("row %d of ens is refused", i)
		}
	}
}

// claimTo pays whom the account names, and nobody else may name.
func TestOnlyTheAccountNamesAReceiver(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	entries := people("to", 5)
	entries[2].Wallet = [20]byte(w.owner)
	built := tree(t, merkle.OZIndexed, entries)
	c, at := w.distributor(built, far)
	r, friend := rowAt(t, built, 2), common.Address{0xf1}
	data := func(to common.Address) []byte {
		return pack(t, c.ABI, "claimTo", r.Index, r.Account, to, r.Amount, r.Proof)
	}
	w.refuses(c, common.Address{1}, at, data(friend), "NotAccount")
	w.refuses(c, w.owner, at, data(common.Address{}), "InvalidReceiver")
	w.send(at, data(friend))
	if got := w.balance(w.token, friend); got.Cmp(r.Amount) != 0 {
		t.Errorf("the friend has %s", got)
	}
	w.refuses(c, w.owner, at, data(friend), "AlreadyClaimed")
}

// typedDigest is the EIP-712 digest of ClaimTo.
func typedDigest(at common.Address, chain int64, leaf [32]byte, account, to common.Address, deadline *big.Int) []byte {
	word := func(b []byte) []byte { return common.LeftPadBytes(b, 32) }
	domain := crypto.Keccak256(
		crypto.Keccak256([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")),
		crypto.Keccak256([]byte("Banyan")), crypto.Keccak256([]byte("1")), word(big.NewInt(chain).Bytes()), word(at[:]))
	message := crypto.Keccak256(
		crypto.Keccak256([]byte("ClaimTo(bytes32 leaf,address account,address to,uint256 deadline)")),
		leaf[:], word(account[:]), word(to[:]), word(deadline.Bytes()))
	return crypto.Keccak256([]byte{0x19, 1}, domain, message)
}

// A signature names everything: no relayer changes the receiver, the row, the chain
// or the contract, nor uses it after its deadline.
func TestASignatureNamesEverything(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	key := newKey(t, "member")
	member := crypto.PubkeyToAddress(key.PublicKey)
	smart := w.deploy(read(t, "testdata/OwnedWallet.json"), member)
	entries := people("signed", 6)
	entries[1].Wallet, entries[2].Wallet, entries[3].Wallet = [20]byte(member), [20]byte(member), [20]byte(smart)
	built := tree(t, merkle.OZIndexed, entries)
	c, at := w.distributor(built, far)
	friend, deadline := common.Address{0xf2}, big.NewInt(far-1)
	leaf := func(i int) [32]byte {
		h, err := built.Leaf(i)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	signed := func(digest []byte) []byte {
		s, err := crypto.Sign(digest, key)
		if err != nil {
			t.Fatal(err)
		}
		s[64] += 27
		return s
	}
	data := func(i int, to common.Address, deadline *big.Int, signature []byte) []byte {
		r := rowAt(t, built, i)
		return pack(t, c.ABI, "claimToWithSig", r.Index, r.Account, to, r.Amount, deadline, r.Proof, signature)
	}
	good := signed(typedDigest(at, devchain.ID, leaf(1), member, friend, deadline))
	w.refuses(c, w.owner, at, data(1, w.owner, deadline, good), "InvalidSignature")
	w.refuses(c, w.owner, at, data(1, common.Address{}, deadline, good), "InvalidReceiver")
	w.refuses(c, w.owner, at, data(2, friend, deadline, good), "InvalidSignature")
	w.refuses(c, w.owner, at, data(1, friend, big.NewInt(far), good), "InvalidSignature")
	w.refuses(c, w.owner, at, data(0, friend, deadline, good), "InvalidSignature")
	w.refuses(c, w.owner, at, data(1, friend, deadline, nil), "InvalidSignature")
	past := big.NewInt(int64(w.now()) - 1)
	w.refuses(c, w.owner, at, data(1, friend, past, signed(typedDigest(at, devchain.ID, leaf(1), member, friend, past))), "SignatureExpired")
	w.refuses(c, w.owner, at, data(1, friend, deadline, signed(typedDigest(at, 1, leaf(1), member, friend, deadline))), "InvalidSignature")
	w.refuses(c, w.owner, at, data(1, friend, deadline, signed(typedDigest(common.Address{1}, devchain.ID, leaf(1), member, friend, deadline))), "InvalidSignature")
	w.send(at, data(1, friend, deadline, good))
	w.refuses(c, w.owner, at, data(1, friend, deadline, good), "AlreadyClaimed")
	byWallet := signed(typedDigest(at, devchain.ID, leaf(3), smart, friend, deadline))
	w.send(at, data(3, friend, deadline, byWallet))
	want := new(big.Int).Add(rowAt(t, built, 1).Amount, rowAt(t, built, 3).Amount)
	if got := w.balance(w.token, friend); got.Cmp(want) != 0 {
		t.Errorf("the friend has %s, want %s", got, want)
	}
}

// An account with code by EIP-7702 still signs with its own key, which
// OpenZeppelin's checker alone would refuse.
func TestAnAccountWithDelegatedCodeSignsWithItsKey(t *testing.T) {
	w := newWorld(t, devchain.Options{})
	key := newKey(t, "delegating")
	member := crypto.PubkeyToAddress(key.PublicKey)
	entries := people("7702", 3)
	entries[0].Wallet = [20]byte(member)
	built := tree(t, merkle.OZIndexed, entries)
	c, at := w.distributor(built, far)
	w.delegate(key, w.deploy(read(t, "testdata/OwnedWallet.json"), w.owner)) // whose code accepts another key only
	code, err := w.Client().CodeAt(t.Context(), member, nil)
	if err != nil || len(code) != 23 {
		t.Fatalf("the account has the code %x: %v", code, err)
	}
	friend, deadline := common.Address{0xf3}, big.NewInt(far-1)
	leaf, err := built.Leaf(0)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := crypto.Sign(typedDigest(at, devchain.ID, leaf, member, friend, deadline), key)
	if err != nil {
		t.Fatal(err)
	}
	signature[64] += 27
	r := rowAt(t, built, 0)
	w.send(at, pack(t, c.ABI, "claimToWithSig", r.Index, r.Account, friend, r.Amount, deadline, r.Proof, signature))
	if got := w.balance(w.token, friend); got.Cmp(r.Amount) != 0 {
		t.Errorf("the friend has %s, want %s", got, r.Amount)
	}
}
