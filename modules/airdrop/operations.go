package airdrop

import (
	"context"
	"slices"

	"banyan/platform/seam"
)

// Contract lists the module's operations; paths are below /api/v1/airdrop.
var Contract = seam.NewContract(Name, 1, "Who gets what, with a proof for everybody.")

var (
	createCampaign = seam.Write[CampaignDraft, Campaign](Contract, "createCampaign", "POST /campaigns", seam.Operators,
		"Begin a campaign", seam.Idempotent())
	uploadList = seam.Write[ListUpload, Campaign](Contract, "uploadList", "PUT /campaigns/{id}/list", seam.Operators,
		"Set the list of wallets and amounts from a CSV stream", seam.Idempotent())
	buildTree = seam.Write[BuildRequest, Campaign](Contract, "buildTree", "POST /campaigns/{id}/build", seam.Operators,
		"Compute the Merkle tree and its root", seam.Idempotent())
	campaigns = seam.Read[CampaignsQuery, CampaignPage](Contract, "campaigns", "GET /campaigns", seam.Public,
		"Campaigns, newest first", seam.AnyOrigin(), seam.Cached(func(*CampaignPage) bool { return false }))
	campaign = seam.Read[CampaignQuery, Campaign](Contract, "campaign", "GET /campaigns/{id}", seam.Public,
		"One campaign", seam.AnyOrigin(), seam.Cached(func(c *Campaign) bool { return c.State == Built && c.Phase == "" }))
	claim = seam.Read[ClaimQuery, Claim](Contract, "claim", "GET /campaigns/{id}/claims/{wallet}", seam.Public,
		"What a wallet may claim, with its proof", seam.AnyOrigin(), seam.Cached(func(*Claim) bool { return true }))
	multiproof = seam.Read[MultiproofQuery, Multiproof](Contract, "multiproof", "POST /campaigns/{id}/multiproof", seam.Public,
		"One proof of several wallets, for OpenZeppelin's multiProofVerify")
	checkProof = seam.Read[ProofCheck, CheckedProofs](Contract, "checkProof", "POST /proofs/check", seam.Public,
		"Say whether a proof leads to a root, and if not, with which leaf or tree it would", seam.Expensive())
	verifyWallets = seam.Read[WalletsUpload, seam.Stream](Contract, "verifyWallets", "POST /campaigns/{id}/verify", seam.Public,
		"Check a stream of wallets; the answer is a JSON line for each", seam.Expensive())
)

// Bind binds every operation to s.
func Bind(s Service) *seam.Local {
	return Contract.Bind(append(slices.Concat(bindOnChain(s), bindCourses(s), bindDrafts(s), bindSuspects(s)),
		createCampaign.To(s.CreateCampaign),
		uploadList.To(s.UploadList),
		buildTree.To(s.BuildTree),
		campaigns.To(s.Campaigns),
		campaign.To(s.Campaign),
		claim.To(s.Claim),
		multiproof.To(s.Multiproof),
		checkProof.To(s.CheckProof),
		verifyWallets.To(s.VerifyWallets),
	)...)
}

// Client is the Service as the rest of the program sees it: every call takes
// the module's route.
type Client struct{ route *seam.Route }

var _ Service = Client{}

// NewClient returns a Client that calls through route.
func NewClient(route *seam.Route) Client { return Client{route} }

// CreateCampaign implements Service.
func (c Client) CreateCampaign(ctx context.Context, q CampaignDraft) (Campaign, error) {
	return createCampaign.Call(ctx, c.route, q)
}

// UploadList implements Service.
func (c Client) UploadList(ctx context.Context, q ListUpload) (Campaign, error) {
	return uploadList.Call(ctx, c.route, q)
}

// BuildTree implements Service.
func (c Client) BuildTree(ctx context.Context, q BuildRequest) (Campaign, error) {
	return buildTree.Call(ctx, c.route, q)
}

// Campaigns implements Service.
func (c Client) Campaigns(ctx context.Context, q CampaignsQuery) (CampaignPage, error) {
	return campaigns.Call(ctx, c.route, q)
}

// Campaign implements Service.
func (c Client) Campaign(ctx context.Context, q CampaignQuery) (Campaign, error) {
	return campaign.Call(ctx, c.route, q)
}

// Claim implements Service.
func (c Client) Claim(ctx context.Context, q ClaimQuery) (Claim, error) {
	return claim.Call(ctx, c.route, q)
}

// Multiproof implements Service.
func (c Client) Multiproof(ctx context.Context, q MultiproofQuery) (Multiproof, error) {
	return multiproof.Call(ctx, c.route, q)
}

// CheckProof implements Service.
func (c Client) CheckProof(ctx context.Context, q ProofCheck) (CheckedProofs, error) {
	return checkProof.Call(ctx, c.route, q)
}

// VerifyWallets implements Service.
func (c Client) VerifyWallets(ctx context.Context, q WalletsUpload) (seam.Stream, error) {
	return verifyWallets.Call(ctx, c.route, q)
}
