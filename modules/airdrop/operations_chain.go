package airdrop

import (
	"context"

	"banyan/platform/seam"
)

var (
	planDistributor = seam.Read[DistributorPlan, PlannedDistributor](Contract, "planDistributor", "POST /campaigns/{id}/distributor/plan", seam.Operators,
		"The transactions that deploy and fund a campaign's distributor")
	followDistributor = seam.Write[DistributorToFollow, Distributor](Contract, "followDistributor", "PUT /campaigns/{id}/distributor", seam.Operators,
		"Make a contract the campaign's distributor, and read its claims")
	distributor = seam.Read[CampaignQuery, Distributor](Contract, "distributor", "GET /campaigns/{id}/distributor", seam.Public,
		"The contract that pays a campaign, and what was claimed from it", seam.AnyOrigin())
	claimCall = seam.Read[ClaimQuery, ClaimCall](Contract, "claimCall", "GET /campaigns/{id}/claims/{wallet}/call", seam.Public,
		"The transaction that claims for a wallet, and whether that was done", seam.AnyOrigin())
	claimElsewhere = seam.Read[ClaimElsewhereQuery, ClaimElsewhere](Contract, "claimElsewhere", "GET /campaigns/{id}/claims/{wallet}/to/{to}", seam.Public,
		"The transaction that claims for a wallet and pays another address, and what the wallet signs for it", seam.AnyOrigin())
	unclaimed = seam.Read[CampaignQuery, seam.Stream](Contract, "unclaimed", "GET /campaigns/{id}/unclaimed", seam.Operators,
		"The rows that nobody has claimed, as CSV")
	largestUnclaimed = seam.Read[CampaignQuery, UnclaimedRows](Contract, "largestUnclaimed", "GET /campaigns/{id}/unclaimed/largest", seam.Operators,
		"The largest rows that nobody has claimed")
)

// bindOnChain binds the operations of OnChain.
func bindOnChain(s OnChain) []seam.Binding {
	return []seam.Binding{
		planDistributor.To(s.PlanDistributor), followDistributor.To(s.FollowDistributor), distributor.To(s.Distributor),
		claimCall.To(s.ClaimCall), claimElsewhere.To(s.ClaimElsewhere), unclaimed.To(s.Unclaimed),
		largestUnclaimed.To(s.LargestUnclaimed),
	}
}

// PlanDistributor implements Service.
func (c Client) PlanDistributor(ctx context.Context, q DistributorPlan) (PlannedDistributor, error) {
	return planDistributor.Call(ctx, c.route, q)
}

// FollowDistributor implements Service.
func (c Client) FollowDistributor(ctx context.Context, q DistributorToFollow) (Distributor, error) {
	return followDistributor.Call(ctx, c.route, q)
}

// Distributor implements Service.
func (c Client) Distributor(ctx context.Context, q CampaignQuery) (Distributor, error) {
	return distributor.Call(ctx, c.route, q)
}

// ClaimCall implements Service.
func (c Client) ClaimCall(ctx context.Context, q ClaimQuery) (ClaimCall, error) {
	return claimCall.Call(ctx, c.route, q)
}

// ClaimElsewhere implements Service.
func (c Client) ClaimElsewhere(ctx context.Context, q ClaimElsewhereQuery) (ClaimElsewhere, error) {
	return claimElsewhere.Call(ctx, c.route, q)
}

// Unclaimed implements Service.
func (c Client) Unclaimed(ctx context.Context, q CampaignQuery) (seam.Stream, error) {
	return unclaimed.Call(ctx, c.route, q)
}

// LargestUnclaimed implements Service.
func (c Client) LargestUnclaimed(ctx context.Context, q CampaignQuery) (UnclaimedRows, error) {
	return largestUnclaimed.Call(ctx, c.route, q)
}
