package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/wallet"
)

// flagRow is a reason to look at a review; By is empty for the program.
type flagRow struct {
	Kind      string `db:"kind"`
	By        []byte `db:"by_wallet"`
	Evidence  string `db:"evidence"`
	CreatedMS int64  `db:"flagged_ms"`
}

// addFlag puts a review into the queue, again if the flag was closed.
func addFlag(ctx context.Context, tx *database.Tx, review int64, f flagRow) (number int64, err error) {
	err = tx.Get(ctx, &number, `
		INSERT INTO moderation_flag (review_id, kind, by_wallet, evidence, created_ms)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (review_id, kind, by_wallet) DO UPDATE SET evidence = excluded.evidence, open = 1
		RETURNING id`, review, f.Kind, f.By, f.Evidence, f.CreatedMS)
	return number, err
}

// signFlag stores with what its writer has signed an appeal.
func signFlag(ctx context.Context, tx *database.Tx, number int64, site string, digest exchangereview.Hash, signed exchangereview.Signature) error {
	_, err := tx.Exec(ctx, `UPDATE moderation_flag SET site = ?, digest = ?, signature = ? WHERE id = ?`, site, digest[:], []byte(signed), number)
	return err
}

// flagLive puts the live version of a review into the queue.
func flagLive(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address, f flagRow) error {
	row, err := live(ctx, tx, exchange, writer)
	if err == nil {
		_, err = addFlag(ctx, tx, row.ID, f)
	}
	return err
}

func closeFlags(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address) error {
	_, err := tx.Exec(ctx, `
		UPDATE moderation_flag SET open = 0
		WHERE open = 1 AND review_id IN (SELECT id FROM review WHERE wallet = ? AND exchange_id = ?)`, writer, exchange)
	return err
}

type queuedRow struct {
	Number    int64  `db:"number"`
	Kind      string `db:"kind"`
	By        []byte `db:"by_wallet"`
	Evidence  string `db:"evidence"`
	FlaggedMS int64  `db:"flagged_ms"`
	SignedAt  string `db:"signed_site"`
	Digest    []byte `db:"signed_digest"`
	Signed    []byte `db:"signed"`
	reviewRow
}

// openFlags returns up to limit open flags with numbers above after.
func (st store) openFlags(ctx context.Context, after int64, limit int) (rows []queuedRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT
			f.id AS number,
			f.kind,
			f.by_wallet,
			f.evidence,
			f.created_ms AS flagged_ms,
			f.site AS signed_site,
			f.digest AS signed_digest,
			f.signature AS signed,`+reviewColumns+reviewTables+`
		JOIN moderation_flag AS f ON f.review_id = r.id
		WHERE f.open = 1 AND f.id > ?
		ORDER BY f.id
		LIMIT ?`, after, limit)
	return rows, err
}

// setState changes the state of the live version, and hides or shows the earlier
// ones with it.
func setState(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address, id int64, state int) error {
	if _, err := tx.Exec(ctx, `UPDATE review SET state = ?, held_until_ms = 0 WHERE id = ?`, state, id); err != nil {
		return err
	}
	earlier := stateCounted
	if state == stateRemoved {
		earlier = stateRemoved
	}
	_, err := tx.Exec(ctx, `UPDATE review SET state = ? WHERE wallet = ? AND exchange_id = ? AND retired > 0 AND state < 4`, earlier, writer, exchange)
	return err
}

// hasShown reports whether a wallet has a review that is shown.
func hasShown(ctx context.Context, q database.Queryer, writer wallet.Address) (bool, error) {
	var n int
	err := q.Get(ctx, &n, `SELECT COUNT(*) FROM review WHERE wallet = ? AND state < 2`, writer)
	return n > 0, err
}

// walletMode is what moderators decided about a wallet.
type walletMode struct {
	Wallet  wallet.Address `db:"wallet"`
	Mode    string         `db:"mode"`
	UntilMS int64          `db:"until_ms"`
}

const maxNamedWallets = 100_000

// namedWallets returns those about which a decision is in force.
func (st store) namedWallets(ctx context.Context, nowMS int64) (rows []walletMode, err error) {
	err = st.db.Read().Select(ctx, &rows, `
		SELECT wallet, mode, until_ms
		FROM moderation_wallet
		WHERE until_ms = 0 OR until_ms > ?
		LIMIT ?`, nowMS, maxNamedWallets)
	return rows, err
}

// nameWallet stores a decision about a wallet.
func nameWallet(ctx context.Context, tx *database.Tx, d exchangereview.Decision) error {
	if d.Action == exchangereview.ActionClear {
		_, err := tx.Exec(ctx, `DELETE FROM moderation_wallet WHERE wallet = ?`, d.Wallet)
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO moderation_wallet (wallet, mode, until_ms)
		VALUES (?, ?, ?)
		ON CONFLICT (wallet) DO UPDATE SET mode = excluded.mode, until_ms = excluded.until_ms`, d.Wallet, d.Action, d.UntilMS)
	return err
}

type decisionRow struct {
	ID        int64          `db:"id"`
	Slug      string         `db:"slug"`
	Wallet    wallet.Address `db:"wallet"`
	Hash      []byte         `db:"hash"`
	Action    string         `db:"action"`
	Reason    string         `db:"reason"`
	Moderator string         `db:"moderator"`
	UntilMS   int64          `db:"until_ms"`
	CreatedMS int64          `db:"created_ms"`
}

func (r *decisionRow) decided() exchangereview.Decided {
	d := exchangereview.Decided{
		Number: r.ID, Moderator: r.Moderator, CreatedMS: r.CreatedMS,
		Decision: exchangereview.Decision{Slug: r.Slug, Wallet: r.Wallet, Action: r.Action, Reason: r.Reason, UntilMS: r.UntilMS},
	}
	copy(d.Hash[:], r.Hash)
	return d
}

// logDecision stores a decision for everybody to read, and publishes it.
func logDecision(ctx context.Context, tx *database.Tx, d exchangereview.Decided) (number int64, err error) {
	hash := d.Hash[:]
	if d.Hash.IsZero() {
		hash = []byte{}
	}
	err = tx.Get(ctx, &number, `
		INSERT INTO moderation_decision (slug, wallet, hash, action, reason, moderator, until_ms, created_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		RETURNING id`, d.Slug, d.Wallet, hash, d.Action, d.Reason, d.Moderator, d.UntilMS, d.CreatedMS)
	if err != nil {
		return 0, err
	}
	d.Number = number
	return number, outbox.Publish(ctx, tx, exchangereview.DecisionTopic, d.Slug, d)
}

// decisions returns up to limit decisions with numbers below before.
func (st store) decisions(ctx context.Context, before int64, limit int) (rows []decisionRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `
		SELECT
			id,
			slug,
			wallet,
			hash,
			action,
			reason,
			moderator,
			until_ms,
			created_ms
		FROM moderation_decision
		WHERE id < ?
		ORDER BY id DESC
		LIMIT ?`, before, limit)
	return rows, err
}
