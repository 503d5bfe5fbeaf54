package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
	status,
	facts,
	rank_order,
	mean_order,
	reviews,
	held,
	claimed_until_ms,
	rank_change,
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
	Status    string   `db:"status"`
	Facts     string   `db:"facts"`
	RankOrder int64    `db:"rank_order"`
	MeanOrder int64    `db:"mean_order"`
	Reviews   int64    `db:"reviews"`
	Held      int      `db:"held"`
	ClaimedMS int64    `db:"claimed_until_ms"` // it is claimed; 0 = it is not
	Change    int      `db:"rank_change"`
	Tally     []byte   `db:"tally"`
}

// entry converts a row to what an import of it would be.
func (r *exchangeRow) entry() (directory.Entry, error) {
	e := directory.Entry{
		Slug: r.Slug, Name: r.Name, Kind: r.Kind, Website: r.Website, Year: r.Year, MakerFee: r.MakerFee, TakerFee: r.TakerFee, Status: r.Status,
	}
	for _, list := range []struct {
		text string
		into any
	}{{r.Countries, &e.Countries}, {r.Chains, &e.Chains}, {r.Facts, &e.Facts}} {
		if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
			return e, fmt.Errorf("read the lists of exchange %s: %w", r.Slug, err)
		}
	}
	return e, nil
}

func (r *exchangeRow) exchange(p *ranking.Parameters, now time.Time) (exchangereview.Exchange, error) {
	d, err := r.entry()
	if err != nil {
		return exchangereview.Exchange{}, err
	}
	e := exchangereview.Exchange{
		Slug: r.Slug, Name: r.Name, Kind: r.Kind, Website: r.Website, Year: r.Year, Countries: d.Countries, Chains: d.Chains,
		MakerFee: r.MakerFee, TakerFee: r.TakerFee, Status: r.Status, StatusSince: d.StatusSince, StatusSource: d.StatusSource,
		FormerNames: d.FormerNames, Licences: d.Licences, FeesURL: d.FeesURL, Claimed: r.ClaimedMS > now.UnixMilli(), Change: r.Change,
	}
	var t ranking.Tally
	if err := t.UnmarshalBinary(r.Tally); err != nil {
		return exchangereview.Exchange{}, fmt.Errorf("exchange %s: %w", r.Slug, err)
	}
	e.Rating = ratingOf(&t, r.Held, p)
	return e, nil
}

// contracts adds the addresses of an exchange, which a list leaves out.
func (r *exchangeRow) contracts(e *exchangereview.Exchange) error {
	d, err := r.entry()
	for _, c := range d.Factories {
		e.Factories = append(e.Factories, exchangereview.ChainAddress(c))
	}
	for _, c := range d.Routers {
		e.Routers = append(e.Routers, exchangereview.ChainAddress(c))
	}
	for _, c := range d.Wallets {
		e.Wallets = append(e.Wallets, exchangereview.ChainAddress(c))
	}
	return err
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
	Number int64   `json:"number,omitzero"` // rank_order, mean_order or reviews
	Fee    float64 `json:"fee,omitzero"`    // taker_fee, 9 where none is known
	Text   string  `json:"text,omitzero"`   // name_order
	Slug   string  `json:"slug"`
}

// listOrders has, for each way to sort, the order and the condition of what
// follows a place. An index can use only the first part of the condition.
var listOrders = map[string]struct{ after, order string }{
	exchangereview.ByRating:  {`rank_order <= ? AND (rank_order < ? OR slug > ?)`, `rank_order DESC, slug`},
	exchangereview.ByReviews: {`reviews <= ? AND (reviews < ? OR slug > ?)`, `reviews DESC, slug`},
	exchangereview.ByStars:   {`mean_order <= ? AND (mean_order < ? OR slug > ?)`, `mean_order DESC, slug`},
	exchangereview.ByChange:  {`rank_change <= ? AND (rank_change < ? OR slug > ?)`, `rank_change DESC, slug`},
	exchangereview.ByFee:     {`COALESCE(taker_fee, 9) >= ? AND (COALESCE(taker_fee, 9) > ? OR slug > ?)`, `COALESCE(taker_fee, 9), slug`},
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
	if q.Status != "" {
		where, args = append(where, `status = ?`), append(args, q.Status)
	}
	if q.Country != "" { // a code of two letters, of which the column has a JSON array
		where, args = append(where, `countries LIKE ?`), append(args, `%"`+q.Country+`"%`)
	}
	if q.MaxFee > 0 {
		where, args = append(where, `taker_fee <= ?`), append(args, q.MaxFee)
	}
	if q.Proof != "" {
		condition, values := provenCondition(q.Proof)
		where, args = append(where, condition), append(args, values...)
	}
	by := listOrders[q.Sort]
	if after != nil {
		where = append(where, by.after)
		switch q.Sort {
		case exchangereview.ByName:
			args = append(args, after.Text, after.Text, after.Slug)
		case exchangereview.ByFee:
			args = append(args, after.Fee, after.Fee, after.Slug)
		default:
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
	ID        int64    `db:"id"`
	Slug      string   `db:"slug"`
	Name      string   `db:"name"`
	Kind      string   `db:"kind"`
	Chains    string   `db:"chains"`
	Countries string   `db:"countries"`
	Status    string   `db:"status"`
	Facts     string   `db:"facts"`
	TakerFee  *float64 `db:"taker_fee"`
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
				chains,
				countries,
				status,
				facts,
				taker_fee
			FROM exchange`)
	})
	return rows, version, err
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
