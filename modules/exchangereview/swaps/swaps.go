// Package swaps finds swaps of a wallet among the events of a transaction, and asks
// the factories of an exchange whether the pool is theirs. A pool that says so itself
// is not believed: anybody can deploy a contract that names a factory.
//
// The events are the public ones of the automated market makers that many exchanges
// share; the pools of some are found by a question to their factory, and of all others
// the contract that logs must be listed itself, as a vault or a pool manager is.
package swaps

import (
	"context"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/sha3"

	"banyan/platform/wallet"
)

// Event is what a contract logged.
type Event struct {
	Contract wallet.Address
	Topics   [][32]byte
	Data     []byte
}

// Ask calls a function of a contract, which changes nothing. answered is false when
// the contract refuses, or has no such function.
type Ask func(ctx context.Context, contract wallet.Address, data []byte) (out []byte, answered bool, err error)

// The limits of one search, which bound the questions that one transaction can cause.
const (
	maxPools     = 8 // contracts that log swaps of the wallet
	maxFactories = 8
)

// question is a function of a factory that returns the pool of two tokens, with one
// more property of the pool if it needs one.
type question struct {
	function string
	property string // a function of the pool, "" = none
}

// kinds are the events of swaps, by their signatures.
var kinds = []struct {
	event string
	pools []question
}{
	// Uniswap v2 and what was made of it; with a property: of Solidly.
	{"Swap(address,uint256,uint256,uint256,uint256,address)", []question{{"getPair(address,address)", ""}, {"getPair(address,address,bool)", "stable()"}}},
	{"Swap(address,address,uint256,uint256,uint256,uint256)", []question{{"getPool(address,address,bool)", "stable()"}, {"getPair(address,address,bool)", "stable()"}, {"getPair(address,address)", ""}}},
	// Uniswap v3, Slipstream, Algebra; PancakeSwap v3; Algebra Integral.
	{"Swap(address,address,int256,int256,uint160,uint128,int24)", []question{{"getPool(address,address,uint24)", "fee()"}, {"getPool(address,address,int24)", "tickSpacing()"}, {"poolByPair(address,address)", ""}}},
	{"Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)", []question{{"getPool(address,address,uint24)", "fee()"}}},
	{"Swap(address,address,int256,int256,uint160,uint128,int24,uint24,uint24)", []question{{"poolByPair(address,address)", ""}}},
	// Smardex.
	{"Swap(address,address,int256,int256)", []question{{"getPair(address,address)", ""}}},
	// Pool managers, vaults, and pools that no common function finds: they are listed.
	{"Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)", nil},        // Uniswap v4
	{"Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24,uint16)", nil}, // PancakeSwap Infinity
	{"Swap(bytes32,address,int128,int128,uint24,uint24,uint16)", nil},                // its bins
	{"Swap(bytes32,address,address,uint256,uint256)", nil},                           // Balancer v2
	{"TokenExchange(address,int128,uint256,int128,uint256)", nil},                    // Curve
	{"TokenExchange(address,uint256,uint256,uint256,uint256)", nil},
	{"TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)", nil},
	{"Swap(address,address,uint24,bytes32,bytes32,uint24,bytes32,bytes32)", nil}, // LFJ
	{"Swap(address,address,address,uint256,uint256)", nil},
	{"Swap(address,address,address,uint256,uint256,address)", nil},
	{"Swap(address,address,address,uint256,uint256,uint256,uint256,uint256)", nil},
	{"SwapERC20(uint256,address,address,uint256,uint256,address,address,uint256)", nil}, // AirSwap
}

func keccak(text string) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	_, _ = h.Write([]byte(text)) // a hash never fails
	h.Sum(sum[:0])
	return sum
}

// kindOf returns the place of an event in kinds, -1 for one that is no swap.
func kindOf(topic [32]byte) int {
	for i := range kinds {
		if keccak(kinds[i].event) == topic {
			return i
		}
	}
	return -1
}

// Find returns the contract in which the wallet swapped: it is listed, or the pool of
// a listed factory. sent says that the wallet itself sent the transaction; otherwise
// it must be the sender or the recipient that the event names. found is false when
// there is no such event; the error is Ask's.
func Find(ctx context.Context, ask Ask, of wallet.Address, sent bool, events []Event, listed []wallet.Address) (pool wallet.Address, found bool, err error) {
	var tried []wallet.Address
	for _, e := range events {
		if len(e.Topics) == 0 {
			continue
		}
		kind := kindOf(e.Topics[0])
		if kind < 0 || slices.Contains(tried, e.Contract) || !sent && !names(e.Topics[1:], of) {
			continue
		}
		if slices.Contains(listed, e.Contract) {
			return e.Contract, true, nil
		}
		if tried = append(tried, e.Contract); len(tried) > maxPools {
			return pool, false, nil
		}
		if len(kinds[kind].pools) == 0 {
			continue
		}
		is, err := isPool(ctx, ask, e.Contract, kinds[kind].pools, listed)
		if err != nil || is {
			return e.Contract, is, err
		}
	}
	return pool, false, nil
}

// names reports whether one of the topics is the wallet.
func names(topics [][32]byte, of wallet.Address) bool {
	return slices.Contains(topics, word(of))
}

func word(a wallet.Address) (w [32]byte) {
	copy(w[32-len(a):], a[:])
	return w
}

// isPool asks factories whether a contract is their pool.
func isPool(ctx context.Context, ask Ask, pool wallet.Address, questions []question, factories []wallet.Address) (bool, error) {
	value := func(function string) (w [32]byte, is bool, err error) {
		selector := keccak(function)
		out, answered, err := ask(ctx, pool, selector[:4])
		if err != nil || !answered || len(out) != len(w) {
			return w, false, err
		}
		return [32]byte(out), true, nil
	}
	token0, is, err := value("token0()")
	if err != nil || !is {
		return false, err
	}
	token1, is, err := value("token1()")
	if err != nil || !is {
		return false, err
	}
	for _, q := range questions {
		selector := keccak(q.function)
		data := slices.Concat(selector[:4], token0[:], token1[:])
		if q.property != "" {
			property, is, err := value(q.property)
			if err != nil {
				return false, err
			}
			if !is {
				continue
			}
			data = append(data, property[:]...)
		}
		for _, factory := range factories[:min(len(factories), maxFactories)] {
			out, answered, err := ask(ctx, factory, data)
			if err != nil {
				return false, err
			}
			if answered && len(out) == 32 && [32]byte(out) == word(pool) {
				return true, nil
			}
		}
	}
	return false, nil
}

// transfer is the event of ERC-20 with which tokens are paid.
const transfer = "Transfer(address,address,uint256)"

// Paid returns which of the wallets of an exchange paid the wallet: an event Transfer
// of a token from one to the other, of more than nothing. Any contract can log that, so
// the transaction must be one that the exchange has sent.
func Paid(events []Event, to wallet.Address, from []wallet.Address) (by wallet.Address, found bool) {
	topic := keccak(transfer)
	for _, e := range events {
		if len(e.Topics) != 3 || e.Topics[0] != topic || e.Topics[2] != word(to) || isZero(e.Data) {
			continue
		}
		for _, f := range from {
			if e.Topics[1] == word(f) {
				return f, true
			}
		}
	}
	return by, false
}

// isZero reports whether an amount is nothing, or no amount.
func isZero(amount []byte) bool {
	if len(amount) != 32 {
		return true
	}
	for i := 0; i < len(amount); i += 8 {
		if binary.BigEndian.Uint64(amount[i:]) != 0 {
			return false
		}
	}
	return true
}
