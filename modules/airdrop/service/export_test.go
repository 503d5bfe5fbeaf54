package service

import (
	"github.com/ethereum/go-ethereum/core/types"

	"banyan/platform/wallet"
)

// ReadClaim reads an event of a kind of distributor.
func ReadClaim(of string, e types.Log) (row int64, account wallet.Address, amount string, ok bool) {
	c, ok := kinds[of].claim(e)
	return c.Row, c.Account, c.Amount, ok
}

// Topic is what the event of a kind is found by.
func Topic(of string) string { return kinds[of].topic().Hex() }
