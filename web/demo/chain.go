package demo

import (
	"context"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Chain is a chain of the demo's own, where the team behind the airdrops has tokens.
type Chain interface {
	Number() uint64
	// Team is the wallet that deploys and pays.
	Team() wallet.Address
	// Token deploys a token, of which all is the team's.
	Token(ctx context.Context, name, symbol string, decimals uint8) (wallet.Address, error)
	// Call sends a transaction of the team, and returns when it has succeeded.
	Call(ctx context.Context, to wallet.Address, data string) error
}

// open is how long the demo's claims are open.
const open = 30 * 24 * time.Hour

// publish pays a campaign on the chain, as an operator would: its plan is sent, and
// the contract is named.
func publish(ctx context.Context, s airdrop.Service, c *Community, campaign airdrop.Campaign) error {
	token, err := c.chain.Token(ctx, campaign.Name, campaign.Symbol, uint8(campaign.Decimals))
	if err != nil {
		return err
	}
	end := c.Now().Add(open).Truncate(time.Second)
	planned, err := s.PlanDistributor(ctx, airdrop.DistributorPlan{
		ID: campaign.ID, Chain: c.chain.Number(), Token: token, Owner: c.chain.Team(), EndMS: end.UnixMilli(),
	})
	if err != nil {
		return err
	}
	for _, call := range planned.Calls {
		if err := c.chain.Call(ctx, call.To, call.Data); err != nil {
			return fault.Wrap(err, fault.Internal, "the demo's airdrop cannot be published: "+call.Title)
		}
	}
	_, err = s.FollowDistributor(ctx, airdrop.DistributorToFollow{ID: campaign.ID, Chain: c.chain.Number(), Address: planned.Address})
	return err
}
