package service

import (
	"context"
	"encoding/json"
	"fmt"

	"banyan/modules/exchangereview/bursts"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// priorRow is the average opinion that is in force, as JSON; "" before the first
// epoch.
type priorRow struct {
	Epoch int64  `db:"ranked_epoch"`
	Prior string `db:"prior"`
}

// readPrior reads the average opinion of the latest epoch.
func readPrior(ctx context.Context, q database.Queryer) (row priorRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			d.ranked_epoch,
			COALESCE(e.prior, '') AS prior
		FROM directory AS d
		LEFT JOIN ranking_epoch AS e ON e.number = d.ranked_epoch
		WHERE d.id = 1`)
	return row, err
}

func (r priorRow) decode() (prior [ranking.Dimensions][5]uint64, err error) {
	if r.Prior == "" {
		return ranking.Uniform(), nil
	}
	if err = json.Unmarshal([]byte(r.Prior), &prior); err != nil {
		err = fmt.Errorf("read the average opinion of epoch %d: %w", r.Epoch, err)
	}
	return prior, err
}

// sums is what an exchange's reviews add up to.
type sums struct {
	tally ranking.Tally
	days  bursts.Days
	held  int // change of the number of held reviews
	// proofs are the changes of the numbers of shown reviews with a proof of each grade.
	proofs [len(proofNames)]int
}

// put counts a review in its state, n = 1, or takes it out, n = -1.
func (s *sums) put(n int, by reviewer, state int, of rated) {
	if state > stateHeld {
		return
	}
	s.proofs[of.proof] += n
	counted := by.counts(of)
	s.days.Add(counted.Day, of.stars[0], n)
	switch {
	case state == stateHeld:
		s.held += n
	case n > 0:
		s.tally.Add(&counted, ranking.Landmark)
	default:
		s.tally.Remove(&counted, ranking.Landmark)
	}
}

// changeSums changes the sums of an exchange. The row stays locked until the
// transaction ends; the changes of a review come to it after its reviewer's row, so
// two transactions never wait for each other.
func changeSums(ctx context.Context, tx *database.Tx, exchange int64, p *ranking.Parameters, change func(*sums)) error {
	return changeSumsIf(ctx, tx, exchange, p, func(s *sums) error {
		change(s)
		return nil
	})
}

// changeSumsIf is changeSums for a change that may fail.
func changeSumsIf(ctx context.Context, tx *database.Tx, exchange int64, p *ranking.Parameters, change func(*sums) error) error {
	query := `SELECT tally, days FROM exchange WHERE id = ?`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	var stored tallyRow
	err := tx.Get(ctx, &stored, query, exchange)
	if database.IsNoRows(err) {
		return noExchange()
	}
	if err != nil {
		return err
	}
	s, err := stored.sums()
	if err != nil {
		return err
	}
	if err := change(s); err != nil {
		return err
	}
	return setSums(ctx, tx, exchange, s, p)
}

// setSums stores the sums of an exchange.
func setSums(ctx context.Context, tx *database.Tx, exchange int64, s *sums, p *ranking.Parameters) error {
	tally, err := s.tally.AppendBinary(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE exchange SET
			tally      = ?,
			days       = ?,
			reviews    = ?,
			held       = held + ?,
			rank_order = ?,
			mean_order = ?
		WHERE id = ?`, tally, s.days.AppendTo(nil), s.tally.Reviews(), s.held, rankOrder(&s.tally, p), meanOrder(&s.tally, p), exchange)
	if err != nil {
		return err
	}
	return changeProofs(ctx, tx, exchange, &s.proofs)
}

// tallyRow is the sums of an exchange.
type tallyRow struct {
	ID    int64  `db:"id"`
	Slug  string `db:"slug"`
	Tally []byte `db:"tally"`
	Days  []byte `db:"days"`
	Held  int    `db:"held"`
}

func (r *tallyRow) sums() (*sums, error) {
	s := &sums{}
	if err := s.tally.UnmarshalBinary(r.Tally); err != nil {
		return nil, err
	}
	return s, s.days.UnmarshalBinary(r.Days)
}

// allTallies returns the sums of all exchanges, in the order of their slugs.
func allTallies(ctx context.Context, q database.Queryer) (rows []tallyRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			id,
			slug,
			tally,
			days,
			held
		FROM exchange
		ORDER BY slug`)
	return rows, err
}

// rankedDay returns of which day the order of the exchanges is.
func (st store) rankedDay(ctx context.Context) (day int, err error) {
	err = st.db.Read().Get(ctx, &day, `SELECT ranked_day FROM directory WHERE id = 1`)
	return day, err
}

// rankAgain orders all exchanges as of a day.
func rankAgain(ctx context.Context, tx *database.Tx, p *ranking.Parameters) error {
	if err := tx.Lock(ctx, "directory"); err != nil {
		return err
	}
	query := `SELECT id, tally FROM exchange WHERE reviews > 0 ORDER BY id`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	var rows []tallyRow
	if err := tx.Select(ctx, &rows, query); err != nil {
		return err
	}
	for _, row := range rows {
		var t ranking.Tally
		if err := t.UnmarshalBinary(row.Tally); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE exchange SET rank_order = ?, mean_order = ? WHERE id = ?`, rankOrder(&t, p), meanOrder(&t, p), row.ID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE directory SET ranked_day = ? WHERE id = 1`, p.Day)
	return err
}
