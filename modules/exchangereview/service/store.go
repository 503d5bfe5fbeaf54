package service

import (
	"context"
	"slices"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// store holds all SQL of the module: reviews here, exchanges in
// store_exchanges.go, weights in store_weights.go. They convert rows to the
// contract's types, so no other file knows a column.
type store struct{ db *database.DB }

const reviewColumns = `
	r.id,
	r.exchange_id,
	e.slug,
	r.wallet,
	r.version,
	r.overall,
	r.withdrawals,
	r.support,
	r.fees,
	r.execution,
	r.security,
	r.ease,
	r.proof,
	r.text,
	r.language,
	r.created_ms,
	r.hash,
	r.previous,
	r.signature,
	r.chain_id,
	r.block,
	r.site,
	r.state,
	r.held_until_ms,
	r.text_hash,
	r.helpful,
	r.unhelpful,
	r.helpful_order,
	w.weight,
	w.fresh`

const reviewTables = `
	FROM review AS r
	JOIN exchange AS e ON e.id = r.exchange_id
	JOIN reviewer AS w ON w.wallet = r.wallet`

// starsRow is the ratings of a review.
type starsRow struct {
	Overall     int `db:"overall"`
	Withdrawals int `db:"withdrawals"`
	Support     int `db:"support"`
	Fees        int `db:"fees"`
	Execution   int `db:"execution"`
	Security    int `db:"security"`
	Ease        int `db:"ease"`
	Proof       int `db:"proof"`
}

func (r *starsRow) aspects() exchangereview.Aspects[int] {
	return exchangereview.Aspects[int]{
		Withdrawals: r.Withdrawals, Support: r.Support, Fees: r.Fees, Execution: r.Execution, Security: r.Security, Ease: r.Ease,
	}
}

// rated is what the sums need of the review, with its time.
func (r *starsRow) rated(createdMS int64) rated {
	return rated{createdMS: createdMS, stars: r.stars(), proof: r.Proof}
}

func (r *starsRow) stars() [exchangereview.Dimensions]int {
	return exchangereview.StarsOf(r.Overall, r.aspects())
}

type reviewRow struct {
	ID         int64          `db:"id"`
	ExchangeID int64          `db:"exchange_id"`
	Slug       string         `db:"slug"`
	Wallet     wallet.Address `db:"wallet"`
	Version    int            `db:"version"`
	starsRow
	Text        string `db:"text"`
	Language    string `db:"language"`
	CreatedMS   int64  `db:"created_ms"`
	Hash        []byte `db:"hash"`
	Previous    []byte `db:"previous"`
	Signature   []byte `db:"signature"`
	Site        string `db:"site"`
	State       int    `db:"state"`
	HeldUntilMS int64  `db:"held_until_ms"`
	TextHash    []byte `db:"text_hash"`
	askedAt
	votesRow
	reviewer
	replyRow
	proofRow
	EASTimeS int64 `db:"eas_time_s"` // of its attestation of EAS; 0: it has none
}

// The states of a review, as they are stored.
const (
	stateCounted = iota
	stateHeld
	stateWaiting
	stateRemoved
	stateWithdrawn
)

var stateNames = [...]string{exchangereview.Counted, exchangereview.Held, exchangereview.Waiting, exchangereview.Removed, exchangereview.Withdrawn}

// review converts a row. Of a review that is not shown only the hash of the text
// is given.
func (r *reviewRow) review() exchangereview.Review {
	v := exchangereview.Review{
		Exchange: r.Slug, Wallet: r.Wallet, Site: r.Site, Overall: r.Overall,
		Aspects: r.aspects(),
		Text:    r.Text, CreatedMS: r.CreatedMS, Version: r.Version, Weight: float64(r.Units) / weightOne,
		Group: r.group(r.Proof).String(), State: stateNames[r.State], Helpfulness: r.helpfulness(), Reply: r.reply(), Proof: r.proof(), EASMS: r.EASTimeS * 1000,
	}
	if r.Language != languageLater {
		v.Language = r.Language
	}
	copy(v.Hash[:], r.Hash)
	copy(v.Previous[:], r.Previous)
	if r.State == stateHeld {
		v.HeldUntilMS = r.HeldUntilMS
	}
	v.Signature, v.ChainID, v.Block = exchangereview.Signature(r.Signature), r.ChainID, r.Block
	switch {
	case len(r.TextHash) > 0:
		v.TextHash = new(exchangereview.Hash(r.TextHash))
	case r.State == stateWaiting || r.State == stateRemoved:
		v.Text, v.TextHash = "", new(exchangereview.TextHash(r.Text))
	}
	return v
}

// reviewPlace is the position of the last review of a page.
type reviewPlace struct {
	Number int64 `json:"number,omitzero"` // stars or helpful_order
	ID     int64 `json:"id"`
}

func (r *reviewRow) place(sort string) *reviewPlace {
	switch sort {
	case exchangereview.ByBest, exchangereview.ByWorst:
		return &reviewPlace{int64(r.Overall), r.ID}
	case exchangereview.ByHelpful:
		return &reviewPlace{r.HelpfulOrder, r.ID}
	}
	return &reviewPlace{ID: r.ID}
}

// reviewOrders has, for each way to sort, the order and the condition of what
// follows a place; equal ones are newest first. Number says whether the place has
// one.
var reviewOrders = map[string]struct {
	after, order string
	number       bool
}{
	exchangereview.ByNewest:  {`r.id < ?`, `r.id DESC`, false},
	exchangereview.ByOldest:  {`r.id > ?`, `r.id`, false},
	exchangereview.ByBest:    {`r.overall <= ? AND (r.overall < ? OR r.id < ?)`, `r.overall DESC, r.id DESC`, true},
	exchangereview.ByWorst:   {`r.overall >= ? AND (r.overall > ? OR r.id < ?)`, `r.overall, r.id DESC`, true},
	exchangereview.ByHelpful: {`r.helpful_order <= ? AND (r.helpful_order < ? OR r.id < ?)`, `r.helpful_order DESC, r.id DESC`, true},
}

// reviewFilters returns the condition of a query without its place.
func reviewFilters(exchange int64, q *exchangereview.ReviewsQuery) (where string, args []any) {
	where, args = `r.retired = 0 AND r.state < 2 AND r.exchange_id = ?`, []any{exchange}
	and := func(condition string, value any) { where, args = where+` AND `+condition, append(args, value) }
	if q.Stars != 0 {
		column := "overall"
		if slices.Contains(exchangereview.DimensionNames[:], q.Dimension) { // it is a column's name
			column = q.Dimension
		}
		and(`r.`+column+` = ?`, q.Stars)
	}
	switch q.Proof {
	case "":
	case exchangereview.ProofAny:
		where += ` AND r.proof > 0`
	default:
		and(`r.proof = ?`, max(slices.Index(proofNames[:], q.Proof), proofNone))
	}
	if q.Language != "" {
		and(`r.language = ?`, q.Language)
	}
	if q.From != 0 {
		and(`r.created_ms >= ?`, q.From)
	}
	if q.To != 0 {
		and(`r.created_ms < ?`, q.To)
	}
	return where, args
}

// countReviews returns how many of an exchange's live reviews match, up to most.
func (st store) countReviews(ctx context.Context, exchange int64, q exchangereview.ReviewsQuery, most int) (n int, err error) {
	where, args := reviewFilters(exchange, &q)
	err = st.db.Read().Get(ctx, &n, `
		SELECT COUNT(*) FROM (SELECT 1 AS one FROM review AS r WHERE `+where+` LIMIT ?) AS matching`, append(args, most)...)
	return n, err
}

// liveReviews returns up to limit of an exchange's live reviews after a place
// (nil = from the first).
func (st store) liveReviews(ctx context.Context, exchange int64, q exchangereview.ReviewsQuery, after *reviewPlace, limit int) (rows []reviewRow, err error) {
	where, args := reviewFilters(exchange, &q)
	and := func(condition string, values ...any) { where, args = where+` AND `+condition, append(args, values...) }
	by := reviewOrders[q.Sort]
	switch {
	case after == nil:
	case by.number:
		and(by.after, after.Number, after.Number, after.ID)
	default:
		and(by.after, after.ID)
	}
	err = st.db.Read().Select(ctx, &rows, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE `+where+`
		ORDER BY `+by.order+`
		LIMIT ?`, append(args, limit)...)
	return rows, err
}

// liveReviewsOf returns a wallet's live reviews with ids below before, newest
// first.
func (st store) liveReviewsOf(ctx context.Context, of wallet.Address, before int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE r.retired = 0 AND r.state < 2 AND r.wallet = ? AND r.id < ?
		ORDER BY r.id DESC
		LIMIT ?`, of, before, limit)
	return rows, err
}

// versions returns a wallet's versions of its review of an exchange, newest
// first.
func (st store) versions(ctx context.Context, exchange int64, of wallet.Address) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE r.exchange_id = ? AND r.wallet = ?
		ORDER BY r.version DESC
		LIMIT ?`, exchange, of, exchangereview.MaxVersions)
	return rows, err
}

// liveRow is the version that a new one replaces.
type liveRow struct {
	ID          int64  `db:"id"`
	Version     int    `db:"version"`
	State       int    `db:"state"`
	CreatedMS   int64  `db:"created_ms"`
	HeldUntilMS int64  `db:"held_until_ms"`
	Hash        []byte `db:"hash"`
	starsRow
}

// uncount takes the version out of the sums if it was in them.
func (r *liveRow) uncount(s *sums, by reviewer) {
	if r.ID != 0 {
		s.put(-1, by, r.State, r.rated(r.CreatedMS))
	}
}

// live reads the live version; the error is database.IsNoRows when there is
// none.
func live(ctx context.Context, q database.Queryer, exchange int64, of wallet.Address) (row liveRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			id,
			version,
			state,
			created_ms,
			held_until_ms,
			hash,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease,
			proof
		FROM review
		WHERE retired = 0 AND wallet = ? AND exchange_id = ?`, of, exchange)
	return row, err
}

// isStored reports whether exactly this version was stored before.
func isStored(ctx context.Context, q database.Queryer, exchange int64, of wallet.Address, hash exchangereview.Hash) (bool, error) {
	var n int
	err := q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM review
		WHERE exchange_id = ? AND wallet = ? AND hash = ?`, exchange, of, hash[:])
	return n > 0, err
}

// admitReviewer returns how the wallet's reviews are counted. A new one is stored
// with w. The row stays locked until the transaction ends: this serialises
// changes to the reviews of one wallet and to its weight.
func admitReviewer(ctx context.Context, tx *database.Tx, of wallet.Address, w weight, today int) (r reviewer, err error) {
	first := today
	if w.firstDay > 0 && w.firstDay < today {
		first = w.firstDay
	}
	err = tx.Get(ctx, &r, `
		INSERT INTO reviewer (wallet, weight, epoch, standing, first_day, fresh)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (wallet) DO UPDATE SET weight = reviewer.weight
		RETURNING weight, fresh`, of, w.units, w.epoch, bit(standing(w.units)), first, bit(isFresh(w.units, first, today)))
	return r, err
}

// bit is how a yes is stored.
func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// retire marks a version as replaced.
func retire(ctx context.Context, tx *database.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE review SET retired = version WHERE id = ?`, id)
	return err
}

// insertReview stores a version as the live one, unless there is a live one.
func insertReview(ctx context.Context, tx *database.Tx, p *publication) (stored bool, err error) {
	r := &p.review
	added, err := tx.Exec(ctx, `
		INSERT INTO review (
			exchange_id,
			wallet,
			version,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease,
			proof,
			text,
			created_ms,
			hash,
			previous,
			signature,
			chain_id,
			block,
			site,
			state,
			held_until_ms
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (wallet, exchange_id, retired) DO NOTHING`,
		p.exchange, r.Wallet, p.Version, r.Overall, r.Aspects.Withdrawals, r.Aspects.Support, r.Aspects.Fees,
		r.Aspects.Execution, r.Aspects.Security, r.Aspects.Ease, p.Proof, r.Text, r.CreatedMS, p.hash[:], r.Previous[:], []byte(r.Signature), p.ChainID, p.Block, p.site, p.State, p.HeldUntilMS)
	if database.IsForeignKey(err) {
		return false, noExchange()
	}
	return added == 1, err
}
