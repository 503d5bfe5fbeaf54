package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

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
	if now := s.options.nowMS(); p.EndMS <= now {
		return none, fault.New(fault.Invalid, "the distributor cannot be planned: see the fields").With(fault.Field{Name: "end_ms", Message: "is in the future"})
	}
	contract, code, err := deployment(c.Campaign, p)
	if err != nil {
		return none, err
	}
	notes, err := s.lookAtToken(ctx, c.Campaign, p)
	if err != nil {
		return none, err
	}
	planned := airdrop.PlannedDistributor{Chain: p.Chain, Address: p.Contract, Notes: notes}
	pays := c.Total
	if p.Contract.IsZero() {
		salt := crypto.Keccak256Hash([]byte(p.ID))
		planned.Address = wallet.Address(crypto.CreateAddress2(common.Address(deployer), salt, crypto.Keccak256(code)))
		planned.Calls = []airdrop.ContractCall{{Title: "Deploy the distributor at " + planned.Address.String(), To: deployer, Data: hexText(append(salt[:], code...))}}
	} else if pays, err = s.nextRound(ctx, c.Campaign, p); err != nil {
		return none, err
	}
	if err := addFunding(&planned, contract, p.Token, pays); err != nil {
		return none, err
	}
	if !p.Contract.IsZero() {
		root, err := contract.ABI.Pack("setMerkleRoot", [32]byte(*c.Root))
		if err != nil {
			return none, fmt.Errorf("encode the root: %w", err)
		}
		planned.Calls = append(planned.Calls, airdrop.ContractCall{Title: "Set the root of this round, from the contract's owner", To: p.Contract, Data: hexText(root)})
	}
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
		return nil, fault.Newf(fault.Conflict, "the token %s has %s decimals, and the campaign %d: everybody would be paid another amount than was announced, so nothing was planned. Compare the token, or create a campaign with its decimals", p.Token, decimals, c.Decimals)
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

// addFunding adds the calls that bring the tokens into the contract.
func addFunding(planned *airdrop.PlannedDistributor, contract contracts.Contract, token wallet.Address, amount uint256.Int) error {
	if amount.IsZero() {
		return nil
	}
	erc20, err := contracts.Approve()
	if err != nil {
		return err
	}
	approve, err := erc20.Pack("approve", common.Address(planned.Address), amount.ToBig())
	if err != nil {
		return fmt.Errorf("encode the approval of the tokens: %w", err)
	}
	fund, err := contract.ABI.Pack("fund", amount.ToBig())
	if err != nil {
		return fmt.Errorf("encode the funding: %w", err)
	}
	planned.Calls = append(planned.Calls,
		airdrop.ContractCall{Title: "Let it take the tokens", To: token, Data: hexText(approve)},
		airdrop.ContractCall{Title: "Have it take them", To: planned.Address, Data: hexText(fund)})
	return nil
}

// nextRound returns what a distributor needs more for the next round: its list has what
// accounts get in all rounds together, so what was paid and what is left counts.
func (s *service) nextRound(ctx context.Context, c airdrop.Campaign, p airdrop.DistributorPlan) (more uint256.Int, err error) {
	if c.Format != merkle.Cumulative {
		return more, fault.New(fault.Unsupported, "only lists of the format cumulative have rounds: plan a distributor of its own for this one")
	}
	before, err := s.store.distributorAt(ctx, p.Chain, p.Contract)
	if fault.Is(err, fault.NotFound) {
		return more, fault.Newf(fault.Conflict, "no campaign follows the distributor %s on chain %d, so nobody knows what it has paid: let the campaign of the round before follow it", p.Contract, p.Chain)
	}
	if err != nil {
		return more, err
	}
	switch {
	case before.State == airdrop.Reading:
		return more, fault.New(fault.Conflict, "the claims of the rounds before are still being read: try again in a minute")
	case before.Kind != airdrop.CumulativeKind || before.Token != p.Token:
		return more, fault.Newf(fault.Conflict, "the distributor %s pays the token %s and is of the kind %s: it has no next round of this token, so plan a new one", p.Contract, before.Token, before.Kind)
	}
	has, over := new(uint256.Int).AddOverflow(&before.Claimed, &before.Balance)
	if !over && has.Lt(&c.Total) {
		more.Sub(&c.Total, has)
	}
	return more, nil
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
