package service

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// kind is how contracts of a kind say and do what they do.
type kind struct {
	events    []event // of which each is one claim
	byAccount bool    // the events name no row, but the account
	partial   bool    // a row may be paid by several claims
	alone     bool    // only the account itself can claim
	tokens    bool    // it pays several tokens: the events have the token as their third topic
}

// event is how a claim is told.
type event struct {
	signature string
	topic     common.Hash // its hash
	topics    int         // with the signature
	words     int         // of its data
	// Where the words are that are of interest: of the account, a topic, or where that is
	// 0, a word of the data.
	row, account, accountWord, amount int
}

// kinds are those of distributors. Whether an argument is indexed does not change the
// topic of an event, so events are told by topics and data, too.
var kinds = func() map[string]kind { //nolint:gochecknoglobals // a table of constants
	row := event{signature: "Claimed(uint256,address,uint256)", topics: 1, words: 3, row: 0, accountWord: 1, amount: 2}
	// Sablier's have (index, recipient indexed, amount), with a stream, which is indexed,
	// and since version 2 with (to, viaSig).
	sablier := []event{
		{signature: "Claim(uint256,address,uint128)", topics: 2, words: 2},
		{signature: "Claim(uint256,address,uint128,uint256)", topics: 3, words: 2},
		{signature: "ClaimInstant(uint256,address,uint128,address,bool)", topics: 2, words: 4},
		{signature: "ClaimLLWithTransfer(uint256,address,uint128,address,bool)", topics: 2, words: 4},
		{signature: "ClaimLTWithTransfer(uint256,address,uint128,address,bool)", topics: 2, words: 4},
		{signature: "ClaimLLWithVesting(uint256,address,uint128,uint256,address,bool)", topics: 3, words: 4},
		{signature: "ClaimLTWithVesting(uint256,address,uint128,uint256,address,bool)", topics: 3, words: 4},
	}
	for i := range sablier {
		sablier[i].account, sablier[i].amount = 1, 1
	}
	all := map[string]kind{
		airdrop.PlainKind:      {events: []event{row}},
		airdrop.VestingKind:    {events: []event{row}, partial: true},
		airdrop.CumulativeKind: {events: []event{{signature: "Claimed(address,uint256)", topics: 2, words: 1, account: 1}}, byAccount: true, partial: true},
		airdrop.ENSKind:        {events: []event{{signature: "Claim(address,uint256)", topics: 2, words: 1, account: 1}}, byAccount: true, alone: true},
		airdrop.SablierKind:    {events: sablier},
		airdrop.MerklKind:      {events: []event{{signature: "Claimed(address,address,uint256)", topics: 3, words: 1, account: 1}}, byAccount: true, partial: true, alone: true, tokens: true},
	}
	for _, k := range all {
		for i, e := range k.events {
			k.events[i].topic = crypto.Keccak256Hash([]byte(e.signature))
		}
	}
	return all
}()

// filter says which events are claims from a distributor.
func (k kind) filter(contract, token wallet.Address) chain.Filter {
	f := chain.Filter{Contract: contract, Topics: make([][]common.Hash, 1)}
	for _, e := range k.events {
		f.Topics[0] = append(f.Topics[0], e.topic)
	}
	if k.tokens {
		f.Topics = append(f.Topics, nil, []common.Hash{common.BytesToHash(token[:])})
	}
	return f
}

// kindOf is the kind of distributor that pays lists of a format; a contract that is
// asked may be of the kind vesting instead of plain. "": none is known.
func kindOf(format merkle.Format) string {
	switch format {
	case merkle.OZIndexed, merkle.Uniswap:
		return airdrop.PlainKind
	case merkle.Cumulative:
		return airdrop.CumulativeKind
	case merkle.ENS:
		return airdrop.ENSKind
	}
	if f := format.Spec(); !f.Positional && isMerkl(f.Leaf) {
		return airdrop.MerklKind
	}
	return ""
}

// isMerkl reports whether a leaf is keccak(abi.encode(user, token, amount)), as Merkl's
// contract hashes it. The shape of the tree above does not matter to a contract.
func isMerkl(l merkle.Leaf) bool {
	who, amount := l.Roles()
	return who == 0 && amount == 2 && !l.Packed && l.Hashes == 1 && slices.Equal(l.Types(), []string{"address", "address", "uint256"})
}

// merklToken is the value of a leaf of Merkl's that names the token.
const merklToken = 1

// claim reads an event. Others are refused: a contract that emits them is not the one
// that it seemed.
func (k kind) claim(e types.Log) (c storedClaim, ok bool) {
	at := slices.IndexFunc(k.events, func(is event) bool {
		return len(e.Topics) == is.topics && len(e.Data) == 32*is.words && e.Topics[0] == is.topic
	})
	if at < 0 {
		return c, false
	}
	is := k.events[at]
	word := func(n int) []byte { return e.Data[32*n : 32*(n+1)] }
	c = storedClaim{Block: int64(e.BlockNumber), Log: int64(e.Index), Row: -1, TX: e.TxHash[:], TimeMS: int64(e.BlockTimestamp) * 1000}
	if is.account > 0 {
		c.Account = wallet.Address(e.Topics[is.account][12:])
	} else {
		c.Account = wallet.Address(word(is.accountWord)[12:])
	}
	if !k.byAccount {
		index := new(uint256.Int).SetBytes(word(is.row))
		if !index.IsUint64() || index.Uint64() > math.MaxInt64 {
			return c, false
		}
		c.Row = int64(index.Uint64())
	}
	c.amount.SetBytes(word(is.amount))
	c.Amount = c.amount.Dec()
	return c, true
}

// functions are those of others' distributors with which a row is claimed.
const functions = `[
	{"type":"function","name":"claimTokens","inputs":[{"name":"amount","type":"uint256"},{"name":"delegate","type":"address"},{"name":"merkleProof","type":"bytes32[]"}]},
	{"type":"function","name":"claim","inputs":[{"name":"index","type":"uint256"},{"name":"recipient","type":"address"},{"name":"amount","type":"uint128"},{"name":"merkleProof","type":"bytes32[]"}]},
	{"type":"function","name":"claim","inputs":[{"name":"users","type":"address[]"},{"name":"tokens","type":"address[]"},{"name":"amounts","type":"uint256[]"},{"name":"proofs","type":"bytes32[][]"}]}
]`

// claimData is the call that claims a row of a distributor's list with this root.
func claimData(d airdrop.Distributor, root merkle.Hash, c airdrop.RowClaim) (string, error) {
	proof := make([][32]byte, len(c.Proof))
	for i, h := range c.Proof {
		proof[i] = h
	}
	var data []byte
	others, err := abi.JSON(strings.NewReader(functions))
	if err != nil {
		return "", fmt.Errorf("read the functions of others' distributors: %w", err)
	}
	switch d.Kind {
	case airdrop.CumulativeKind:
		var contract contracts.Contract
		if contract, err = contracts.Load(contracts.CumulativeDistributor); err == nil {
			data, err = contract.ABI.Pack("claim", common.Address(c.Wallet), c.Amount.ToBig(), [32]byte(root), proof)
		}
	case airdrop.ENSKind: // the votes of the tokens go to whom claims
		data, err = others.Pack("claimTokens", c.Amount.ToBig(), common.Address(c.Wallet), proof)
	case airdrop.SablierKind:
		data, err = others.Pack("claim", new(big.Int).SetUint64(c.Index), common.Address(c.Wallet), c.Amount.ToBig(), proof)
	case airdrop.MerklKind: // the amount is the total until now, and what was paid before is subtracted there
		data, err = others.Pack("claim0", []common.Address{common.Address(c.Wallet)}, []common.Address{common.Address(d.Token)}, []*big.Int{c.Amount.ToBig()}, [][][32]byte{proof})
	default: // of ours, whether it vests or not, and of Uniswap's
		var contract contracts.Contract
		if contract, err = contracts.Load(contracts.Distributor); err == nil {
			data, err = contract.ABI.Pack("claim", new(big.Int).SetUint64(c.Index), common.Address(c.Wallet), c.Amount.ToBig(), proof)
		}
	}
	if err != nil {
		return "", fmt.Errorf("encode a claim: %w", err)
	}
	return hexText(data), nil
}

// deployment is the code that deploys the distributor of a plan, with its arguments.
func deployment(c airdrop.Campaign, p airdrop.DistributorPlan) (contract contracts.Contract, code []byte, err error) {
	token, root, end, owner := common.Address(p.Token), [32]byte(*c.Root), big.NewInt(p.EndMS/1000), common.Address(p.Owner)
	name, arguments := contracts.Distributor, []any{token, root, end, owner}
	switch {
	case c.Format == merkle.Cumulative && p.Vesting == nil:
		name, arguments = contracts.CumulativeDistributor, []any{token, root, big.NewInt(p.DelayMS / 1000), end, owner}
	case c.Format == merkle.OZIndexed && p.Vesting != nil:
		name = contracts.VestingDistributor
		arguments = slices.Concat([]any{token, root}, []any{big.NewInt(p.Vesting.StartMS / 1000), big.NewInt(p.Vesting.CliffMS / 1000), big.NewInt(p.Vesting.DurationMS / 1000)}, []any{end, owner})
	case c.Format != merkle.OZIndexed:
		return contract, nil, fault.New(fault.Unsupported, "a distributor of Banyan pays lists of the format oz-indexed, at once or little by little, and in rounds of the format cumulative: create a campaign of such a format with this list")
	}
	if contract, err = contracts.Load(name); err != nil {
		return contract, nil, err
	}
	code, err = contract.Deployment(arguments...)
	return contract, code, err
}
