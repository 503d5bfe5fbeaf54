package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/bursts"
	"banyan/modules/exchangereview/ranking"
	"banyan/modules/exchangereview/screening"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// maxSkew is how far a review's time may be from the server's clock.
const maxSkew = 10 * time.Minute

// PrepareReview implements Service.
func (s *service) PrepareReview(ctx context.Context, q exchangereview.ReviewDraft) (exchangereview.PreparedReview, error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.PreparedReview{}, err
	}
	r := exchangereview.SignedReview{
		Slug: q.Slug, Wallet: q.Wallet, Overall: q.Overall, Aspects: q.Aspects, Text: q.Text,
		CreatedMS: s.clock().UnixMilli(),
	}
	before, err := live(ctx, s.store.db.Read(), exchange, q.Wallet)
	if err != nil && !database.IsNoRows(err) {
		return exchangereview.PreparedReview{}, fmt.Errorf("look for an earlier review: %w", err)
	}
	copy(r.Previous[:], before.Hash)
	return exchangereview.PreparedReview{TypedData: s.digester.Document(&r), Review: r}, nil
}

// PublishReview implements Service. The answer that is kept for a repeated
// request has only what the request does not contain.
func (s *service) PublishReview(ctx context.Context, q exchangereview.SignedReview) (exchangereview.Review, error) {
	hash := s.digester.Hash(&q)
	w := idempotency.Write{
		DB: s.store.db, Operation: "publishReview", Key: seam.IdempotencyKey(ctx), Signer: q.Wallet,
		Request: func() ([sha256.Size]byte, error) { return requestSum(hash, q.Signature, q.ChainID), nil },
	}
	stored, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[outcome]) (outcome, error) {
		return s.publish(ctx, &q, hash, false, keep)
	})
	if err != nil {
		return exchangereview.Review{}, err
	}
	return exchangereview.Review{
		Exchange: q.Slug, Wallet: q.Wallet, Overall: q.Overall, Aspects: q.Aspects, Text: q.Text, CreatedMS: q.CreatedMS,
		Site: s.site, Version: stored.Version, Hash: hash, Previous: q.Previous, Signature: q.Signature, ChainID: stored.ChainID, Block: stored.Block,
		Weight: float64(stored.Units) / weightOne, Group: stored.group(stored.Proof).String(), State: stateNames[stored.State], HeldUntilMS: stored.HeldUntilMS,
	}, nil
}

// publish does everything that needs no transaction before it starts one: a
// transaction occupies the database's only writer. One that is imported was published
// at another time.
func (s *service) publish(ctx context.Context, q *exchangereview.SignedReview, hash exchangereview.Hash, imported bool, keep idempotency.Keep[outcome]) (outcome, error) {
	if err := s.checkTime(q.CreatedMS); err != nil && (!imported || time.UnixMilli(q.CreatedMS).After(s.clock())) {
		return outcome{}, err
	}
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return outcome{}, err
	}
	checked, err := s.signedBy(ctx, q.Wallet, hash, q.Signature, q.ChainID, "this review")
	if err != nil {
		return outcome{}, err
	}
	now, err := s.now.forWrite(ctx, s.store.db.Read())
	if err != nil {
		return outcome{}, err
	}
	waits, err := s.policy.ask(ctx, q.Wallet)
	if err != nil {
		return outcome{}, err
	}
	p := publication{review: *q, imported: imported, site: s.site, exchange: exchange, hash: hash, checked: checked, weight: s.weigher.weigh(ctx, q.Wallet), now: now, nowMS: s.clock().UnixMilli(), waits: waits, found: s.rules.Find(q.Text)}
	if err := s.store.db.Write(ctx, func(tx *database.Tx) error {
		if err := p.write(ctx, tx); err != nil {
			return err
		}
		return keep(ctx, tx, p.outcome)
	}); err != nil {
		return outcome{}, fmt.Errorf("publish a review of %s: %w", q.Slug, err)
	}
	return p.outcome, nil
}

func (s *service) checkTime(createdMS int64) error {
	now := s.clock()
	off := now.Sub(time.UnixMilli(createdMS))
	var message string
	switch {
	case off > maxSkew:
		message = "is more than 10 minutes ago: the review is stale"
	case off < -maxSkew:
		message = "is more than 10 minutes in the future: check the clock"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "the review's time does not fit the server's clock: prepare it again, sign it and send it at once").
		With(fault.Field{Name: "created_ms", Message: message + ", the server has " + now.UTC().Format(time.RFC3339)})
}

// publication is one review that is being stored.
type publication struct {
	review   exchangereview.SignedReview
	imported bool // its earlier versions may have been left behind
	site     string
	exchange int64
	hash     exchangereview.Hash
	checked  askedAt
	weight   weight // of the wallet, if this is its first review
	now      ranking.Parameters
	nowMS    int64
	waits    waiting // whether a moderator looks at it first
	found    []screening.Finding

	outcome
}

// outcome is what storing a review determines.
type outcome struct {
	reviewer
	askedAt
	Version int `json:"version"`
	Proof   int `json:"proof,omitempty"`
	State   int `json:"state"`
	// HeldUntilMS is until when the program holds it; 0 = it does not.
	HeldUntilMS int64 `json:"held_until_ms,omitempty"`
}

// write stores the review, makes it the live one, counts it and publishes its
// event: all or nothing.
func (p *publication) write(ctx context.Context, tx *database.Tx) (err error) {
	r := &p.review
	p.outcome = outcome{Version: 1, State: stateCounted, askedAt: p.checked}
	if p.reviewer, err = admitReviewer(ctx, tx, r.Wallet, p.weight, p.now.Day); err != nil {
		return err
	}
	var before liveRow
	kind := exchangereview.ActivityPublished
	if !r.Previous.IsZero() {
		if before, err = p.retireLive(ctx, tx); err != nil {
			return err
		}
		p.Version, p.Proof = before.Version+1, before.Proof
		if before.Version > 0 {
			kind = exchangereview.ActivityEdited
		}
		if before.State == stateRemoved { // what a moderator removed comes back through a moderator
			p.State = stateWaiting
		}
	}
	if before.State == stateHeld { // an edit does not end it
		p.State, p.HeldUntilMS = stateHeld, before.HeldUntilMS
	}
	if p.State, err = p.waits.state(ctx, tx, r.Wallet, p.State); err != nil {
		return err
	}
	if p.State != stateHeld {
		p.HeldUntilMS = 0
	}
	found := bursts.Finding{}
	err = changeSumsIf(ctx, tx, p.exchange, &p.now, func(s *sums) error {
		before.uncount(s, p.reviewer)
		found = p.count(s)
		stored, err := insertReview(ctx, tx, p)
		if err == nil && !stored {
			err = p.misplaced(ctx, tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := noticeBurst(ctx, tx, p.exchange, p.now.Day, found); err != nil {
		return err
	}
	if err := p.flag(ctx, tx); err != nil {
		return err
	}
	activity := reputation.Activity{Wallet: r.Wallet, Kind: kind, Ref: r.Slug, TimeMS: r.CreatedMS}
	return outbox.Publish(ctx, tx, reputation.ActivityTopic, r.Wallet.String(), activity)
}

// count counts the review, holds it if the exchange receives unusually many, and
// returns what the rules say of the day with it.
func (p *publication) count(s *sums) bursts.Finding {
	r := &p.review
	if p.State > stateHeld {
		return bursts.Finding{}
	}
	with := s.days
	with.Add(ranking.DayOf(r.CreatedMS), r.Overall, 1)
	found := with.Find(p.now.Day)
	if found.Hold && p.State == stateCounted {
		p.State, p.HeldUntilMS = stateHeld, p.nowMS+holdFor.Milliseconds()
	}
	s.put(1, p.reviewer, p.State, rated{createdMS: r.CreatedMS, stars: r.Stars(), proof: p.Proof})
	return found
}

// flag asks moderators to look at the review: a machine asks, and never removes.
func (p *publication) flag(ctx context.Context, tx *database.Tx) error {
	r := &p.review
	found := p.found
	if p.State == stateWaiting {
		found = append(found, screening.Finding{Kind: exchangereview.FlagPremoderation})
	}
	for _, f := range found {
		if err := flagLive(ctx, tx, p.exchange, r.Wallet, flagRow{Kind: f.Kind, By: []byte{}, Evidence: f.Evidence, CreatedMS: r.CreatedMS}); err != nil {
			return err
		}
	}
	return nil
}

// retireLive retires the version that the review names as its previous one.
func (p *publication) retireLive(ctx context.Context, tx *database.Tx) (before liveRow, err error) {
	before, err = live(ctx, tx, p.exchange, p.review.Wallet)
	switch {
	case database.IsNoRows(err) && p.imported:
		return liveRow{}, nil
	case database.IsNoRows(err), err == nil && !bytes.Equal(before.Hash, p.review.Previous[:]):
		return before, p.misplaced(ctx, tx)
	case err != nil:
		return before, err
	case before.Version >= exchangereview.MaxVersions:
		return before, fault.Newf(fault.Conflict, "this review has been edited %d times, which is the limit: it cannot be edited again", exchangereview.MaxVersions-1)
	}
	return before, retire(ctx, tx, before.ID)
}

// misplaced returns why a review does not follow the live version (zero =
// none). Only such a review can be stored already: nothing follows the live one
// yet.
func (p *publication) misplaced(ctx context.Context, tx *database.Tx) error {
	stored, err := isStored(ctx, tx, p.exchange, p.review.Wallet, p.hash)
	if err != nil {
		return err
	}
	if stored {
		return fault.New(fault.Conflict, "this review is stored already: there is nothing left to do")
	}
	now, err := live(ctx, tx, p.exchange, p.review.Wallet)
	message := "is zero, because this wallet has no review of this exchange yet"
	switch {
	case err == nil:
		message = "is the hash of the live version, " + exchangereview.Hash(now.Hash).String()
	case !database.IsNoRows(err):
		return err
	}
	return fault.New(fault.Conflict, "the review does not follow the live version, which was published meanwhile: prepare it again, and sign the new document").
		With(fault.Field{Name: "previous", Message: message})
}

// Reviews implements Service.
func (s *service) Reviews(ctx context.Context, q exchangereview.ReviewsQuery) (exchangereview.ReviewPage, error) {
	switch q.Sort {
	case "":
		q.Sort = exchangereview.ByNewest
	case exchangereview.ByRating: // as exchanges are sorted
		q.Sort = exchangereview.ByBest
	}
	q.Language = strings.ToLower(q.Language)
	list := page.NewList[*reviewPlace]("reviews by "+q.Sort, q.Slug, strconv.Itoa(q.Stars), strconv.FormatInt(q.From, 10), strconv.FormatInt(q.To, 10), q.Language, q.Dimension, q.Proof)
	after, err := list.After(q.Cursor, nil)
	if err != nil {
		return exchangereview.ReviewPage{}, err
	}
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.ReviewPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.liveReviews(ctx, exchange, q, after, size+1)
	if err != nil {
		return exchangereview.ReviewPage{}, fmt.Errorf("list the reviews of %s: %w", q.Slug, err)
	}
	answer := pageOf(list, rows, size, func(row reviewRow) *reviewPlace { return row.place(q.Sort) })
	if after == nil && (q.Stars != 0 || q.Proof != "" || q.Language != "" || q.From != 0 || q.To != 0) {
		if answer.Total, err = s.store.countReviews(ctx, exchange, q, exchangereview.MaxCounted); err != nil {
			return exchangereview.ReviewPage{}, fmt.Errorf("count the reviews of %s: %w", q.Slug, err)
		}
	}
	return answer, nil
}

// ReviewsOf implements Service.
func (s *service) ReviewsOf(ctx context.Context, q exchangereview.ReviewsOfQuery) (exchangereview.ReviewPage, error) {
	list := page.NewList[int64]("reviews of a wallet", q.Wallet.String())
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return exchangereview.ReviewPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.liveReviewsOf(ctx, q.Wallet, before, size+1)
	if err != nil {
		return exchangereview.ReviewPage{}, fmt.Errorf("list the reviews of a wallet: %w", err)
	}
	return pageOf(list, rows, size, func(row reviewRow) int64 { return row.ID }), nil
}

// pageOf returns a page of reviews; the next page starts after the place of the
// last. Long ones make it shorter.
func pageOf[P any](list page.List[P], rows []reviewRow, size int, place func(reviewRow) P) exchangereview.ReviewPage {
	size = page.Fit(rows, size, func(row *reviewRow) int { return len(row.Text) })
	rows, next := page.Cut(list, rows, size, place)
	answer := exchangereview.ReviewPage{Reviews: []exchangereview.Review{}, Next: next}
	for i := range rows {
		answer.Reviews = append(answer.Reviews, rows[i].review())
	}
	return answer
}

// History implements Service.
func (s *service) History(ctx context.Context, q exchangereview.HistoryQuery) (exchangereview.ReviewHistory, error) {
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.ReviewHistory{}, err
	}
	rows, err := s.store.versions(ctx, exchange, q.Wallet)
	if err != nil {
		return exchangereview.ReviewHistory{}, fmt.Errorf("read the history of a review: %w", err)
	}
	if len(rows) == 0 {
		return exchangereview.ReviewHistory{}, noReview(q.Wallet)
	}
	h := exchangereview.ReviewHistory{Versions: make([]exchangereview.Review, len(rows))}
	for i := range rows {
		h.Versions[i] = rows[i].review()
	}
	return h, nil
}

func noReview(of wallet.Address) error {
	return fault.NoSuch("review", "%s has written no review of this exchange", of)
}
