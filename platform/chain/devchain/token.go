//go:build devchain

package devchain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:embed DemoToken.json
var token []byte

// TokenDeployment returns the data of a transaction that deploys a token, of which
// 2^200 base units belong to its sender (DemoToken.sol).
func TokenDeployment(name, symbol string, decimals uint8) ([]byte, error) {
	var compiled struct {
		ABI      abi.ABI       `json:"abi"`
		Bytecode hexutil.Bytes `json:"bytecode"`
	}
	if err := json.Unmarshal(token, &compiled); err != nil {
		return nil, fmt.Errorf("read the compiled token: %w", err)
	}
	arguments, err := compiled.ABI.Pack("", name, symbol, decimals, new(big.Int).Lsh(big.NewInt(1), 200))
	if err != nil {
		return nil, fmt.Errorf("encode the arguments of the token: %w", err)
	}
	return append(compiled.Bytecode, arguments...), nil
}
