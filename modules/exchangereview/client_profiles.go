package exchangereview

import "context"

// PrepareClaim implements Service.
func (c Client) PrepareClaim(ctx context.Context, q ClaimDraft) (PreparedClaim, error) {
	return prepareClaim.Call(ctx, c.route, q)
}

// ClaimProfile implements Service.
func (c Client) ClaimProfile(ctx context.Context, q SignedClaim) (Claim, error) {
	return claimProfile.Call(ctx, c.route, q)
}

// EndClaim implements Service.
func (c Client) EndClaim(ctx context.Context, q ClaimEnd) (Claim, error) {
	return endClaim.Call(ctx, c.route, q)
}

// Claims implements Service.
func (c Client) Claims(ctx context.Context, q ClaimsQuery) (Claims, error) {
	return listClaims.Call(ctx, c.route, q)
}

// PrepareReply implements Service.
func (c Client) PrepareReply(ctx context.Context, q ReplyDraft) (PreparedReply, error) {
	return prepareReply.Call(ctx, c.route, q)
}

// PublishReply implements Service.
func (c Client) PublishReply(ctx context.Context, q SignedReply) (Reply, error) {
	return publishReply.Call(ctx, c.route, q)
}
