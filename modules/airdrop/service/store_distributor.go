package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// followed is a distributor, with where its claims begin.
type followed struct {
	airdrop.Distributor
	first uint64
}

type distributorRow struct {
	Campaign    string         `db:"campaign"`
	Chain       int64          `db:"chain"`
	Address     wallet.Address `db:"address"`
	Token       wallet.Address `db:"token"`
	EndMS       int64          `db:"end_ms"`
	Kind        string         `db:"kind"`
	StartMS     int64          `db:"vesting_start_ms"`
	CliffMS     int64          `db:"vesting_cliff_ms"`
	VestingMS   int64          `db:"vesting_ms"`
	Redirects   int64          `db:"redirects"`
	FirstBlock  int64          `db:"first_block"`
	State       string         `db:"state"`
	Problem     string         `db:"problem"`
	Balance     string         `db:"balance"`
	Promised    string         `db:"promised"`
	Fee         string         `db:"fee"`
	ClaimedRows int            `db:"claimed_rows"`
	Claimed     string         `db:"claimed"`
	ReadTo      int64          `db:"read_to"`
	ReadToMS    int64          `db:"read_to_ms"`
	Head        int64          `db:"head"`
	Final       int64          `db:"final"`
	CheckedMS   int64          `db:"checked_ms"`
}

const selectDistributor = `
	SELECT
		campaign,
		chain,
		address,
		token,
		end_ms,
		kind,
		vesting_start_ms,
		vesting_cliff_ms,
		vesting_ms,
		redirects,
		first_block,
		state,
		problem,
		balance,
		promised,
		fee,
		claimed_rows,
		claimed,
		read_to,
		read_to_ms,
		head,
		final,
		checked_ms
	FROM distributor `

func (r distributorRow) followed() (followed, error) {
	d := followed{first: uint64(r.FirstBlock), Distributor: airdrop.Distributor{
		Campaign: r.Campaign, Chain: uint64(r.Chain), Address: r.Address, Token: r.Token, Kind: r.Kind, Redirects: r.Redirects != 0, EndMS: r.EndMS, State: r.State, Problem: r.Problem,
		ClaimedRows: r.ClaimedRows, ReadTo: uint64(r.ReadTo), ReadToMS: r.ReadToMS, Head: uint64(r.Head), Final: uint64(r.Final), CheckedMS: r.CheckedMS,
	}}
	if r.VestingMS > 0 {
		d.Vesting = &airdrop.Vesting{StartMS: r.StartMS, CliffMS: r.CliffMS, DurationMS: r.VestingMS}
	}
	if err := errors.Join(d.Balance.SetFromDecimal(r.Balance), d.Claimed.SetFromDecimal(r.Claimed), d.Promised.SetFromDecimal(r.Promised), d.Fee.SetFromDecimal(r.Fee)); err != nil {
		return followed{}, damaged(r.Campaign, "its distributor", err)
	}
	return d, nil
}

// distributor reads the distributor of a campaign. It fails with fault.NotFound.
func (s store) distributor(ctx context.Context, from database.Queryer, campaign string) (airdrop.Distributor, error) {
	var row distributorRow
	err := from.Get(ctx, &row, selectDistributor+`WHERE campaign = ?`, campaign)
	if database.IsNoRows(err) {
		return airdrop.Distributor{}, fault.NoSuch("distributor", "the campaign has no distributor that is followed: claims are not open yet; come back when they are")
	}
	if err != nil {
		return airdrop.Distributor{}, fmt.Errorf("read distributor: %w", err)
	}
	d, err := row.followed()
	return d.Distributor, err
}

// distributorAt reads the one at an address that a campaign has followed last. It fails
// with fault.NotFound.
func (s store) distributorAt(ctx context.Context, chainID uint64, at wallet.Address) (airdrop.Distributor, error) {
	var row distributorRow
	err := s.db.Read().Get(ctx, &row, selectDistributor+`WHERE chain = ? AND address = ? ORDER BY read_to DESC, campaign LIMIT 1`, int64(chainID), at)
	if database.IsNoRows(err) {
		return airdrop.Distributor{}, fault.NoSuch("distributor", "no campaign follows this contract: name it on the page of its campaign")
	}
	if err != nil {
		return airdrop.Distributor{}, fmt.Errorf("read distributor: %w", err)
	}
	d, err := row.followed()
	return d.Distributor, err
}

// distributors reads all.
func (s store) distributors(ctx context.Context) ([]followed, error) {
	var rows []distributorRow
	if err := s.db.Read().Select(ctx, &rows, selectDistributor+`ORDER BY campaign`); err != nil {
		return nil, fmt.Errorf("read distributors: %w", err)
	}
	all := make([]followed, len(rows))
	for i, row := range rows {
		var err error
		if all[i], err = row.followed(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// setDistributor stores a distributor that is to be read from its first block on.
func (s store) setDistributor(ctx context.Context, d airdrop.Distributor, first uint64, by string) error {
	return s.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "distributor/"+d.Campaign); err != nil {
			return err
		}
		for _, table := range []string{"distributor_day", "distributor_claim", "distributor_block", "distributor"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE campaign = ?`, d.Campaign); err != nil {
				return err
			}
		}
		if err := s.takeBack(ctx, tx, d.Campaign, 1); err != nil { // what another contract has shown
			return err
		}
		tx.Wake(newDistributor)
		var redirects int64
		if d.Redirects {
			redirects = 1
		}
		var v airdrop.Vesting
		if d.Vesting != nil {
			v = *d.Vesting
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO distributor (
				campaign,
				chain,
				address,
				token,
				end_ms,
				kind,
				vesting_start_ms,
				vesting_cliff_ms,
				vesting_ms,
				redirects,
				first_block,
				state,
				problem,
				balance,
				promised,
				fee,
				claimed_rows,
				claimed,
				read_to,
				head,
				final,
				checked_ms,
				added_by
			) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, 0, '0', 0, 0, 0, ?, ?)`,
			d.Campaign, int64(d.Chain), d.Address, d.Token, d.EndMS, d.Kind, v.StartMS, v.CliffMS, v.DurationMS, redirects, int64(first), d.State, d.Balance.Dec(), d.Promised.Dec(), d.Fee.Dec(), d.CheckedMS, by)
		return err
	})
}

// setProblem stores what is wrong, and reports whether it was another before.
func (s store) setProblem(ctx context.Context, campaign, text string) (changed bool, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE distributor SET problem = ? WHERE campaign = ? AND problem <> ?`, text, campaign, text)
		changed = n > 0
		return err
	})
	return changed, err
}

// knownBlocks are the last blocks that were read, ascending.
func (s store) knownBlocks(ctx context.Context, campaign string) ([]chain.Block, error) {
	var rows []struct {
		Number int64  `db:"number"`
		Hash   []byte `db:"hash"`
		Parent []byte `db:"parent"`
	}
	err := s.db.Read().Select(ctx, &rows, `
		SELECT
			number,
			hash,
			parent
		FROM distributor_block
		WHERE campaign = ?
		ORDER BY number`, campaign)
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	all := make([]chain.Block, len(rows))
	for i, r := range rows {
		all[i] = chain.Block{Number: uint64(r.Number), Hash: common.BytesToHash(r.Hash), Parent: common.BytesToHash(r.Parent)}
	}
	return all, nil
}

// addDetails adds what is confirmed, the days, and the phases.
func (s store) addDetails(ctx context.Context, r database.Reader, d *airdrop.Distributor) error {
	if err := r.Get(ctx, &d.ConfirmedRows, `
		SELECT COUNT(*)
		FROM distributor_claim
		WHERE campaign = ?
			AND block <= ?`, d.Campaign, int64(d.Final)); err != nil {
		return fmt.Errorf("count confirmed claims: %w", err)
	}
	var rows []dayRow
	if err := r.Select(ctx, &rows, `
		SELECT
			day_ms,
			claims,
			amount
		FROM distributor_day
		WHERE campaign = ?
		ORDER BY day_ms DESC
		LIMIT ?`, d.Campaign, airdrop.MaxClaimDays); err != nil {
		return fmt.Errorf("read the days of claims: %w", err)
	}
	d.Days = make([]airdrop.ClaimDay, len(rows))
	for i, row := range rows {
		d.Days[i] = airdrop.ClaimDay{DayMS: row.DayMS, Rows: row.Claims}
		if err := d.Days[i].Amount.SetFromDecimal(row.Amount); err != nil {
			return damaged(d.Campaign, "a day of claims", err)
		}
	}
	slices.Reverse(d.Days)
	return s.addReached(ctx, r, d)
}

type dayRow struct {
	DayMS  int64  `db:"day_ms"`
	Claims int    `db:"claims"`
	Amount string `db:"amount"`
}

// claimRow is a claim as it is stored.
type storedClaim struct {
	Block   int64          `db:"block"`
	Log     int64          `db:"log"`
	Row     int64          `db:"list_row"`
	Account wallet.Address `db:"account"`
	Amount  string         `db:"amount"`
	TX      []byte         `db:"tx"`
	TimeMS  int64          `db:"time_ms"`
	amount  uint256.Int
}
