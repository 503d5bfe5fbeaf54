package service

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/platform/page"
	"banyan/platform/progress"
)

// LoadStarter adds well-known exchanges to a directory that has never had any,
// and returns how many. A directory that is emptied later stays empty. Call it
// once at start.
func LoadStarter(ctx context.Context, o Options) (added int, err error) {
	entries, err := directory.Starter()
	if err != nil {
		return 0, err
	}
	done, err := store{o.DB}.importEntries(ctx, entries, true, progress.Untold, func(*planned) error { return nil })
	if err != nil {
		return 0, fmt.Errorf("load the starter directory: %w", err)
	}
	return done.Added, nil
}

// ImportExchanges implements Service. The list is read and checked as a whole
// before anything is written.
func (s *service) ImportExchanges(ctx context.Context, q exchangereview.ExchangeUpload) (exchangereview.ExchangesImported, error) {
	if q.Body == nil {
		q.Body = strings.NewReader("")
	}
	tell, end := s.works.Begin(exchangereview.Name)
	defer end()
	sum := sha256.New()
	body := progress.Counted(q.Body, func(read int64) { tell(progress.Reading, read, 0) })
	entries, err := directory.Read(io.TeeReader(body, sum))
	if err != nil {
		return exchangereview.ExchangesImported{}, err
	}
	// What is confirmed is this list, for the directory as it was.
	confirms := func(p *planned) string {
		return hex.EncodeToString(binary.BigEndian.AppendUint64(sum.Sum(nil)[:16], uint64(p.version)))
	}
	if q.Check {
		p, err := plan(ctx, s.store.db.Read(), entries, tell)
		if err != nil {
			return exchangereview.ExchangesImported{}, fmt.Errorf("compare %d exchanges: %w", len(entries), err)
		}
		p.done.Confirm = confirms(&p)
		return p.done, nil
	}
	done, err := s.store.importEntries(ctx, entries, false, tell, func(p *planned) error {
		if q.Confirm != "" && q.Confirm != confirms(p) {
			return outdated()
		}
		return nil
	})
	if err != nil {
		return exchangereview.ExchangesImported{}, fmt.Errorf("import %d exchanges: %w", len(entries), err)
	}
	return done, nil
}

// ImportWork implements Service.
func (s *service) ImportWork(context.Context, exchangereview.ImportWorkQuery) (progress.Work, error) {
	return s.works.Of(exchangereview.Name), nil
}

// Exchange implements Service.
func (s *service) Exchange(ctx context.Context, q exchangereview.ExchangeQuery) (exchangereview.Exchange, error) {
	id, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Exchange{}, err
	}
	rows, err := s.store.exchangesByID(ctx, []int64{id})
	if err != nil {
		return exchangereview.Exchange{}, fmt.Errorf("read exchange %s: %w", q.Slug, err)
	}
	if len(rows) == 0 { // removed since its name was read
		return exchangereview.Exchange{}, noExchange()
	}
	now, err := s.now.read(ctx, s.store.db.Read())
	if err != nil {
		return exchangereview.Exchange{}, err
	}
	e, err := rows[0].exchange(&now, s.clock())
	if err != nil {
		return exchangereview.Exchange{}, err
	}
	return e, rows[0].contracts(&e)
}

// Exchanges implements Service.
func (s *service) Exchanges(ctx context.Context, q exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	q.Chain, q.Country = strings.ToLower(q.Chain), strings.ToUpper(q.Country)
	if q.Q != "" {
		return s.searchExchanges(ctx, q)
	}
	if q.Sort == "" {
		q.Sort = exchangereview.ByRating
	}
	list := page.NewList[*place]("exchanges by "+q.Sort, filtersOf(&q)...)
	after, err := list.After(q.Cursor, nil)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.listExchanges(ctx, q, after, size+1)
	if err != nil {
		return exchangereview.ExchangePage{}, fmt.Errorf("list exchanges: %w", err)
	}
	rows, next := page.Cut(list, rows, size, func(row exchangeRow) *place { return row.place(q.Sort) })
	now, err := s.now.read(ctx, s.store.db.Read())
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	answer := exchangereview.ExchangePage{Exchanges: []exchangereview.Exchange{}, Next: next}
	for i := range rows {
		e, err := rows[i].exchange(&now, s.clock())
		if err != nil {
			return exchangereview.ExchangePage{}, err
		}
		answer.Exchanges = append(answer.Exchanges, e)
	}
	return answer, nil
}

// place returns the position of the exchange in an order.
func (r *exchangeRow) place(sort string) *place {
	switch sort {
	case exchangereview.ByName:
		return &place{Text: r.NameOrder, Slug: r.Slug}
	case exchangereview.ByReviews:
		return &place{Number: r.Reviews, Slug: r.Slug}
	case exchangereview.ByStars:
		return &place{Number: r.MeanOrder, Slug: r.Slug}
	case exchangereview.ByChange:
		return &place{Number: int64(r.Change), Slug: r.Slug}
	case exchangereview.ByFee:
		fee := 9.0
		if r.TakerFee != nil {
			fee = *r.TakerFee
		}
		return &place{Fee: fee, Slug: r.Slug}
	}
	return &place{Number: r.RankOrder, Slug: r.Slug}
}

// match is the position of an exchange among those that a search found.
type match struct {
	Score int    `json:"score"`
	Slug  string `json:"slug"`
}

// searchExchanges answers a query with q: the names are found in memory, the
// rows of one page are read.
func (s *service) searchExchanges(ctx context.Context, q exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	e, err := s.catalogue.latest(ctx)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	list := page.NewList[*match]("exchanges by match", append(filtersOf(&q), q.Q)...)
	after, err := list.After(q.Cursor, nil)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	hits := e.find(q)
	if q.Proof != "" && len(hits) > 0 {
		proven, err := s.store.provenExchanges(ctx, q.Proof)
		if err != nil {
			return exchangereview.ExchangePage{}, fmt.Errorf("look for exchanges with a proof of use: %w", err)
		}
		hits = slices.DeleteFunc(hits, func(h hit) bool { return !proven[h.id] })
	}
	found, next := page.Cut(list, after.rest(hits), page.Standard().Size(q.Limit),
		func(h hit) *match { return &match{h.score, h.slug} })
	answer := exchangereview.ExchangePage{Exchanges: []exchangereview.Exchange{}, Next: next}
	if len(found) == 0 {
		return answer, nil
	}
	ids := make([]int64, len(found))
	for i, h := range found {
		ids[i] = h.id
	}
	rows, err := s.store.exchangesByID(ctx, ids)
	if err != nil {
		return exchangereview.ExchangePage{}, fmt.Errorf("read the exchanges found: %w", err)
	}
	now, err := s.now.read(ctx, s.store.db.Read())
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	byID := make(map[int64]*exchangeRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	for _, id := range ids {
		if row := byID[id]; row != nil { // nil: removed meanwhile
			e, err := row.exchange(&now, s.clock())
			if err != nil {
				return exchangereview.ExchangePage{}, err
			}
			answer.Exchanges = append(answer.Exchanges, e)
		}
	}
	return answer, nil
}

// rest returns the hits after m, all of them for nil.
func (m *match) rest(found []hit) []hit {
	if m == nil {
		return found
	}
	for i, h := range found {
		if h.score < m.Score || h.score == m.Score && compareSlugs(h.slug, m.Slug) > 0 {
			return found[i:]
		}
	}
	return nil
}

// filtersOf are what a page of exchanges is selected by, beside its order.
func filtersOf(q *exchangereview.ExchangesQuery) []string {
	return []string{q.Kind, q.Chain, q.Country, q.Status, strconv.FormatFloat(q.MaxFee, 'g', -1, 64), q.Proof}
}

// Facets implements Service.
func (s *service) Facets(ctx context.Context, _ exchangereview.FacetsQuery) (exchangereview.Facets, error) {
	e, err := s.catalogue.latest(ctx)
	if err != nil {
		return exchangereview.Facets{}, err
	}
	return e.facets, nil
}
