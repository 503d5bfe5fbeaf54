package webtest

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/progress"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Exchanges keeps a directory and real signed reviews.
type Exchanges struct {
	Down
	mu      sync.Mutex
	Listed  []exchangereview.Exchange
	Written []exchangereview.Review // newest first; all versions
	Weights map[wallet.Address]float64
	Unusual []exchangereview.Burst // newest first
	Claimed []exchangereview.Claim // likewise
	NowMS   func() int64

	Appealed []exchangereview.SignedAppeal
	muted    map[wallet.Address][]exchangereview.Muted // by reader, the latest first
}

var _ exchangereview.Service = (*Exchanges)(nil)

// ImportExchanges reads nothing and says so.
func (m *Exchanges) ImportExchanges(_ context.Context, q exchangereview.ExchangeUpload) (exchangereview.ExchangesImported, error) {
	if q.Check {
		return exchangereview.ExchangesImported{
			Added: 3, Updated: 37, Unchanged: 2, Confirm: "c0ffee",
			Changes: []exchangereview.ExchangeChange{{Slug: "new-one", To: "New one"}, {Slug: "meridian", Field: "status", From: "active", To: "dead"}},
		}, m.failed()
	}
	if q.Confirm != "c0ffee" {
		return exchangereview.ExchangesImported{}, fault.New(fault.Conflict, "the changes were not confirmed")
	}
	return exchangereview.ExchangesImported{Added: 3, Updated: 37}, m.failed()
}

// ImportWork says that nothing is done.
func (m *Exchanges) ImportWork(context.Context, exchangereview.ImportWorkQuery) (progress.Work, error) {
	return progress.Work{}, m.failed()
}

// Exchanges filters and sorts.
func (m *Exchanges) Exchanges(_ context.Context, q exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	if err := m.failed(); err != nil {
		return exchangereview.ExchangePage{}, err
	}
	if err := q.Validate(); err != nil {
		return exchangereview.ExchangePage{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []exchangereview.Exchange
	for _, e := range m.Listed {
		fits := (q.Kind == "" || q.Kind == e.Kind) && (q.Chain == "" || slices.Contains(e.Chains, q.Chain)) &&
			strings.Contains(strings.ToLower(e.Name), strings.ToLower(q.Q)) && (q.Proof == "" || m.isProven(e.Slug, q.Proof))
		if fits {
			e.Rating = m.rating(e.Slug)
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b exchangereview.Exchange) int {
		switch q.Sort {
		case exchangereview.ByName:
			return strings.Compare(a.Name, b.Name)
		case exchangereview.ByReviews:
			return b.Rating.Reviews - a.Rating.Reviews
		}
		return int(math.Copysign(1, b.Rating.Mean-a.Rating.Mean))
	})
	list := page.NewList[int]("exchanges", q.Sort, q.Kind, q.Chain, q.Q, q.Proof)
	from, err := list.After(q.Cursor, 0)
	if err != nil || from < 0 || from > len(found) {
		return exchangereview.ExchangePage{}, list.Wrong()
	}
	size := page.Standard().Size(q.Limit)
	found, next := page.Cut(list, found[from:], size, func(exchangereview.Exchange) int { return from + size })
	return exchangereview.ExchangePage{Exchanges: found, Next: next}, nil
}

func (m *Exchanges) isProven(slug, kind string) bool {
	return len(m.live(func(r exchangereview.Review) bool {
		return r.Exchange == slug && r.Proof != nil && (kind == exchangereview.ProofAny || kind == r.Proof.Kind)
	})) > 0
}

// Facets has the chains and countries of what is listed.
func (m *Exchanges) Facets(context.Context, exchangereview.FacetsQuery) (exchangereview.Facets, error) {
	f := exchangereview.Facets{Chains: []exchangereview.Facet{}, Countries: []exchangereview.Facet{}}
	for _, e := range m.Listed {
		for _, c := range e.Chains {
			f.Chains = append(f.Chains, exchangereview.Facet{Value: c, Exchanges: 1})
		}
		for _, c := range e.Countries {
			f.Countries = append(f.Countries, exchangereview.Facet{Value: c, Exchanges: 1})
		}
	}
	return f, m.failed()
}

// Exchange looks among Listed.
func (m *Exchanges) Exchange(_ context.Context, q exchangereview.ExchangeQuery) (exchangereview.Exchange, error) {
	if err := m.failed(); err != nil {
		return exchangereview.Exchange{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.Listed {
		if e.Slug == q.Slug {
			e.Rating = m.rating(e.Slug)
			return e, nil
		}
	}
	return exchangereview.Exchange{}, fault.New(fault.NotFound, "no exchange has this name: look for it in the list")
}

func (m *Exchanges) live(keep func(exchangereview.Review) bool) []exchangereview.Review {
	var live []exchangereview.Review
	type key struct {
		slug   string
		writer wallet.Address
	}
	seen := map[key]bool{}
	for _, r := range m.Written {
		if k := (key{r.Exchange, r.Wallet}); !seen[k] && keep(r) {
			seen[k] = true
			live = append(live, r)
		}
	}
	return live
}

func (m *Exchanges) rating(slug string) exchangereview.Rating {
	var out exchangereview.Rating
	var weights float64
	for _, r := range m.live(func(r exchangereview.Review) bool { return r.Exchange == slug }) {
		out.Reviews++
		out.Histogram[r.Overall-1]++
		out.PlainMean += float64(r.Overall)
		out.Mean += r.Weight * float64(r.Overall)
		weights += r.Weight
		a := &out.Aspects
		for i, into := range []*float64{&a.Withdrawals, &a.Support, &a.Fees, &a.Execution, &a.Security, &a.Ease} {
			b := r.Aspects
			*into += r.Weight * float64([]int{b.Withdrawals, b.Support, b.Fees, b.Execution, b.Security, b.Ease}[i])
		}
	}
	if out.Reviews == 0 {
		return out
	}
	out.PlainMean /= float64(out.Reviews)
	out.Mean /= weights
	a := &out.Aspects
	for _, into := range []*float64{&a.Withdrawals, &a.Support, &a.Fees, &a.Execution, &a.Security, &a.Ease} {
		*into /= weights
	}
	out.Enough, out.Effective, out.Low, out.High, out.Key = out.Reviews > 2, weights, max(1, out.Mean-0.5), min(5, out.Mean+0.5), out.Mean-0.5
	out.MovesUp, out.MovesDown = (5-out.Mean)/10, (out.Mean-1)/10
	return out
}

// Reviews returns an exchange's live reviews.
func (m *Exchanges) Reviews(_ context.Context, q exchangereview.ReviewsQuery) (exchangereview.ReviewPage, error) {
	if err := m.failed(); err != nil {
		return exchangereview.ReviewPage{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return exchangereview.ReviewPage{Reviews: m.live(func(r exchangereview.Review) bool { return r.Exchange == q.Slug })}, nil
}

// RecentReviews returns the newest of all.
func (m *Exchanges) RecentReviews(_ context.Context, q exchangereview.RecentQuery) (exchangereview.RecentReviews, error) {
	if err := m.failed(); err != nil {
		return exchangereview.RecentReviews{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found exchangereview.RecentReviews
	for _, r := range m.live(func(exchangereview.Review) bool { return true }) {
		at := slices.IndexFunc(m.Listed, func(e exchangereview.Exchange) bool { return e.Slug == r.Exchange })
		if len(found.Reviews) < q.Limit && at >= 0 {
			found.Reviews = append(found.Reviews, exchangereview.RecentReview{Review: r, ExchangeName: m.Listed[at].Name})
		}
	}
	return found, nil
}

// Method returns one.
func (m *Exchanges) Method(context.Context, exchangereview.MethodQuery) (exchangereview.Method, error) {
	return exchangereview.Method{
		Version: 1, HalfLifeDays: 180, PriorReviews: 5, PriorMean: 3.4, FreshDays: 30, FreshShare: 0.1, Enough: 8, LeastWeight: 0.05, Interval: 0.9,
	}, m.failed()
}

// AllReviews returns all live reviews.
func (m *Exchanges) AllReviews(context.Context, exchangereview.AllReviewsQuery) (exchangereview.ReviewPage, error) {
	if err := m.failed(); err != nil {
		return exchangereview.ReviewPage{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return exchangereview.ReviewPage{Reviews: m.live(func(exchangereview.Review) bool { return true })}, nil
}

// ReviewsOf returns a wallet's live reviews.
func (m *Exchanges) ReviewsOf(_ context.Context, q exchangereview.ReviewsOfQuery) (exchangereview.ReviewPage, error) {
	if err := m.failed(); err != nil {
		return exchangereview.ReviewPage{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return exchangereview.ReviewPage{Reviews: m.live(func(r exchangereview.Review) bool { return r.Wallet == q.Wallet })}, nil
}

// History returns all versions.
func (m *Exchanges) History(_ context.Context, q exchangereview.HistoryQuery) (exchangereview.ReviewHistory, error) {
	if err := m.failed(); err != nil {
		return exchangereview.ReviewHistory{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out exchangereview.ReviewHistory
	for _, r := range m.Written {
		if r.Exchange == q.Slug && r.Wallet == q.Wallet {
			out.Versions = append(out.Versions, r)
		}
	}
	if len(out.Versions) == 0 {
		return out, fault.New(fault.NotFound, "this wallet has not reviewed this exchange")
	}
	return out, nil
}

// PrepareReview returns a small EIP-712 document over the draft.
func (m *Exchanges) PrepareReview(ctx context.Context, d exchangereview.ReviewDraft) (exchangereview.PreparedReview, error) {
	if err := m.failed(); err != nil {
		return exchangereview.PreparedReview{}, err
	}
	signed := exchangereview.SignedReview{
		Slug: d.Slug, Wallet: d.Wallet, Overall: d.Overall, Aspects: d.Aspects, Text: d.Text, CreatedMS: m.NowMS(),
	}
	if before, err := m.History(ctx, exchangereview.HistoryQuery{Slug: d.Slug, Wallet: d.Wallet}); err == nil {
		signed.Previous = before.Versions[0].Hash
	}
	return exchangereview.PreparedReview{TypedData: document(signed), Review: signed}, nil
}

func document(r exchangereview.SignedReview) exchangereview.TypedData {
	return exchangereview.TypedData{
		Types: map[string][]exchangereview.TypedField{
			"EIP712Domain": {{Name: "name", Type: "string"}},
			"Review":       {{Name: "exchange", Type: "string"}, {Name: "overall", Type: "uint8"}, {Name: "text", Type: "string"}},
		},
		PrimaryType: "Review",
		Domain:      map[string]any{"name": "Banyan"},
		Message:     map[string]any{"exchange": r.Slug, "overall": float64(r.Overall), "text": r.Text},
	}
}

// PublishReview checks who signed and keeps it.
func (m *Exchanges) PublishReview(_ context.Context, s exchangereview.SignedReview) (exchangereview.Review, error) {
	if err := m.failed(); err != nil {
		return exchangereview.Review{}, err
	}
	d := document(s)
	types := apitypes.Types{}
	for name, fields := range d.Types {
		for _, f := range fields {
			types[name] = append(types[name], apitypes.Type{Name: f.Name, Type: f.Type})
		}
	}
	digest, _, err := apitypes.TypedDataAndHash(apitypes.TypedData{
		Types: types, PrimaryType: d.PrimaryType, Domain: apitypes.TypedDataDomain{Name: "Banyan"}, Message: d.Message,
	})
	if err != nil {
		return exchangereview.Review{}, err
	}
	signature := []byte(s.Signature)
	if len(signature) != 65 {
		return exchangereview.Review{}, fault.New(fault.Invalid, "this review has no signature of a key")
	}
	signature[64] -= 27
	key, err := crypto.SigToPub(digest, signature)
	if err != nil || wallet.Address(crypto.PubkeyToAddress(*key)) != s.Wallet {
		return exchangereview.Review{}, fault.New(fault.Forbidden, "this review was signed by another wallet than it names")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	review := exchangereview.Review{
		Exchange: s.Slug, Wallet: s.Wallet, Overall: s.Overall, Aspects: s.Aspects, Text: s.Text, CreatedMS: s.CreatedMS,
		Version: 1, Hash: exchangereview.Hash(crypto.Keccak256Hash(digest, []byte(s.Signature))),
		Previous: s.Previous, Signature: s.Signature, Weight: max(0.05, m.Weights[s.Wallet]),
		Site: "banyan.example", Group: "unproven", State: exchangereview.Counted,
	}
	for _, r := range m.Written {
		if r.Exchange == s.Slug && r.Wallet == s.Wallet {
			review.Version++
		}
	}
	m.Written = append([]exchangereview.Review{review}, m.Written...)
	return review, nil
}

// ExportReviews is not asked for by pages.
func (m *Exchanges) ExportReviews(context.Context, exchangereview.ReviewsExport) (seam.Stream, error) {
	return seam.Stream{}, m.failed()
}

// ImportReviews is not asked for by pages.
func (m *Exchanges) ImportReviews(context.Context, exchangereview.ReviewsUpload) (exchangereview.ReviewsImported, error) {
	return exchangereview.ReviewsImported{}, m.failed()
}
