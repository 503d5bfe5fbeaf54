package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
)

// dropIncomplete deletes up to limit rows of epochs that were begun and never
// completed, and the epochs once nothing is left of them. It returns how many.
func dropIncomplete(ctx context.Context, tx *database.Tx, limit int) (int64, error) {
	total := int64(0)
	for _, statement := range []string{
		`DELETE FROM scores WHERE (epoch, wallet) IN (
			SELECT s.epoch, s.wallet FROM scores s WHERE s.epoch IN (SELECT number FROM epochs WHERE complete = 0) LIMIT ?)`,
		`DELETE FROM epoch_nodes WHERE (epoch, part) IN (
			SELECT n.epoch, n.part FROM epoch_nodes n WHERE n.epoch IN (SELECT number FROM epochs WHERE complete = 0) LIMIT ?)`,
		`DELETE FROM score_changes WHERE (wallet, epoch) IN (
			SELECT c.wallet, c.epoch FROM score_changes c WHERE c.epoch IN (SELECT number FROM epochs WHERE complete = 0) LIMIT ?)`,
		`DELETE FROM context_scores WHERE (epoch, wallet, context) IN (
			SELECT c.epoch, c.wallet, c.context FROM context_scores c WHERE c.epoch IN (SELECT number FROM epochs WHERE complete = 0) LIMIT ?)`,
		`DELETE FROM epoch_contexts WHERE (epoch, context) IN (
			SELECT c.epoch, c.context FROM epoch_contexts c WHERE c.epoch IN (SELECT number FROM epochs WHERE complete = 0) LIMIT ?)`,
	} {
		deleted, err := tx.Exec(ctx, statement, limit)
		if err != nil {
			return 0, fmt.Errorf("drop an epoch that was not completed: %w", err)
		}
		total += deleted
	}
	if total > 0 {
		return total, nil
	}
	deleted, err := tx.Exec(ctx, `DELETE FROM epochs WHERE complete = 0`)
	if err != nil {
		return 0, fmt.Errorf("drop an epoch that was not completed: %w", err)
	}
	return deleted, nil
}

// forgetScores notes that the scores of epochs before oldest are not kept, so
// that nobody reads them while they are deleted.
func forgetScores(ctx context.Context, tx *database.Tx, oldest int64) error {
	if err := tx.Lock(ctx, "epochs"); err != nil { // one that is being held
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE epochs SET kept = 0 WHERE number < ? AND kept = 1 AND number NOT IN (SELECT epoch FROM epoch_holds)`, oldest); err != nil {
		return fmt.Errorf("prune scores: %w", err)
	}
	return nil
}

// pruneScores deletes up to limit scores and tree nodes of epochs before oldest that
// are not kept.
// It returns how many.
func pruneScores(ctx context.Context, tx *database.Tx, oldest int64, limit int) (int64, error) {
	total := int64(0)
	for _, statement := range []string{
		`DELETE FROM scores WHERE (epoch, wallet) IN (SELECT s.epoch, s.wallet FROM scores s WHERE s.epoch < ? AND s.epoch IN (SELECT number FROM epochs WHERE kept = 0) LIMIT ?)`,
		`DELETE FROM epoch_nodes WHERE (epoch, part) IN (SELECT n.epoch, n.part FROM epoch_nodes n WHERE n.epoch < ? AND n.epoch IN (SELECT number FROM epochs WHERE kept = 0) LIMIT ?)`,
		`DELETE FROM context_scores WHERE (epoch, wallet, context) IN (SELECT c.epoch, c.wallet, c.context FROM context_scores c WHERE c.epoch < ? AND c.epoch IN (SELECT number FROM epochs WHERE kept = 0) LIMIT ?)`,
		`DELETE FROM epoch_contexts WHERE (epoch, context) IN (SELECT c.epoch, c.context FROM epoch_contexts c WHERE c.epoch < ? AND c.epoch IN (SELECT number FROM epochs WHERE kept = 0) LIMIT ?)`,
	} {
		deleted, err := tx.Exec(ctx, statement, oldest, limit)
		if err != nil {
			return 0, fmt.Errorf("prune scores: %w", err)
		}
		total += deleted
	}
	return total, nil
}
