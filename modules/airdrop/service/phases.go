package service

import (
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
)

// onChain are the phases that a chain shows, in their order.
var onChain = [...]string{airdrop.Funded, airdrop.Opened, airdrop.Finished, airdrop.Swept}

// seen is what a chain shows of a distributor after a block.
type seen struct {
	block                   chain.Block // without a hash when no block was read
	total, claimed, balance uint256.Int
	endMS                   int64 // 0 = it has no end
	waits                   bool  // the root does not hold yet
}

// reached returns the phases that are reached now, in their order, of those that were
// not before. What was missed is not made up: a distributor that is followed after its end
// has ended, and nobody has seen whether it was funded.
func (s seen) reached(before func(phase string) bool) (phases []string) {
	var left uint256.Int
	if s.claimed.Lt(&s.total) {
		left.Sub(&s.total, &s.claimed)
	}
	over := s.endMS > 0 && int64(s.block.Time)*1000 >= s.endMS
	funded := before(airdrop.Funded)
	add := func(phase string, is bool) {
		if is && !before(phase) {
			phases = append(phases, phase)
		}
	}
	if !over && !s.balance.Lt(&left) {
		add(airdrop.Funded, true)
		funded = true
	}
	add(airdrop.Opened, !over && funded && !s.waits)
	add(airdrop.Finished, over)
	add(airdrop.Swept, over && s.balance.IsZero())
	return phases
}

// furthest is the last of the phases that were reached; "" for none.
func furthest(reached func(phase string) bool) (phase string) {
	for _, p := range onChain {
		if reached(p) {
			phase = p
		}
	}
	return phase
}
