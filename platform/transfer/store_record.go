package transfer

import (
	"context"
	"encoding/json"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/ownership"
)

// role is a side of a move.
type role string

const (
	leaving role = "leaving" // the data is here until the decision
	coming  role = "coming"  // it is being copied to here
	arrived role = "arrived" // it is here, and came from another process: the module's calls are to be led here
)

// phase is how far the side that the data leaves has come.
type phase string

const (
	copying   phase = "copying"
	following phase = "following" // all rows are copied; the log is
	gone      phase = "gone"      // decided: the data is the other side's
)

// record is what a side of a move remembers in its own database.
type record struct {
	ID    string `json:"id"` // of the move, the same on both sides
	Role  role   `json:"role"`
	Phase phase  `json:"phase,omitempty"` // of the side that the data leaves
	Place string `json:"place"`           // the other side, for people
	// URL is the other side's, where that is a server; it may have a password. A file
	// that the data has left says by it where the data is.
	URL string `json:"url,omitempty"`
	// File is where the record was written, for SQLite: a copy of the file, such as a
	// backup that was restored elsewhere, moves nothing.
	File      string          `json:"file,omitempty"`
	Tables    map[string]done `json:"tables,omitempty"`
	Position  string          `json:"position,omitempty"` // in the log; all before it is copied
	StartedMS int64           `json:"started_ms"`

	// Remote is the address of the other side's process, where that has a database of its
	// own. Settled says that the calls of the module are led there; By, who asked; Owner,
	// which process moves: another one that has the file open leaves it to that.
	Remote  string `json:"remote,omitempty"`
	Settled bool   `json:"settled,omitempty"`
	By      string `json:"by,omitempty"`
	Owner   string `json:"owner,omitempty"`

	// Of the side that the data comes to from another process: the attempt whose rows it
	// takes, and whether all rows are here.
	Attempt int64 `json:"attempt,omitempty"`
	Whole   bool  `json:"whole,omitempty"`

	// Of the side that the data comes to: what puts back what was loosened, and whether
	// the data was here before.
	Indexes []string `json:"indexes,omitempty"`
	Foreign []string `json:"foreign,omitempty"`
	Before  bool     `json:"before,omitempty"`
}

// done is how far a table is copied.
type done struct {
	Rows int64  `json:"rows"`
	Last string `json:"last,omitempty"` // key of the last row, as in the log
	All  bool   `json:"all,omitempty"`
}

// readRecord returns nil when there is no move.
func readRecord(ctx context.Context, q database.Queryer) (*record, error) {
	var line string
	err := q.Get(ctx, &line, `SELECT record FROM module_move WHERE id = 1`)
	if database.IsNoRows(err) {
		return nil, nil //nolint:nilnil // no move is no failure
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(line)
}

func parseRecord(line string) (*record, error) {
	r := new(record)
	if err := json.Unmarshal([]byte(line), r); err != nil {
		return nil, fmt.Errorf("read the record of the move: %w", err)
	}
	return r, nil
}

func writeRecord(ctx context.Context, tx *database.Tx, r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record of the move: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO module_move (id, record)
		VALUES (1, ?)
		    ON CONFLICT (id) DO UPDATE SET record = excluded.record`, string(line))
	return err
}

// putRecord is writeRecord in a session.
func putRecord(ctx context.Context, s session, r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record of the move: %w", err)
	}
	if err := s.exec(ctx, `DELETE FROM module_move`); err != nil {
		return err
	}
	return s.exec(ctx, `INSERT INTO module_move (id, record) VALUES (1, ?)`, string(line))
}

// recordIn reads the record in a snapshot of its own; nil = there is none.
func recordIn(ctx context.Context, s lane) (r *record, err error) {
	err = reading(ctx, s, func() (err error) {
		r, err = recordOf(ctx, s)
		return err
	})
	return r, err
}

// recordOf is recordIn in a transaction that is open.
func recordOf(ctx context.Context, s session) (*record, error) {
	var line string
	found, err := s.get(ctx, []any{&line}, `SELECT record FROM module_move WHERE id = 1`)
	if err != nil || !found {
		return nil, err
	}
	return parseRecord(line)
}

// aboutMoves are the tables that belong to a database, and not to the data in it: whose
// the writes are, and what a move remembers.
var aboutMoves = []string{"ownership", "moved_owner", "module_move", "move_log"}

// writeOwner replaces the owner row of the side that the data comes to.
func writeOwner(ctx context.Context, s session, c ownership.Claim) error {
	if err := s.exec(ctx, `DELETE FROM ownership`); err != nil {
		return err
	}
	return s.exec(ctx, `INSERT INTO ownership (id, epoch, owner, url, changed_ms) VALUES (1, ?, ?, ?, ?)`, c.Epoch, c.Owner, c.URL, c.ChangedMS)
}
