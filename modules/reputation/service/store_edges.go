package service

import (
	"context"
	"fmt"
	"math"

	"github.com/jmoiron/sqlx"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// still is until of an edge that holds on.
const still = math.MaxInt64

// edgeRow is one statement that counts.
type edgeRow struct {
	ID      int64          `db:"id"` // of the attestation, or of the import
	From    wallet.Address `db:"source"`
	To      wallet.Address `db:"target"`
	Weight  float64        `db:"weight"`  // of an import; see service.weigh
	TimeMS  *int64         `db:"time_ms"` // UTC; nil = not said
	Kind    string         `db:"kind"`    // trust, vouch, report, import
	Level   int            `db:"level"`   // of trust
	Context string         `db:"context"`
	UID     []byte         `db:"uid"`     // of the attestation
	Import  string         `db:"import"`  // its name
	Version int64          `db:"version"` // of the import, that brought it
}

// source names what an edge comes from.
func (e *edgeRow) source() string {
	if e.Kind == reputation.FromImport {
		return fmt.Sprintf("%s@%d", e.Import, e.Version)
	}
	return attestation.Hash(e.UID).String()
}

const (
	importedEdges = `
		SELECT
			i.id,
			e.source,
			e.target,
			e.weight,
			e.time_ms,
			'import' AS kind,
			0 AS level,
			'' AS context,
			CAST(NULL AS BYTEA) AS uid,
			i.name AS import,
			e.since AS version
		FROM imports i
		JOIN import_edges e ON e.import_id = i.id
		WHERE i.removed = 0
			AND e.since <= i.version
			AND e.until > i.version
			AND e.source <> e.target`
	attestedEdges = `
		SELECT
			a.id,
			a.attester AS source,
			a.subject AS target,
			CAST(0 AS DOUBLE PRECISION) AS weight,
			a.time_s * 1000 AS time_ms,
			a.kind,
			a.level,
			a.context,
			a.uid,
			'' AS import,
			0 AS version
		FROM attestations a
		WHERE a.live = 1
			AND a.kind <> ''
			AND a.expires_s > ?`
)

// eachPair reads the edges that count at a time, in a fixed order in which the last of
// a pair counts: those of imports from the oldest import to the newest, each by
// source and target, and then those of attestations, because a wallet's own signed
// word is worth more than a list. What one wallet attests of another, in several
// contexts or as trust and a vouch, adds up to one edge.
func (s service) eachPair(ctx context.Context, r database.Reader, atS int64, each func(edgeRow) error) error {
	return s.pairs(ctx, r, atS, nil, each)
}

// eachPairInto is eachPair of the edges to these wallets.
func (s service) eachPairInto(ctx context.Context, r database.Reader, atS int64, into []wallet.Address, each func(edgeRow) error) error {
	return s.pairs(ctx, r, atS, into, each)
}

// pairs reads all edges, or those into some wallets unless that is nil.
func (s service) pairs(ctx context.Context, r database.Reader, atS int64, into []wallet.Address, each func(edgeRow) error) error {
	query := func(edges, target, order string, args ...any) (*sqlx.Rows, error) {
		if into != nil {
			edges += `
			AND ` + target + ` IN (?)`
			args = append(args, into)
		}
		text, args, err := database.In(edges+order, args...)
		if err != nil {
			return nil, err
		}
		return r.Query(ctx, text, args...)
	}
	rows, err := query(importedEdges, "e.target", `
		ORDER BY i.id, e.source, e.target`)
	if err != nil {
		return fmt.Errorf("read the edges of imports: %w", err)
	}
	if err := scanEdges(rows, each); err != nil {
		return err
	}
	rows, err = query(attestedEdges, "a.subject", `
		ORDER BY a.attester, a.subject, a.time_s, a.uid`, atS)
	if err != nil {
		return fmt.Errorf("read the edges of attestations: %w", err)
	}
	return s.addUp(rows, each)
}

// addUp adds up what one wallet attests of another, of rows in the order of pairs.
func (s service) addUp(rows *sqlx.Rows, each func(edgeRow) error) error {
	var pair edgeRow
	err := scanEdges(rows, func(e edgeRow) error {
		s.weigh(&e)
		if e.From == pair.From && e.To == pair.To {
			pair.Weight, pair.TimeMS = pair.Weight+e.Weight, e.TimeMS
			return nil
		}
		before := pair
		pair = e
		return emit(before, each)
	})
	if err != nil {
		return err
	}
	return emit(pair, each)
}

// emit passes on what a wallet attests of another, within the levels of trust.
func emit(pair edgeRow, each func(edgeRow) error) error {
	if pair.Kind == "" { // before the first
		return nil
	}
	pair.Weight = max(attestation.MinLevel, min(attestation.MaxLevel, pair.Weight))
	return each(pair)
}

func scanEdges(rows *sqlx.Rows, each func(edgeRow) error) error {
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var e edgeRow
		err := rows.Scan(&e.ID, &e.From, &e.To, &e.Weight, &e.TimeMS, &e.Kind, &e.Level, &e.Context, &e.UID, &e.Import, &e.Version)
		if err != nil {
			return fmt.Errorf("read trust edges: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// weigh fills in the weight of an attestation, and reports whether the edge has one.
func (s service) weigh(e *edgeRow) bool {
	if e.Kind != reputation.FromImport {
		e.Weight = s.weightOf(e.Kind, e.Level)
	}
	return e.Weight != 0
}

// attestedNeighbours returns the edges of a wallet that attestations make, the last
// stored first, with ids below before.
func attestedNeighbours(ctx context.Context, q database.Queryer, of wallet.Address, direction string, nowS, before int64, limit int) (rows []edgeRow, err error) {
	end := "a.subject"
	if direction == reputation.Out {
		end = "a.attester"
	}
	err = q.Select(ctx, &rows, attestedEdges+`
			AND `+end+` = ?
			AND a.id < ?
		ORDER BY a.id DESC
		LIMIT ?`, nowS, of, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read attested neighbours: %w", err)
	}
	return rows, nil
}

// importedNeighbours returns the edges of a wallet that imports make, by the other
// wallet and import, after those of a place.
func importedNeighbours(ctx context.Context, q database.Queryer, of wallet.Address, direction string, after wallet.Address, afterImport int64, limit int) (rows []edgeRow, err error) {
	mine, other := "e.target", "e.source"
	if direction == reputation.Out {
		mine, other = other, mine
	}
	err = q.Select(ctx, &rows, importedEdges+`
			AND `+mine+` = ?
			AND (`+other+`, i.id) > (?, ?)
		ORDER BY `+other+`, i.id
		LIMIT ?`, of, after, afterImport, limit)
	if err != nil {
		return nil, fmt.Errorf("read imported neighbours: %w", err)
	}
	return rows, nil
}
