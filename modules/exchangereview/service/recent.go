package service

import (
	"context"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
)

// RecentReviews implements exchangereview.Overview.
func (s *service) RecentReviews(ctx context.Context, q exchangereview.RecentQuery) (exchangereview.RecentReviews, error) {
	if q.Limit == 0 {
		q.Limit = 5
	}
	rows, err := s.store.recentReviews(ctx, q.Limit)
	if err != nil {
		return exchangereview.RecentReviews{}, fmt.Errorf("list the newest reviews: %w", err)
	}
	found := exchangereview.RecentReviews{Reviews: make([]exchangereview.RecentReview, len(rows))}
	for i := range rows {
		found.Reviews[i] = exchangereview.RecentReview{Review: rows[i].review(), ExchangeName: rows[i].Name}
	}
	return found, nil
}

// Method implements exchangereview.Overview.
func (s *service) Method(ctx context.Context, _ exchangereview.MethodQuery) (exchangereview.Method, error) {
	now, err := s.now.read(ctx, s.store.db.Read())
	if err != nil {
		return exchangereview.Method{}, err
	}
	m := exchangereview.Method{
		Version: ranking.Version, HalfLifeDays: ranking.HalfLife, PriorReviews: ranking.PriorWeight, FreshDays: ranking.FreshDays,
		FreshShare: 1.0 / ranking.FreshShare, Enough: ranking.EnoughUnits / float64(ranking.Unit), LeastWeight: float64(ranking.Least) / ranking.One, Interval: ranking.Interval,
	}
	var sum float64
	for star, share := range now.Prior[0] {
		sum += float64(share)
		m.PriorMean += float64(star+1) * float64(share)
	}
	if sum > 0 {
		m.PriorMean /= sum
	}
	return m, nil
}
