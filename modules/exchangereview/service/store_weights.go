package service

import (
	"context"
	"slices"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

// someReviewer returns any wallet that has written a review; the error is
// database.IsNoRows when none has.
func (st store) someReviewer(ctx context.Context) (w wallet.Address, err error) {
	err = st.db.Read().Get(ctx, &w, `SELECT wallet FROM reviewer LIMIT 1`)
	return w, err
}

// unweighed returns reviewers whose weight is not from this epoch, also if it
// is from a later one: reputation may have been set up again and count from 1.
func (st store) unweighed(ctx context.Context, epoch int64, limit int) (wallets []wallet.Address, err error) {
	for _, is := range []string{`epoch < ?`, `epoch > ?`} {
		err = st.db.Read().Select(ctx, &wallets, `
			SELECT wallet
			FROM reviewer
			WHERE `+is+`
			ORDER BY epoch, wallet
			LIMIT ?`, epoch, limit)
		if err != nil || len(wallets) > 0 {
			break
		}
	}
	return wallets, err
}

type reviewerRow struct {
	Wallet wallet.Address `db:"wallet"`
	Weight int64          `db:"weight"`
}

type weighedRow struct {
	ExchangeID int64          `db:"exchange_id"`
	Wallet     wallet.Address `db:"wallet"`
	starsRow
}

// setWeights sets reviewers' weights of one epoch and changes the sums of
// the exchanges they reviewed by the exact difference, in one transaction.
// Rows are locked in one order, reviewers before exchanges, as publishing does.
func (st store) setWeights(ctx context.Context, epoch int64, units map[wallet.Address]int64) error {
	return st.db.Write(ctx, func(tx *database.Tx) error {
		present, err := lockReviewers(ctx, tx, units)
		if err != nil {
			return err
		}
		change := map[wallet.Address]int64{}
		var changed, same []wallet.Address
		for _, r := range present {
			if change[r.Wallet] = units[r.Wallet] - r.Weight; change[r.Wallet] == 0 {
				same = append(same, r.Wallet)
				continue
			}
			changed = append(changed, r.Wallet)
		}
		if err := shiftSums(ctx, tx, changed, change); err != nil {
			return err
		}
		for _, w := range changed {
			if _, err := tx.Exec(ctx, `UPDATE reviewer SET weight = ?, epoch = ? WHERE wallet = ?`, units[w], epoch, w); err != nil {
				return err
			}
		}
		if len(same) == 0 {
			return nil
		}
		query, args, err := database.In(`UPDATE reviewer SET epoch = ? WHERE wallet IN (?)`, epoch, bytesOf(same))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, query, args...)
		return err
	})
}

// lockReviewers reads reviewers and locks them against other writers.
func lockReviewers(ctx context.Context, tx *database.Tx, units map[wallet.Address]int64) (rows []reviewerRow, err error) {
	wallets := make([]wallet.Address, 0, len(units))
	for w := range units {
		wallets = append(wallets, w)
	}
	query := `SELECT wallet, weight FROM reviewer WHERE wallet IN (?) ORDER BY wallet`
	if tx.Dialect() == database.Postgres {
		query += ` FOR UPDATE`
	}
	query, args, err := database.In(query, bytesOf(wallets))
	if err != nil {
		return nil, err
	}
	err = tx.Select(ctx, &rows, query, args...)
	return rows, err
}

// shiftSums applies a change of weights to the exchanges' sums.
func shiftSums(ctx context.Context, tx *database.Tx, wallets []wallet.Address, change map[wallet.Address]int64) error {
	if len(wallets) == 0 {
		return nil
	}
	query, args, err := database.In(`
		SELECT
			exchange_id,
			wallet,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease
		FROM review
		WHERE retired = 0 AND wallet IN (?)`, bytesOf(wallets))
	if err != nil {
		return err
	}
	var rows []weighedRow
	if err := tx.Select(ctx, &rows, query, args...); err != nil {
		return err
	}
	shifts := map[int64]*sums{}
	var exchanges []int64
	for i := range rows {
		id := rows[i].ExchangeID
		if shifts[id] == nil {
			shifts[id] = &sums{}
			exchanges = append(exchanges, id)
		}
		shifts[id].reweigh(change[rows[i].Wallet], rows[i].stars())
	}
	slices.Sort(exchanges)
	for _, id := range exchanges {
		if err := addSums(ctx, tx, id, shifts[id]); err != nil {
			return err
		}
	}
	return nil
}

// bytesOf is for IN (?): an Address itself would be taken for a list of bytes.
func bytesOf(wallets []wallet.Address) [][]byte {
	all := make([][]byte, len(wallets))
	for i := range wallets {
		all[i] = wallets[i][:]
	}
	return all
}
