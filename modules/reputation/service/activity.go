package service

import (
	"context"
	"fmt"
	"math"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/page"
)

const msPerDay = 24 * 60 * 60 * 1000

// Record implements Service.
func (s service) Record(ctx context.Context, batch events.Batch) (events.Receipt, error) {
	count := outbox.Handle(reputation.ActivityTopic, func(ctx context.Context, tx *database.Tx, e events.Event, a reputation.Activity) error {
		if a.Kind == "" || len(a.Kind) > 100 || len(a.Ref) > 500 || a.Wallet.IsZero() {
			return fault.New(fault.Invalid, "an activity needs a wallet, a kind of at most 100 characters, and a reference of at most 500")
		}
		if err := countActivity(ctx, tx, a); err != nil {
			return err
		}
		if err := countDay(ctx, tx, a); err != nil {
			return err
		}
		return insertActivity(ctx, tx, a, e.ID)
	})
	return outbox.Consume(ctx, s.o.DB, reputation.Name, batch, count)
}

// Activities implements Service.
func (s service) Activities(ctx context.Context, q reputation.ActivitiesQuery) (reputation.ActivityPage, error) {
	answer := reputation.ActivityPage{Activities: []reputation.RecordedActivity{}, Kinds: []reputation.ActivityKind{}}
	list := page.NewList[int64]("activity", q.Wallet.String())
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		for _, kind := range s.o.Activity {
			counted, err := countedActivity(ctx, r, q.Wallet, kind.Kind, kind.PerDay)
			if err != nil {
				return fmt.Errorf("count activity: %w", err)
			}
			answer.Points += kind.Weight * float64(counted)
			answer.Kinds = append(answer.Kinds, kind)
		}
		rows, err := listActivity(ctx, r, q.Wallet, before, size+1)
		if err != nil {
			return err
		}
		rows, answer.Next = page.Cut(list, rows, size, func(row activityEventRow) int64 { return row.ID })
		for _, row := range rows {
			answer.Activities = append(answer.Activities, reputation.RecordedActivity{
				Activity: reputation.Activity{Wallet: q.Wallet, Kind: row.Kind, Ref: row.Ref, TimeMS: row.TimeMS}, Event: row.Event,
			})
		}
		return nil
	})
	return answer, err
}
