package rules

import (
	"github.com/holiman/uint256"

	"banyan/platform/wallet"
)

// NewTable returns a table of wallets in any order, for sources that are no file.
// columns are those of Table. It fails with fault.Invalid when a wallet is there
// twice.
func NewTable(s Source, wallets []wallet.Address, columns [][]uint256.Int) (*Table, error) {
	b := builder{source: s, wallets: wallets, columns: columns}
	return b.table()
}
