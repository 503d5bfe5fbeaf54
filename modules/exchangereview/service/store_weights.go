package service

import (
	"context"

	"banyan/modules/exchangereview/ranking"
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

// aged returns reviewers with standing who are counted in the fresh group and
// were first seen on this day or before.
func (st store) aged(ctx context.Context, day, limit int) (wallets []wallet.Address, err error) {
	err = st.db.Read().Select(ctx, &wallets, `
		SELECT wallet
		FROM reviewer
		WHERE fresh = 1 AND standing = 1 AND first_day <= ?
		ORDER BY wallet
		LIMIT ?`, day, limit)
	return wallets, err
}

type reviewerRow struct {
	Wallet   wallet.Address `db:"wallet"`
	Epoch    int64          `db:"epoch"`
	FirstDay int            `db:"first_day"`
	reviewer
}

type weighedRow struct {
	ExchangeID int64          `db:"exchange_id"`
	Wallet     wallet.Address `db:"wallet"`
	CreatedMS  int64          `db:"created_ms"`
	starsRow
}

// setWeights sets reviewers' weights, and the group that they belong to now, and
// changes the sums of the exchanges they reviewed by the exact difference, in one
// transaction. A wallet without a weight keeps its own. Rows are locked in one
// order, reviewers before exchanges, as publishing does.
func (st store) setWeights(ctx context.Context, now *ranking.Parameters, wallets []wallet.Address, weights map[wallet.Address]weight) error {
	return st.db.Write(ctx, func(tx *database.Tx) error {
		present, err := lockReviewers(ctx, tx, wallets)
		if err != nil {
			return err
		}
		before, after := map[wallet.Address]reviewer{}, map[wallet.Address]reviewer{}
		var changed []wallet.Address
		for i := range present {
			r := &present[i]
			was := r.reviewer
			if w, known := weights[r.Wallet]; known {
				r.Units, r.Epoch = w.units, w.epoch
				if w.firstDay > 0 && w.firstDay < r.FirstDay {
					r.FirstDay = w.firstDay
				}
			}
			if r.Fresh = isFresh(r.Units, r.FirstDay, now.Day); r.reviewer != was {
				changed = append(changed, r.Wallet)
				before[r.Wallet], after[r.Wallet] = was, r.reviewer
			}
		}
		if err := shiftSums(ctx, tx, now, changed, before, after); err != nil {
			return err
		}
		return storeReviewers(ctx, tx, present, after)
	})
}

// storeReviewers stores what has changed; the others get their epoch alone, in
// one statement for each epoch.
func storeReviewers(ctx context.Context, tx *database.Tx, rows []reviewerRow, changed map[wallet.Address]reviewer) error {
	same := map[int64][]wallet.Address{}
	for _, r := range rows {
		if _, is := changed[r.Wallet]; !is {
			same[r.Epoch] = append(same[r.Epoch], r.Wallet)
			continue
		}
		_, err := tx.Exec(ctx, `
			UPDATE reviewer SET
				weight    = ?,
				epoch     = ?,
				standing  = ?,
				first_day = ?,
				fresh     = ?
			WHERE wallet = ?`, r.Units, r.Epoch, bit(standing(r.Units)), r.FirstDay, bit(r.Fresh), r.Wallet)
		if err != nil {
			return err
		}
	}
	for epoch, wallets := range same {
		query, args, err := database.In(`UPDATE reviewer SET epoch = ? WHERE wallet IN (?)`, epoch, bytesOf(wallets))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// lockReviewers reads reviewers and locks them against other writers.
func lockReviewers(ctx context.Context, tx *database.Tx, wallets []wallet.Address) (rows []reviewerRow, err error) {
	query := `SELECT wallet, epoch, first_day, weight, fresh FROM reviewer WHERE wallet IN (?) ORDER BY wallet`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	query, args, err := database.In(query, bytesOf(wallets))
	if err != nil {
		return nil, err
	}
	err = tx.Select(ctx, &rows, query, args...)
	return rows, err
}

// shiftSums counts the reviews of these wallets in another way.
func shiftSums(ctx context.Context, tx *database.Tx, now *ranking.Parameters, wallets []wallet.Address, before, after map[wallet.Address]reviewer) error {
	if len(wallets) == 0 {
		return nil
	}
	query, args, err := database.In(`
		SELECT
			exchange_id,
			wallet,
			created_ms,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease,
			proof
		FROM review
		WHERE retired = 0 AND state = 0 AND wallet IN (?)
		ORDER BY exchange_id`, bytesOf(wallets))
	if err != nil {
		return err
	}
	var rows []weighedRow
	if err := tx.Select(ctx, &rows, query, args...); err != nil {
		return err
	}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].ExchangeID == rows[0].ExchangeID {
			n++
		}
		err := changeSums(ctx, tx, rows[0].ExchangeID, now, func(s *sums) {
			for i := range rows[:n] {
				r := &rows[i]
				s.put(-1, before[r.Wallet], stateCounted, r.rated(r.CreatedMS))
				s.put(1, after[r.Wallet], stateCounted, r.rated(r.CreatedMS))
			}
		})
		if err != nil {
			return err
		}
		rows = rows[n:]
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
