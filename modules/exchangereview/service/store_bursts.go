package service

import (
	"context"

	"banyan/modules/exchangereview/bursts"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// The rules, as they are stored.
const (
	ruleWarn = 1
	ruleHold = 2
)

// noticeBurst stores what the rules say of a day, if they say anything. The day has
// the numbers of its last review that was one too many.
func noticeBurst(ctx context.Context, tx *database.Tx, exchange int64, day int, f bursts.Finding) error {
	rule := ruleWarn
	switch {
	case f.Hold:
		rule = ruleHold
	case !f.Warn:
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO exchange_burst (exchange_id, day, rule, reviews, usual, mix)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (exchange_id, day) DO UPDATE SET
			rule    = CASE WHEN exchange_burst.rule > excluded.rule THEN exchange_burst.rule ELSE excluded.rule END,
			reviews = excluded.reviews,
			usual   = excluded.usual,
			mix     = excluded.mix`, exchange, day, rule, f.Reviews, f.Usual, f.Mix)
	return err
}

type burstRow struct {
	ExchangeID int64  `db:"exchange_id"`
	Slug       string `db:"slug"`
	Day        int    `db:"day"`
	Rule       int    `db:"rule"`
	Reviews    int    `db:"reviews"`
	Usual      int64  `db:"usual"`
	Mix        int64  `db:"mix"`
	Held       int    `db:"held"`
}

// burstPlace is the position of the last burst of a page.
type burstPlace struct {
	Day      int   `json:"day"`
	Exchange int64 `json:"exchange"`
}

// bursts returns up to limit bursts after a place (nil = from the newest), of an
// exchange or of all (0).
func (st store) bursts(ctx context.Context, exchange int64, after *burstPlace, limit int) (rows []burstRow, err error) {
	where, args := `1 = 1`, []any{}
	if exchange != 0 {
		where, args = where+` AND b.exchange_id = ?`, append(args, exchange)
	}
	if after != nil {
		where, args = where+` AND b.day <= ? AND (b.day < ? OR b.exchange_id < ?)`, append(args, after.Day, after.Day, after.Exchange)
	}
	err = st.db.Read().Select(ctx, &rows, `
		SELECT
			b.exchange_id,
			e.slug,
			b.day,
			b.rule,
			b.reviews,
			b.usual,
			b.mix,
			(SELECT COUNT(*) FROM review AS r
				WHERE r.held_until_ms > 0 AND r.retired = 0 AND r.state = 1 AND r.exchange_id = b.exchange_id) AS held
		FROM exchange_burst AS b
		JOIN exchange AS e ON e.id = b.exchange_id
		WHERE `+where+`
		ORDER BY b.day DESC, b.exchange_id DESC
		LIMIT ?`, append(args, limit)...)
	return rows, err
}

// heldWallets returns whose live reviews of an exchange the program holds, in the
// order in which they are locked; until a time, or all (0).
func heldWallets(ctx context.Context, q database.Queryer, exchange, untilMS int64, limit int) (wallets []wallet.Address, err error) {
	where, args := ``, []any{exchange}
	if untilMS > 0 {
		where, args = ` AND held_until_ms <= ?`, append(args, untilMS)
	}
	err = q.Select(ctx, &wallets, `
		SELECT wallet
		FROM review
		WHERE held_until_ms > 0 AND retired = 0 AND state = 1 AND exchange_id = ?`+where+`
		ORDER BY wallet
		LIMIT ?`, append(args, limit)...)
	return wallets, err
}

// heldUntil returns an exchange of which the program holds a review that it held long
// enough; the error is database.IsNoRows when there is none.
func (st store) heldUntil(ctx context.Context, nowMS int64) (exchange int64, slug string, err error) {
	var row struct {
		ID   int64  `db:"id"`
		Slug string `db:"slug"`
	}
	err = st.db.Read().Get(ctx, &row, `
		SELECT e.id, e.slug
		FROM review AS r
		JOIN exchange AS e ON e.id = r.exchange_id
		WHERE r.held_until_ms > 0 AND r.held_until_ms <= ? AND r.retired = 0 AND r.state = 1
		ORDER BY r.held_until_ms
		LIMIT 1`, nowMS)
	return row.ID, row.Slug, err
}

// confirmHeld leaves the reviews of these wallets held without end.
func confirmHeld(ctx context.Context, tx *database.Tx, exchange int64, wallets []wallet.Address, _ *ranking.Parameters) (confirmed int, err error) {
	for _, w := range wallets {
		n, err := tx.Exec(ctx, `UPDATE review SET held_until_ms = 0 WHERE wallet = ? AND exchange_id = ? AND retired = 0 AND state = 1`, w, exchange)
		if err != nil {
			return confirmed, err
		}
		confirmed += int(n)
	}
	return confirmed, nil
}
