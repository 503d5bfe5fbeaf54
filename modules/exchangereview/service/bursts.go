package service

import (
	"context"
	"fmt"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// holdFor is how long the program holds a review of a burst; then it counts, unless a
// moderator has decided otherwise.
const holdFor = 7 * 24 * time.Hour

// releaseBatch is how many held reviews change in one transaction.
const releaseBatch = 200

// program is who decides in the log when no person did.
const program = "program"

// Bursts implements Service.
func (s *service) Bursts(ctx context.Context, q exchangereview.BurstsQuery) (exchangereview.BurstPage, error) {
	list := page.NewList[*burstPlace]("bursts", q.Slug)
	before, err := list.After(q.Cursor, nil)
	if err != nil {
		return exchangereview.BurstPage{}, err
	}
	exchange := int64(0)
	if q.Slug != "" {
		if exchange, err = s.catalogue.id(ctx, q.Slug); err != nil {
			return exchangereview.BurstPage{}, err
		}
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.bursts(ctx, exchange, before, size+1)
	if err != nil {
		return exchangereview.BurstPage{}, fmt.Errorf("list days of many reviews: %w", err)
	}
	rows, next := page.Cut(list, rows, size, func(row burstRow) *burstPlace { return &burstPlace{row.Day, row.ExchangeID} })
	answer := exchangereview.BurstPage{Bursts: []exchangereview.Burst{}, Next: next}
	for _, row := range rows {
		answer.Bursts = append(answer.Bursts, exchangereview.Burst{
			Exchange: row.Slug, DayMS: ranking.Date(row.Day).UnixMilli(), Holds: row.Rule == ruleHold, Reviews: row.Reviews,
			Usual: float64(row.Usual) / 1000, Mix: float64(row.Mix) / 1000, Held: row.Held,
		})
	}
	return answer, nil
}

// decideBurst ends what the program holds of an exchange: the reviews count, or stay
// held. The log has the decision with the first of them.
func (s *service) decideBurst(ctx context.Context, d *exchangereview.Decided, exchange int64, now *ranking.Parameters) error {
	change := releaseHeld
	if d.Action == exchangereview.ActionConfirm {
		change = confirmHeld
	}
	for batch := 0; ; batch++ {
		changed := 0
		err := s.store.db.Write(ctx, func(tx *database.Tx) (err error) {
			wallets, err := heldWallets(ctx, tx, exchange, 0, releaseBatch)
			if err != nil {
				return err
			}
			if len(wallets) == 0 && batch == 0 {
				return fault.New(fault.Conflict, "the program holds no review of this exchange: there is nothing to decide")
			}
			if changed, err = change(ctx, tx, exchange, wallets, now); err != nil || batch > 0 {
				return err
			}
			d.Number, err = logDecision(ctx, tx, *d)
			return err
		})
		if err != nil || changed == 0 {
			return err
		}
	}
}

// releaseHeld counts the live reviews of these wallets that the program holds, and
// closes their flags. It returns how many there were.
func releaseHeld(ctx context.Context, tx *database.Tx, exchange int64, wallets []wallet.Address, now *ranking.Parameters) (released int, err error) {
	type held struct {
		liveRow
		by reviewer
	}
	var all []held
	for _, w := range wallets { // reviewers are locked before the exchange, in one order
		by, err := admitReviewer(ctx, tx, w, weight{units: weightLeast, epoch: epochUnknown}, now.Day)
		if err != nil {
			return 0, err
		}
		row, err := live(ctx, tx, exchange, w)
		switch {
		case err != nil:
			return 0, err
		case row.State != stateHeld || row.HeldUntilMS == 0: // changed since it was looked for
			continue
		}
		if err := setState(ctx, tx, exchange, w, row.ID, stateCounted); err != nil {
			return 0, err
		}
		all = append(all, held{row, by})
	}
	if len(all) == 0 {
		return 0, nil
	}
	return len(all), changeSums(ctx, tx, exchange, now, func(s *sums) {
		for i := range all {
			h := &all[i]
			h.uncount(s, h.by)
			s.put(1, h.by, stateCounted, h.rated(h.CreatedMS))
		}
	})
}

// ReleaseHeld counts reviews that the program has held for seven days, and logs it.
func (j *Jobs) ReleaseHeld(ctx context.Context) error {
	nowMS := j.now.clock().UnixMilli()
	for {
		exchange, slug, err := j.store.heldUntil(ctx, nowMS)
		if database.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for reviews that were held long enough: %w", err)
		}
		now, err := j.now.read(ctx, j.store.db.Read())
		if err != nil {
			return err
		}
		err = j.store.db.Write(ctx, func(tx *database.Tx) error {
			wallets, err := heldWallets(ctx, tx, exchange, nowMS, releaseBatch)
			if err != nil {
				return err
			}
			n, err := releaseHeld(ctx, tx, exchange, wallets, &now)
			if err != nil || n == 0 {
				return err
			}
			_, err = logDecision(ctx, tx, exchangereview.Decided{
				Decision: exchangereview.Decision{
					Slug: slug, Action: exchangereview.ActionRelease,
					Reason: fmt.Sprintf("Seven days are over and no moderator has decided otherwise: %d reviews count from now on.", n),
				},
				Moderator: program, CreatedMS: nowMS,
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("count reviews that were held long enough: %w", err)
		}
	}
}
