package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"banyan/modules/reputation"
	"banyan/platform/wallet"
)

// people are the community: wallets by number, the earlier the longer there.
type people struct {
	*Community
	wallets []wallet.Address
	random  *rand.Rand
}

func newPeople(c *Community) *people {
	p := &people{Community: c, wallets: make([]wallet.Address, Wallets), random: rand.New(rand.NewPCG(2026, 11))} //nolint:gosec // what people do is the same in every run
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

// trust states who trusts whom: people who came later trust mostly those who
// were there before them, the early ones most of all, and some trust back.
func trust(ctx context.Context, s reputation.Service, p *people) (edges int, err error) {
	var csv strings.Builder
	csv.WriteString("source,target,weight\n")
	state := func(from, to int) {
		if from != to {
			fmt.Fprintf(&csv, "%s,%s,%d\n", p.wallets[from], p.wallets[to], 1+p.random.IntN(10))
			edges++
		}
	}
	seen := make(map[[2]int]bool)
	for person := 1; person < Wallets; person++ {
		for range 2 + p.random.IntN(7) {
			r := p.random.Float64()
			other := int(float64(person) * r * r) // towards the early ones
			for _, pair := range [][2]int{{person, other}, {other, person}} {
				if !seen[pair] && (pair[0] == person || p.random.IntN(4) == 0) {
					seen[pair] = true
					state(pair[0], pair[1])
				}
			}
		}
	}
	for i := range Seeds {
		state(i, (i+1)%Seeds)
		state(i, demoPerson+i*3)
	}
	if _, err := s.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader(csv.String())}); err != nil {
		return 0, err
	}
	_, err = s.ComputeEpoch(ctx, reputation.EpochRequest{})
	return edges, err
}
