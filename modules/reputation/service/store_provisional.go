package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

type provisionalRow struct {
	Wallet    wallet.Address `db:"wallet"`
	Value     float64        `db:"value"`
	Points    int            `db:"points"`
	WeightPPM int            `db:"weight_ppm"`
	TimeMS    int64          `db:"time_ms"`
}

// saveProvisional puts rows of an epoch in the place of earlier ones.
func saveProvisional(ctx context.Context, tx *database.Tx, epoch int64, rows []provisionalRow) error {
	args := make([]any, 0, 6*len(rows))
	for _, r := range rows {
		args = append(args, epoch, r.Wallet, r.Value, r.Points, r.WeightPPM, r.TimeMS)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO provisional_scores (
			epoch,
			wallet,
			value,
			points,
			weight_ppm,
			time_ms
		) VALUES `+values(len(rows), 6)+`
		ON CONFLICT (epoch, wallet) DO UPDATE SET
			value = excluded.value,
			points = excluded.points,
			weight_ppm = excluded.weight_ppm,
			time_ms = excluded.time_ms`, args...)
	if err != nil {
		return fmt.Errorf("save provisional scores: %w", err)
	}
	return nil
}

// readProvisional returns what statements since an epoch make of a wallet's score, nil
// when nothing does.
func readProvisional(ctx context.Context, r database.Queryer, epoch int64, of wallet.Address) (*reputation.Provisional, error) {
	var row provisionalRow
	err := r.Get(ctx, &row, `
		SELECT
			wallet,
			value,
			points,
			weight_ppm,
			time_ms
		FROM provisional_scores
		WHERE epoch = ?
			AND wallet = ?`, epoch, of)
	switch {
	case database.IsNoRows(err):
		return nil, nil //nolint:nilnil // of most wallets
	case err != nil:
		return nil, fmt.Errorf("read a provisional score: %w", err)
	}
	return &reputation.Provisional{Standing: kindOf(row.Value), Score: row.Points, WeightPPM: row.WeightPPM, Value: row.Value, TimeMS: row.TimeMS}, nil
}

// pruneProvisional deletes up to limit rows of former epochs, and returns how many.
func pruneProvisional(ctx context.Context, tx *database.Tx, current int64, limit int) (int64, error) {
	deleted, err := tx.Exec(ctx, `
		DELETE FROM provisional_scores
		WHERE (epoch, wallet) IN (
			SELECT p.epoch, p.wallet
			FROM provisional_scores p
			WHERE p.epoch < ?
			LIMIT ?
		)`, current, limit)
	if err != nil {
		return 0, fmt.Errorf("prune provisional scores: %w", err)
	}
	return deleted, nil
}

// readPair returns the edge from one wallet to another that counts; nil = there is none.
func (s service) readPair(ctx context.Context, r database.Reader, p pairOf, atS int64) (edge *edgeRow, err error) {
	keep := func(e edgeRow) error {
		edge = &e
		return nil
	}
	rows, err := r.Query(ctx, importedEdges+`
			AND e.source = ?
			AND e.target = ?
		ORDER BY i.id`, p.from, p.to)
	if err != nil {
		return nil, fmt.Errorf("read the edges of imports: %w", err)
	}
	if err := scanEdges(rows, keep); err != nil {
		return nil, err
	}
	rows, err = r.Query(ctx, attestedEdges+`
			AND a.attester = ?
			AND a.subject = ?
		ORDER BY a.time_s, a.uid`, atS, p.from, p.to)
	if err != nil {
		return nil, fmt.Errorf("read the edges of attestations: %w", err)
	}
	return edge, s.addUp(rows, keep)
}
