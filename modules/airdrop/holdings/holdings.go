// Package holdings computes from the Transfer events of a token alone who held how
// much of it: after a block, and on average between two blocks. It asks no chain.
//
//	l := holdings.New(holdings.Options{From: a.Time})
//	for _, event := range events { // ascending
//		transfer, err := holdings.Read(event)
//		err = l.Add(transfer)
//	}
//	wallets, averages, err := l.Averages(b.Time)
//
// An average is the sum of balance × seconds, divided by the seconds and rounded down
// to a unit: integers, so that everybody who reads the same events has the same result.
package holdings

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Topic is the signature of the event Transfer(address,address,uint256), which tokens
// of ERC-20 and of ERC-721 share.
var Topic = common.HexToHash("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef") //nolint:gochecknoglobals // a constant

// Transfer is a transfer of a token.
type Transfer struct {
	Time     uint64         // of its block, in seconds since 1970
	From, To wallet.Address // zero: the tokens are made, or burnt
	Amount   uint256.Int    // base units; 1 for a piece of ERC-721
}

// Read reads a Transfer event: three topics and a number are ERC-20, four topics
// ERC-721. Others are refused with fault.Unsupported: some early tokens write the same
// event in another form.
func Read(e types.Log) (t Transfer, err error) {
	switch {
	case len(e.Topics) == 3 && len(e.Data) == 32 && e.Topics[0] == Topic:
		t.Amount.SetBytes(e.Data)
	case len(e.Topics) == 4 && len(e.Data) == 0 && e.Topics[0] == Topic:
		t.Amount.SetOne()
	default:
		return t, fault.Newf(fault.Unsupported, "the token %s writes its transfers in a form that is neither that of ERC-20 nor of ERC-721 (transaction %s): upload a file of balances instead", e.Address, e.TxHash)
	}
	t.Time, t.From, t.To = e.BlockTimestamp, wallet.Address(e.Topics[1][12:]), wallet.Address(e.Topics[2][12:])
	return t, nil
}

// Options bound a Ledger.
type Options struct {
	// From is when averages begin, in seconds since 1970. 0: they begin in 1970, and are
	// of no use.
	From uint64
	// Most is how many accounts there may be; 0 = 20,000,000. Each takes about 150 bytes.
	Most int
}

const standardMost = 20_000_000

// Ledger has the balances of all accounts of a token. One goroutine uses it.
type Ledger struct {
	options  Options
	place    map[wallet.Address]int32
	wallets  []wallet.Address
	accounts []account

	last         uint64 // time of the latest transfer
	made, burned uint256.Int
}

type account struct {
	balance uint256.Int
	sum     uint256.Int // of balance × seconds, from Options.From to since
	since   uint64
}

// New returns a ledger of a token that nobody has yet.
func New(o Options) *Ledger {
	if o.Most == 0 {
		o.Most = standardMost
	}
	return &Ledger{options: o, place: make(map[wallet.Address]int32)}
}

// Add adds a transfer. Transfers come in the order of the chain. It fails with
// fault.Conflict when somebody sends what the events before did not bring, with
// fault.TooLarge over Options.Most, and with fault.Invalid for numbers no token has.
func (l *Ledger) Add(t Transfer) error {
	if t.Time < l.last {
		return fault.Newf(fault.Invalid, "the transfers are not in the order of the chain: one of second %d comes after one of %d; collect again, and change the node of the chain when it happens twice", t.Time, l.last)
	}
	l.last = t.Time
	if t.Amount.IsZero() { // anybody can send nothing from anybody: it makes no holder
		return nil
	}
	if t.From.IsZero() {
		if _, over := l.made.AddOverflow(&l.made, &t.Amount); over {
			return fault.New(fault.Invalid, "more than 2^256-1 units of the token were made: it counts in no usual way, so upload a file of balances instead")
		}
	} else {
		a, err := l.account(t.From)
		if err != nil {
			return err
		}
		if a.balance.Lt(&t.Amount) {
			return fault.Newf(fault.Conflict, "%s sends %s units and has %s by the Transfer events until then: the token changes balances without such events, as wrapped ether and rebasing tokens do; upload a file of balances instead",
				t.From, t.Amount.Dec(), a.balance.Dec())
		}
		if err := l.settle(a, t.Time); err != nil {
			return err
		}
		a.balance.Sub(&a.balance, &t.Amount)
	}
	if t.To.IsZero() {
		l.burned.Add(&l.burned, &t.Amount) // at most what was made
		return nil
	}
	a, err := l.account(t.To)
	if err != nil {
		return err
	}
	if err := l.settle(a, t.Time); err != nil {
		return err
	}
	a.balance.Add(&a.balance, &t.Amount) // at most what was made
	return nil
}

// account returns the account of a wallet; the pointer holds until the next call.
func (l *Ledger) account(w wallet.Address) (*account, error) {
	at, known := l.place[w]
	if !known {
		if len(l.accounts) >= l.options.Most {
			return nil, fault.Newf(fault.TooLarge, "more than %d accounts have held the token: upload a file of balances instead", l.options.Most)
		}
		at = int32(len(l.accounts))
		l.place[w] = at
		l.wallets = append(l.wallets, w)
		l.accounts = append(l.accounts, account{since: l.options.From})
	}
	return &l.accounts[at], nil
}

// settle adds what an account has held until now to its sum.
func (l *Ledger) settle(a *account, now uint64) error {
	if now <= a.since || l.options.From == 0 {
		return nil
	}
	seconds := uint256.NewInt(now - a.since)
	a.since = now
	if a.balance.IsZero() {
		return nil
	}
	if _, over := seconds.MulOverflow(seconds, &a.balance); over {
		return errWide()
	}
	if _, over := a.sum.AddOverflow(&a.sum, seconds); over {
		return errWide()
	}
	return nil
}

func errWide() error {
	return fault.New(fault.Unsupported, "balances of the token are so large that their sum over the time is more than 2^256-1: upload a file of averages instead")
}

// Supply returns what accounts have in all: what was made less what was burned. Of a
// contract that counts what was sent to the zero address as its supply, total is that.
func (l *Ledger) Supply() (left, total uint256.Int) {
	left.Sub(&l.made, &l.burned)
	return left, l.made
}

// Balances returns who has something, and how much in base units, in no order.
func (l *Ledger) Balances() (wallets []wallet.Address, balances []uint256.Int) {
	for i := range l.accounts {
		if a := &l.accounts[i]; !a.balance.IsZero() {
			wallets, balances = append(wallets, l.wallets[i]), append(balances, a.balance)
		}
	}
	return wallets, balances
}

// Averages returns what wallets have held on average from Options.From to a time after
// all transfers, in base units, rounded down; whose average is zero is left out. It
// fails with fault.Invalid when the time is not after Options.From, or before a transfer.
func (l *Ledger) Averages(to uint64) (wallets []wallet.Address, averages []uint256.Int, err error) {
	if to <= l.options.From || to < l.last || l.options.From == 0 {
		return nil, nil, fault.Newf(fault.Invalid, "averages are of a time that has passed: from second %d to %d, and the last transfer is of %d; name blocks whose time has passed", l.options.From, to, l.last)
	}
	seconds := uint256.NewInt(to - l.options.From)
	for i := range l.accounts {
		a := &l.accounts[i]
		if err := l.settle(a, to); err != nil {
			return nil, nil, err
		}
		var average uint256.Int
		if average.Div(&a.sum, seconds); !average.IsZero() {
			wallets, averages = append(wallets, l.wallets[i]), append(averages, average)
		}
	}
	return wallets, averages, nil
}
