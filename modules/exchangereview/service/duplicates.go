package service

import (
	"context"
	"fmt"

	"banyan/modules/exchangereview/screening"
	"banyan/platform/database"
)

// compare keeps the prints of a text, and asks moderators to look at a review that
// says nearly the same as an earlier one of another wallet or exchange. What it costs
// does not grow with the number of reviews.
func compare(ctx context.Context, tx *database.Tx, row textRow, nowMS int64) error {
	prints := screening.Prints(row.Text)
	if len(prints) == 0 {
		return nil
	}
	similar, err := sharingPrints(ctx, tx, row.ID, prints)
	if err != nil {
		return err
	}
	for _, other := range similar {
		alike := screening.Similarity(row.Text, other.Text)
		if alike < screening.Alike {
			continue
		}
		_, err := addFlag(ctx, tx, row.ID, flagRow{
			Kind: screening.Duplicate, By: []byte{}, CreatedMS: nowMS,
			Evidence: fmt.Sprintf("%.0f %% of the text is that of the review of %s by %s", alike*100, other.Slug, other.Wallet),
		})
		if err != nil {
			return err
		}
		break // one is reason enough
	}
	return addPrints(ctx, tx, row.ID, prints)
}
