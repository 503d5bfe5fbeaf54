package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type contextRow struct {
	Context    string `db:"context"`
	Statements int    `db:"statements"`
	Ranked     int    `db:"ranked"`
}

type contextScoreRow struct {
	Wallet    wallet.Address `db:"wallet"`
	Context   string         `db:"context"`
	Value     float64        `db:"value"`
	Points    int            `db:"points"`
	WeightPPM int            `db:"weight_ppm"`
	Place     int            `db:"place"`
	Rank      int            `db:"rank"`
}

// largestContexts returns the contexts with the most statements that count.
func largestContexts(ctx context.Context, r database.Queryer, nowS int64, limit int) (names []string, err error) {
	err = r.Select(ctx, &names, `
		SELECT context
		FROM attestations
		WHERE live = 1
			AND kind <> ''
			AND context <> ''
			AND expires_s > ?
		GROUP BY context
		ORDER BY COUNT(*) DESC, context
		LIMIT ?`, nowS, limit)
	if err != nil {
		return nil, fmt.Errorf("read the contexts of attestations: %w", err)
	}
	return names, nil
}

// eachInContext reads the edges that count with a context, in a fixed order.
func (s service) eachInContext(ctx context.Context, r database.Reader, name string, nowS int64, each func(edgeRow) error) error {
	rows, err := r.Query(ctx, attestedEdges+`
			AND a.context = ?
		ORDER BY a.attester, a.subject, a.time_s, a.uid`, nowS, name)
	if err != nil {
		return fmt.Errorf("read the edges of a context: %w", err)
	}
	return scanEdges(rows, func(e edgeRow) error {
		if !s.weigh(&e) {
			return nil
		}
		return each(e)
	})
}

func saveContext(ctx context.Context, tx *database.Tx, epoch int64, c contextRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO epoch_contexts (
			epoch,
			context,
			statements,
			ranked
		) VALUES (?, ?, ?, ?)`, epoch, c.Context, c.Statements, c.Ranked)
	if err != nil {
		return fmt.Errorf("save a context: %w", err)
	}
	return nil
}

func saveContextScores(ctx context.Context, tx *database.Tx, epoch int64, rows []contextScoreRow) error {
	args := make([]any, 0, 8*len(rows))
	for _, r := range rows {
		args = append(args, epoch, r.Context, r.Wallet, r.Value, r.Points, r.WeightPPM, r.Place, r.Rank)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO context_scores (
			epoch,
			context,
			wallet,
			value,
			points,
			weight_ppm,
			place,
			rank
		) VALUES `+values(len(rows), 8), args...)
	if err != nil {
		return fmt.Errorf("save the scores of a context: %w", err)
	}
	return nil
}

func readContexts(ctx context.Context, r database.Queryer, epoch int64) (rows []contextRow, err error) {
	err = r.Select(ctx, &rows, `
		SELECT
			context,
			statements,
			ranked
		FROM epoch_contexts
		WHERE epoch = ?
		ORDER BY statements DESC, context`, epoch)
	if err != nil {
		return nil, fmt.Errorf("read contexts: %w", err)
	}
	return rows, nil
}

const contextColumns = `
			wallet,
			context,
			value,
			points,
			weight_ppm,
			place,
			rank`

// readContextScores returns the scores of a wallet by context.
func readContextScores(ctx context.Context, r database.Queryer, epoch int64, of wallet.Address) (rows []contextScoreRow, err error) {
	err = r.Select(ctx, &rows, `
		SELECT`+contextColumns+`
		FROM context_scores
		WHERE epoch = ?
			AND wallet = ?
		ORDER BY context`, epoch, of)
	if err != nil {
		return nil, fmt.Errorf("read scores by context: %w", err)
	}
	return rows, nil
}

// readContextPlaces returns the ranked scores of a context after a place, in order.
func readContextPlaces(ctx context.Context, r database.Queryer, epoch int64, name string, after, limit int) (rows []contextScoreRow, err error) {
	err = r.Select(ctx, &rows, `
		SELECT`+contextColumns+`
		FROM context_scores
		WHERE epoch = ?
			AND context = ?
			AND place > ?
			AND rank > 0
		ORDER BY place
		LIMIT ?`, epoch, name, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the leaderboard of a context: %w", err)
	}
	return rows, nil
}
