package exchangereview

import (
	"context"
	"slices"

	"banyan/platform/progress"
	"banyan/platform/seam"
)

// Contract lists the module's operations; paths are below
// /api/v1/exchange-review.
var Contract = seam.NewContract(Name, 2, "Exchanges, and what people who sign their word say of them.")

var (
	importExchanges = seam.Write[ExchangeUpload, ExchangesImported](Contract, "importExchanges", "POST /exchanges/import", seam.Operators,
		"Add or update exchanges from a JSON array")
	importWork = seam.Read[ImportWorkQuery, progress.Work](Contract, "importWork", "GET /exchanges/import/work", seam.Operators,
		"How far an import of exchanges is", seam.Ignore("stage"), seam.Ignore("done"), seam.Ignore("total")) // only one process does it
	exchanges = seam.Read[ExchangesQuery, ExchangePage](Contract, "exchanges", "GET /exchanges", seam.Public,
		"Find exchanges")
	facets = seam.Read[FacetsQuery, Facets](Contract, "facets", "GET /facets", seam.Public,
		"What exchanges can be filtered by")
	exchange = seam.Read[ExchangeQuery, Exchange](Contract, "exchange", "GET /exchanges/{slug}", seam.Public,
		"One exchange and its rating")
	reviews = seam.Read[ReviewsQuery, ReviewPage](Contract, "reviews", "GET /exchanges/{slug}/reviews", seam.Public,
		"An exchange's reviews")
	breakdown = seam.Read[BreakdownQuery, Breakdown](Contract, "breakdown", "GET /exchanges/{slug}/breakdown", seam.Public,
		"Where an exchange's rating comes from")
	reviewsOf = seam.Read[ReviewsOfQuery, ReviewPage](Contract, "reviewsOf", "GET /wallets/{wallet}/reviews", seam.Public,
		"A wallet's reviews, newest first")
	allReviews = seam.Read[AllReviewsQuery, ReviewPage](Contract, "allReviews", "GET /reviews", seam.Public,
		"The reviews of all exchanges, newest first")
	history = seam.Read[HistoryQuery, ReviewHistory](Contract, "history", "GET /exchanges/{slug}/reviews/{wallet}", seam.Public,
		"All versions of one review")
	prepareReview = seam.Read[ReviewDraft, PreparedReview](Contract, "prepareReview", "POST /exchanges/{slug}/reviews/prepare", seam.Public,
		"Make a draft ready to be signed in the wallet",
		seam.Ignore("review.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	publishReview = seam.Write[SignedReview, Review](Contract, "publishReview", "POST /exchanges/{slug}/reviews", seam.Public,
		"Publish a signed review; its signature is the permission", seam.Idempotent())
	prepareWithdrawal = seam.Read[WithdrawalDraft, PreparedWithdrawal](Contract, "prepareWithdrawal", "POST /exchanges/{slug}/reviews/withdrawal/prepare", seam.Public,
		"Make the withdrawal of a review ready to be signed in the wallet",
		seam.Ignore("withdrawal.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	withdrawReview = seam.Write[SignedWithdrawal, Review](Contract, "withdrawReview", "POST /exchanges/{slug}/reviews/withdrawal", seam.Public,
		"Take a review back; its signature is the permission", seam.Idempotent())
	voteOnReview = seam.Write[Vote, Helpfulness](Contract, "voteOnReview", "POST /exchanges/{slug}/reviews/{wallet}/votes", seam.SignedIn,
		"Say whether a review helped")
	closeEpoch = seam.Write[EpochRequest, Epoch](Contract, "closeEpoch", "POST /epochs", seam.Operators,
		"Compute a ranking that anybody can verify", seam.Expensive())
	rankingEpochs = seam.Read[EpochsQuery, EpochPage](Contract, "rankingEpochs", "GET /epochs", seam.Public,
		"The rankings that can be verified, newest first")
	exportEpoch = seam.Read[EpochQuery, seam.Stream](Contract, "exportEpoch", "GET /epochs/{number}/export", seam.Public,
		"Everything that a ranking was computed from, as tar.zst", seam.Expensive())
	proveReview = seam.Read[ReviewProofQuery, ReviewProof](Contract, "proveReview", "GET /epochs/{number}/proofs/{slug}/{wallet}", seam.Public,
		"Prove that a review counts, and with what weight", seam.Expensive())
	places = seam.Read[PlacesQuery, Places](Contract, "places", "GET /exchanges/{slug}/places", seam.Public,
		"Where an exchange stood in earlier rankings")
	reportReview = seam.Write[Report, Reported](Contract, "reportReview", "POST /exchanges/{slug}/reviews/{wallet}/reports", seam.SignedIn,
		"Ask moderators to look at a review")
	appealRemoval = seam.Write[Appeal, Reported](Contract, "appealRemoval", "POST /exchanges/{slug}/reviews/{wallet}/appeals", seam.SignedIn,
		"Ask moderators to look at one's own review again")
	moderationQueue = seam.Read[QueueQuery, Queue](Contract, "moderationQueue", "GET /moderation/queue", seam.Moderators,
		"What waits for a decision, oldest first")
	moderate = seam.Write[Decision, Decided](Contract, "moderate", "POST /moderation/decisions", seam.Moderators,
		"Decide about a review or a wallet, with a public reason")
	listBursts = seam.Read[BurstsQuery, BurstPage](Contract, "bursts", "GET /bursts", seam.Public,
		"Days of unusually many reviews, newest first")
	moderationLog = seam.Read[LogQuery, ModerationLog](Contract, "moderationLog", "GET /moderation/log", seam.Public,
		"What moderators decided, and why, newest first")
	prepareClaim = seam.Read[ClaimDraft, PreparedClaim](Contract, "prepareClaim", "POST /exchanges/{slug}/claims/prepare", seam.Public,
		"Make the claim of a profile ready to be signed in the exchange's wallet",
		seam.Ignore("claim.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	claimProfile = seam.Write[SignedClaim, Claim](Contract, "claimProfile", "POST /exchanges/{slug}/claims", seam.Public,
		"Claim the profile of an exchange, or give it back; its signature is the permission", seam.Idempotent())
	endClaim = seam.Write[ClaimEnd, Claim](Contract, "endClaim", "POST /exchanges/{slug}/claims/end", seam.Operators,
		"End the claim of a profile, with a public reason")
	listClaims = seam.Read[ClaimsQuery, Claims](Contract, "claims", "GET /exchanges/{slug}/claims", seam.Public,
		"Who claimed the profile of an exchange, the latest first")
	prepareReply = seam.Read[ReplyDraft, PreparedReply](Contract, "prepareReply", "POST /exchanges/{slug}/reviews/{wallet}/reply/prepare", seam.Public,
		"Make the exchange's answer to a review ready to be signed",
		seam.Ignore("reply.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	publishReply = seam.Write[SignedReply, Reply](Contract, "publishReply", "POST /exchanges/{slug}/reviews/{wallet}/reply", seam.Public,
		"Publish the exchange's answer to a review; its signature is the permission", seam.Idempotent())
	proveUse = seam.Write[Transaction, Review](Contract, "proveUse", "POST /exchanges/{slug}/proofs", seam.SignedIn,
		"Show by a transaction that the caller used the exchange")
	recheckProof = seam.Write[ProofQuery, Review](Contract, "recheckProof", "POST /exchanges/{slug}/reviews/{wallet}/proof/recheck", seam.SignedIn,
		"Look at a proof of use again, and drop it when it shows nothing any more")
	prepareAttestation = seam.Read[AttestationDraft, PreparedAttestation](Contract, "prepareAttestation", "POST /exchanges/{slug}/reviews/{wallet}/attestation/prepare", seam.Public,
		"Make the exchange's word that a reviewer is its customer ready to be signed",
		seam.Ignore("attestation.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	attestUse = seam.Write[SignedAttestation, Review](Contract, "attestUse", "POST /exchanges/{slug}/reviews/{wallet}/attestation", seam.Public,
		"Say as the exchange that a reviewer is its customer; its signature is the permission")
)

// Bind binds every operation to s.
func Bind(s Service) *seam.Local {
	return Contract.Bind(append(slices.Concat(bindOverview(s), bindAppeals(s), bindPortable(s), bindMutes(s), bindEAS(s)),
		importExchanges.To(s.ImportExchanges),
		importWork.To(s.ImportWork),
		exchanges.To(s.Exchanges),
		facets.To(s.Facets),
		exchange.To(s.Exchange),
		reviews.To(s.Reviews),
		reviewsOf.To(s.ReviewsOf),
		allReviews.To(s.AllReviews),
		history.To(s.History),
		prepareReview.To(s.PrepareReview),
		publishReview.To(s.PublishReview),
		breakdown.To(s.Breakdown),
		prepareWithdrawal.To(s.PrepareWithdrawal),
		withdrawReview.To(s.WithdrawReview),
		voteOnReview.To(s.VoteOnReview),
		closeEpoch.To(s.CloseEpoch),
		rankingEpochs.To(s.RankingEpochs),
		exportEpoch.To(s.ExportEpoch),
		proveReview.To(s.ProveReview),
		places.To(s.Places),
		reportReview.To(s.ReportReview),
		appealRemoval.To(s.AppealRemoval),
		moderationQueue.To(s.ModerationQueue),
		moderate.To(s.Moderate),
		moderationLog.To(s.ModerationLog),
		listBursts.To(s.Bursts),
		prepareClaim.To(s.PrepareClaim),
		claimProfile.To(s.ClaimProfile),
		endClaim.To(s.EndClaim),
		listClaims.To(s.Claims),
		prepareReply.To(s.PrepareReply),
		publishReply.To(s.PublishReply),
		proveUse.To(s.ProveUse),
		recheckProof.To(s.RecheckProof),
		prepareAttestation.To(s.PrepareAttestation),
		attestUse.To(s.AttestUse),
	)...)
}

// Client is the Service as the rest of the program sees it: every call takes
// the module's route.
type Client struct{ route *seam.Route }

var _ Service = Client{}

// NewClient returns a Client that calls through route.
func NewClient(route *seam.Route) Client { return Client{route} }

// ImportExchanges implements Service.
func (c Client) ImportExchanges(ctx context.Context, q ExchangeUpload) (ExchangesImported, error) {
	return importExchanges.Call(ctx, c.route, q)
}

// ImportWork implements Service.
func (c Client) ImportWork(ctx context.Context, q ImportWorkQuery) (progress.Work, error) {
	return importWork.Call(ctx, c.route, q)
}

// Exchanges implements Service.
func (c Client) Exchanges(ctx context.Context, q ExchangesQuery) (ExchangePage, error) {
	return exchanges.Call(ctx, c.route, q)
}

// Facets implements Service.
func (c Client) Facets(ctx context.Context, q FacetsQuery) (Facets, error) {
	return facets.Call(ctx, c.route, q)
}

// Exchange implements Service.
func (c Client) Exchange(ctx context.Context, q ExchangeQuery) (Exchange, error) {
	return exchange.Call(ctx, c.route, q)
}

// Reviews implements Service.
func (c Client) Reviews(ctx context.Context, q ReviewsQuery) (ReviewPage, error) {
	return reviews.Call(ctx, c.route, q)
}

// ReviewsOf implements Service.
func (c Client) ReviewsOf(ctx context.Context, q ReviewsOfQuery) (ReviewPage, error) {
	return reviewsOf.Call(ctx, c.route, q)
}

// AllReviews implements Service.
func (c Client) AllReviews(ctx context.Context, q AllReviewsQuery) (ReviewPage, error) {
	return allReviews.Call(ctx, c.route, q)
}

// History implements Service.
func (c Client) History(ctx context.Context, q HistoryQuery) (ReviewHistory, error) {
	return history.Call(ctx, c.route, q)
}

// PrepareReview implements Service.
func (c Client) PrepareReview(ctx context.Context, q ReviewDraft) (PreparedReview, error) {
	return prepareReview.Call(ctx, c.route, q)
}

// PublishReview implements Service.
func (c Client) PublishReview(ctx context.Context, q SignedReview) (Review, error) {
	return publishReview.Call(ctx, c.route, q)
}

// Breakdown implements Service.
func (c Client) Breakdown(ctx context.Context, q BreakdownQuery) (Breakdown, error) {
	return breakdown.Call(ctx, c.route, q)
}

// PrepareWithdrawal implements Service.
func (c Client) PrepareWithdrawal(ctx context.Context, q WithdrawalDraft) (PreparedWithdrawal, error) {
	return prepareWithdrawal.Call(ctx, c.route, q)
}

// WithdrawReview implements Service.
func (c Client) WithdrawReview(ctx context.Context, q SignedWithdrawal) (Review, error) {
	return withdrawReview.Call(ctx, c.route, q)
}

// VoteOnReview implements Service.
func (c Client) VoteOnReview(ctx context.Context, q Vote) (Helpfulness, error) {
	return voteOnReview.Call(ctx, c.route, q)
}

// CloseEpoch implements Service.
func (c Client) CloseEpoch(ctx context.Context, q EpochRequest) (Epoch, error) {
	return closeEpoch.Call(ctx, c.route, q)
}

// RankingEpochs implements Service.
func (c Client) RankingEpochs(ctx context.Context, q EpochsQuery) (EpochPage, error) {
	return rankingEpochs.Call(ctx, c.route, q)
}

// ExportEpoch implements Service.
func (c Client) ExportEpoch(ctx context.Context, q EpochQuery) (seam.Stream, error) {
	return exportEpoch.Call(ctx, c.route, q)
}

// ProveReview implements Service.
func (c Client) ProveReview(ctx context.Context, q ReviewProofQuery) (ReviewProof, error) {
	return proveReview.Call(ctx, c.route, q)
}

// Places implements Service.
func (c Client) Places(ctx context.Context, q PlacesQuery) (Places, error) {
	return places.Call(ctx, c.route, q)
}

// ReportReview implements Service.
func (c Client) ReportReview(ctx context.Context, q Report) (Reported, error) {
	return reportReview.Call(ctx, c.route, q)
}

// AppealRemoval implements Service.
func (c Client) AppealRemoval(ctx context.Context, q Appeal) (Reported, error) {
	return appealRemoval.Call(ctx, c.route, q)
}

// ModerationQueue implements Service.
func (c Client) ModerationQueue(ctx context.Context, q QueueQuery) (Queue, error) {
	return moderationQueue.Call(ctx, c.route, q)
}

// Moderate implements Service.
func (c Client) Moderate(ctx context.Context, q Decision) (Decided, error) {
	return moderate.Call(ctx, c.route, q)
}

// Bursts implements Service.
func (c Client) Bursts(ctx context.Context, q BurstsQuery) (BurstPage, error) {
	return listBursts.Call(ctx, c.route, q)
}

// ModerationLog implements Service.
func (c Client) ModerationLog(ctx context.Context, q LogQuery) (ModerationLog, error) {
	return moderationLog.Call(ctx, c.route, q)
}
