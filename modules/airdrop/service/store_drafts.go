package service

import (
	"context"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// editCampaign changes the texts of a campaign that is not built.
func (s store) editCampaign(ctx context.Context, id, name, description string) (c stored, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if c, err = s.lockCampaign(ctx, tx, id); err != nil {
			return err
		}
		if c.State == airdrop.Built {
			return errPublished("renamed")
		}
		_, err := tx.Exec(ctx, `
			UPDATE campaign
			SET name = ?,
				description = ?
			WHERE id = ?`, name, description, id)
		c.Name, c.Description = name, description
		return err
	})
	return c, err
}

// deleteCampaign deletes a campaign that is not built and returns the id of the list
// that it had, "" for none.
func (s store) deleteCampaign(ctx context.Context, id string) (listID string, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		c, err := s.lockCampaign(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case c.State == airdrop.Built:
			return errPublished("deleted")
		case c.Phase == airdrop.Collecting:
			return fault.New(fault.Conflict, "work on this campaign is running: cancel it on the page Jobs, or wait until it has ended, then delete the campaign")
		}
		listID = c.listID
		if _, err := tx.Exec(ctx, `UPDATE list SET touched_ms = 0 WHERE id = ?`, listID); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM course_part WHERE campaign_id = ?`,
			`DELETE FROM course_decision WHERE campaign_id = ?`,
			`DELETE FROM suspect_event WHERE campaign_id = ?`,
			`DELETE FROM suspect WHERE campaign_id = ?`,
			`DELETE FROM campaign_phase WHERE campaign_id = ?`,
			`DELETE FROM course_input WHERE campaign_id = ?`,
			`DELETE FROM course WHERE campaign_id = ?`,
			`DELETE FROM campaign WHERE id = ?`,
		} {
			if _, err := tx.Exec(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
	return listID, err
}
