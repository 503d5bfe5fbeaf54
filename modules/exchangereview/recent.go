package exchangereview

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// Overview is what a reader who knows no exchange yet asks for.
type Overview interface {
	// RecentReviews lists the newest live reviews of all exchanges, without the texts
	// of those before. It looks through the last 2,000 versions only, so there may be
	// fewer than asked for.
	RecentReviews(context.Context, RecentQuery) (RecentReviews, error)
	// Method returns what ratings are computed with at the moment.
	Method(context.Context, MethodQuery) (Method, error)
}

var (
	recentReviews = seam.Read[RecentQuery, RecentReviews](Contract, "recentReviews", "GET /reviews/recent", seam.Public,
		"The newest reviews of all exchanges")
	method = seam.Read[MethodQuery, Method](Contract, "method", "GET /method", seam.Public,
		"What ratings are computed with at the moment")
)

func bindOverview(s Overview) []seam.Binding {
	return []seam.Binding{recentReviews.To(s.RecentReviews), method.To(s.Method)}
}

// RecentQuery asks for the newest reviews.
type RecentQuery struct {
	Limit int `query:"limit" json:"-"` // 1–20, 0 = 5
}

// Validate refuses values out of range.
func (q RecentQuery) Validate() error {
	if q.Limit < 0 || q.Limit > 20 {
		return fault.New(fault.Invalid, "the limit is out of range").With(fault.Field{Name: "limit", Message: "is 1 to 20"})
	}
	return nil
}

// RecentReviews are the newest reviews, newest first.
type RecentReviews struct {
	Reviews []RecentReview `json:"reviews"`
}

// RecentReview is a review with the name of its exchange.
type RecentReview struct {
	Review
	ExchangeName string `json:"exchange_name"`
}

// MethodQuery asks for the method.
type MethodQuery struct{}

// Method is what ratings are computed with (package ranking has the formula).
type Method struct {
	Version      int     `json:"version"`        // of the formula
	HalfLifeDays int     `json:"half_life_days"` // after which a review weighs half
	PriorReviews int     `json:"prior_reviews"`  // of average opinion, with which every exchange begins
	PriorMean    float64 `json:"prior_mean"`     // stars: the average opinion
	FreshDays    int     `json:"fresh_days"`     // a younger wallet is fresh
	FreshShare   float64 `json:"fresh_share"`    // of all weight that the fresh have together at most
	Enough       float64 `json:"enough"`         // effective reviews, below which there is no rank
	LeastWeight  float64 `json:"least_weight"`   // of a wallet without standing
	Interval     float64 `json:"interval"`       // the share of cases in which the mean lies within low and high
}

// RecentReviews implements Overview.
func (c Client) RecentReviews(ctx context.Context, q RecentQuery) (RecentReviews, error) {
	return recentReviews.Call(ctx, c.route, q)
}

// Method implements Overview.
func (c Client) Method(ctx context.Context, q MethodQuery) (Method, error) {
	return method.Call(ctx, c.route, q)
}
