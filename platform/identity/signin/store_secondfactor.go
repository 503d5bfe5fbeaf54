package signin

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type secondFactorRow struct {
	Wallet      wallet.Address `db:"wallet"`
	Secret      []byte         `db:"secret"`  // maybe encrypted
	Session     string         `db:"session"` // that began
	BegunAt     int64          `db:"begun_at"`
	ConfirmedAt int64          `db:"confirmed_at"` // 0 = not yet
	LastStep    int64          `db:"last_step"`
	Failures    int64          `db:"failures"`
	WaitUntil   int64          `db:"wait_until"`
}

const selectSecondFactor = `
		SELECT wallet,
		       secret,
		       session,
		       begun_at,
		       confirmed_at,
		       last_step,
		       failures,
		       wait_until
		  FROM second_factor`

func readSecondFactor(ctx context.Context, q database.Queryer, w wallet.Address) (secondFactorRow, error) {
	var row secondFactorRow
	err := q.Get(ctx, &row, selectSecondFactor+`
		 WHERE wallet = ?`, w)
	return row, err
}

// readSecondFactors returns those that were confirmed, the latest first.
func readSecondFactors(ctx context.Context, q database.Queryer, limit int) (rows []secondFactorRow, err error) {
	err = q.Select(ctx, &rows, selectSecondFactor+`
		 WHERE confirmed_at > 0
		 ORDER BY confirmed_at DESC, wallet
		 LIMIT ?`, limit)
	return rows, err
}

// readPlainSecrets returns those whose secret is stored as it is.
func readPlainSecrets(ctx context.Context, q database.Queryer) (rows []secondFactorRow, err error) {
	err = q.Select(ctx, &rows, selectSecondFactor+`
		 WHERE length(secret) = ?
		 LIMIT 1000`, totpSecretSize)
	return rows, err
}

func saveTOTPSecret(ctx context.Context, tx *database.Tx, w wallet.Address, stored []byte) error {
	_, err := tx.Exec(ctx, `
		UPDATE second_factor
		   SET secret = ?
		 WHERE wallet = ?`, stored, w)
	return err
}

// beginSecondFactor replaces one that was not confirmed.
func beginSecondFactor(ctx context.Context, tx *database.Tx, row secondFactorRow) error {
	if _, err := deleteSecondFactor(ctx, tx, row.Wallet); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO second_factor (wallet, secret, session, begun_at, confirmed_at, last_step, failures, wait_until)
		VALUES (?, ?, ?, ?, 0, 0, 0, 0)`, row.Wallet, row.Secret, row.Session, row.BegunAt)
	return err
}

func confirmSecondFactor(ctx context.Context, tx *database.Tx, w wallet.Address, at, step int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE second_factor
		   SET confirmed_at = ?,
		       last_step    = ?
		 WHERE wallet = ?`, at, step, w)
	return err
}

// tookCode stores that a right code was given.
func tookCode(ctx context.Context, tx *database.Tx, w wallet.Address, step int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE second_factor
		   SET last_step  = ?,
		       failures   = 0,
		       wait_until = 0
		 WHERE wallet = ?`, step, w)
	return err
}

func refusedCode(ctx context.Context, tx *database.Tx, w wallet.Address, failures, waitUntil int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE second_factor
		   SET failures   = ?,
		       wait_until = ?
		 WHERE wallet = ?`, failures, waitUntil, w)
	return err
}

// deleteSecondFactor deletes the codes for its recovery, too.
func deleteSecondFactor(ctx context.Context, tx *database.Tx, w wallet.Address) (deleted int64, err error) {
	if err := deleteRecoveryCodes(ctx, tx, w); err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `
		DELETE FROM second_factor
		 WHERE wallet = ?`, w)
}

// deleteOldBeginnings deletes those that were begun before and never confirmed.
func deleteOldBeginnings(ctx context.Context, tx *database.Tx, before int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM second_factor
		 WHERE confirmed_at = 0
		   AND begun_at <= ?`, before)
	return err
}

func insertRecoveryCode(ctx context.Context, tx *database.Tx, w wallet.Address, hash []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO recovery_code (wallet, code)
		VALUES (?, ?)`, w, hash)
	return err
}

// useRecoveryCode deletes a code; 0 rows mean that there is none like that.
func useRecoveryCode(ctx context.Context, tx *database.Tx, w wallet.Address, hash []byte) (used int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM recovery_code
		 WHERE wallet = ?
		   AND code = ?`, w, hash)
}

func countRecoveryCodes(ctx context.Context, q database.Queryer, w wallet.Address) (count int, err error) {
	err = q.Get(ctx, &count, `
		SELECT COUNT(*)
		  FROM recovery_code
		 WHERE wallet = ?`, w)
	return count, err
}

func deleteRecoveryCodes(ctx context.Context, tx *database.Tx, w wallet.Address) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM recovery_code
		 WHERE wallet = ?`, w)
	return err
}

// giveSecondFactor stores that it was given in a session; 0 rows mean that the session
// has ended.
func giveSecondFactor(ctx context.Context, tx *database.Tx, w wallet.Address, session string, at int64) (changed int64, err error) {
	return tx.Exec(ctx, `
		UPDATE session
		   SET second_factor_at = ?
		 WHERE id = ?
		   AND wallet = ?`, at, session, w)
}

// takeSecondFactor has it given again in every session of a wallet.
func takeSecondFactor(ctx context.Context, tx *database.Tx, w wallet.Address) error {
	_, err := tx.Exec(ctx, `
		UPDATE session
		   SET second_factor_at = 0
		 WHERE wallet = ?`, w)
	return err
}
