package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/fault"
)

const exchangeColumns = `
	id,
	slug,
	name,
	name_order,
	kind,
	website,
	year,
	countries,
	chains,
	maker_fee,
	taker_fee,
	rank_order,
	reviews,
	held,
	tally`

type exchangeRow struct {
	ID        int64    `db:"id"`
	Slug      string   `db:"slug"`
	Name      string   `db:"name"`
	NameOrder string   `db:"name_order"`
	Kind      string   `db:"kind"`
	Website   string   `db:"website"`
	Year      int      `db:"year"`
	Countries string   `db:"countries"`
	Chains    string   `db:"chains"`
	MakerFee  *float64 `db:"maker_fee"`
	TakerFee  *float64 `db:"taker_fee"`
	RankOrder int64    `db:"rank_order"`
	Reviews   int64    `db:"reviews"`
	Held      int      `db:"held"`
	Tally     []byte   `db:"tally"`
}

func (r *exchangeRow) exchange(p *ranking.Parameters) (exchangereview.Exchange, error) {
	e := exchangereview.Exchange{
		Slug: r.Slug, Name: r.Name, Kind: r.Kind, Website: r.Website, Year: r.Year,
		Countries: []string{}, Chains: []string{}, MakerFee: r.MakerFee, TakerFee: r.TakerFee,
	}
	for text, into := range map[string]*[]string{r.Countries: &e.Countries, r.Chains: &e.Chains} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return exchangereview.Exchange{}, fmt.Errorf("read the lists of exchange %s: %w", r.Slug, err)
		}
	}
	var t ranking.Tally
	if err := t.UnmarshalBinary(r.Tally); err != nil {
		return exchangereview.Exchange{}, fmt.Errorf("exchange %s: %w", r.Slug, err)
	}
	e.Rating = ratingOf(&t, r.Held, p)
	return e, nil
}

// exchangesByID returns those of the ids that exist, in no order.
func (st store) exchangesByID(ctx context.Context, ids []int64) (rows []exchangeRow, err error) {
	query, args, err := database.In(`SELECT`+exchangeColumns+` FROM exchange WHERE id IN (?)`, ids)
	if err != nil {
		return nil, err
	}
	err = st.db.Read().Select(ctx, &rows, query, args...)
	return rows, err
}

// place is the position of the last exchange of a page: the next one starts
// after it.
type place struct {
	Number int64  `json:"number,omitzero"` // rank_order or reviews
	Text   string `json:"text,omitzero"`   // name_order
	Slug   string `json:"slug"`
}

// listOrders has, for each way to sort, the order and the condition of what
// follows a place. An index can use only the first part of the condition.
var listOrders = map[string]struct{ after, order string }{
	exchangereview.ByRating:  {`rank_order <= ? AND (rank_order < ? OR slug > ?)`, `rank_order DESC, slug`},
	exchangereview.ByReviews: {`reviews <= ? AND (reviews < ? OR slug > ?)`, `reviews DESC, slug`},
	exchangereview.ByName:    {`name_order >= ? AND (name_order > ? OR slug > ?)`, `name_order, slug`},
}

// listExchanges returns up to limit exchanges after a place (nil = from the
// first).
func (st store) listExchanges(ctx context.Context, q exchangereview.ExchangesQuery, after *place, limit int) (rows []exchangeRow, err error) {
	var where []string
	var args []any
	if q.Kind != "" {
		where, args = append(where, `kind = ?`), append(args, q.Kind)
	}
	if q.Chain != "" {
		where = append(where, `id IN (SELECT exchange_id FROM exchange_chain WHERE chain = ?)`)
		args = append(args, q.Chain)
	}
	by := listOrders[q.Sort]
	if after != nil {
		where = append(where, by.after)
		if q.Sort == exchangereview.ByName {
			args = append(args, after.Text, after.Text, after.Slug)
		} else {
			args = append(args, after.Number, after.Number, after.Slug)
		}
	}
	query := `SELECT` + exchangeColumns + ` FROM exchange`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	err = st.db.Read().Select(ctx, &rows, query+` ORDER BY `+by.order+` LIMIT ?`, append(args, limit)...)
	return rows, err
}

// directoryVersion returns the version by which a directory in memory is known
// to be outdated.
func (st store) directoryVersion(ctx context.Context) (version int64, err error) {
	err = st.db.Read().Get(ctx, &version, `SELECT version FROM directory WHERE id = 1`)
	return version, err
}

type nameRow struct {
	ID     int64  `db:"id"`
	Slug   string `db:"slug"`
	Name   string `db:"name"`
	Kind   string `db:"kind"`
	Chains string `db:"chains"`
}

// names returns the whole directory, in no order, and its version.
func (st store) names(ctx context.Context) (rows []nameRow, version int64, err error) {
	err = st.db.Snapshot(ctx, func(r database.Reader) error {
		rows = nil
		if err := r.Get(ctx, &version, `SELECT version FROM directory WHERE id = 1`); err != nil {
			return err
		}
		return r.Select(ctx, &rows, `
			SELECT
				id,
				slug,
				name,
				kind,
				chains
			FROM exchange`)
	})
	return rows, version, err
}

// importEntries adds or updates the entries, all or none. With onlyFirst it
// does so only in a directory that has never had any.
func (st store) importEntries(ctx context.Context, entries []directory.Entry, onlyFirst bool) (done exchangereview.ExchangesImported, err error) {
	err = st.db.Write(ctx, func(tx *database.Tx) error {
		done = exchangereview.ExchangesImported{}
		if err := tx.Lock(ctx, "directory"); err != nil {
			return err
		}
		var known []string
		if err := tx.Select(ctx, &known, `SELECT slug FROM exchange ORDER BY slug`); err != nil {
			return err
		}
		var begun int
		if err := tx.Get(ctx, &begun, `SELECT begun FROM directory WHERE id = 1`); err != nil {
			return err
		}
		skip := onlyFirst && (begun == 1 || len(known) > 0)
		if skip && begun == 1 {
			return nil
		}
		if !skip {
			for part := range slices.Chunk(entries, 500) {
				if err := writeEntries(ctx, tx, part); err != nil {
					return err
				}
			}
			for _, e := range entries {
				if _, there := slices.BinarySearch(known, e.Slug); there {
					done.Updated++
				} else {
					done.Added++
				}
			}
		}
		_, err := tx.Exec(ctx, `UPDATE directory SET version = version + 1, begun = 1 WHERE id = 1`)
		return err
	})
	return done, err
}

// writeEntries stores a part of an import; fields without a value keep the
// stored one.
func writeEntries(ctx context.Context, tx *database.Tx, entries []directory.Entry) error {
	var args []any
	for _, e := range entries {
		args = append(args, e.Slug, e.Name, strings.ToLower(e.Name), e.Kind, e.Website, e.Year,
			jsonList(e.Countries), jsonList(e.Chains), e.MakerFee, e.TakerFee)
	}
	var stored []struct {
		ID   int64  `db:"id"`
		Slug string `db:"slug"`
	}
	err := tx.Select(ctx, &stored, `
		INSERT INTO exchange (
			slug,
			name,
			name_order,
			kind,
			website,
			year,
			countries,
			chains,
			maker_fee,
			taker_fee
		) VALUES `+rowsOf(len(entries), 10)+`
		ON CONFLICT (slug) DO UPDATE SET
			name       = excluded.name,
			name_order = excluded.name_order,
			kind       = excluded.kind,
			website    = CASE WHEN excluded.website = '' THEN exchange.website ELSE excluded.website END,
			year       = CASE WHEN excluded.year = 0 THEN exchange.year ELSE excluded.year END,
			countries  = CASE WHEN excluded.countries = '[]' THEN exchange.countries ELSE excluded.countries END,
			chains     = CASE WHEN excluded.chains = '[]' THEN exchange.chains ELSE excluded.chains END,
			maker_fee  = COALESCE(excluded.maker_fee, exchange.maker_fee),
			taker_fee  = COALESCE(excluded.taker_fee, exchange.taker_fee)
		RETURNING
			id,
			slug`, args...)
	if err != nil {
		return err
	}
	ids := make(map[string]int64, len(stored))
	for _, s := range stored {
		ids[s.Slug] = s.ID
	}
	var renewed []int64
	var chains []any
	for _, e := range entries {
		if len(e.Chains) > 0 {
			renewed = append(renewed, ids[e.Slug])
		}
		for _, c := range e.Chains {
			chains = append(chains, c, ids[e.Slug])
		}
	}
	if len(renewed) == 0 {
		return nil
	}
	query, in, err := database.In(`DELETE FROM exchange_chain WHERE exchange_id IN (?)`, renewed)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, query, in...); err != nil {
		return err
	}
	for part := range slices.Chunk(chains, 2*5000) {
		_, err := tx.Exec(ctx, `INSERT INTO exchange_chain (chain, exchange_id) VALUES `+rowsOf(len(part)/2, 2), part...)
		if err != nil {
			return err
		}
	}
	return nil
}

// rowsOf returns the placeholders of n rows.
func rowsOf(n, columns int) string {
	row := "(" + strings.Repeat("?, ", columns-1) + "?)"
	return strings.Repeat(row+", ", n-1) + row
}

func jsonList(texts []string) string {
	if len(texts) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(texts) // of strings: cannot fail
	return string(text)
}

func noExchange() error {
	return fault.NoSuch("exchange", "there is no exchange with this slug: find it with GET /api/v1/exchange-review/exchanges?q=name")
}
