package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/periodic"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Reputation lets the people trust each other.
func Reputation() Part {
	return Part{
		Configure: func(c *Community) map[string]string {
			return map[string]string{"reputation.seeds": texts(c.SeedWallets())}
		},
		Fill: func(ctx context.Context, c *Community, route *seam.Route) (Made, error) {
			service := reputation.NewClient(route)
			edges, err := trust(ctx, service, c)
			return Made{
				What: fmt.Sprintf("%d trust edges", edges),
				Look: func(url string) string {
					return fmt.Sprintf("See why the demo wallet is trusted: %s/wallets/%s", url, c.Wallet())
				},
				Finish: func(ctx context.Context) error { return computeEpoch(ctx, service) }, // today's, with what was done since
			}, err
		},
	}
}

func computeEpoch(ctx context.Context, s reputation.Service) error {
	epoch, err := s.ComputeEpoch(ctx, reputation.EpochRequest{})
	for err == nil && epoch.Number == 0 { // it takes longer than one call may
		var now reputation.Computing
		if now, err = s.ComputingEpoch(ctx, reputation.ComputingQuery{}); err == nil {
			epoch.Number = now.Epoch
		}
		if now.Reason != "" {
			return fault.New(fault.Conflict, now.Reason)
		}
		if err == nil && epoch.Number == 0 {
			err = periodic.Sleep(ctx, time.Second)
		}
	}
	return err
}

func texts(wallets []wallet.Address) string {
	list := make([]string, len(wallets))
	for i, w := range wallets {
		list[i] = w.String()
	}
	return strings.Join(list, ",")
}

// trust states who trusts whom: people who came later trust mostly those who
// were there before them, the early ones most of all, and some trust back.
func trust(ctx context.Context, s reputation.Service, c *Community) (edges int, err error) {
	var csv strings.Builder
	csv.WriteString("source,target,weight\n")
	state := func(from, to int) {
		if from != to {
			fmt.Fprintf(&csv, "%s,%s,%d\n", c.wallets[from], c.wallets[to], 1+c.random.IntN(10))
			edges++
		}
	}
	seen := make(map[[2]int]bool)
	for person := 1; person < Wallets; person++ {
		for range 2 + c.random.IntN(7) {
			r := c.random.Float64()
			other := int(float64(person) * r * r) // towards the early ones
			for _, pair := range [][2]int{{person, other}, {other, person}} {
				if !seen[pair] && (pair[0] == person || c.random.IntN(4) == 0) {
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
	return edges, computeEpoch(ctx, s)
}
