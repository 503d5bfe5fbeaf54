package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// shownColumns and shownTables are those of reviews with what is shown beside them.
const (
	shownColumns = reviewColumns + replyColumns + proofColumns + easColumns
	shownTables  = replyTables + proofTables + easTables
)

// replyColumns and replyTables add the exchange's answer to the rows of reviews.
const replyColumns = `,
	y.wallet AS reply_wallet,
	y.review AS reply_review,
	COALESCE(y.text, '') AS reply_text,
	COALESCE(y.created_ms, 0) AS reply_ms,
	COALESCE(y.site, '') AS reply_site,
	y.hash AS reply_hash,
	y.signature AS reply_signature,
	COALESCE(y.chain_id, 0) AS reply_chain,
	COALESCE(y.block, 0) AS reply_block`

const replyTables = `
	LEFT JOIN review_reply AS y ON y.exchange_id = r.exchange_id AND y.reviewer = r.wallet AND y.hidden = 0`

// replyRow is the answer to a review, without a hash when there is none.
type replyRow struct {
	ReplyWallet    []byte `db:"reply_wallet"`
	ReplyReview    []byte `db:"reply_review"`
	ReplyText      string `db:"reply_text"`
	ReplyMS        int64  `db:"reply_ms"`
	ReplySite      string `db:"reply_site"`
	ReplyHash      []byte `db:"reply_hash"`
	ReplySignature []byte `db:"reply_signature"`
	ReplyChain     uint64 `db:"reply_chain"`
	ReplyBlock     uint64 `db:"reply_block"`
}

// reply converts a row; nil: there is none.
func (r *replyRow) reply() *exchangereview.Reply {
	if len(r.ReplyHash) == 0 {
		return nil
	}
	y := &exchangereview.Reply{
		Text: r.ReplyText, CreatedMS: r.ReplyMS, Site: r.ReplySite, Signature: exchangereview.Signature(r.ReplySignature), ChainID: r.ReplyChain, Block: r.ReplyBlock,
	}
	copy(y.Wallet[:], r.ReplyWallet)
	copy(y.Review[:], r.ReplyReview)
	copy(y.Hash[:], r.ReplyHash)
	return y
}

// storeReply stores an answer in place of an older one; one without a text takes that
// back.
func storeReply(ctx context.Context, tx *database.Tx, by *claimRow, to wallet.Address, r *replyRow) error {
	var latest int64
	err := tx.Get(ctx, &latest, `SELECT created_ms FROM review_reply WHERE exchange_id = ? AND reviewer = ?`, by.ExchangeID, to)
	switch {
	case err != nil && !database.IsNoRows(err):
		return err
	case err == nil && latest >= r.ReplyMS: // so that an earlier one cannot be sent again
		return fault.New(fault.Conflict, "a later answer to this review is stored already: prepare this one again, and sign it")
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO review_reply (
			exchange_id,
			reviewer,
			claim_id,
			wallet,
			review,
			text,
			created_ms,
			hidden,
			site,
			hash,
			signature,
			chain_id,
			block
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (exchange_id, reviewer) DO UPDATE SET
			claim_id   = excluded.claim_id,
			wallet     = excluded.wallet,
			review     = excluded.review,
			text       = excluded.text,
			created_ms = excluded.created_ms,
			hidden     = excluded.hidden,
			site       = excluded.site,
			hash       = excluded.hash,
			signature  = excluded.signature,
			chain_id   = excluded.chain_id,
			block      = excluded.block`,
		by.ExchangeID, to, by.ID, r.ReplyWallet, r.ReplyReview, r.ReplyText, r.ReplyMS, bit(r.ReplyText == ""), r.ReplySite,
		r.ReplyHash, r.ReplySignature, r.ReplyChain, r.ReplyBlock)
	return err
}

// hideReplies hides what was answered in the name of a claim.
func hideReplies(ctx context.Context, tx *database.Tx, claim int64) error {
	_, err := tx.Exec(ctx, `UPDATE review_reply SET hidden = 1 WHERE claim_id = ?`, claim)
	return err
}
