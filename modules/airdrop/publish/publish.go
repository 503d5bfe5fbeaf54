// Package publish sends the transactions that deploy and fund a distributor, from a key
// file. What it sends is the batch that the page of a campaign writes for a Safe; before
// the first transaction it compares the batch with the chain.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Call is a transaction of a batch.
type Call struct {
	What string // for people
	To   wallet.Address
	Data []byte
}

// Batch is what is to be sent, as far as it is understood: nothing else is sent.
type Batch struct {
	Chain       uint64
	Token       wallet.Address
	Distributor wallet.Address
	Amount      *big.Int // base units
	Calls       []Call
}

const known = `[
	{"type":"function","name":"approve","inputs":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"}],"outputs":[{"type":"bool"}]},
	{"type":"function","name":"fund","inputs":[{"name":"amount","type":"uint256"}]},
	{"type":"function","name":"setMerkleRoot","inputs":[{"name":"root","type":"bytes32"}]},
	{"type":"function","name":"allowance","inputs":[{"name":"owner","type":"address"},{"name":"spender","type":"address"}],"outputs":[{"type":"uint256"}]},
	{"type":"function","name":"balanceOf","inputs":[{"name":"owner","type":"address"}],"outputs":[{"type":"uint256"}]},
	{"type":"function","name":"merkleRoot","inputs":[],"outputs":[{"type":"bytes32"}]},
	{"type":"function","name":"pendingRoot","inputs":[],"outputs":[{"type":"bytes32"}]},
	{"type":"function","name":"decimals","inputs":[],"outputs":[{"type":"uint8"}]},
	{"type":"function","name":"symbol","inputs":[],"outputs":[{"type":"string"}]}]`

func functions() abi.ABI {
	all, err := abi.JSON(strings.NewReader(known))
	if err != nil {
		panic(err) // it is a constant
	}
	return all
}

func wrong(format string, args ...any) error {
	return fault.Newf(fault.Invalid, "the batch is not one that publishes a distributor, so nothing was sent: "+format, args...)
}

// maxCalls bounds a batch: the page writes four at most.
const maxCalls = 8

// Read reads a file for Safe's Transaction Builder.
func Read(text []byte) (b Batch, err error) {
	var file struct {
		ChainID      string `json:"chainId"`
		Transactions []struct {
			To    wallet.Address `json:"to"`
			Value string         `json:"value"`
			Data  hexutil.Bytes  `json:"data"`
		} `json:"transactions"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return b, wrong("it is no JSON of Safe's Transaction Builder: %v", err)
	}
	if b.Chain, err = strconv.ParseUint(file.ChainID, 10, 64); err != nil || b.Chain == 0 {
		return b, wrong("chainId is not the number of a chain")
	}
	if n := len(file.Transactions); n == 0 || n > maxCalls {
		return b, wrong("it has %d transactions", n)
	}
	for i, t := range file.Transactions {
		if t.Value != "0" {
			return b, wrong("transaction %d sends the chain's own coin", i+1)
		}
		if err := b.add(t.To, t.Data); err != nil {
			return b, err
		}
	}
	if b.Distributor.IsZero() {
		return b, wrong("it has no distributor")
	}
	return b, nil
}

// add understands one transaction.
func (b *Batch) add(to wallet.Address, data []byte) error {
	all := functions()
	if to == wallet.Address(params.DeterministicFactoryAddress) && len(data) > 32 {
		if len(b.Calls) > 0 {
			return wrong("the deployment is not its first transaction")
		}
		b.Distributor = wallet.Address(crypto.CreateAddress2(params.DeterministicFactoryAddress, [32]byte(data[:32]), crypto.Keccak256(data[32:])))
		b.Calls = append(b.Calls, Call{What: "deploy", To: to, Data: data})
		return nil
	}
	if len(data) < 4 {
		return wrong("a transaction to %s calls nothing", to)
	}
	method, err := all.MethodById(data[:4])
	if err != nil {
		return wrong("a transaction to %s calls what publishing does not need", to)
	}
	inputs := method.Inputs
	values, err := inputs.Unpack(data[4:])
	if err != nil {
		return wrong("a transaction to %s has other arguments than %s", to, method.Sig)
	}
	switch method.Name {
	case "approve":
		spender, amount := wallet.Address(values[0].(common.Address)), values[1].(*big.Int)
		if b.Distributor.IsZero() { // the next round of one that is there
			b.Distributor = spender
		}
		if spender != b.Distributor || !b.Token.IsZero() || amount.Sign() == 0 {
			return wrong("it lets %s take tokens, and not the distributor %s alone", spender, b.Distributor)
		}
		b.Token, b.Amount = to, amount
	case "fund":
		if to != b.Distributor || b.Amount == nil || values[0].(*big.Int).Cmp(b.Amount) != 0 {
			return wrong("another amount is funded than is approved, or another contract")
		}
	case "setMerkleRoot":
		if b.Distributor.IsZero() {
			b.Distributor = to
		}
		if to != b.Distributor {
			return wrong("it sets the root of another contract than it funds")
		}
	default:
		return wrong("it calls %s", method.Sig)
	}
	b.Calls = append(b.Calls, Call{What: method.Name, To: to, Data: data})
	return nil
}

// Facts are what the chain says of a batch.
type Facts struct {
	From        wallet.Address `json:"from"`
	Chain       uint64         `json:"chain"`
	Distributor wallet.Address `json:"distributor"`
	Token       wallet.Address `json:"token,omitzero"`
	// Pays is the amount in tokens with their symbol and the chain, like "1000 BAN on
	// chain 1": what whoever publishes confirms.
	Pays string `json:"pays"`
	Has  string `json:"has"`  // tokens that the account has
	Left []Step `json:"left"` // transactions, with those that are done already
}

// Step is a transaction of a batch.
type Step struct {
	What  string `json:"what"`
	Done  bool   `json:"done"`
	TX    string `json:"tx,omitempty"`
	Block uint64 `json:"block,omitempty"`
}

// Publisher publishes one batch from one account.
type Publisher struct {
	batch  Batch
	chains *chain.Chains
	sender *chain.Sender
	all    abi.ABI
}

// New returns the publisher of a batch; it asks and sends nothing yet.
func New(b Batch, chains *chain.Chains, sender *chain.Sender) *Publisher {
	return &Publisher{batch: b, chains: chains, sender: sender, all: functions()}
}

// ask calls a view; ok is false when there is none.
func (p *Publisher) ask(ctx context.Context, at wallet.Address, name string, args ...any) (values []any, ok bool, err error) {
	data, err := p.all.Pack(name, args...)
	if err != nil {
		return nil, false, err
	}
	out, err := p.chains.Call(ctx, p.batch.Chain, at, data)
	if errors.Is(err, chain.ErrReverted) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fault.Wrap(err, fault.Unavailable, fmt.Sprintf("the node cannot be asked about chain %d, so nothing was sent: compare its address and its chain with the batch's", p.batch.Chain))
	}
	outputs := p.all.Methods[name].Outputs
	if values, err = outputs.Unpack(out); err != nil {
		return nil, false, nil //nolint:nilerr // it answers something else: it has no such view
	}
	return values, true, nil
}

// Look compares the batch with the chain. Fails with fault.Invalid for a token that is
// none, with fault.Conflict when the account cannot pay.
func (p *Publisher) Look(ctx context.Context) (f Facts, err error) {
	b := p.batch
	f = Facts{From: p.sender.From(), Chain: b.Chain, Distributor: b.Distributor, Token: b.Token, Pays: fmt.Sprintf("nothing on chain %d", b.Chain)}
	has := new(big.Int)
	if b.Amount != nil {
		decimals, ok, err := p.ask(ctx, b.Token, "decimals")
		if err != nil {
			return f, err
		}
		if !ok {
			return f, fault.Newf(fault.Invalid, "there is no ERC-20 token at %s on chain %d, so nothing was sent: make the plan again with the right token and chain", b.Token, b.Chain)
		}
		symbol := []any{"tokens of " + b.Token.String()}
		if said, ok, err := p.ask(ctx, b.Token, "symbol"); err != nil {
			return f, err
		} else if ok {
			symbol = said
		}
		held, ok, err := p.ask(ctx, b.Token, "balanceOf", common.Address(f.From))
		if err != nil {
			return f, err
		}
		if ok {
			has = held[0].(*big.Int)
		}
		f.Has = tokens(has, int(decimals[0].(uint8)))
		f.Pays = fmt.Sprintf("%s %s on chain %d", tokens(b.Amount, int(decimals[0].(uint8))), symbol[0], b.Chain)
	}
	funded := false
	for _, call := range b.Calls {
		done, err := p.done(ctx, call)
		if err != nil {
			return f, err
		}
		f.Left = append(f.Left, Step{What: call.What, Done: done})
		funded = funded || done && call.What == "fund"
	}
	if b.Amount != nil && !funded && has.Cmp(b.Amount) < 0 {
		return f, fault.Newf(fault.Conflict, "the account %s has %s and is to pay %s, so nothing was sent: send it the rest, or use the account that has the tokens", f.From, f.Has, f.Pays)
	}
	coins, err := p.sender.Coins(ctx)
	if err == nil && coins.Sign() == 0 {
		err = fault.Newf(fault.Conflict, "the account %s has nothing of the coin of chain %d to pay gas with, so nothing was sent: send it some, and publish again", f.From, b.Chain)
	}
	return f, err
}

// done reports whether a transaction has been sent before, so that a batch that stopped
// in the middle goes on.
func (p *Publisher) done(ctx context.Context, call Call) (bool, error) {
	b := p.batch
	switch call.What {
	case "deploy":
		return p.chains.HasCode(ctx, b.Chain, b.Distributor, nil)
	case "fund":
		held, ok, err := p.ask(ctx, b.Token, "balanceOf", common.Address(b.Distributor))
		fresh := b.Calls[0].What == "deploy" // what another round has left says nothing
		return fresh && ok && held[0].(*big.Int).Cmp(b.Amount) >= 0, err
	case "approve":
		allowed, ok, err := p.ask(ctx, b.Token, "allowance", common.Address(p.sender.From()), common.Address(b.Distributor))
		if err != nil || ok && allowed[0].(*big.Int).Cmp(b.Amount) >= 0 {
			return ok, err
		}
		return p.done(ctx, Call{What: "fund"})
	default:
		pending, ok, err := p.ask(ctx, b.Distributor, "pendingRoot")
		return ok && pending[0].([32]byte) == [32]byte(call.Data[4:36]), err
	}
}

// Send sends what is left, one after the other, and tells of each. confirmed must be
// what Look says that the batch pays.
func (p *Publisher) Send(ctx context.Context, confirmed string, tell func(Step)) error {
	f, err := p.Look(ctx)
	if err != nil {
		return err
	}
	if confirmed != f.Pays {
		return fault.Newf(fault.Conflict, "the batch pays %q, and %q was confirmed, so nothing was sent: compare the token, its decimals and the chain", f.Pays, confirmed)
	}
	for i, call := range p.batch.Calls {
		if f.Left[i].Done {
			tell(f.Left[i])
			continue
		}
		sent, err := p.sender.Send(ctx, call.To, call.Data)
		if err != nil {
			return fmt.Errorf("%s %s: %w", call.What, call.To, err)
		}
		tell(Step{What: call.What, Done: true, TX: sent.Hash.Hex(), Block: sent.Block})
	}
	return nil
}

// tokens writes base units in tokens.
func tokens(amount *big.Int, decimals int) string {
	digits := amount.String()
	digits = strings.Repeat("0", max(0, decimals+1-len(digits))) + digits
	whole, rest := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if rest != "" {
		rest = "." + rest
	}
	return whole + rest
}
