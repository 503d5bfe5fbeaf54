package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

type muteRow struct {
	Wallet  wallet.Address `db:"wallet"`
	MutedMS int64          `db:"muted_ms"`
}

// mute stores that a reader has muted a wallet, and returns since when: what is stored
// stays. A reader's mutes are counted one after the other.
func mute(ctx context.Context, tx *database.Tx, reader, of wallet.Address, nowMS int64) (sinceMS int64, err error) {
	if err := tx.Lock(ctx, "mutes of "+reader.String()); err != nil {
		return 0, err
	}
	err = tx.Get(ctx, &sinceMS, `SELECT muted_ms FROM mute WHERE reader = ? AND wallet = ?`, reader, of)
	if !database.IsNoRows(err) {
		return sinceMS, err
	}
	var n int
	if err := tx.Get(ctx, &n, `SELECT COUNT(*) FROM mute WHERE reader = ?`, reader); err != nil {
		return 0, err
	}
	if n >= exchangereview.MaxMuted {
		return 0, fault.Newf(fault.Conflict, "you have muted %d wallets, which is the limit: show the reviews of some again first", n)
	}
	_, err = tx.Exec(ctx, `INSERT INTO mute (reader, wallet, muted_ms) VALUES (?, ?, ?)`, reader, of, nowMS)
	return nowMS, err
}

func unmute(ctx context.Context, tx *database.Tx, reader, of wallet.Address) error {
	_, err := tx.Exec(ctx, `DELETE FROM mute WHERE reader = ? AND wallet = ?`, reader, of)
	return err
}

// mutedBy returns what a reader has muted, the latest first.
func (st store) mutedBy(ctx context.Context, reader wallet.Address) (rows []muteRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `
		SELECT wallet, muted_ms
		FROM mute
		WHERE reader = ?
		ORDER BY muted_ms DESC, wallet
		LIMIT ?`, reader, exchangereview.MaxMuted)
	return rows, err
}
