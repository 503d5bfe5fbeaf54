package service

import (
	"context"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// siteBatch is how many reviews get their site in one transaction.
const siteBatch = 500

// Backfill completes what an earlier release stored: the sums of the formula of
// today, and the site that each review was signed for. Call it once at start, as
// the owner. When everything is complete it costs a query.
func Backfill(ctx context.Context, o Options) (reviews int, err error) {
	o = o.withDefaults()
	st := store{o.DB}
	version, kept, err := st.formula(ctx)
	if err != nil || version == ranking.Version && kept {
		return 0, err
	}
	if err := st.fillSites(ctx, o.Site); err != nil {
		return 0, fmt.Errorf("complete the sites of reviews: %w", err)
	}
	if reviews, err = st.rebuildTallies(ctx, &parameters{clock: o.Clock}); err != nil {
		return 0, fmt.Errorf("compute the sums of all exchanges: %w", err)
	}
	return reviews, nil
}

// rebuildTallies computes all sums from the reviews and returns how many it
// counted.
func (st store) rebuildTallies(ctx context.Context, parameters *parameters) (reviews int, err error) {
	now, err := parameters.read(ctx, st.db.Read())
	if err != nil {
		return 0, err
	}
	all := map[int64]*sums{}
	err = st.eachLive(ctx, func(row *liveReview) error {
		s := all[row.ExchangeID]
		if s == nil {
			s = &sums{}
			all[row.ExchangeID] = s
		}
		s.put(1, row.reviewer, row.State, row.rated(row.CreatedMS))
		reviews += 1 - row.State // held ones are not counted
		return nil
	})
	if err != nil {
		return 0, err
	}
	return reviews, st.db.Write(ctx, func(tx *database.Tx) error { return replaceSums(ctx, tx, &now, all) })
}

// fillSites sets the site of reviews of earlier releases, which did not store it:
// their signature is that of this site, or the site is not known.
func (st store) fillSites(ctx context.Context, site string) error {
	digester := exchangereview.NewDigester(site)
	for after := int64(0); ; {
		rows, err := st.withoutSite(ctx, after, siteBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		var ids []int64
		for i := range rows {
			r := &rows[i]
			after = r.ID
			signed := exchangereview.SignedReview{
				Slug: r.Slug, Wallet: r.Wallet, Overall: r.Overall, Aspects: r.aspects(), Text: r.Text, CreatedMS: r.CreatedMS,
			}
			copy(signed.Previous[:], r.Previous)
			if hash := digester.Hash(&signed); string(hash[:]) == string(r.Hash) {
				ids = append(ids, r.ID)
			}
		}
		if err := st.setSite(ctx, ids, site); err != nil {
			return err
		}
	}
}
