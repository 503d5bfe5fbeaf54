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
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// kind is how contracts of a kind say and do what they do.
type kind struct {
	event     string // its signature
	topics    int    // of the event, with the signature
	bytes     int    // of its data
	byAccount bool   // the event names no row, but the account
	partial   bool   // a row may be paid by several claims
}

// kinds are those of distributors. Whether an argument is indexed does not change the
// topic of an event, so events are told by topics and data, too.
var kinds = map[string]kind{ //nolint:gochecknoglobals // a table of constants
	airdrop.PlainKind:      {event: "Claimed(uint256,address,uint256)", topics: 1, bytes: 96},
	airdrop.VestingKind:    {event: "Claimed(uint256,address,uint256)", topics: 1, bytes: 96, partial: true},
	airdrop.CumulativeKind: {event: "Claimed(address,uint256)", topics: 2, bytes: 32, byAccount: true, partial: true},
	airdrop.ENSKind:        {event: "Claim(address,uint256)", topics: 2, bytes: 32, byAccount: true},
}

func (k kind) topic() common.Hash { return crypto.Keccak256Hash([]byte(k.event)) }

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
	return ""
}

// claim reads an event. Others are refused: a contract that emits them is not the one
// that it seemed.
func (k kind) claim(e types.Log) (c storedClaim, ok bool) {
	if len(e.Topics) != k.topics || len(e.Data) != k.bytes {
		return c, false
	}
	c = storedClaim{Block: int64(e.BlockNumber), Log: int64(e.Index), Row: -1, TX: e.TxHash[:], TimeMS: int64(e.BlockTimestamp) * 1000}
	if k.byAccount {
		c.Account = wallet.Address(e.Topics[1][12:])
	} else {
		index := new(uint256.Int).SetBytes(e.Data[:32])
		if !index.IsUint64() || index.Uint64() > math.MaxInt64 {
			return c, false
		}
		c.Row, c.Account = int64(index.Uint64()), wallet.Address(e.Data[44:64])
	}
	c.amount.SetBytes(e.Data[k.bytes-32:])
	c.Amount = c.amount.Dec()
	return c, true
}

// claimData is the call that claims a row of a list with this root.
func claimData(of string, root merkle.Hash, c airdrop.RowClaim) (string, error) {
	proof := make([][32]byte, len(c.Proof))
	for i, h := range c.Proof {
		proof[i] = h
	}
	var data []byte
	var err error
	switch of {
	case airdrop.CumulativeKind:
		var contract contracts.Contract
		if contract, err = contracts.Load(contracts.CumulativeDistributor); err == nil {
			data, err = contract.ABI.Pack("claim", common.Address(c.Wallet), c.Amount.ToBig(), [32]byte(root), proof)
		}
	case airdrop.ENSKind: // the votes of the tokens go to whom claims
		var ens abi.ABI
		ens, err = abi.JSON(strings.NewReader(`[{"type":"function","name":"claimTokens","inputs":[{"name":"amount","type":"uint256"},{"name":"delegate","type":"address"},{"name":"merkleProof","type":"bytes32[]"}]}]`))
		if err == nil {
			data, err = ens.Pack("claimTokens", c.Amount.ToBig(), common.Address(c.Wallet), proof)
		}
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
