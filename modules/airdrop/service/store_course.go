package service

import (
	"context"
	"fmt"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// courseRow is a row of the table course.
type courseRow struct {
	Campaign  string `db:"campaign_id"`
	Phase     string `db:"phase"`
	Rules     string `db:"rules"`
	Run       int64  `db:"run"`
	Preview   int64  `db:"preview"`
	PreviewMS int64  `db:"preview_ms"`
	Summary   string `db:"summary"`
	Manifest  string `db:"manifest"`
	Freezing  int64  `db:"freezing"`
	JobID     int64  `db:"job_id"`
	HeldEpoch int64  `db:"held_epoch"`
	Reason    string `db:"reason"`
	ChangedMS int64  `db:"changed_ms"`
}

const selectCourse = `
	SELECT
		campaign_id,
		phase,
		rules,
		run,
		preview,
		preview_ms,
		summary,
		manifest,
		freezing,
		job_id,
		held_epoch,
		reason,
		changed_ms
	FROM course `

func errNoRules() error {
	return fault.NoSuch("rules", "the campaign has no rules: write them on its page of rules, or with PUT /api/v1/airdrop/campaigns/ID/rules, or upload a list")
}

// course reads the course of a campaign. It fails with fault.NotFound.
func (s store) course(ctx context.Context, from database.Queryer, id string) (row courseRow, err error) {
	if !isID(id) {
		return row, errNoCampaign()
	}
	err = from.Get(ctx, &row, selectCourse+`WHERE campaign_id = ?`, id)
	if database.IsNoRows(err) {
		if _, err := s.campaign(ctx, from, id); err != nil {
			return row, err
		}
		return row, errNoRules()
	}
	if err != nil {
		return row, fmt.Errorf("read the course of a campaign: %w", err)
	}
	return row, nil
}

// changeCourse changes the course of a campaign inside of a write: two changes of one
// campaign run one after the other.
func (s store) changeCourse(ctx context.Context, tx *database.Tx, id string, change func(*courseRow) error) (row courseRow, err error) {
	if err := tx.Lock(ctx, "campaign/"+id); err != nil {
		return row, err
	}
	if row, err = s.course(ctx, tx, id); err != nil {
		return row, err
	}
	before := row.Phase
	if err := change(&row); err != nil {
		return row, err
	}
	if row.Phase == before {
		return row, s.saveCourse(ctx, tx, row)
	}
	row.ChangedMS = tx.Now().UnixMilli()
	// That it is frozen is published with its tree (setBuilt).
	freezes := before == airdrop.Previewed && row.Phase == airdrop.Frozen
	if err := s.saveCourse(ctx, tx, row); err != nil || !decided(row) || freezes {
		return row, err
	}
	return row, publishPhase(ctx, tx, id, row.Phase)
}

// publishPhase publishes that a campaign is in a phase that everybody may know.
func publishPhase(ctx context.Context, tx *database.Tx, campaign, phase string) error {
	return outbox.Publish(ctx, tx, airdrop.PhaseTopic, campaign, airdrop.PhaseReached{Campaign: campaign, Phase: phase, TimeMS: tx.Now().UnixMilli()})
}

func (s store) saveCourse(ctx context.Context, tx *database.Tx, r courseRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO course (
			campaign_id,
			phase,
			rules,
			run,
			preview,
			preview_ms,
			summary,
			manifest,
			freezing,
			job_id,
			held_epoch,
			reason,
			changed_ms
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (campaign_id) DO UPDATE SET
			phase = excluded.phase,
			rules = excluded.rules,
			run = excluded.run,
			preview = excluded.preview,
			preview_ms = excluded.preview_ms,
			summary = excluded.summary,
			manifest = excluded.manifest,
			freezing = excluded.freezing,
			job_id = excluded.job_id,
			held_epoch = excluded.held_epoch,
			reason = excluded.reason,
			changed_ms = excluded.changed_ms`,
		r.Campaign, r.Phase, r.Rules, r.Run, r.Preview, r.PreviewMS, r.Summary, r.Manifest, r.Freezing, r.JobID, r.HeldEpoch, r.Reason, r.ChangedMS)
	if err != nil {
		return fmt.Errorf("store the course of a campaign: %w", err)
	}
	return nil
}

// working returns the campaigns whose work has not been settled.
func (s store) working(ctx context.Context) (rows []courseRow, err error) {
	if err = s.db.Read().Select(ctx, &rows, selectCourse+`WHERE job_id <> 0`); err != nil {
		return nil, fmt.Errorf("look for campaigns with work: %w", err)
	}
	return rows, nil
}

// inputRow is a row of the table course_input.
type inputRow struct {
	Campaign  string `db:"campaign_id"`
	Source    string `db:"source"`
	FileID    string `db:"file_id"`
	Name      string `db:"name"`
	SHA256    string `db:"sha256"`
	Bytes     int64  `db:"bytes"`
	Rows      int    `db:"row_count"`
	Run       int64  `db:"run"`
	Epoch     int64  `db:"epoch"`
	EpochRoot string `db:"epoch_root"`
	BlockHash string `db:"block_hash"`
}

// inputs returns the files of a campaign's sources by their names.
func (s store) inputs(ctx context.Context, from database.Queryer, campaign string) (map[string]inputRow, error) {
	var rows []inputRow
	err := from.Select(ctx, &rows, `
		SELECT
			campaign_id,
			source,
			file_id,
			name,
			sha256,
			bytes,
			row_count,
			run,
			epoch,
			epoch_root,
			block_hash
		FROM course_input
		WHERE campaign_id = ?`, campaign)
	if err != nil {
		return nil, fmt.Errorf("read the inputs of a campaign: %w", err)
	}
	all := make(map[string]inputRow, len(rows))
	for _, r := range rows {
		all[r.Source] = r
	}
	return all, nil
}

// setInput makes a file that of a source; the file it had is left to the sweep.
func (s store) setInput(ctx context.Context, tx *database.Tx, r inputRow) error {
	if err := s.touchFile(ctx, tx, r.FileID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO course_input (
			campaign_id,
			source,
			file_id,
			name,
			sha256,
			bytes,
			row_count,
			run,
			epoch,
			epoch_root,
			block_hash
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (campaign_id, source) DO UPDATE SET
			file_id = excluded.file_id,
			name = excluded.name,
			sha256 = excluded.sha256,
			bytes = excluded.bytes,
			row_count = excluded.row_count,
			run = excluded.run,
			epoch = excluded.epoch,
			epoch_root = excluded.epoch_root,
			block_hash = excluded.block_hash`,
		r.Campaign, r.Source, r.FileID, r.Name, r.SHA256, r.Bytes, r.Rows, r.Run, r.Epoch, r.EpochRoot, r.BlockHash)
	if err != nil {
		return fmt.Errorf("store an input: %w", err)
	}
	return nil
}

// dropInputs forgets the files of sources, all of them for no names.
func (s store) dropInputs(ctx context.Context, tx *database.Tx, campaign string, sources ...string) error {
	if len(sources) == 0 {
		if _, err := tx.Exec(ctx, `DELETE FROM course_input WHERE campaign_id = ?`, campaign); err != nil {
			return fmt.Errorf("drop the inputs of a campaign: %w", err)
		}
		return nil
	}
	for _, source := range sources {
		if _, err := tx.Exec(ctx, `DELETE FROM course_input WHERE campaign_id = ? AND source = ?`, campaign, source); err != nil {
			return fmt.Errorf("drop an input: %w", err)
		}
	}
	return nil
}

func (s store) beginFile(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO course_file (id, touched_ms) VALUES (?, ?)`, id, tx.Now().UnixMilli())
		return err
	})
}

func (s store) addFileChunk(ctx context.Context, id string, number int, body []byte) error {
	return s.db.Write(ctx, func(tx *database.Tx) error {
		if err := s.touchFile(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO course_file_chunk (file_id, number, body) VALUES (?, ?, ?)`, id, number, body)
		return err
	})
}

// touchFile marks a file as still being written. It fails when it was taken for
// abandoned meanwhile.
func (s store) touchFile(ctx context.Context, tx *database.Tx, id string) error {
	changed, err := tx.Exec(ctx, `UPDATE course_file SET touched_ms = ? WHERE id = ?`, tx.Now().UnixMilli(), id)
	if err != nil {
		return err
	}
	if changed != 1 {
		return fault.New(fault.Unavailable, "storing the file took so long that it counted as abandoned: nothing was kept, send it again")
	}
	return nil
}

// fileChunk returns a chunk of a file; nil behind the last one.
func (s store) fileChunk(ctx context.Context, id string, number int) (body []byte, err error) {
	err = s.db.Read().Get(ctx, &body, `SELECT body FROM course_file_chunk WHERE file_id = ? AND number = ?`, id, number)
	if database.IsNoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an input: %w", err)
	}
	return body, nil
}

// sweepFiles deletes up to most chunks of files that no source names and nobody has
// touched since beforeMS, and the files with their last one. It returns how many
// chunks, and of how many files the last.
func (s store) sweepFiles(ctx context.Context, beforeMS int64, most int) (deleted int64, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		var ids []string
		err := tx.Select(ctx, &ids, `
			SELECT
				id
			FROM course_file
			WHERE touched_ms < ?
				AND NOT EXISTS (SELECT 1 FROM course_input WHERE course_input.file_id = course_file.id)
			ORDER BY id
			LIMIT 1`, beforeMS)
		if err != nil || len(ids) == 0 {
			return err
		}
		deleted, err = tx.Exec(ctx, `
			DELETE FROM course_file_chunk
			WHERE file_id = ?
				AND number IN (SELECT number FROM course_file_chunk WHERE file_id = ? ORDER BY number LIMIT ?)`, ids[0], ids[0], most)
		if err != nil || deleted == int64(most) {
			return err
		}
		deleted++
		_, err = tx.Exec(ctx, `DELETE FROM course_file WHERE id = ?`, ids[0])
		return err
	})
	return deleted, err
}

func (s store) addDecisions(ctx context.Context, tx *database.Tx, campaign string, run int64, first wallet.Address, body []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO course_decision (campaign_id, run, first, body) VALUES (?, ?, ?, ?)`, campaign, run, first, body)
	if err != nil {
		return fmt.Errorf("store decisions: %w", err)
	}
	return nil
}

// decisionsAt returns the chunk that would have a wallet; nil when there is none.
func (s store) decisionsAt(ctx context.Context, campaign string, run int64, w wallet.Address) (body []byte, err error) {
	err = s.db.Read().Get(ctx, &body, `
		SELECT
			body
		FROM course_decision
		WHERE campaign_id = ?
			AND run = ?
			AND first <= ?
		ORDER BY first DESC
		LIMIT 1`, campaign, run, w)
	if database.IsNoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return body, nil
}

// eachDecisions calls each with the chunks of a run, in their order.
func (s store) eachDecisions(ctx context.Context, campaign string, run int64, each func(body []byte) error) error {
	rows, err := s.db.Read().Query(ctx, `SELECT body FROM course_decision WHERE campaign_id = ? AND run = ? ORDER BY first`, campaign, run)
	if err != nil {
		return fmt.Errorf("read decisions: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		if err := each(body); err != nil {
			return err
		}
	}
	return rows.Err()
}

// dropDecisions deletes up to most chunks of the runs of a campaign other than kept.
func (s store) dropDecisions(ctx context.Context, campaign string, kept int64, most int) (deleted int64, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) (err error) {
		deleted, err = tx.Exec(ctx, `
			DELETE FROM course_decision
			WHERE (campaign_id, run, first) IN (
				SELECT d.campaign_id, d.run, d.first FROM course_decision d WHERE d.campaign_id = ? AND d.run <> ? LIMIT ?)`, campaign, kept, most)
		return err
	})
	return deleted, err
}

// dropList takes the list of a campaign that is not built away.
func (s store) dropList(ctx context.Context, tx *database.Tx, campaign string) error {
	c, err := s.campaign(ctx, tx, campaign)
	if err != nil || c.State == airdrop.Built || c.listID == "" {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE campaign SET state = 'draft', list_id = '', row_count = 0, total = '0' WHERE id = ?`, campaign); err != nil {
		return fmt.Errorf("drop the list of a campaign: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE list SET touched_ms = 0 WHERE id = ?`, c.listID)
	return err
}
