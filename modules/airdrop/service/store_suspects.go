package service

import (
	"context"
	"fmt"
	"slices"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// suspectRow is a row of the table suspect.
type suspectRow struct {
	Campaign string         `db:"campaign_id"`
	Wallet   wallet.Address `db:"wallet"`
	State    string         `db:"state"`
	Decision string         `db:"decision"`
	Cluster  string         `db:"cluster"`
	Score    string         `db:"score"`
	Evidence string         `db:"evidence"`
	Run      int64          `db:"run"`
	Reason   string         `db:"reason"`
	Appeal   string         `db:"appeal"`
	Appeals  int            `db:"appeals"`
	AppealMS int64          `db:"appeal_ms"`
}

const selectSuspect = `
	SELECT
		campaign_id,
		wallet,
		state,
		decision,
		cluster,
		score,
		evidence,
		run,
		reason,
		appeal,
		appeals,
		appeal_ms
	FROM suspect `

func errNoSuspect() error {
	return fault.NoSuch("suspect", "nothing is held against this wallet in this campaign, or it is not decided yet: look again when the campaign is frozen")
}

// suspect reads one. It fails with fault.NotFound.
func (s store) suspect(ctx context.Context, from database.Queryer, campaign string, w wallet.Address) (row suspectRow, err error) {
	err = from.Get(ctx, &row, selectSuspect+`WHERE campaign_id = ? AND wallet = ?`, campaign, w)
	if database.IsNoRows(err) {
		return row, errNoSuspect()
	}
	if err != nil {
		return row, fmt.Errorf("read a suspect: %w", err)
	}
	return row, nil
}

// suspects returns those in one of the states behind a wallet.
func (s store) suspects(ctx context.Context, campaign string, states []string, after wallet.Address, most int) (rows []suspectRow, err error) {
	for _, state := range states { // each is one range of the index
		var some []suspectRow
		err := s.db.Read().Select(ctx, &some, selectSuspect+`
			WHERE campaign_id = ?
				AND state = ?
				AND wallet > ?
			ORDER BY wallet
			LIMIT ?`, campaign, state, after, most)
		if err != nil {
			return nil, fmt.Errorf("read suspects: %w", err)
		}
		rows = append(rows, some...)
	}
	slices.SortFunc(rows, func(a, b suspectRow) int { return slices.Compare(a.Wallet[:], b.Wallet[:]) })
	return rows[:min(len(rows), most)], nil
}

// clustered are the wallets of a cluster that nobody has decided about, with those who
// have appealed if these are wanted.
func (s store) clustered(ctx context.Context, tx *database.Tx, campaign, cluster string, appealed bool) (wallets []wallet.Address, err error) {
	also := airdrop.Flagged
	if appealed {
		also = airdrop.Appealed
	}
	err = tx.Select(ctx, &wallets, `
		SELECT wallet
		FROM suspect
		WHERE campaign_id = ?
			AND state IN (?, ?)
			AND cluster = ?
		ORDER BY wallet
		LIMIT ?`, campaign, airdrop.Flagged, also, cluster, airdrop.MaxClusterDecided)
	if err != nil {
		return nil, fmt.Errorf("read a cluster: %w", err)
	}
	return wallets, nil
}

func (s store) suspectCounts(ctx context.Context, from database.Queryer, campaign string) (c airdrop.SuspectCounts, err error) {
	var rows []struct {
		State string `db:"state"`
		Count int    `db:"suspects"`
	}
	err = from.Select(ctx, &rows, `
		SELECT
			state,
			COUNT(*) AS suspects
		FROM suspect
		WHERE campaign_id = ?
		GROUP BY state`, campaign)
	if err != nil {
		return c, fmt.Errorf("count suspects: %w", err)
	}
	for _, r := range rows {
		switch r.State {
		case airdrop.Flagged:
			c.Flagged = r.Count
		case airdrop.Appealed:
			c.Appealed = r.Count
		case airdrop.Reported:
			c.Reported = r.Count
		case airdrop.Paid:
			c.Paid = r.Count
		case airdrop.OutLeft:
			c.LeftOut = r.Count
		}
	}
	return c, nil
}

// flag stores what a run flags. What was decided stays, and an appeal that waits.
func (s store) flag(ctx context.Context, tx *database.Tx, r suspectRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO suspect (
			campaign_id,
			wallet,
			state,
			decision,
			cluster,
			score,
			evidence,
			run,
			reason,
			appeal,
			appeals,
			appeal_ms
		) VALUES (?, ?, 'flagged', '', ?, ?, ?, ?, '', '', 0, 0)
		ON CONFLICT (campaign_id, wallet) DO UPDATE SET
			cluster = excluded.cluster,
			score = excluded.score,
			evidence = excluded.evidence,
			run = excluded.run`, r.Campaign, r.Wallet, r.Cluster, r.Score, r.Evidence, r.Run)
	if err != nil {
		return fmt.Errorf("store a suspect: %w", err)
	}
	return nil
}

// unflag forgets those that a run does not flag any more: whom nobody has decided about
// and who has not appealed is no suspect any more, of the others there is no evidence.
func (s store) unflag(ctx context.Context, tx *database.Tx, campaign string, run int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM suspect WHERE campaign_id = ? AND run > 0 AND run <> ? AND state = 'flagged'`, campaign, run); err != nil {
		return fmt.Errorf("forget suspects: %w", err)
	}
	_, err := tx.Exec(ctx, `UPDATE suspect SET evidence = '', cluster = '', score = '' WHERE campaign_id = ? AND run > 0 AND run <> ?`, campaign, run)
	if err != nil {
		return fmt.Errorf("forget the evidence against suspects: %w", err)
	}
	return nil
}

// setSuspect stores what was decided or said.
func (s store) setSuspect(ctx context.Context, tx *database.Tx, r suspectRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO suspect (
			campaign_id,
			wallet,
			state,
			decision,
			cluster,
			score,
			evidence,
			run,
			reason,
			appeal,
			appeals,
			appeal_ms
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (campaign_id, wallet) DO UPDATE SET
			state = excluded.state,
			decision = excluded.decision,
			reason = excluded.reason,
			appeal = excluded.appeal,
			appeals = excluded.appeals,
			appeal_ms = excluded.appeal_ms`,
		r.Campaign, r.Wallet, r.State, r.Decision, r.Cluster, r.Score, r.Evidence, r.Run, r.Reason, r.Appeal, r.Appeals, r.AppealMS)
	if err != nil {
		return fmt.Errorf("store a suspect: %w", err)
	}
	return nil
}

// decidedSuspects are all that operators have decided about, by wallet.
func (s store) decidedSuspects(ctx context.Context, campaign string) (rows []suspectRow, err error) {
	err = s.db.Read().Select(ctx, &rows, selectSuspect+`
		WHERE campaign_id = ?
			AND decision <> ''
		ORDER BY wallet`, campaign)
	if err != nil {
		return nil, fmt.Errorf("read decisions about suspects: %w", err)
	}
	return rows, nil
}

// suspectEventRow is a row of the table suspect_event.
type suspectEventRow struct {
	TimeMS int64  `db:"time_ms"`
	What   string `db:"what"`
	Body   string `db:"body"`
	By     string `db:"added_by"`

	signature    []byte
	chain, block uint64
}

func (s store) addSuspectEvent(ctx context.Context, tx *database.Tx, campaign string, w wallet.Address, e suspectEventRow) error {
	if e.signature == nil {
		e.signature = []byte{}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO suspect_event (
			campaign_id,
			wallet,
			number,
			time_ms,
			what,
			body,
			added_by,
			signature,
			chain,
			block
		) VALUES (?, ?, (SELECT COALESCE(MAX(number), 0) + 1 FROM suspect_event WHERE campaign_id = ? AND wallet = ?), ?, ?, ?, ?, ?, ?, ?)`,
		campaign, w, campaign, w, tx.Now().UnixMilli(), e.What, e.Body, e.By, e.signature, int64(e.chain), int64(e.block))
	if err != nil {
		return fmt.Errorf("store what happened with a suspect: %w", err)
	}
	return nil
}

// suspectEvents are the last ones, the oldest first.
func (s store) suspectEvents(ctx context.Context, from database.Queryer, campaign string, w wallet.Address) (rows []suspectEventRow, err error) {
	err = from.Select(ctx, &rows, `
		SELECT
			time_ms,
			what,
			body,
			added_by
		FROM suspect_event
		WHERE campaign_id = ?
			AND wallet = ?
		ORDER BY number DESC
		LIMIT ?`, campaign, w, airdrop.MaxSuspectEvents)
	if err != nil {
		return nil, fmt.Errorf("read what happened with a suspect: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}
