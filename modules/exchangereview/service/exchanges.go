package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
)

// LoadStarter fills a directory that has never been filled with well-known
// exchanges, and says how many. Whoever empties the directory later does not
// get them back. Call it once at start.
func LoadStarter(ctx context.Context, o Options) (added int, err error) {
	entries, err := directory.Starter()
	if err != nil {
		return 0, err
	}
	done, err := store{o.DB}.importEntries(ctx, entries, true)
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
	entries, err := directory.Read(q.Body)
	if err != nil {
		return exchangereview.ExchangesImported{}, err
	}
	done, err := s.store.importEntries(ctx, entries, false)
	if err != nil {
		return exchangereview.ExchangesImported{}, fmt.Errorf("import %d exchanges: %w", len(entries), err)
	}
	return done, nil
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
	return rows[0].exchange()
}

// Exchanges implements Service.
func (s *service) Exchanges(ctx context.Context, q exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	q.Chain = strings.ToLower(q.Chain)
	if q.Q != "" {
		return s.searchExchanges(ctx, q)
	}
	if q.Sort == "" {
		q.Sort = exchangereview.ByRating
	}
	after, err := placeOf(q)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	size := pageSize(q.Limit)
	rows, err := s.store.listExchanges(ctx, q, after, size+1)
	if err != nil {
		return exchangereview.ExchangePage{}, fmt.Errorf("list exchanges: %w", err)
	}
	page := exchangereview.ExchangePage{Exchanges: []exchangereview.Exchange{}}
	if len(rows) > size {
		rows = rows[:size]
		page.Next = cursorAt(q.Sort, &rows[size-1])
	}
	for i := range rows {
		e, err := rows[i].exchange()
		if err != nil {
			return exchangereview.ExchangePage{}, err
		}
		page.Exchanges = append(page.Exchanges, e)
	}
	return page, nil
}

// cursorAt says where a page ended.
func cursorAt(sort string, row *exchangeRow) string {
	switch sort {
	case exchangereview.ByName:
		return encodeCursor(sort, row.NameOrder, row.Slug)
	case exchangereview.ByReviews:
		return encodeCursor(sort, strconv.FormatInt(row.Reviews, 10), row.Slug)
	}
	return encodeCursor(sort, strconv.FormatInt(row.RatingOrder, 10), row.Slug)
}

// placeOf reads what cursorAt wrote; nil without a cursor.
func placeOf(q exchangereview.ExchangesQuery) (*place, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	parts, err := decodeCursor(q.Cursor, q.Sort, 2)
	if err != nil {
		return nil, err
	}
	if q.Sort == exchangereview.ByName {
		return &place{text: parts[0], slug: parts[1]}, nil
	}
	number, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return nil, wrongCursor()
	}
	return &place{number: number, slug: parts[1]}, nil
}

// byMatch names the order of a search in its cursor.
const byMatch = "match"

// searchExchanges answers a query with q: the names are found in memory, the
// rows of one page are read.
func (s *service) searchExchanges(ctx context.Context, q exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error) {
	e, err := s.catalogue.latest(ctx)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	found, err := afterCursor(e.find(q), q.Cursor)
	if err != nil {
		return exchangereview.ExchangePage{}, err
	}
	page := exchangereview.ExchangePage{Exchanges: []exchangereview.Exchange{}}
	if size := pageSize(q.Limit); len(found) > size {
		found = found[:size]
		last := found[size-1]
		page.Next = encodeCursor(byMatch, strconv.Itoa(last.score), last.slug)
	}
	if len(found) == 0 {
		return page, nil
	}
	ids := make([]int64, len(found))
	for i, h := range found {
		ids[i] = h.id
	}
	rows, err := s.store.exchangesByID(ctx, ids)
	if err != nil {
		return exchangereview.ExchangePage{}, fmt.Errorf("read the exchanges found: %w", err)
	}
	byID := make(map[int64]*exchangeRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	for _, id := range ids {
		if row := byID[id]; row != nil { // nil: removed meanwhile
			e, err := row.exchange()
			if err != nil {
				return exchangereview.ExchangePage{}, err
			}
			page.Exchanges = append(page.Exchanges, e)
		}
	}
	return page, nil
}

// afterCursor leaves out what earlier pages had.
func afterCursor(found []hit, cursor string) ([]hit, error) {
	if cursor == "" {
		return found, nil
	}
	parts, err := decodeCursor(cursor, byMatch, 2)
	if err != nil {
		return nil, err
	}
	score, err := strconv.Atoi(parts[0])
	if err != nil {
		return nil, wrongCursor()
	}
	for i, h := range found {
		if h.score < score || h.score == score && compareSlugs(h.slug, parts[1]) > 0 {
			return found[i:], nil
		}
	}
	return nil, nil
}
