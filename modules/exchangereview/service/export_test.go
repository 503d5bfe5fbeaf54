package service

import (
	"bytes"
	"context"
	"runtime"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// WaitForRequests waits until n callers wait for the next call of reputation.
func WaitForRequests(s exchangereview.Service, n int) {
	w := s.(*service).weigher
	for {
		w.mu.Lock()
		waiting := len(w.waiting)
		w.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// VerifySums computes every exchange's sums from its live reviews and compares
// them with the ones that are kept, and the group of every reviewer. They are
// exact, so any difference is a defect; it fails with fault.Internal naming the
// exchange.
func VerifySums(ctx context.Context, db *database.DB) error {
	st := store{db}
	return st.db.Snapshot(ctx, func(r database.Reader) error {
		rows, err := allTallies(ctx, r)
		if err != nil {
			return err
		}
		all := map[int64]*sums{}
		err = eachForExport(ctx, r, false, func(row *reviewRow) error {
			if all[row.ExchangeID] == nil {
				all[row.ExchangeID] = &sums{}
			}
			all[row.ExchangeID].put(1, row.reviewer, row.State, row.rated(row.CreatedMS))
			return nil
		})
		if err != nil {
			return err
		}
		for i := range rows {
			row, want := &rows[i], all[rows[i].ID]
			if want == nil {
				want = &sums{}
			}
			text, err := want.tally.AppendBinary(nil)
			if err != nil {
				return err
			}
			is, err := row.sums()
			if err != nil {
				return err
			}
			kept, err := is.tally.AppendBinary(nil)
			if err != nil {
				return err
			}
			if !bytes.Equal(text, kept) || want.held != row.Held {
				return fault.Newf(fault.Internal, "the sums of %s are not what its reviews add up to", row.Slug)
			}
			var proofs [len(proofNames)]int
			if err := keptProofs(ctx, r, row.ID, &proofs); err != nil {
				return err
			}
			if want.proofs[proofNone] = 0; proofs != want.proofs {
				return fault.Newf(fault.Internal, "%s has reviews with proofs %v, and %v are kept", row.Slug, want.proofs, proofs)
			}
			for day := is.days.Newest - 1; day <= is.days.Newest+30; day++ {
				if is.days.Find(day) != want.days.Find(day) {
					return fault.Newf(fault.Internal, "the days of %s are not what its reviews add up to", row.Slug)
				}
			}
		}
		return nil
	})
}

func keptProofs(ctx context.Context, q database.Queryer, exchange int64, into *[len(proofNames)]int) error {
	var rows []struct {
		Grade   int `db:"grade"`
		Reviews int `db:"reviews"`
	}
	err := q.Select(ctx, &rows, `SELECT grade, reviews FROM exchange_proof WHERE exchange_id = ?`, exchange)
	for _, row := range rows {
		into[row.Grade] = row.Reviews
	}
	return err
}

// AsBefore takes away what an earlier release did not store.
func AsBefore(ctx context.Context, db *database.DB) error {
	return db.Write(ctx, func(tx *database.Tx) error {
		for _, query := range []string{
			`UPDATE review SET site = ''`, `UPDATE exchange SET tally = '', reviews = 0, rank_order = 0`, `UPDATE directory SET formula = 0, days_kept = 0`,
		} {
			if db.Dialect() == database.SQLite {
				query = strings.ReplaceAll(query, `tally = ''`, `tally = x''`)
			}
			if _, err := tx.Exec(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
}
