package service

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type epochRow struct {
	Number     int64   `db:"number"`
	TimeMS     int64   `db:"time_ms"`
	Wallets    int     `db:"wallets"`
	Edges      int     `db:"edges"`
	Seeds      int     `db:"seeds"`
	Iterations int     `db:"iterations"`
	Alpha      float64 `db:"alpha"`
	Epsilon    float64 `db:"epsilon"`
	Method     string  `db:"method"`
	Ranked     int     `db:"ranked"`
	Parameters string  `db:"parameters"`
	Statistics string  `db:"statistics"`
	InputHash  []byte  `db:"input_hash"`
	Root       []byte  `db:"root"`
	Kept       int     `db:"kept"`
}

const epochColumns = `
			number,
			time_ms,
			wallets,
			edges,
			seeds,
			iterations,
			alpha,
			epsilon,
			method,
			ranked,
			parameters,
			statistics,
			input_hash,
			root,
			kept`

// beginEpoch adds e under the next number; nobody reads its scores yet.
func beginEpoch(ctx context.Context, tx *database.Tx, e epochRow) (number int64, err error) {
	if err := tx.Lock(ctx, "epochs"); err != nil {
		return 0, err
	}
	err = tx.Get(ctx, &number, `
		INSERT INTO epochs (`+epochColumns+`,
			complete
		)
		SELECT
			COALESCE(MAX(number), 0) + 1,
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS DOUBLE PRECISION),
			CAST(? AS DOUBLE PRECISION),
			?,
			CAST(? AS BIGINT),
			?,
			?,
			?,
			?,
			1,
			0
		FROM epochs
		RETURNING number`, e.TimeMS, e.Wallets, e.Edges, e.Seeds, e.Iterations, e.Alpha, e.Epsilon, e.Method, e.Ranked,
		e.Parameters, e.Statistics, e.InputHash, e.Root)
	if err != nil {
		return 0, fmt.Errorf("add an epoch: %w", err)
	}
	return number, nil
}

type scoreRow struct {
	Wallet     wallet.Address `db:"wallet"`
	Share      float64        `db:"score"`
	Value      float64        `db:"value"`
	Points     int            `db:"points"`
	WeightPPM  int            `db:"weight_ppm"`
	FirstMS    *int64         `db:"first_ms"`
	Place      int            `db:"place"`
	Rank       int            `db:"rank"`
	Percentile float64        `db:"percentile"`
	Reasons    []byte         `db:"reasons"`
	Leaf       int            `db:"leaf"`
	Trusts     float64        `db:"trusts"`
	Evidence   float64        `db:"evidence"`
	Word       float64        `db:"word"`
	Given      float64        `db:"given"`
	Voice      float64        `db:"voice"`
}

// saveScores adds rows of an epoch that is not complete yet.
func saveScores(ctx context.Context, tx *database.Tx, epoch int64, rows []scoreRow) error {
	args := make([]any, 0, 17*len(rows))
	for _, r := range rows {
		args = append(args, epoch, r.Wallet, r.Share, r.Value, r.Points, r.WeightPPM, r.FirstMS, r.Place, r.Rank, r.Percentile, r.Reasons, r.Leaf, r.Trusts,
			r.Evidence, r.Word, r.Given, r.Voice)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO scores (
			epoch,
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile,
			reasons,
			leaf,
			trusts,
			evidence,
			word,
			given,
			voice
		) VALUES `+values(len(rows), 17), args...)
	if err != nil {
		return fmt.Errorf("save scores: %w", err)
	}
	return nil
}

// completeEpoch makes an epoch the current one.
func completeEpoch(ctx context.Context, tx *database.Tx, number int64) error {
	if _, err := tx.Exec(ctx, `UPDATE epochs SET complete = 1 WHERE number = ?`, number); err != nil {
		return fmt.Errorf("complete an epoch: %w", err)
	}
	return nil
}

// readCurrentEpoch returns the latest complete epoch; the error is
// database.IsNoRows when there is none.
func readCurrentEpoch(ctx context.Context, r database.Queryer) (epochRow, error) {
	var e epochRow
	err := r.Get(ctx, &e, `
		SELECT`+epochColumns+`
		FROM epochs
		WHERE complete = 1
		ORDER BY number DESC
		LIMIT 1`)
	return e, err
}

// readScore returns one score of an epoch; the error is database.IsNoRows when
// there is none.
func readScore(ctx context.Context, r database.Queryer, epoch int64, w wallet.Address) (scoreRow, error) {
	var s scoreRow
	err := r.Get(ctx, &s, `
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile,
			reasons,
			leaf,
			trusts,
			evidence,
			word,
			given
		FROM scores
		WHERE epoch = ?
			AND wallet = ?`, epoch, w)
	return s, err
}

// readStandings returns the scores of these wallets in any order, without their
// reasons.
func readStandings(ctx context.Context, r database.Queryer, epoch int64, wallets []wallet.Address) ([]scoreRow, error) {
	query, args, err := database.In(`
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile,
			trusts,
			given,
			voice
		FROM scores
		WHERE epoch = ?
			AND wallet IN (?)`, epoch, wallets)
	if err != nil {
		return nil, fmt.Errorf("read standings: %w", err)
	}
	var rows []scoreRow
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read standings: %w", err)
	}
	return rows, nil
}

// readEveryStanding calls each with the scores of an epoch in any order, without their
// reasons; the row is valid until each returns.
func readEveryStanding(ctx context.Context, r database.Reader, epoch int64, each func(*scoreRow)) error {
	rows, err := r.Query(ctx, `
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?`, epoch)
	if err != nil {
		return fmt.Errorf("read all standings: %w", err)
	}
	return scanStandings(rows, each)
}

func scanStandings(rows *sqlx.Rows, each func(*scoreRow)) error {
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		var s scoreRow
		if err := rows.Scan(&s.Wallet, &s.Share, &s.Value, &s.Points, &s.WeightPPM, &s.Rank, &s.Percentile); err != nil {
			return fmt.Errorf("read all standings: %w", err)
		}
		each(&s)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read all standings: %w", err)
	}
	return nil
}

// readPlaces returns the ranked scores of an epoch after a place, in order.
func readPlaces(ctx context.Context, r database.Queryer, epoch int64, after, limit int) ([]scoreRow, error) {
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?
			AND place > ?
			AND rank > 0
		ORDER BY place
		LIMIT ?`, epoch, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the leaderboard: %w", err)
	}
	return rows, nil
}

// readVouchers returns the best places of an epoch, with what is needed to say what
// their vouch would do.
func readVouchers(ctx context.Context, r database.Queryer, epoch int64, limit int) ([]scoreRow, error) {
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			wallet,
			score,
			given,
			voice
		FROM scores
		WHERE epoch = ?
			AND rank > 0
		ORDER BY place
		LIMIT ?`, epoch, limit)
	if err != nil {
		return nil, fmt.Errorf("read the best places: %w", err)
	}
	return rows, nil
}

// readEpoch returns a complete epoch; the error is database.IsNoRows when there
// is none of this number.
func readEpoch(ctx context.Context, r database.Queryer, number int64) (epochRow, error) {
	var e epochRow
	err := r.Get(ctx, &e, `
		SELECT`+epochColumns+`
		FROM epochs
		WHERE number = ?
			AND complete = 1`, number)
	return e, err
}

// readEpochs returns complete epochs before a number, newest first.
func readEpochs(ctx context.Context, r database.Queryer, before int64, limit int) ([]epochRow, error) {
	var rows []epochRow
	err := r.Select(ctx, &rows, `
		SELECT`+epochColumns+`
		FROM epochs
		WHERE number < ?
			AND complete = 1
		ORDER BY number DESC
		LIMIT ?`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	return rows, nil
}
