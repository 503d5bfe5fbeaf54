package service

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
)

const dayInMS = 24 * 3600 * 1000

// tally is what a step changes of the sums.
type tally struct {
	claimed uint256.Int
	rows    int
	days    map[int64]*airdrop.ClaimDay
}

func (t *tally) add(c storedClaim, day *airdrop.ClaimDay) {
	t.claimed.Add(&t.claimed, &c.amount)
	day.Amount.Add(&day.Amount, &c.amount)
	t.rows, day.Rows = t.rows+1, day.Rows+1
}

func (t *tally) drop(c storedClaim, day *airdrop.ClaimDay) {
	t.claimed.Sub(&t.claimed, &c.amount)
	day.Amount.Sub(&day.Amount, &c.amount)
	t.rows, day.Rows = t.rows-1, day.Rows-1
}

// applyStep stores a step in one transaction, and returns the distributor after it.
// state is reading, or live when the step has reached the newest block: then it is
// short or ended where it is so.
func (s store) applyStep(ctx context.Context, d followed, step chain.Step, state string, balance uint256.Int, nowMS int64) (after airdrop.Distributor, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "distributor/"+d.Campaign); err != nil {
			return err
		}
		now, err := s.distributor(ctx, tx, d.Campaign)
		if err != nil {
			return err
		}
		if now.Address != d.Address || now.Chain != d.Chain {
			return fault.New(fault.Conflict, "another distributor was set meanwhile: its claims are read now; load the page again")
		}
		c, err := s.campaign(ctx, tx, d.Campaign)
		if err != nil {
			return err
		}
		t := &tally{claimed: now.Claimed, rows: now.ClaimedRows, days: make(map[int64]*airdrop.ClaimDay)}
		if err := s.dropFrom(ctx, tx, t, d.Campaign, step.Drop); err != nil {
			return err
		}
		if err := s.addClaims(ctx, tx, t, d, step.Events); err != nil {
			return err
		}
		if err := s.keepBlocks(ctx, tx, d.Campaign, step.Blocks); err != nil {
			return err
		}
		if err := s.setDays(ctx, tx, d.Campaign, t.days); err != nil {
			return err
		}
		readTo, readToMS := now.ReadTo, now.ReadToMS
		total := promisedBy(now, c.Campaign)
		at := seen{total: total, claimed: t.claimed, balance: balance, endMS: d.EndMS, waits: state == airdrop.Waiting || state == airdrop.Ended}
		if n := len(step.Blocks); n > 0 {
			at.block = step.Blocks[n-1]
			readTo, readToMS = at.block.Number, int64(at.block.Time)*1000
		} else if step.Drop <= readTo { // the chain is shorter than it was
			readTo = max(step.Drop, 1) - 1
		}
		if state == airdrop.Live {
			state = stateOf(total, t.claimed, balance, d.EndMS, readToMS)
		}
		if err := s.movePhases(ctx, tx, now, step, at); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			UPDATE distributor SET
				state = ?,
				problem = '',
				end_ms = ?,
				balance = ?,
				fee = ?,
				claimed_rows = ?,
				claimed = ?,
				read_to = ?,
				read_to_ms = ?,
				head = ?,
				final = ?,
				checked_ms = ?
			WHERE campaign = ?`,
			state, d.EndMS, balance.Dec(), d.Fee.Dec(), t.rows, t.claimed.Dec(), int64(readTo), readToMS, int64(step.Head), int64(step.Final), nowMS, d.Campaign); err != nil {
			return err
		}
		after, err = s.distributor(ctx, tx, d.Campaign)
		return err
	})
	return after, err
}

// stateOf says how a distributor is that was read to the newest block, whose time is
// blockMS.
func stateOf(total, claimed, balance uint256.Int, endMS, blockMS int64) string {
	if endMS > 0 && endMS <= blockMS {
		return airdrop.Ended
	}
	var left uint256.Int
	if claimed.Lt(&total) {
		left.Sub(&total, &claimed)
	}
	if balance.Lt(&left) {
		return airdrop.Short
	}
	return airdrop.Live
}

// dropFrom deletes blocks and claims from a block on.
func (s store) dropFrom(ctx context.Context, tx *database.Tx, t *tally, campaign string, from uint64) error {
	var dropped []storedClaim
	err := tx.Select(ctx, &dropped, `
		SELECT
			block,
			log,
			list_row,
			account,
			amount,
			tx,
			time_ms
		FROM distributor_claim
		WHERE campaign = ?
			AND block >= ?`, campaign, int64(from))
	if err != nil {
		return fmt.Errorf("read the claims of dropped blocks: %w", err)
	}
	for _, c := range dropped {
		if err := c.amount.SetFromDecimal(c.Amount); err != nil {
			return damaged(campaign, "a claim", err)
		}
		day, err := s.day(ctx, tx, t, campaign, c.TimeMS)
		if err != nil {
			return err
		}
		t.drop(c, day)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM distributor_claim WHERE campaign = ? AND block >= ?`, campaign, int64(from)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM distributor_block WHERE campaign = ? AND number >= ?`, campaign, int64(from))
	return err
}

func (s store) addClaims(ctx context.Context, tx *database.Tx, t *tally, d followed, events []types.Log) error {
	campaign := d.Campaign
	for _, e := range events {
		c, ok := kinds[d.Kind].claim(e)
		if !ok {
			return fault.Newf(fault.Invalid, "the contract emits events that no distributor has (transaction %s): follow another", e.TxHash)
		}
		day, err := s.day(ctx, tx, t, campaign, c.TimeMS)
		if err != nil {
			return err
		}
		t.add(c, day)
		if _, err := tx.Exec(ctx, `
			INSERT INTO distributor_claim (
				campaign,
				block,
				log,
				list_row,
				account,
				amount,
				tx,
				time_ms
			) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, campaign, c.Block, c.Log, c.Row, c.Account, c.Amount, c.TX, c.TimeMS); err != nil {
			return err
		}
	}
	return nil
}

// keepBlocks adds blocks and forgets those that no reorganisation reaches.
func (s store) keepBlocks(ctx context.Context, tx *database.Tx, campaign string, blocks []chain.Block) error {
	for _, b := range blocks[max(0, len(blocks)-chain.Depth):] {
		if _, err := tx.Exec(ctx, `
			INSERT INTO distributor_block (
				campaign,
				number,
				hash,
				parent
			) VALUES (?, ?, ?, ?)`, campaign, int64(b.Number), b.Hash[:], b.Parent[:]); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		DELETE FROM distributor_block
		WHERE campaign = ?
			AND number NOT IN (
				SELECT number
				FROM distributor_block
				WHERE campaign = ?
				ORDER BY number DESC
				LIMIT ?
			)`, campaign, campaign, chain.Depth)
	return err
}

// day returns the sums of the day of a time, read once.
func (s store) day(ctx context.Context, tx *database.Tx, t *tally, campaign string, timeMS int64) (*airdrop.ClaimDay, error) {
	at := timeMS - timeMS%dayInMS
	if day := t.days[at]; day != nil {
		return day, nil
	}
	var row dayRow
	err := tx.Get(ctx, &row, `
		SELECT
			day_ms,
			claims,
			amount
		FROM distributor_day
		WHERE campaign = ?
			AND day_ms = ?`, campaign, at)
	if err != nil && !database.IsNoRows(err) {
		return nil, fmt.Errorf("read a day of claims: %w", err)
	}
	day := &airdrop.ClaimDay{DayMS: at, Rows: row.Claims}
	if row.Amount != "" {
		if err := day.Amount.SetFromDecimal(row.Amount); err != nil {
			return nil, damaged(campaign, "a day of claims", err)
		}
	}
	t.days[at] = day
	return day, nil
}

func (s store) setDays(ctx context.Context, tx *database.Tx, campaign string, days map[int64]*airdrop.ClaimDay) error {
	for _, day := range days {
		if _, err := tx.Exec(ctx, `
			INSERT INTO distributor_day (
				campaign,
				day_ms,
				claims,
				amount
			) VALUES (?, ?, ?, ?)
			ON CONFLICT (campaign, day_ms) DO UPDATE SET
				claims = excluded.claims,
				amount = excluded.amount`, campaign, day.DayMS, day.Rows, day.Amount.Dec()); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM distributor_day WHERE campaign = ? AND claims = 0`, campaign)
	return err
}
