package service

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// phaseRow is a row of the table campaign_phase.
type phaseRow struct {
	Campaign string `db:"campaign_id"`
	Phase    string `db:"phase"`
	Block    int64  `db:"block"`
	Hash     []byte `db:"hash"`
	TimeMS   int64  `db:"time_ms"`
	Balance  string `db:"balance"`
	Claimed  string `db:"claimed"`
	By       string `db:"added_by"`
	Reason   string `db:"reason"`
}

// phases returns the phases that a campaign has reached, in their order.
func (s store) phases(ctx context.Context, from database.Queryer, campaign string) (rows []phaseRow, err error) {
	err = from.Select(ctx, &rows, `
		SELECT
			campaign_id,
			phase,
			block,
			hash,
			time_ms,
			balance,
			claimed,
			added_by,
			reason
		FROM campaign_phase
		WHERE campaign_id = ?`, campaign)
	if err != nil {
		return nil, fmt.Errorf("read the phases of a campaign: %w", err)
	}
	slices.SortFunc(rows, func(a, b phaseRow) int { return slices.Index(onChain[:], a.Phase) - slices.Index(onChain[:], b.Phase) })
	return rows, nil
}

// addPhase stores that a campaign has reached a phase.
func (s store) addPhase(ctx context.Context, tx *database.Tx, r phaseRow) error {
	if r.Hash == nil {
		r.Hash = []byte{}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO campaign_phase (
			campaign_id,
			phase,
			block,
			hash,
			time_ms,
			balance,
			claimed,
			added_by,
			reason
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.Campaign, r.Phase, r.Block, r.Hash, r.TimeMS, r.Balance, r.Claimed, r.By, r.Reason)
	if err != nil {
		return fmt.Errorf("store a phase of a campaign: %w", err)
	}
	return nil
}

// movePhases takes back what dropped blocks have shown, and adds what the newest block
// shows; the campaign's rules, if it has any, are then in the last phase. Until the
// newest block is read there is no balance that belongs to a block, and nothing is added.
func (s store) movePhases(ctx context.Context, tx *database.Tx, d airdrop.Distributor, step chain.Step, at seen) error {
	if err := s.takeBack(ctx, tx, d.Campaign, step.Drop); err != nil {
		return err
	}
	if len(step.Blocks) == 0 || !step.Done() {
		return nil
	}
	rows, err := s.phases(ctx, tx, d.Campaign)
	if err != nil {
		return err
	}
	reached := at.reached(among(rows))
	if len(reached) == 0 {
		return nil
	}
	for _, phase := range reached {
		if err := s.addPhase(ctx, tx, phaseRow{
			Campaign: d.Campaign, Phase: phase, Block: int64(at.block.Number), Hash: at.block.Hash[:], TimeMS: int64(at.block.Time) * 1000,
			Balance: at.balance.Dec(), Claimed: at.claimed.Dec(),
		}); err != nil {
			return err
		}
	}
	return s.followPhases(ctx, tx, d.Campaign, fmt.Sprintf("seen on chain %d in block %d", d.Chain, at.block.Number))
}

// takeBack forgets the phases that blocks from this number on have shown.
func (s store) takeBack(ctx context.Context, tx *database.Tx, campaign string, from uint64) error {
	if err := tx.Lock(ctx, "campaign/"+campaign); err != nil {
		return err
	}
	gone, err := tx.Exec(ctx, `DELETE FROM campaign_phase WHERE campaign_id = ? AND block > 0 AND block >= ?`, campaign, int64(from))
	if err != nil {
		return fmt.Errorf("take back the phases of a campaign: %w", err)
	}
	if gone == 0 {
		return nil
	}
	return s.followPhases(ctx, tx, campaign, "what was seen is no more on the chain that is followed")
}

func among(rows []phaseRow) func(phase string) bool {
	return func(phase string) bool {
		return slices.ContainsFunc(rows, func(r phaseRow) bool { return r.Phase == phase })
	}
}

// followPhases brings a campaign with rules into the last phase that was reached. One
// that is cancelled stays so.
func (s store) followPhases(ctx context.Context, tx *database.Tx, campaign, reason string) error {
	rows, err := s.phases(ctx, tx, campaign)
	if err != nil {
		return err
	}
	phase := furthest(among(rows))
	if phase == "" {
		phase = airdrop.Frozen
	}
	_, err = s.changeCourse(ctx, tx, campaign, func(row *courseRow) error {
		if row.Phase != airdrop.Frozen && !slices.Contains(onChain[:], row.Phase) || row.Phase == phase {
			return nil
		}
		row.Phase, row.Reason = phase, reason
		return nil
	})
	if fault.Is(err, fault.NotFound) { // a list by hand has no course
		return publishPhase(ctx, tx, campaign, phase)
	}
	return err
}

// addReached adds the phases that were reached to a distributor.
func (s store) addReached(ctx context.Context, r database.Reader, d *airdrop.Distributor) error {
	rows, err := s.phases(ctx, r, d.Campaign)
	if err != nil {
		return err
	}
	d.Reached = make([]airdrop.Evidence, len(rows))
	for i, r := range rows {
		e := airdrop.Evidence{Phase: r.Phase, Block: uint64(r.Block), TimeMS: r.TimeMS, Reason: r.Reason, Final: r.Block > 0 && uint64(r.Block) <= d.Final}
		if len(r.Hash) > 0 {
			e.Hash = "0x" + hex.EncodeToString(r.Hash)
		}
		if err := errors.Join(e.Balance.SetFromDecimal(r.Balance), e.Claimed.SetFromDecimal(r.Claimed)); err != nil {
			return damaged(d.Campaign, "its phases", err)
		}
		d.Reached[i] = e
	}
	return nil
}
