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

// Topics are what the events of a kind are found by.
func Topics(of string) (topics []string) {
	for _, e := range kinds[of].events {
		topics = append(topics, e.topic.Hex())
	}
	return topics
}
