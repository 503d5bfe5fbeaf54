package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// deployer is the contract that deploys what it is called with, behind 32 bytes of
// salt, at an address that follows from both (EIP-7997; on most chains for years as
// the deterministic deployment proxy). So a Safe can deploy, which cannot by itself,
// and the address is known before.
var deployer = wallet.Address(params.DeterministicFactoryAddress)

// PlanDistributor implements Service.
func (s *service) PlanDistributor(ctx context.Context, p airdrop.DistributorPlan) (airdrop.PlannedDistributor, error) {
	var none airdrop.PlannedDistributor
	c, err := s.store.campaign(ctx, s.options.DB.Read(), p.ID)
	if err != nil {
		return none, err
	}
	if c.State != airdrop.Built {
		return none, errNotBuilt()
	}
	if c.Format != merkle.OZIndexed {
		return none, fault.New(fault.Unsupported, "a distributor of Banyan pays lists of the format oz-indexed: create a campaign of that format with this list")
	}
	if now := s.options.nowMS(); p.EndMS <= now {
		return none, fault.New(fault.Invalid, "the distributor cannot be planned: see the fields").With(fault.Field{Name: "end_ms", Message: "is in the future"})
	}
	notes, err := s.lookAtToken(ctx, c.Campaign, p)
	if err != nil {
		return none, err
	}
	contract, err := contracts.Load(contracts.Distributor)
	if err != nil {
		return none, err
	}
	code, err := contract.Deployment(common.Address(p.Token), [32]byte(*c.Root), big.NewInt(p.EndMS/1000), common.Address(p.Owner))
	if err != nil {
		return none, err
	}
	salt := crypto.Keccak256Hash([]byte(p.ID))
	at := crypto.CreateAddress2(common.Address(deployer), salt, crypto.Keccak256(code))
	token, err := contracts.Approve()
	if err != nil {
		return none, err
	}
	approve, err := token.Pack("approve", at, c.Total.ToBig())
	if err != nil {
		return none, fmt.Errorf("encode the approval of the tokens: %w", err)
	}
	fund, err := contract.ABI.Pack("fund", c.Total.ToBig())
	if err != nil {
		return none, fmt.Errorf("encode the funding: %w", err)
	}
	planned := airdrop.PlannedDistributor{Chain: p.Chain, Address: wallet.Address(at), Notes: notes, Calls: []airdrop.ContractCall{
		{Title: "Deploy the distributor at " + at.Hex(), To: deployer, Data: hexText(append(salt[:], code...))},
		{Title: "Let it take the tokens", To: p.Token, Data: hexText(approve)},
		{Title: "Have it take them", To: wallet.Address(at), Data: hexText(fund)},
	}}
	planned.Safe, err = safeBatch(c.Campaign, planned, s.options.nowMS())
	return planned, err
}

// lookAtToken asks the chain of a plan whether the token is what the campaign takes it
// for, so that a wrong chain or token is found before anything is paid. What may be meant
// so is a note.
func (s *service) lookAtToken(ctx context.Context, c airdrop.Campaign, p airdrop.DistributorPlan) (notes []string, err error) {
	if s.options.Chains == nil || !s.options.Chains.Knows(p.Chain) {
		return []string{fmt.Sprintf("the settings name no node of chain %d (chain.nodes), so the token was not looked at: compare its address, decimals and symbol yourself", p.Chain)}, nil
	}
	v, err := s.options.views(p.Chain)
	if err != nil {
		return nil, err
	}
	switch has, err := s.options.Chains.HasCode(ctx, p.Chain, deployer, nil); {
	case err != nil:
		return nil, unreachable(p.Chain, err)
	case !has:
		return nil, fault.Newf(fault.Unsupported, "chain %d has not the contract %s that deploys others, so the plan would deploy nothing: deploy that one first (EIP-7997), or choose another chain", p.Chain, deployer)
	}
	decimals, ok, err := v.decimals(ctx, p.Token)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Invalid, "the distributor cannot be planned: see the fields").With(
			fault.Field{Name: "token", Message: fmt.Sprintf("is no ERC-20 token on chain %d: nothing at %s says how many decimals it has; check the address and the chain", p.Chain, p.Token)})
	}
	if decimals != strconv.Itoa(c.Decimals) {
		return nil, fault.Newf(fault.Conflict, "the token %s has %s decimals, and the campaign %d: everybody would be paid another amount than was announced, so nothing was planned", p.Token, decimals, c.Decimals)
	}
	symbol, err := v.symbol(ctx, p.Token)
	if err == nil && !strings.EqualFold(symbol, c.Symbol) {
		notes = append(notes, fmt.Sprintf("the token calls itself %q, and the campaign names %q: make sure that it is the one", symbol, c.Symbol))
	}
	return notes, err
}

// symbol is how a token calls itself; "" when it does not say. Old tokens say it in 32
// bytes, others as text.
func (v views) symbol(ctx context.Context, token wallet.Address) (string, error) {
	out, err := v.chains.CallAt(ctx, v.chain, v.block, token, []byte{0x95, 0xd8, 0x9b, 0x41}) // symbol()
	switch {
	case errors.Is(err, chain.ErrReverted):
		return "", nil
	case err != nil:
		return "", unreachable(v.chain, err)
	}
	if len(out) >= 96 {
		n := new(uint256.Int).SetBytes(out[32:64])
		if !n.IsUint64() || n.Uint64() > uint64(len(out)-64) {
			return "", nil
		}
		out = out[64 : 64+n.Uint64()]
	}
	text := strings.TrimRight(string(out), "\x00")
	if len(text) > 64 || !utf8.ValidString(text) {
		return "", nil
	}
	return text, nil
}

func errNotBuilt() error {
	return fault.New(fault.Conflict, "the campaign has no root yet: build its tree first")
}

func hexText(data []byte) string { return "0x" + hex.EncodeToString(data) }

// safeBatch writes transactions as the Transaction Builder of Safe reads them:
// values are text, and data is set because methods with arrays of structs may fail.
func safeBatch(c airdrop.Campaign, p airdrop.PlannedDistributor, nowMS int64) (string, error) {
	type transaction struct {
		To     wallet.Address `json:"to"`
		Value  string         `json:"value"`
		Data   string         `json:"data"`
		Method *string        `json:"contractMethod"`
		Inputs *string        `json:"contractInputsValues"`
	}
	var batch struct {
		Version   string `json:"version"`
		ChainID   string `json:"chainId"`
		CreatedAt int64  `json:"createdAt"`
		Meta      struct {
			Name        string `json:"name"`
			Description string `json:"description"`
		} `json:"meta"`
		Transactions []transaction `json:"transactions"`
	}
	batch.Version, batch.ChainID, batch.CreatedAt = "1.0", fmt.Sprint(p.Chain), nowMS
	batch.Meta.Name = "Airdrop " + c.Name
	batch.Meta.Description = fmt.Sprintf("Deploys and funds the distributor %s with the root %s.", p.Address, c.Root)
	for _, call := range p.Calls {
		batch.Transactions = append(batch.Transactions, transaction{To: call.To, Value: "0", Data: call.Data})
	}
	text, err := json.MarshalIndent(batch, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the batch for Safe: %w", err)
	}
	return string(text), nil
}

// claimData is the call that claims a row, of ours and of Uniswap's distributor.
func claimData(contract abi.ABI, c airdrop.RowClaim) (string, error) {
	proof := make([][32]byte, len(c.Proof))
	for i, h := range c.Proof {
		proof[i] = h
	}
	data, err := contract.Pack("claim", new(big.Int).SetUint64(c.Index), common.Address(c.Wallet), c.Amount.ToBig(), proof)
	if err != nil {
		return "", fmt.Errorf("encode a claim: %w", err)
	}
	return hexText(data), nil
}
