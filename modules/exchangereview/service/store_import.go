package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/progress"
)

// mostChanges is how many changes of an import are listed.
const mostChanges = 500

// planned is what an import would do to the directory as it is.
type planned struct {
	version int64
	begun   bool
	known   int
	write   []directory.Entry // merged with what is stored
	done    exchangereview.ExchangesImported
}

// entriesPerPart is how many entries are compared or written before the import says how
// far it is, and ends when it was cancelled.
const entriesPerPart = 500

// plan compares entries with the directory; tell learns how many.
func plan(ctx context.Context, q database.Queryer, entries []directory.Entry, tell progress.Tell) (p planned, err error) {
	var about struct {
		Version int64 `db:"version"`
		Begun   int   `db:"begun"`
	}
	if err := q.Get(ctx, &about, `SELECT version, begun FROM directory WHERE id = 1`); err != nil {
		return p, err
	}
	var rows []exchangeRow
	if err := q.Select(ctx, &rows, `SELECT`+exchangeColumns+` FROM exchange`); err != nil {
		return p, err
	}
	stored := make(map[string]*exchangeRow, len(rows))
	for i := range rows {
		stored[rows[i].Slug] = &rows[i]
	}
	p.version, p.begun, p.known = about.Version, about.Begun == 1, len(rows)
	p.done.Changes = []exchangereview.ExchangeChange{}
	for i, e := range entries {
		if i%entriesPerPart == 0 {
			tell(progress.Comparing, int64(i), int64(len(entries)))
			if err := ctx.Err(); err != nil {
				return p, err
			}
		}
		row := stored[e.Slug]
		if row == nil {
			p.write, p.done.Added = append(p.write, e), p.done.Added+1
			p.change(exchangereview.ExchangeChange{Slug: e.Slug, Field: "", To: e.Name})
			continue
		}
		was, err := row.entry()
		if err != nil {
			return p, err
		}
		is := e.Over(was)
		different := is.Differences(&was)
		if len(different) == 0 {
			p.done.Unchanged++
			continue
		}
		p.write, p.done.Updated = append(p.write, is), p.done.Updated+1
		for _, d := range different {
			p.change(exchangereview.ExchangeChange{Slug: e.Slug, Field: d.Field, From: d.From, To: d.To})
		}
	}
	return p, nil
}

func (p *planned) change(c exchangereview.ExchangeChange) {
	if len(p.done.Changes) == mostChanges {
		p.done.More++
		return
	}
	p.done.Changes = append(p.done.Changes, c)
}

// importEntries adds or updates the entries, all or none, if confirm agrees with what
// that would do. With onlyFirst it does so only in a directory that has never had any.
// tell learns how many were compared, and written.
func (st store) importEntries(ctx context.Context, entries []directory.Entry, onlyFirst bool, tell progress.Tell, confirm func(*planned) error) (done exchangereview.ExchangesImported, err error) {
	err = st.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "directory"); err != nil {
			return err
		}
		p, err := plan(ctx, tx, entries, tell)
		if err != nil {
			return err
		}
		if err := confirm(&p); err != nil {
			return err
		}
		done = exchangereview.ExchangesImported{}
		if onlyFirst && p.begun {
			return nil
		}
		if !onlyFirst || p.known == 0 {
			written := 0
			for part := range slices.Chunk(p.write, entriesPerPart) {
				tell(progress.Storing, int64(written), int64(len(p.write)))
				if err := writeEntries(ctx, tx, part); err != nil {
					return err
				}
				written += len(part)
			}
			done = p.done
		}
		if _, err = tx.Exec(ctx, `UPDATE directory SET version = version + 1, begun = 1 WHERE id = 1`); err != nil || len(p.write) == 0 || onlyFirst {
			return err
		}
		return publishImport(ctx, tx, &p)
	})
	return done, err
}

// publishImport publishes which exchanges an import has changed.
func publishImport(ctx context.Context, tx *database.Tx, p *planned) error {
	change := exchangereview.DirectoryChange{Added: p.done.Added, Updated: p.done.Updated, Exchanges: []string{}}
	for _, e := range p.write[:min(len(p.write), 500)] {
		change.Exchanges = append(change.Exchanges, e.Slug)
	}
	return outbox.Publish(ctx, tx, exchangereview.DirectoryTopic, "", change)
}

// writeEntries stores a part of an import.
func writeEntries(ctx context.Context, tx *database.Tx, entries []directory.Entry) error {
	var args []any
	for _, e := range entries {
		facts, err := json.Marshal(e.Facts)
		if err != nil {
			return fmt.Errorf("encode the facts of %s: %w", e.Slug, err)
		}
		status := e.Status
		if status == "" {
			status = directory.Active
		}
		args = append(args, e.Slug, e.Name, strings.ToLower(e.Name), e.Kind, e.Website, e.Year,
			jsonList(e.Countries), jsonList(e.Chains), e.MakerFee, e.TakerFee, status, string(facts))
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
			taker_fee,
			status,
			facts
		) VALUES `+rowsOf(len(entries), 12)+`
		ON CONFLICT (slug) DO UPDATE SET
			name       = excluded.name,
			name_order = excluded.name_order,
			kind       = excluded.kind,
			website    = excluded.website,
			year       = excluded.year,
			countries  = excluded.countries,
			chains     = excluded.chains,
			maker_fee  = excluded.maker_fee,
			taker_fee  = excluded.taker_fee,
			status     = excluded.status,
			facts      = excluded.facts
		RETURNING
			id,
			slug`, args...)
	if err != nil {
		return err
	}
	ids, all := make(map[string]int64, len(stored)), make([]int64, len(stored))
	for i, s := range stored {
		ids[s.Slug], all[i] = s.ID, s.ID
	}
	return writeChains(ctx, tx, entries, ids, all)
}

// writeChains stores the chains of the entries for the filter.
func writeChains(ctx context.Context, tx *database.Tx, entries []directory.Entry, ids map[string]int64, all []int64) error {
	query, in, err := database.In(`DELETE FROM exchange_chain WHERE exchange_id IN (?)`, all)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, query, in...); err != nil {
		return err
	}
	var chains []any
	for _, e := range entries {
		for _, c := range e.Chains {
			chains = append(chains, c, ids[e.Slug])
		}
	}
	for part := range slices.Chunk(chains, 2*5000) {
		_, err := tx.Exec(ctx, `INSERT INTO exchange_chain (chain, exchange_id) VALUES `+rowsOf(len(part)/2, 2), part...)
		if err != nil {
			return err
		}
	}
	return nil
}

// outdated is the fault of an import that was confirmed for another directory.
func outdated() error {
	return fault.New(fault.Conflict, "the list or the directory is another than when the changes were shown: look at them again, and confirm those").
		With(fault.Field{Name: "confirm", Message: "is not that of these changes"})
}
