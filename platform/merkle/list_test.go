package merkle_test

import (
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

func TestChunksKeepTheList(t *testing.T) {
	own := madeUp(3)
	if err := own.AppendIndexed(merkle.Entry{Index: 77, Wallet: wallet.Address{1}, Amount: *uint256.NewInt(5)}); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]*merkle.List{"positions": madeUp(70_000), "own indexes": own, "empty": merkle.NewList()} {
		for _, rows := range []int{1, 2, 4096, 1 << 20} {
			again := merkle.NewList()
			for chunk := range list.Chunks(rows) {
				if err := again.AppendChunk(chunk); err != nil {
					t.Fatal(err)
				}
			}
			if again.Len() != list.Len() || again.Total() != list.Total() || again.Indexed() != list.Indexed() {
				t.Fatalf("%s by %d: %d rows came back of %d", name, rows, again.Len(), list.Len())
			}
			for i := range list.Len() {
				if again.At(i) != list.At(i) {
					t.Fatalf("%s by %d: row %d is %v, was %v", name, rows, i, again.At(i), list.At(i))
				}
			}
		}
	}
}

func TestRefusesWhatIsNoChunk(t *testing.T) {
	for _, chunk := range [][]byte{nil, {2}, {0, 1}, append([]byte{1}, make([]byte, merkle.RowSize)...), make([]byte, merkle.RowSize)} {
		list := merkle.NewList()
		if err := list.AppendChunk(chunk); !fault.Is(err, fault.Invalid) || list.Len() != 0 {
			t.Errorf("%x: %v, %d rows", chunk, err, list.Len())
		}
	}
}

func TestRefusesASumThatNoTokenCanPay(t *testing.T) {
	list := madeUp(2)
	before := list.Total()
	most := *new(uint256.Int).SetAllOne()
	if err := list.Append(wallet.Address{9}, most); !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	if list.Len() != 2 || list.Total() != before {
		t.Fatalf("the refused row left %d rows", list.Len())
	}
}

// Wallets that share their first bytes fall into one bucket of every table.
func TestFindsWalletsHoweverTheyAreSpread(t *testing.T) {
	spreads := map[string]func(i int) wallet.Address{
		"spread":     func(i int) wallet.Address { return wallet.Address{byte(i * 7), byte(i >> 8), 3: byte(i)} },
		"sequential": func(i int) wallet.Address { return wallet.Address{17: byte(i >> 16), 18: byte(i >> 8), 19: byte(i)} },
		"descending": func(i int) wallet.Address { return wallet.Address{0: 255, 10: byte(^i >> 8), 11: byte(^i)} },
	}
	for name, spread := range spreads {
		for _, n := range []int{1, 2, 20, 3000, 20_000} {
			list := merkle.NewList()
			for i := range n {
				if err := list.Append(spread(i), *uint256.NewInt(1)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range n {
				if at, found := list.Find(spread(i)); !found || at != i {
					t.Fatalf("%s of %d: wallet %d found at %d (%v)", name, n, i, at, found)
				}
			}
			for _, foreign := range []wallet.Address{{1, 2, 3, 4, 5}, {0: 255, 19: 255}, {19: 255, 16: 1}} {
				if at, found := list.Find(foreign); found {
					t.Fatalf("%s of %d: a foreign wallet found at %d", name, n, at)
				}
			}
		}
	}
}

func TestDuplicatesNameTheFirstRow(t *testing.T) {
	list := merkle.NewList()
	for _, who := range []byte{5, 1, 5, 3, 1, 5} {
		if err := list.Append(wallet.Address{who}, *uint256.NewInt(1)); err != nil {
			t.Fatal(err)
		}
	}
	var got [][2]int
	for first, again := range list.Duplicates() {
		got = append(got, [2]int{first, again})
	}
	if want := [][2]int{{1, 4}, {0, 2}, {0, 5}}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
