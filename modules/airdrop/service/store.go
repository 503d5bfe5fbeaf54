package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/merkle"
)

// store is all SQL of the module.
type store struct{ db *database.DB }

// campaignRow is a row of the table campaign.
type campaignRow struct {
	ID          string `db:"id"`
	Name        string `db:"name"`
	Description string `db:"description"`
	Format      string `db:"format"`
	Symbol      string `db:"symbol"`
	Decimals    int    `db:"decimals"`
	State       string `db:"state"`
	ListID      string `db:"list_id"`
	RowCount    int    `db:"row_count"`
	Total       string `db:"total"`
	Root        []byte `db:"root"`
	CreatedMS   int64  `db:"created_ms"`
	BuiltMS     int64  `db:"built_ms"`
	Phase       string `db:"phase"`
	Report      string `db:"report"`
}

// stored is a campaign with the id of its list, which the contract does not
// show.
type stored struct {
	airdrop.Campaign
	listID string
}

func (r campaignRow) campaign() (stored, error) {
	c := stored{listID: r.ListID, Campaign: airdrop.Campaign{
		ID: r.ID, Name: r.Name, Description: r.Description, Format: merkle.Format(r.Format), Symbol: r.Symbol, Decimals: r.Decimals,
		State: r.State, Count: r.RowCount, CreatedMS: r.CreatedMS, BuiltMS: r.BuiltMS, Phase: r.Phase,
	}}
	if _, err := merkle.ParseFormat(r.Format); err != nil {
		return stored{}, damaged(r.ID, "its format", err)
	}
	if err := c.Total.SetFromDecimal(r.Total); err != nil {
		return stored{}, damaged(r.ID, "its total", err)
	}
	if r.Report != "" && c.State == airdrop.Listed {
		if err := json.Unmarshal([]byte(r.Report), &c.Report); err != nil {
			return stored{}, damaged(r.ID, "the report of its list", err)
		}
	}
	if r.Root != nil {
		if len(r.Root) != merkle.HashSize {
			return stored{}, damaged(r.ID, "its root", fmt.Errorf("%d bytes", len(r.Root)))
		}
		root := merkle.Hash(r.Root)
		c.Root = &root
	}
	return c, nil
}

// damaged reports a row that this module cannot have written.
func damaged(campaign, what string, cause error) error {
	return fmt.Errorf("campaign %s is damaged in the database (%s): %w", campaign, what, cause)
}

// insertCampaign adds a draft. added is false when its id exists already.
func (s store) insertCampaign(ctx context.Context, c airdrop.Campaign, creator string, keep idempotency.Keep[airdrop.Campaign]) (added bool, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(ctx, `
			INSERT INTO campaign (
				id,
				name,
				description,
				format,
				symbol,
				decimals,
				state,
				list_id,
				row_count,
				total,
				created_ms,
				built_ms,
				created_by
			) VALUES (?, ?, ?, ?, ?, ?, 'draft', '', 0, '0', ?, 0, ?)
			ON CONFLICT (id) DO NOTHING`,
			c.ID, c.Name, c.Description, string(c.Format), c.Symbol, c.Decimals,
			c.CreatedMS, creator)
		if added = changed == 1; !added {
			return err
		}
		return keep(ctx, tx, c)
	})
	return added, err
}

const selectCampaign = `
	SELECT
		id,
		name,
		description,
		format,
		symbol,
		decimals,
		state,
		list_id,
		row_count,
		total,
		root,
		created_ms,
		built_ms,
		COALESCE((SELECT phase FROM course WHERE course.campaign_id = campaign.id), '') AS phase,
		COALESCE((SELECT report FROM list WHERE list.id = campaign.list_id), '') AS report
	FROM campaign `

// campaign reads one campaign. It fails with fault.NotFound.
func (s store) campaign(ctx context.Context, from database.Queryer, id string) (stored, error) {
	if !isID(id) {
		return stored{}, errNoCampaign()
	}
	var row campaignRow
	err := from.Get(ctx, &row, selectCampaign+`WHERE id = ?`, id)
	if database.IsNoRows(err) {
		return stored{}, errNoCampaign()
	}
	if err != nil {
		return stored{}, fmt.Errorf("read campaign: %w", err)
	}
	return row.campaign()
}

func errNoCampaign() error {
	return fault.NoSuch("campaign", "no campaign has this id: look for it on the page of airdrops, or with GET /api/v1/airdrop/campaigns")
}

// campaigns reads up to limit campaigns after the position, newest first, with or
// without those that are not built.
func (s store) campaigns(ctx context.Context, after position, limit int, drafts bool) ([]airdrop.Campaign, error) {
	var rows []campaignRow
	err := s.db.Read().Select(ctx, &rows, selectCampaign+`
		WHERE (created_ms, id) < (?, ?)
			AND (? OR state = 'built')
		ORDER BY created_ms DESC, id DESC
		LIMIT ?`, after.CreatedMS, after.ID, drafts, limit)
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", err)
	}
	page := make([]airdrop.Campaign, 0, len(rows))
	for _, row := range rows {
		c, err := row.campaign()
		if err != nil {
			return nil, err
		}
		page = append(page, c.Campaign)
	}
	return page, nil
}

// lockCampaign reads a campaign inside a write that will change it, so that two
// such writes run one after the other.
func (s store) lockCampaign(ctx context.Context, tx *database.Tx, id string) (stored, error) {
	if err := tx.Lock(ctx, "campaign/"+id); err != nil {
		return stored{}, err
	}
	return s.campaign(ctx, tx, id)
}

// writtenList is a list whose chunks are all stored. Its digest is SHA-256 over
// them, in their order.
type writtenList struct {
	id     string
	count  int
	total  uint256.Int
	digest []byte
	report *airdrop.ListReport // nil: it was not read
}

// setList sets the list of a campaign, and marks the list it had for deletion
// (old, "" when there was none). It fails with fault.Conflict when the campaign
// is built.
func (s store) setList(ctx context.Context, campaign string, list writtenList, nowMS int64, keep idempotency.Keep[airdrop.Campaign]) (c stored, old string, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		before, err := s.lockCampaign(ctx, tx, campaign)
		if err != nil {
			return err
		}
		if before.State == airdrop.Built {
			return errBuilt()
		}
		if err := s.touchList(ctx, tx, list.id, nowMS); err != nil {
			return err
		}
		report := []byte{}
		if list.report != nil {
			if report, err = json.Marshal(list.report); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE list SET digest = ?, report = ? WHERE id = ?`, list.digest, string(report), list.id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			UPDATE campaign
			SET state = 'listed',
				list_id = ?,
				row_count = ?,
				total = ?
			WHERE id = ?`, list.id, list.count, list.total.Dec(), campaign); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE list SET touched_ms = 0 WHERE id = ?`, before.listID); err != nil {
			return err
		}
		old = before.listID
		if c, err = s.campaign(ctx, tx, campaign); err != nil {
			return err
		}
		return keep(ctx, tx, c.Campaign)
	})
	return c, old, err
}

// setBuilt stores the root computed over listID. It fails with fault.Conflict
// when the campaign has another list by now; a campaign that is built stays as
// it is.
func (s store) setBuilt(ctx context.Context, campaign, listID string, root merkle.Hash, nowMS int64, keep idempotency.Keep[airdrop.Campaign]) (c stored, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		before, err := s.lockCampaign(ctx, tx, campaign)
		if err != nil {
			return err
		}
		if before.listID != listID {
			return fault.New(fault.Conflict, "the list was replaced while the tree was being built: build again")
		}
		if before.State == airdrop.Built {
			c = before
			return nil
		}
		if _, err := tx.Exec(ctx, `
			UPDATE campaign
			SET state = 'built',
				root = ?,
				built_ms = ?
			WHERE id = ?`, root[:], nowMS, campaign); err != nil {
			return err
		}
		if c, err = s.campaign(ctx, tx, campaign); err != nil {
			return err
		}
		if err := publishPhase(ctx, tx, campaign, airdrop.Frozen); err != nil {
			return err
		}
		return keep(ctx, tx, c.Campaign)
	})
	return c, err
}
