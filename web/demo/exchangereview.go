package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"banyan/modules/exchangereview"
	"banyan/platform/seam"
	"banyan/web/keywallet"
)

// ExchangeReview lets some of the people write reviews.
func ExchangeReview() Part {
	return Part{Fill: func(ctx context.Context, c *Community, route *seam.Route) (Made, error) {
		written, err := reviews(ctx, exchangereview.NewClient(route), c)
		return Made{
			What: fmt.Sprintf("%d reviews", written),
			Look: func(url string) string {
				return fmt.Sprintf("Write a review: %s/exchanges/kraken, signed by the demo wallet; edit it and look at its history.", url)
			},
		}, err
	}}
}

// reviewers is how many of the community write reviews.
const reviewers = 1_500

// writersAtOnce bounds the reviews under way, so that they share commits.
const writersAtOnce = 32

type draft struct {
	person int
	review exchangereview.ReviewDraft
}

// reviews lets people write reviews, day by day over the last half year.
func reviews(ctx context.Context, s exchangereview.Service, c *Community) (int, error) {
	slugs, err := allSlugs(ctx, s)
	if err != nil {
		return 0, err
	}
	written := 0
	for day := range days {
		c.setBehind(time.Duration(days-day)*24*time.Hour - time.Duration(c.random.IntN(20))*time.Hour)
		todays := c.draftsOf(day, slugs, written)
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(writersAtOnce)
		for _, d := range todays {
			group.Go(func() error { return c.write(groupCtx, s, d) })
		}
		if err := group.Wait(); err != nil {
			return written, err
		}
		written += len(todays)
	}
	return written, nil
}

func allSlugs(ctx context.Context, s exchangereview.Service) ([]string, error) {
	var slugs []string
	q := exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: 200}
	for {
		page, err := s.Exchanges(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Exchanges {
			slugs = append(slugs, e.Slug)
		}
		if page.Next == "" {
			return slugs, nil
		}
		q.Cursor = page.Next
	}
}

// draftsOf makes up a day's reviews. Nobody writes about one exchange twice:
// the n-th review is by person n and, from the second round on, about another
// exchange. The early exchanges of the list get more of them.
func (c *Community) draftsOf(day int, slugs []string, before int) []draft {
	upTo := Reviews * (day + 1) / days
	var list []draft
	for n := before; n < upTo; n++ {
		round, person := n/reviewers, n%reviewers
		r := c.random.Float64()
		spread := len(slugs) / 2
		slug := (int(float64(spread)*r*r) + round*spread) % len(slugs)
		d := draft{person: person, review: c.opinion(slugs[slug], slug)}
		d.review.Wallet = c.wallets[person]
		list = append(list, d)
	}
	return list
}

// opinion makes up stars around the exchange's made-up quality, and words that
// go with them.
func (c *Community) opinion(slug string, number int) exchangereview.ReviewDraft {
	quality := 2.4 + float64((number*7)%24)/10
	stars := func() int { return min(5, max(1, int(quality+c.random.NormFloat64()*1.1+0.5))) }
	d := exchangereview.ReviewDraft{Slug: slug, Overall: stars()}
	for _, aspect := range []*int{
		&d.Aspects.Withdrawals, &d.Aspects.Support, &d.Aspects.Fees, &d.Aspects.Execution, &d.Aspects.Security, &d.Aspects.Ease,
	} {
		*aspect = min(5, max(1, d.Overall+c.random.IntN(3)-1))
	}
	pick := func(from []string) string { return from[c.random.IntN(len(from))] }
	sentences := []string{pick(openings[d.Overall-1]), pick(details[(d.Overall-1)/2])}
	if c.random.IntN(2) == 0 {
		sentences = append(sentences, pick(closings))
	}
	d.Text = strings.Join(sentences, " ")
	return d
}

// What people of the demo say: invented, and about nobody in particular.
var (
	openings = [5][]string{
		{"I would not come back.", "This did not work for me at all.", "A poor experience from the first day."},
		{"Below what I hoped for.", "It works, on good days.", "I expected more."},
		{"Neither good nor bad.", "Does what it says, no more.", "Fine for small amounts."},
		{"Good, with small things to mend.", "I have used it for months without trouble.", "Solid, and getting better."},
		{"The best I have used.", "Everything went as it should.", "I recommend it to friends."},
	}
	details = [3][]string{
		{"A withdrawal took four days and support answered with a template.", "The fee I paid was not the fee I was shown.", "Orders were filled far from the price on the screen."},
		{"Withdrawals take some hours.", "The order form needs getting used to.", "Fees are about average; support answers within a day."},
		{"Withdrawals arrive within minutes.", "Support solved my question in one message.", "Prices are tight even for larger orders.", "Signing in with a hardware key just works."},
	}
	closings = []string{
		"I test with small amounts every month.", "Keep your own keys for the rest.", "I will update this review when it changes.", "Compared with three others side by side.",
	}
)

// write publishes a draft as a person would: have it prepared, sign the
// document, send it back.
func (c *Community) write(ctx context.Context, s exchangereview.Service, d draft) error {
	prepared, err := s.PrepareReview(ctx, d.review)
	if err != nil {
		return err
	}
	signed := prepared.Review
	signature, err := keywallet.Sign(c.key(d.person), prepared.TypedData)
	if err != nil {
		return err
	}
	signed.Signature = exchangereview.Signature(signature)
	_, err = s.PublishReview(ctx, signed)
	return err
}
