package service

import (
	"context"
	"encoding/json"
	"fmt"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// priorRow is the average opinion that is in force, as JSON; "" before the first
// epoch.
type priorRow struct {
	Epoch int64  `db:"ranked_epoch"`
	Prior string `db:"prior"`
}

// readPrior reads the average opinion of the latest epoch.
func readPrior(ctx context.Context, q database.Queryer) (row priorRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			d.ranked_epoch,
			COALESCE(e.prior, '') AS prior
		FROM directory AS d
		LEFT JOIN ranking_epoch AS e ON e.number = d.ranked_epoch
		WHERE d.id = 1`)
	return row, err
}

func (r priorRow) decode() (prior [ranking.Dimensions][5]uint64, err error) {
	if r.Prior == "" {
		return ranking.Uniform(), nil
	}
	if err = json.Unmarshal([]byte(r.Prior), &prior); err != nil {
		err = fmt.Errorf("read the average opinion of epoch %d: %w", r.Epoch, err)
	}
	return prior, err
}

// changeTally changes the sums of an exchange; held is added to the number of
// reviews that are shown without being counted. The row is locked as an UPDATE
// does: a plain FOR UPDATE would wait for those who insert reviews of the exchange,
// and they for each other.
func changeTally(ctx context.Context, tx *database.Tx, exchange int64, p *ranking.Parameters, held int, change func(*ranking.Tally)) error {
	query := `SELECT tally FROM exchange WHERE id = ?`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	var stored []byte
	err := tx.Get(ctx, &stored, query, exchange)
	if database.IsNoRows(err) {
		return noExchange()
	}
	if err != nil {
		return err
	}
	var t ranking.Tally
	if err := t.UnmarshalBinary(stored); err != nil {
		return err
	}
	change(&t)
	return setTally(ctx, tx, exchange, &t, p, held)
}

// setTally stores the sums of an exchange.
func setTally(ctx context.Context, tx *database.Tx, exchange int64, t *ranking.Tally, p *ranking.Parameters, held int) error {
	stored, err := t.AppendBinary(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE exchange SET
			tally      = ?,
			reviews    = ?,
			held       = held + ?,
			rank_order = ?
		WHERE id = ?`, stored, t.Reviews(), held, rankOrder(t, p), exchange)
	return err
}

// tallyRow is the sums of an exchange.
type tallyRow struct {
	ID    int64  `db:"id"`
	Slug  string `db:"slug"`
	Tally []byte `db:"tally"`
	Held  int    `db:"held"`
}

// allTallies returns the sums of all exchanges, in the order of their slugs.
func allTallies(ctx context.Context, q database.Queryer) (rows []tallyRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			id,
			slug,
			tally,
			held
		FROM exchange
		ORDER BY slug`)
	return rows, err
}

// rankedDay returns of which day the order of the exchanges is.
func (st store) rankedDay(ctx context.Context) (day int, err error) {
	err = st.db.Read().Get(ctx, &day, `SELECT ranked_day FROM directory WHERE id = 1`)
	return day, err
}

// rankAgain orders all exchanges as of a day.
func rankAgain(ctx context.Context, tx *database.Tx, p *ranking.Parameters) error {
	if err := tx.Lock(ctx, "directory"); err != nil {
		return err
	}
	query := `SELECT id, tally FROM exchange WHERE reviews > 0 ORDER BY id`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	var rows []tallyRow
	if err := tx.Select(ctx, &rows, query); err != nil {
		return err
	}
	for _, row := range rows {
		var t ranking.Tally
		if err := t.UnmarshalBinary(row.Tally); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE exchange SET rank_order = ? WHERE id = ?`, rankOrder(&t, p), row.ID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE directory SET ranked_day = ? WHERE id = 1`, p.Day)
	return err
}
