package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
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
	planned := airdrop.PlannedDistributor{Chain: p.Chain, Address: wallet.Address(at), Calls: []airdrop.ContractCall{
		{Title: "Deploy the distributor at " + at.Hex(), To: deployer, Data: hexText(append(salt[:], code...))},
		{Title: "Let it take the tokens", To: p.Token, Data: hexText(approve)},
		{Title: "Have it take them", To: wallet.Address(at), Data: hexText(fund)},
	}}
	planned.Safe, err = safeBatch(c.Campaign, planned, s.options.nowMS())
	return planned, err
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
