// Package contracts has the distributors that pay what a campaign promises, as the
// compiler made them from src/. They are compiled by `make contracts`, with the
// compiler and the libraries that package-lock.json pins, and the continuous
// integration compares.
//
//	distributor, err := contracts.Load(contracts.Distributor)
//	data, err := distributor.Deployment(token, root, end, owner)
package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// The contracts.
const (
	Distributor           = "Distributor"           // pays each row once
	VestingDistributor    = "VestingDistributor"    // pays each row little by little
	CumulativeDistributor = "CumulativeDistributor" // pays several rounds
)

//go:embed build/*.json
var compiled embed.FS

// Contract is a compiled contract.
type Contract struct {
	ABI  abi.ABI
	code []byte
}

// Load returns one of the contracts above.
func Load(name string) (Contract, error) {
	text, err := compiled.ReadFile("build/" + name + ".json")
	if err != nil {
		return Contract{}, fmt.Errorf("there is no contract %s: %w", name, err)
	}
	return Read(text)
}

// Read reads a contract as compile.mjs writes it.
func Read(text []byte) (Contract, error) {
	var written struct {
		ABI      abi.ABI       `json:"abi"`
		Bytecode hexutil.Bytes `json:"bytecode"`
	}
	if err := json.Unmarshal(text, &written); err != nil {
		return Contract{}, fmt.Errorf("read a compiled contract: %w", err)
	}
	return Contract{ABI: written.ABI, code: written.Bytecode}, nil
}

// Approve is the ABI of approve(address,uint256), which every ERC-20 token has.
func Approve() (abi.ABI, error) {
	return abi.JSON(strings.NewReader(`[{"type":"function","name":"approve","inputs":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"}],"outputs":[{"type":"bool"}]}]`))
}

// Deployment returns the data of the transaction that deploys the contract with the
// arguments of its constructor.
func (c Contract) Deployment(arguments ...any) ([]byte, error) {
	packed, err := c.ABI.Pack("", arguments...)
	if err != nil {
		return nil, fmt.Errorf("encode the arguments of a constructor: %w", err)
	}
	return append(append([]byte{}, c.code...), packed...), nil
}
