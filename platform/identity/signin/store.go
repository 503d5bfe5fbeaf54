package signin

import (
	"context"
	"time"

	"banyan/platform/database"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// All SQL of identity. Times are UTC milliseconds; secrets are hashed.

type keyRow struct {
	ID          string        `db:"id"`
	Seed        identity.Seed `db:"seed"`
	CreatedAt   int64         `db:"created_at"`
	RetiredAt   *int64        `db:"retired_at"`
	TokensUntil int64         `db:"tokens_until"`
}

// readKeys returns all keys, newest first.
func readKeys(ctx context.Context, q database.Queryer) ([]keyRow, error) {
	var rows []keyRow
	err := q.Select(ctx, &rows, `
		SELECT id,
		       seed,
		       created_at,
		       retired_at,
		       tokens_until
		  FROM signing_key
		 ORDER BY created_at DESC, id DESC
		 LIMIT 1000`)
	return rows, err
}

func insertKey(ctx context.Context, tx *database.Tx, k keyRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO signing_key (id, seed, created_at, retired_at, tokens_until)
		VALUES (?, ?, ?, NULL, ?)`,
		k.ID, []byte(k.Seed), k.CreatedAt, k.TokensUntil)
	return err
}

func retireKeys(ctx context.Context, tx *database.Tx, at int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE signing_key
		   SET retired_at = ?
		 WHERE retired_at IS NULL`, at)
	return err
}

// forgetKeys deletes retired keys whose last token has expired.
func forgetKeys(ctx context.Context, tx *database.Tx, retiredBefore, now int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM signing_key
		 WHERE retired_at <= ?
		   AND tokens_until <= ?`, retiredBefore, now)
	return err
}

func deleteKey(ctx context.Context, tx *database.Tx, id string) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM signing_key
		 WHERE id = ?`, id)
}

// extendKey stores that the key signs a token that is valid until then; 0 rows mean
// that the key no longer signs.
func extendKey(ctx context.Context, tx *database.Tx, id string, until int64) (changed int64, err error) {
	return tx.Exec(ctx, `
		UPDATE signing_key
		   SET tokens_until = CASE WHEN tokens_until < ? THEN ? ELSE tokens_until END
		 WHERE id = ?
		   AND retired_at IS NULL`, until, until, id)
}

// saveSeed replaces a seed by its encrypted form.
func saveSeed(ctx context.Context, tx *database.Tx, id string, stored identity.Seed) error {
	_, err := tx.Exec(ctx, `
		UPDATE signing_key
		   SET seed = ?
		 WHERE id = ?`, []byte(stored), id)
	return err
}

// useNonce stores that a nonce was used; 0 rows mean that it was used before.
func useNonce(ctx context.Context, tx *database.Tx, nonce string, expires int64) (added int64, err error) {
	return tx.Exec(ctx, `
		INSERT INTO used_nonce (nonce, expires_at)
		VALUES (?, ?)
		    ON CONFLICT (nonce) DO NOTHING`, nonce, expires)
}

func isUsed(ctx context.Context, q database.Queryer, nonce string) (bool, error) {
	var count int
	err := q.Get(ctx, &count, `
		SELECT COUNT(*)
		  FROM used_nonce
		 WHERE nonce = ?`, nonce)
	return count > 0, err
}

func deleteExpiredNonces(ctx context.Context, tx *database.Tx, now int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM used_nonce
		 WHERE expires_at <= ?`, now)
	return err
}

type sessionRow struct {
	ID        string         `db:"id"`
	Secret    []byte         `db:"secret"`
	Wallet    wallet.Address `db:"wallet"`
	CreatedAt int64          `db:"created_at"`
	SeenAt    int64          `db:"seen_at"`
	ExpiresAt int64          `db:"expires_at"`
	Agent     string         `db:"agent"`
	Network   string         `db:"network"` // that it was started from, "" = not known
	Role      string         `db:"role"`    // granted one, or 'member'
	HasFactor bool           `db:"has_factor"`
	FactorAt  int64          `db:"second_factor_at"` // when the second factor was given, 0 = it was not
	Provider  string         `db:"provider_role"`    // what the provider's claim gives, "" = a wallet signed in
}

func (r sessionRow) session() Session {
	return Session{
		ID: r.ID, Wallet: r.Wallet, Agent: r.Agent, ByProvider: r.Provider != "",
		Created: time.UnixMilli(r.CreatedAt).UTC(), Seen: time.UnixMilli(r.SeenAt).UTC(), Expires: time.UnixMilli(r.ExpiresAt).UTC(),
	}
}

func insertSession(ctx context.Context, tx *database.Tx, s sessionRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO session (id, secret, wallet, created_at, seen_at, expires_at, agent, network, provider_role)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Secret, s.Wallet, s.CreatedAt, s.SeenAt, s.ExpiresAt, s.Agent, s.Network, s.Provider)
	return err
}

const selectSession = `
		SELECT s.id,
		       s.secret,
		       s.wallet,
		       s.created_at,
		       s.seen_at,
		       s.expires_at,
		       s.agent,
		       s.network,
		       s.second_factor_at,
		       s.provider_role,
		       COALESCE(r.role, 'member') AS role,
		       COALESCE(f.confirmed_at, 0) > 0 AS has_factor
		  FROM session s
		  LEFT JOIN wallet_role r ON r.wallet = s.wallet
		  LEFT JOIN second_factor f ON f.wallet = s.wallet`

func readSession(ctx context.Context, q database.Queryer, secret []byte) (sessionRow, error) {
	var row sessionRow
	err := q.Get(ctx, &row, selectSession+`
		 WHERE s.secret = ?`, secret)
	return row, err
}

// readSessions returns a wallet's current sessions, newest first.
func readSessions(ctx context.Context, q database.Queryer, w wallet.Address, now, seenAfter int64, limit int) ([]sessionRow, error) {
	var rows []sessionRow
	err := q.Select(ctx, &rows, selectSession+`
		 WHERE s.wallet = ?
		   AND s.expires_at > ?
		   AND s.seen_at > ?
		 ORDER BY s.created_at DESC, s.id DESC
		 LIMIT ?`, w, now, seenAfter, limit)
	return rows, err
}

func touchSession(ctx context.Context, tx *database.Tx, id string, at int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE session
		   SET seen_at = ?
		 WHERE id = ?
		   AND seen_at < ?`, at, id, at)
	return err
}

func deleteSessionBySecret(ctx context.Context, tx *database.Tx, secret []byte) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM session
		 WHERE secret = ?`, secret)
}

func deleteSession(ctx context.Context, tx *database.Tx, id string) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM session
		 WHERE id = ?`, id)
}

func deleteSessionOf(ctx context.Context, tx *database.Tx, id string, w wallet.Address) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM session
		 WHERE id = ?
		   AND wallet = ?`, id, w)
}

// keepSessions deletes all but the count newest sessions of a wallet; 0 deletes all.
func keepSessions(ctx context.Context, tx *database.Tx, w wallet.Address, count int) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM session
		 WHERE wallet = ?
		   AND id NOT IN (SELECT id
		                    FROM session
		                   WHERE wallet = ?
		                   ORDER BY created_at DESC, id DESC
		                   LIMIT ?)`, w, w, count)
}

// keepSessionsOf deletes all but the count sessions of a network that are most in
// use, and never one of them. Those that were not used since they were started, as
// by somebody who makes many, end first.
func keepSessionsOf(ctx context.Context, tx *database.Tx, network, one string, count int) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM session
		 WHERE network = ?
		   AND id <> ?
		   AND id NOT IN (SELECT id
		                    FROM session
		                   WHERE network = ?
		                   ORDER BY CASE WHEN seen_at > created_at THEN 0 ELSE 1 END, seen_at DESC, id DESC
		                   LIMIT ?)`, network, one, network, count)
	return err
}

func deleteDeadSessions(ctx context.Context, tx *database.Tx, now, seenBefore int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM session
		 WHERE expires_at <= ?
		    OR seen_at <= ?`, now, seenBefore)
	return err
}
