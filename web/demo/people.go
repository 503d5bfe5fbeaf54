package demo

import (
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"banyan/platform/wallet"
)

// people are the community: wallets by number, the earlier the longer there.
type people struct {
	wallets []wallet.Address
	random  *rand.Rand
}

func newPeople(c *Community) *people {
	p := &people{wallets: make([]wallet.Address, Wallets), random: rand.New(rand.NewPCG(2026, 11))} //nolint:gosec // what people do is the same in every run
	var parts errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		parts.Go(func() error {
			for i := w; i < Wallets; i += workers {
				p.wallets[i] = c.address(i)
			}
			return nil
		})
	}
	_ = parts.Wait() // the parts cannot fail
	return p
}
