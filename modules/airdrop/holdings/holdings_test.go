package holdings_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop/holdings"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

func account(n int) (w wallet.Address) {
	w[0], w[19] = byte(n), byte(n)
	return w
}

// history is transfers that a token could have had, several in a block, and some of
// blocks of the same second.
func history(random *rand.Rand, n int) (all []holdings.Transfer) {
	const accounts = 12
	balances := make(map[wallet.Address]uint64)
	now := uint64(1000)
	for range n {
		now += uint64(random.IntN(4)) * uint64(random.IntN(9))
		t := holdings.Transfer{Time: now, From: account(random.IntN(accounts)), To: account(random.IntN(accounts))}
		amount := uint64(random.IntN(1000))
		if !t.From.IsZero() {
			amount = min(amount, balances[t.From])
		}
		balances[t.From] -= amount
		balances[t.To] += amount
		t.Amount.SetUint64(amount)
		all = append(all, t)
	}
	return all
}

// bruteForce says what an account has at the end of each second from 0 to the last.
func bruteForce(all []holdings.Transfer, of wallet.Address, last uint64) []uint64 {
	held := make([]uint64, last+1)
	for _, t := range all {
		for s := t.Time; s <= last; s++ {
			if t.From == of {
				held[s] -= t.Amount.Uint64()
			}
			if t.To == of {
				held[s] += t.Amount.Uint64()
			}
		}
	}
	return held
}

// What a ledger says is what adding up second by second says, for every span of time.
func TestAveragesAreBalancesSecondBySecond(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 20))
	for range 30 {
		all := history(random, 120)
		end := all[len(all)-1].Time + uint64(random.IntN(50))
		from := 1000 + uint64(random.IntN(int(end-1000)+1))
		to := max(end, from+1)
		l := holdings.New(holdings.Options{From: from})
		for _, x := range all {
			if err := l.Add(x); err != nil {
				t.Fatal(err)
			}
		}
		wallets, balances := l.Balances()
		averaged, averages, err := l.Averages(to)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < 12; n++ {
			held := bruteForce(all, account(n), to)
			sum := uint64(0)
			for s := from; s < to; s++ {
				sum += held[s]
			}
			if got, want := of(wallets, balances, account(n)), held[to]; got != want {
				t.Errorf("account %d has %d, want %d", n, got, want)
			}
			if got, want := of(averaged, averages, account(n)), sum/(to-from); got != want {
				t.Errorf("account %d has %d on average from %d to %d, want %d", n, got, from, to, want)
			}
		}
		left, _ := l.Supply()
		var sum uint256.Int
		for i := range balances {
			sum.Add(&sum, &balances[i])
		}
		if sum != left || of(wallets, balances, wallet.Address{}) != 0 {
			t.Errorf("accounts have %s of %s", sum.Dec(), left.Dec())
		}
	}
}

func of(wallets []wallet.Address, values []uint256.Int, w wallet.Address) uint64 {
	if at := slices.Index(wallets, w); at >= 0 {
		return values[at].Uint64()
	}
	return 0
}

func TestTransfersOutliveBeingPacked(t *testing.T) {
	all := history(rand.New(rand.NewPCG(1, 1)), 300)
	all[7].Amount.SetAllOne()
	packed := holdings.Append(nil, all)
	var again []holdings.Transfer
	add := func(x holdings.Transfer) error { again = append(again, x); return nil }
	if err := holdings.Each(packed, add); err != nil || !slices.Equal(all, again) {
		t.Errorf("%d transfers came back as %d: %v", len(all), len(again), err)
	}
	if len(holdings.Append(nil, nil)) != 0 || holdings.Each(nil, add) != nil {
		t.Error("no transfers are no bytes")
	}
	for cut := 1; cut < len(packed); cut++ { // a cut between two transfers is not seen
		_ = holdings.Each(packed[:cut], add)
	}
	if err := holdings.Each(packed[:len(packed)-1], add); err == nil {
		t.Error("a cut transfer was read")
	}
	stop := errors.New("stop")
	if err := holdings.Each(packed, func(holdings.Transfer) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of each is not passed on: %v", err)
	}
}

func FuzzPacked(f *testing.F) {
	f.Add(holdings.Append(nil, history(rand.New(rand.NewPCG(1, 2)), 3)))
	f.Fuzz(func(_ *testing.T, packed []byte) {
		_ = holdings.Each(packed, func(holdings.Transfer) error { return nil }) // it does not panic
	})
}

func TestWhatIsNoTokenOfOursIsRefused(t *testing.T) {
	event := func(topics, bytes int) types.Log {
		e := types.Log{Topics: make([]common.Hash, topics), Data: make([]byte, bytes), BlockTimestamp: 9}
		e.Topics[0] = holdings.Topic
		return e
	}
	erc20 := event(3, 32)
	erc20.Topics[1][31], erc20.Topics[2][31], erc20.Data[31] = 1, 2, 3
	if x, err := holdings.Read(erc20); err != nil || x.From != (wallet.Address{19: 1}) || x.To != (wallet.Address{19: 2}) || x.Amount.Uint64() != 3 || x.Time != 9 {
		t.Errorf("ERC-20: %+v, %v", x, err)
	}
	if x, err := holdings.Read(event(4, 0)); err != nil || x.Amount.Uint64() != 1 {
		t.Errorf("ERC-721: %+v, %v", x, err)
	}
	for _, e := range []types.Log{event(1, 96), event(3, 64), event(4, 32), {Topics: make([]common.Hash, 3), Data: make([]byte, 32)}} {
		if _, err := holdings.Read(e); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%d topics, %d bytes: %v", len(e.Topics), len(e.Data), err)
		}
	}
	l := holdings.New(holdings.Options{From: 5, Most: 2})
	one := *uint256.NewInt(1)
	if err := l.Add(holdings.Transfer{Time: 10, From: account(1), To: account(2), Amount: one}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "wrapped ether") {
		t.Errorf("who has nothing sends: %v", err)
	}
	if err := l.Add(holdings.Transfer{Time: 9, To: account(1), Amount: one}); !fault.Is(err, fault.Invalid) {
		t.Errorf("not in their order: %v", err)
	}
	if err := l.Add(holdings.Transfer{Time: 10, To: account(2), Amount: one}); err != nil {
		t.Error(err)
	}
	if err := l.Add(holdings.Transfer{Time: 10, From: account(3), To: account(4)}); err != nil {
		t.Errorf("nothing was sent, and counts as accounts: %v", err)
	}
	if err := l.Add(holdings.Transfer{Time: 10, To: account(3), Amount: one}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("more accounts than there may be: %v", err)
	}
	if _, _, err := l.Averages(5); !fault.Is(err, fault.Invalid) {
		t.Errorf("averages over no time: %v", err)
	}
	large := holdings.New(holdings.Options{From: 1})
	if err := large.Add(holdings.Transfer{Time: 1, To: account(1), Amount: *new(uint256.Int).SetAllOne()}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := large.Averages(3); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a sum of more than 256 bits: %v", err)
	}
	if err := large.Add(holdings.Transfer{Time: 1, To: account(1), Amount: one}); !fault.Is(err, fault.Invalid) {
		t.Errorf("more than 2^256-1 units: %v", err)
	}
}
