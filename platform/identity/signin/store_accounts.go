package signin

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type accountRow struct {
	Issuer   string         `db:"issuer"`
	Subject  string         `db:"subject"`
	Wallet   wallet.Address `db:"wallet"`
	Name     string         `db:"name"`
	LinkedAt int64          `db:"linked_at"`
	UsedAt   int64          `db:"used_at"` // 0 = never
}

const selectAccount = `
		SELECT issuer,
		       subject,
		       wallet,
		       name,
		       linked_at,
		       used_at
		  FROM linked_account`

func readAccount(ctx context.Context, q database.Queryer, issuer, subject string) (accountRow, error) {
	var row accountRow
	err := q.Get(ctx, &row, selectAccount+`
		 WHERE issuer = ?
		   AND subject = ?`, issuer, subject)
	return row, err
}

// readAccounts returns those of a wallet, the oldest first.
func readAccounts(ctx context.Context, q database.Queryer, w wallet.Address, limit int) (rows []accountRow, err error) {
	err = q.Select(ctx, &rows, selectAccount+`
		 WHERE wallet = ?
		 ORDER BY linked_at, issuer, subject
		 LIMIT ?`, w, limit)
	return rows, err
}

func insertAccount(ctx context.Context, tx *database.Tx, row accountRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO linked_account (issuer, subject, wallet, name, linked_at, used_at)
		VALUES (?, ?, ?, ?, ?, 0)`, row.Issuer, row.Subject, row.Wallet, row.Name, row.LinkedAt)
	return err
}

func useAccount(ctx context.Context, tx *database.Tx, issuer, subject, name string, at int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE linked_account
		   SET name    = ?,
		       used_at = ?
		 WHERE issuer = ?
		   AND subject = ?`, name, at, issuer, subject)
	return err
}

func deleteAccount(ctx context.Context, tx *database.Tx, w wallet.Address, issuer, subject string) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM linked_account
		 WHERE wallet = ?
		   AND issuer = ?
		   AND subject = ?`, w, issuer, subject)
}

// deleteProviderSessions ends a wallet's sessions that the provider's word began.
func deleteProviderSessions(ctx context.Context, tx *database.Tx, w wallet.Address) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM session
		 WHERE wallet = ?
		   AND provider_role <> ''`, w)
}
