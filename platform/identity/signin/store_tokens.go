package signin

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type tokenRow struct {
	ID        string `db:"id"`
	Subject   string `db:"subject"`
	Wallet    []byte `db:"wallet"` // nil = nobody's
	Role      string `db:"role"`
	Scope     string `db:"scope"`
	KeyID     string `db:"key_id"`
	CreatedAt int64  `db:"created_at"`
	CreatedBy string `db:"created_by"`
	ExpiresAt int64  `db:"expires_at"`
	UsedAt    *int64 `db:"used_at"`
	RevokedAt *int64 `db:"revoked_at"`
	Granted   string `db:"granted"` // the wallet's role, or 'member'
}

//nolint:gosec // a query, not a credential
const selectToken = `
		SELECT t.id,
		       t.subject,
		       t.wallet,
		       t.role,
		       t.scope,
		       t.key_id,
		       t.created_at,
		       t.created_by,
		       t.expires_at,
		       t.used_at,
		       t.revoked_at,
		       COALESCE(r.role, 'member') AS granted
		  FROM api_token t
		  LEFT JOIN wallet_role r ON r.wallet = t.wallet`

func insertToken(ctx context.Context, tx *database.Tx, t tokenRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO api_token (id, subject, wallet, role, scope, key_id, created_at, created_by, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		t.ID, t.Subject, t.Wallet, t.Role, t.Scope, t.KeyID, t.CreatedAt, t.CreatedBy, t.ExpiresAt)
	return err
}

func readToken(ctx context.Context, q database.Queryer, id string) (tokenRow, error) {
	var row tokenRow
	err := q.Get(ctx, &row, selectToken+`
		 WHERE t.id = ?`, id)
	return row, err
}

// readTokens returns tokens that were made before a place, newest first.
func readTokens(ctx context.Context, q database.Queryer, ask TokenQuery, before tokenPlace, now int64, limit int) ([]tokenRow, error) {
	everybody, ended := 0, 0
	if ask.Wallet.IsZero() {
		everybody = 1
	}
	if ask.Ended {
		ended = 1
	}
	var rows []tokenRow
	err := q.Select(ctx, &rows, selectToken+`
		 WHERE (? = 1 OR t.wallet = ?)
		   AND (? = 1 OR t.revoked_at IS NULL AND t.expires_at > ?)
		   AND (t.created_at < ? OR t.created_at = ? AND t.id < ?)
		 ORDER BY t.created_at DESC, t.id DESC
		 LIMIT ?`, everybody, ask.Wallet, ended, now, before.At, before.At, before.ID, limit)
	return rows, err
}

func touchToken(ctx context.Context, tx *database.Tx, id string, at int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE api_token
		   SET used_at = ?
		 WHERE id = ?
		   AND (used_at IS NULL OR used_at < ?)`, at, id, at)
	return err
}

// revokeToken ends a token; of a wallet, or with the zero wallet anybody's. 0 rows
// mean that there is none in use.
func revokeToken(ctx context.Context, tx *database.Tx, id string, of wallet.Address, at int64) (changed int64, err error) {
	everybody := 0
	if of.IsZero() {
		everybody = 1
	}
	return tx.Exec(ctx, `
		UPDATE api_token
		   SET revoked_at = ?
		 WHERE id = ?
		   AND (? = 1 OR wallet = ?)
		   AND revoked_at IS NULL
		   AND expires_at > ?`, at, id, everybody, of, at)
}

func revokeTokensOf(ctx context.Context, tx *database.Tx, w wallet.Address, at int64) (changed int64, err error) {
	return tx.Exec(ctx, `
		UPDATE api_token
		   SET revoked_at = ?
		 WHERE wallet = ?
		   AND revoked_at IS NULL
		   AND expires_at > ?`, at, w, at)
}

// endOldTokens ends all but the count newest tokens of a wallet that are in use.
func endOldTokens(ctx context.Context, tx *database.Tx, w wallet.Address, now int64, count int) error {
	_, err := tx.Exec(ctx, `
		UPDATE api_token
		   SET revoked_at = ?
		 WHERE wallet = ?
		   AND revoked_at IS NULL
		   AND expires_at > ?
		   AND id NOT IN (SELECT id
		                    FROM api_token
		                   WHERE wallet = ?
		                     AND revoked_at IS NULL
		                     AND expires_at > ?
		                   ORDER BY created_at DESC, id DESC
		                   LIMIT ?)`, now, w, now, w, now, count)
	return err
}

// deleteDeadTokens deletes tokens that expired before a time.
func deleteDeadTokens(ctx context.Context, tx *database.Tx, before int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM api_token
		 WHERE expires_at <= ?`, before)
	return err
}

func readRole(ctx context.Context, q database.Queryer, w wallet.Address) (string, error) {
	var role string
	err := q.Get(ctx, &role, `
		SELECT role
		  FROM wallet_role
		 WHERE wallet = ?`, w)
	return role, err
}

func saveRole(ctx context.Context, tx *database.Tx, w wallet.Address, role, by string, at int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO wallet_role (wallet, role, granted_by, granted_at)
		VALUES (?, ?, ?, ?)
		    ON CONFLICT (wallet) DO UPDATE
		   SET role = excluded.role,
		       granted_by = excluded.granted_by,
		       granted_at = excluded.granted_at`, w, role, by, at)
	return err
}

type roleRow struct {
	Wallet    wallet.Address `db:"wallet"`
	Role      string         `db:"role"`
	GrantedBy string         `db:"granted_by"`
	GrantedAt int64          `db:"granted_at"`
}

// readRoles returns the wallets that have a role, the latest first.
func readRoles(ctx context.Context, q database.Queryer, limit int) ([]roleRow, error) {
	var rows []roleRow
	err := q.Select(ctx, &rows, `
		SELECT wallet,
		       role,
		       granted_by,
		       granted_at
		  FROM wallet_role
		 ORDER BY granted_at DESC, wallet
		 LIMIT ?`, limit)
	return rows, err
}

func deleteRole(ctx context.Context, tx *database.Tx, w wallet.Address) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM wallet_role
		 WHERE wallet = ?`, w)
	return err
}
