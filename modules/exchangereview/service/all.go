package service

import (
	"context"
	"fmt"
	"math"

	"banyan/modules/exchangereview"
	"banyan/platform/page"
)

// mostLookedAt is how many versions one page of all reviews looks at: however many of
// them are hidden, no more is read, and the page may be short, or empty, with a next.
const mostLookedAt = 5000

// AllReviews implements Service.
func (s *service) AllReviews(ctx context.Context, q exchangereview.AllReviewsQuery) (exchangereview.ReviewPage, error) {
	list := page.NewList[int64]("all reviews")
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return exchangereview.ReviewPage{}, err
	}
	if before == math.MaxInt64 {
		latest, err := s.store.latestReview(ctx)
		if err != nil {
			return exchangereview.ReviewPage{}, fmt.Errorf("look for the newest review: %w", err)
		}
		before = latest + 1
	}
	size, lowest := page.Standard().Size(q.Limit), max(1, before-mostLookedAt)
	rows, err := s.store.allReviews(ctx, before, lowest, size+1)
	if err != nil {
		return exchangereview.ReviewPage{}, fmt.Errorf("list all reviews: %w", err)
	}
	answer := pageOf(list, rows, size, func(row reviewRow) int64 { return row.ID })
	if answer.Next == "" && lowest > 1 {
		answer.Next = list.Cursor(lowest)
	}
	return answer, nil
}
