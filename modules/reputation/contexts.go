package reputation

import (
	"context"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Contextual is the part of Service with scores in one context: what wallets are
// trusted with, where attestations say so ("code", "trading"). Whose voice counts is
// decided by all trust, as for the score itself; what they say counts in a context when
// they said it with that context. So a context's evidence is a part of the whole, and
// statements in many contexts give nobody a louder voice.
type Contextual interface {
	// Contexts lists those of the current epoch, the MaxContexts with the most
	// statements, those first.
	Contexts(context.Context, ContextsQuery) (ContextList, error)
	// ContextScores returns a wallet's standing in every context that has one.
	ContextScores(context.Context, ContextScoresQuery) (ContextScores, error)
	// ContextBoard lists the wallets of a context by rank.
	ContextBoard(context.Context, ContextBoardQuery) (ContextBoard, error)
}

// MaxContexts is of how many contexts an epoch has scores.
const MaxContexts = 50

// ContextsQuery asks for all contexts.
type ContextsQuery struct{}

// ContextList lists contexts.
type ContextList struct {
	Epoch    int64          `json:"epoch"` // 0 = none has been computed yet
	Contexts []ContextCount `json:"contexts"`
}

// ContextCount is a context.
type ContextCount struct {
	Context    string `json:"context"`
	Statements int    `json:"statements"` // that count
	Ranked     int    `json:"ranked"`     // wallets with a score over 0
}

// ContextScoresQuery names a wallet.
type ContextScoresQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// ContextScores are a wallet's standings, by context.
type ContextScores struct {
	Epoch  int64             `json:"epoch"` // 0 = none has been computed yet
	Scores []ContextStanding `json:"scores"`
}

// ContextStanding is a wallet's standing in a context. Score and weight mean the same
// as in Standing, of the statements with this context alone.
type ContextStanding struct {
	Wallet    wallet.Address `json:"wallet"`
	Context   string         `json:"context"`
	Standing  string         `json:"standing"` // Trusted or Distrusted
	Score     int            `json:"score"`    // 0 to MaxScore
	WeightPPM int            `json:"weight_ppm"`
	Value     float64        `json:"value"` // of banyan −1…1
	Rank      int            `json:"rank"`  // 0 = none
}

// ContextBoardQuery selects a page; cursor is the last answer's next.
type ContextBoardQuery struct {
	Context string `query:"context" json:"-"` // 1 to 64 characters
	Cursor  string `query:"cursor" json:"-"`
	Limit   int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ContextBoardQuery) Validate() error {
	wrong := page.Standard().Wrong(q.Limit)
	if n := utf8.RuneCountInString(q.Context); n < 1 || n > 64 || !utf8.ValidString(q.Context) {
		wrong = append(wrong, fault.Field{Name: "context", Message: "has 1 to 64 characters"})
	}
	return refuseNamed("the query has values out of range: see the fields", wrong)
}

// ContextBoard is a page of standings by rank.
type ContextBoard struct {
	Epoch     int64             `json:"epoch"` // 0 = none has been computed yet
	Standings []ContextStanding `json:"standings"`
	Next      string            `json:"next,omitempty"` // cursor of the next page, "" = the end
}

var (
	contexts = seam.Read[ContextsQuery, ContextList](Contract, "contexts", "GET /contexts", seam.Public,
		"What wallets are trusted with")
	contextScores = seam.Read[ContextScoresQuery, ContextScores](Contract, "contextScores", "GET /scores/{wallet}/contexts", seam.Public,
		"One wallet's scores by context")
	contextBoard = seam.Read[ContextBoardQuery, ContextBoard](Contract, "contextBoard", "GET /contexts/leaderboard", seam.Public,
		"Wallets by rank in one context")
)

// Contexts implements Contextual.
func (c Client) Contexts(ctx context.Context, q ContextsQuery) (ContextList, error) {
	return contexts.Call(ctx, c.route, q)
}

// ContextScores implements Contextual.
func (c Client) ContextScores(ctx context.Context, q ContextScoresQuery) (ContextScores, error) {
	return contextScores.Call(ctx, c.route, q)
}

// ContextBoard implements Contextual.
func (c Client) ContextBoard(ctx context.Context, q ContextBoardQuery) (ContextBoard, error) {
	return contextBoard.Call(ctx, c.route, q)
}
