package reputation

import (
	"context"

	"banyan/platform/events"
	"banyan/platform/seam"
)

// Contract lists the module's operations; paths are below /api/v1/reputation.
var Contract = seam.NewContract(Name, 2, "Who can be trusted, and why.")

var (
	computeEpoch = seam.Write[EpochRequest, Epoch](Contract, "computeEpoch", "POST /epochs", seam.Operators,
		"Compute all scores now", seam.Idempotent())
	currentEpoch = seam.Read[EpochQuery, Epoch](Contract, "currentEpoch", "GET /epochs/current", seam.Public,
		"What the present scores are made of")
	score = seam.Read[ScoreQuery, Score](Contract, "score", "GET /scores/{wallet}", seam.Public,
		"One wallet's score and its reasons")
	scores = seam.Read[ScoresQuery, Scores](Contract, "scores", "POST /scores/batch", seam.Public,
		"The standing of up to 1,000 wallets")
	weights = seam.Read[WeightsQuery, Weights](Contract, "weights", "POST /weights", seam.Public,
		"What the words of up to 1,000 wallets may weigh")
	leaderboard = seam.Read[LeaderboardQuery, Leaderboard](Contract, "leaderboard", "GET /leaderboard", seam.Public,
		"Wallets by rank")
	record = seam.Write[events.Batch, events.Receipt](Contract, "record", "POST /events", seam.Modules,
		"Take in activity of other modules", seam.Idempotent())
)

// Bind binds every operation to s.
func Bind(s Service) *seam.Local {
	return Contract.Bind(append(append(evidence(s), bindEpochs(s)...),
		computeEpoch.To(s.ComputeEpoch),
		currentEpoch.To(s.CurrentEpoch),
		score.To(s.Score),
		scores.To(s.Scores),
		weights.To(s.Weights),
		leaderboard.To(s.Leaderboard),
		record.To(s.Record),
		schedule.To(s.Schedule),
		setSchedule.To(s.SetSchedule),
		contexts.To(s.Contexts),
		contextScores.To(s.ContextScores),
		contextBoard.To(s.ContextBoard),
	)...)
}

// Client is the Service as the rest of the program sees it: every call takes
// the module's route.
type Client struct{ route *seam.Route }

var _ Service = Client{}

// NewClient returns a Client that calls through route.
func NewClient(route *seam.Route) Client { return Client{route} }

// ComputeEpoch implements Service.
func (c Client) ComputeEpoch(ctx context.Context, q EpochRequest) (Epoch, error) {
	return computeEpoch.Call(ctx, c.route, q)
}

// CurrentEpoch implements Service.
func (c Client) CurrentEpoch(ctx context.Context, q EpochQuery) (Epoch, error) {
	return currentEpoch.Call(ctx, c.route, q)
}

// Score implements Service.
func (c Client) Score(ctx context.Context, q ScoreQuery) (Score, error) {
	return score.Call(ctx, c.route, q)
}

// Scores implements Service.
func (c Client) Scores(ctx context.Context, q ScoresQuery) (Scores, error) {
	return scores.Call(ctx, c.route, q)
}

// Weights implements Service.
func (c Client) Weights(ctx context.Context, q WeightsQuery) (Weights, error) {
	return weights.Call(ctx, c.route, q)
}

// Leaderboard implements Service.
func (c Client) Leaderboard(ctx context.Context, q LeaderboardQuery) (Leaderboard, error) {
	return leaderboard.Call(ctx, c.route, q)
}

// Record implements Service.
func (c Client) Record(ctx context.Context, q events.Batch) (events.Receipt, error) {
	return record.Call(ctx, c.route, q)
}
