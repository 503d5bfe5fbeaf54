package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
)

type epochRow struct {
	Number     int64  `db:"number"`
	TimeMS     int64  `db:"time_ms"`
	Root       []byte `db:"root"`
	Exchanges  int    `db:"exchanges"`
	Reviews    int    `db:"reviews"`
	Tombstones int    `db:"tombstones"`
	Size       int64  `db:"size"`
}

const epochColumns = `
	number,
	time_ms,
	root,
	exchanges,
	reviews,
	tombstones,
	size`

// latestEpoch returns the latest epoch, the zero value before the first.
func (st store) latestEpoch(ctx context.Context) (row epochRow, err error) {
	err = st.db.Read().Get(ctx, &row, `SELECT`+epochColumns+` FROM ranking_epoch ORDER BY number DESC LIMIT 1`)
	if database.IsNoRows(err) {
		err = nil
	}
	return row, err
}

func (st store) epoch(ctx context.Context, number int64) (row epochRow, err error) {
	err = st.db.Read().Get(ctx, &row, `SELECT`+epochColumns+` FROM ranking_epoch WHERE number = ?`, number)
	return row, err
}

func (st store) epochsBefore(ctx context.Context, before int64, limit int) (rows []epochRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+epochColumns+`
		FROM ranking_epoch
		WHERE number < ?
		ORDER BY number DESC
		LIMIT ?`, before, limit)
	return rows, err
}

func (st store) dropExportsFrom(ctx context.Context, number int64) error {
	return st.db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM ranking_export WHERE number >= ?`, number)
		return err
	})
}

func (st store) addExportPart(ctx context.Context, number int64, part int, bytes []byte) error {
	return st.db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO ranking_export (number, part, bytes) VALUES (?, ?, ?)`, number, part, bytes)
		return err
	})
}

func (st store) exportPart(ctx context.Context, number int64, part int) (bytes []byte, err error) {
	err = st.db.Read().Get(ctx, &bytes, `SELECT bytes FROM ranking_export WHERE number = ? AND part = ?`, number, part)
	return bytes, err
}

// placeRow is where an exchange stood; stars in millionths.
type placeRow struct {
	ExchangeID int64 `db:"exchange_id"`
	Number     int64 `db:"number"`
	TimeMS     int64 `db:"time_ms"`
	Rank       int   `db:"rank"`
	Key        int64 `db:"rank_key"`
	Mean       int64 `db:"mean"`
	Reviews    int64 `db:"reviews"`
}

// storeEpoch stores an epoch, puts its average opinion in force, orders all
// exchanges by it and drops exports that are too old.
func (st store) storeEpoch(ctx context.Context, row epochRow, made *epochMade) error {
	prior, err := made.priorText()
	if err != nil {
		return err
	}
	return st.db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO ranking_epoch (number, time_ms, root, exchanges, reviews, tombstones, prior, size)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, row.Number, row.TimeMS, row.Root, row.Exchanges, row.Reviews, row.Tombstones, prior, row.Size)
		if err != nil {
			return err
		}
		for _, p := range made.places {
			_, err := tx.Exec(ctx, `
				INSERT INTO ranking_place (exchange_id, number, rank, rank_key, mean, reviews)
				VALUES (?, ?, ?, ?, ?, ?)`, p.ExchangeID, p.Number, p.Rank, p.Key, p.Mean, p.Reviews)
			if err != nil {
				return err
			}
		}
		if err := setChanges(ctx, tx, row.Number); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE directory SET ranked_epoch = ? WHERE id = 1`, row.Number); err != nil {
			return err
		}
		oldest := row.Number - exportsKept
		if _, err := tx.Exec(ctx, `DELETE FROM ranking_export WHERE number <= ?`, oldest); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE ranking_epoch SET size = 0 WHERE number <= ?`, oldest); err != nil {
			return err
		}
		if err := rankAgain(ctx, tx, &made.at); err != nil {
			return err
		}
		return outbox.Publish(ctx, tx, exchangereview.EpochTopic, "", row.epoch())
	})
}

// setChanges stores how many places each exchange won from the epoch before to this
// one.
func setChanges(ctx context.Context, tx *database.Tx, number int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE exchange SET rank_change = COALESCE((
			SELECT b.rank - a.rank
			FROM ranking_place AS a
			JOIN ranking_place AS b ON b.exchange_id = a.exchange_id
			WHERE a.exchange_id = exchange.id AND a.number = ? AND b.number = ? AND a.rank > 0 AND b.rank > 0
		), 0)`, number, number-1)
	return err
}

// placesOf returns an exchange's places, newest first.
func (st store) placesOf(ctx context.Context, exchange int64, limit int) (rows []placeRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `
		SELECT
			p.exchange_id,
			p.number,
			e.time_ms,
			p.rank,
			p.rank_key,
			p.mean,
			p.reviews
		FROM ranking_place AS p
		JOIN ranking_epoch AS e ON e.number = p.number
		WHERE p.exchange_id = ?
		ORDER BY p.number DESC
		LIMIT ?`, exchange, limit)
	return rows, err
}

// eachForExport calls each with all reviews that are shown, or with the
// tombstones of those that are not any more.
func eachForExport(ctx context.Context, r database.Reader, tombstones bool, each func(*reviewRow) error) error {
	where := `r.state < 2`
	if tombstones {
		where = `r.state > 2`
	}
	rows, err := r.Query(ctx, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.retired = 0 AND `+where+`
		ORDER BY r.exchange_id, r.wallet`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has what went wrong
	for rows.Next() {
		var row reviewRow
		if err := rows.StructScan(&row); err != nil {
			return err
		}
		if err := each(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tally returns the sums of an exchange.
func (st store) tally(ctx context.Context, exchange int64) (*ranking.Tally, error) {
	var stored []byte
	err := st.db.Read().Get(ctx, &stored, `SELECT tally FROM exchange WHERE id = ?`, exchange)
	if database.IsNoRows(err) {
		return nil, noExchange()
	}
	if err != nil {
		return nil, err
	}
	t := &ranking.Tally{}
	return t, t.UnmarshalBinary(stored)
}
