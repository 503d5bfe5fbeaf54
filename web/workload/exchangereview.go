package workload

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/seam"
	"banyan/platform/wallet"
	"banyan/web/keywallet"
)

// ExchangeReview looks at exchanges, and has new wallets write reviews and edit them.
func ExchangeReview(ctx context.Context, run Run, route *seam.Route) ([]load.Visit, error) {
	s := exchangereview.NewClient(route)
	page, err := s.Exchanges(ctx, exchangereview.ExchangesQuery{Limit: 50})
	if err != nil {
		return nil, err
	}
	if len(page.Exchanges) == 0 {
		return nil, fault.New(fault.NotFound, "the server has no exchanges to review: import some, or leave this module out with --only")
	}
	r := reviewVisits{s: s, run: run}
	for _, e := range page.Exchanges {
		r.slugs = append(r.slugs, e.Slug)
	}
	return []load.Visit{
		{Name: "the directory", Share: 10, Do: r.directory},
		{Name: "an exchange with its reviews", Share: 20, Do: r.exchange},
		{Name: "a signed review", Share: 10, Do: r.publish},
		{Name: "an edit of one's review", Share: 3, Do: r.edit},
	}, nil
}

type reviewVisits struct {
	s     exchangereview.Service
	run   Run
	slugs []string
}

func (r reviewVisits) any() string { return r.slugs[load.Any(len(r.slugs))] }

func (r reviewVisits) directory(ctx context.Context, c *load.Caller) error {
	c.Read(ctx, "exchange-review/exchanges", func(ctx context.Context) error {
		_, err := r.s.Exchanges(ctx, exchangereview.ExchangesQuery{})
		return err
	})
	return nil
}

func (r reviewVisits) exchange(ctx context.Context, c *load.Caller) error {
	slug := r.any()
	if c.Read(ctx, "exchange-review/exchange", func(ctx context.Context) error {
		_, err := r.s.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug})
		return err
	}) {
		c.Read(ctx, "exchange-review/reviews", func(ctx context.Context) error {
			_, err := r.s.Reviews(ctx, exchangereview.ReviewsQuery{Slug: slug})
			return err
		})
	}
	return nil
}

// written is a review that its writer may edit.
type written struct {
	key    *ecdsa.PrivateKey
	wallet wallet.Address
	slug   string
	edits  int
}

// The reviews that a caller edits are the last ones that were acknowledged.
const (
	ownReviews = "reviews"
	mostOwn    = 20
	mostEdits  = 3
)

func (r reviewVisits) publish(ctx context.Context, c *load.Caller) error {
	key, address, err := keywallet.New()
	if err != nil {
		return err
	}
	return r.write(ctx, c, written{key: key, wallet: address, slug: r.any()})
}

// edit takes the oldest review of the caller, or writes one.
func (r reviewVisits) edit(ctx context.Context, c *load.Caller) error {
	own, _ := c.Own[ownReviews].([]written)
	if len(own) == 0 {
		return r.publish(ctx, c)
	}
	w := own[0]
	c.Own[ownReviews] = own[1:]
	w.edits++
	return r.write(ctx, c, w)
}

// write publishes a version of a review as a person would: have it prepared, sign the
// document, send it back.
func (r reviewVisits) write(ctx context.Context, c *load.Caller, w written) error {
	draft := exchangereview.ReviewDraft{
		Slug: w.slug, Wallet: w.wallet, Overall: 1 + load.Any(5), Aspects: anyAspects(),
		Text: fmt.Sprintf("%s Wallet %s, version %d.", r.run.mark(), w.wallet, w.edits+1),
	}
	var prepared exchangereview.PreparedReview
	if !c.Read(ctx, "exchange-review/prepareReview", func(ctx context.Context) (err error) {
		prepared, err = r.s.PrepareReview(ctx, draft)
		return err
	}) {
		return nil
	}
	signature, err := keywallet.Sign(w.key, prepared.TypedData)
	if err != nil {
		return err
	}
	signed := prepared.Review
	signed.Signature = exchangereview.Signature(signature)
	entry := load.Entry{Operation: "exchange-review/publishReview", Wallet: w.wallet.String(), About: w.slug, Activity: exchangereview.ActivityPublished}
	if w.edits > 0 {
		entry.Activity = exchangereview.ActivityEdited
	}
	ok, err := c.Write(ctx, entry, func(ctx context.Context, key string) (string, error) {
		stored, err := r.s.PublishReview(seam.WithIdempotencyKey(ctx, key), signed)
		if err != nil {
			return "", err
		}
		return stored.Hash.String(), nil
	})
	if own, _ := c.Own[ownReviews].([]written); ok && w.edits < mostEdits && len(own) < mostOwn {
		c.Own[ownReviews] = append(own, w)
	}
	return err
}

func anyAspects() exchangereview.Aspects[int] {
	stars := func() int { return 1 + load.Any(5) }
	return exchangereview.Aspects[int]{Withdrawals: stars(), Support: stars(), Fees: stars(), Execution: stars(), Security: stars(), Ease: stars()}
}
