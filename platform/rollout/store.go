package rollout

import (
	"context"
	"fmt"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

type planRow struct {
	Module     string  `db:"module"`
	Mode       string  `db:"mode"`
	Percent    float64 `db:"percent"`
	URLs       string  `db:"urls"`
	Configured bool    `db:"configured"`
	Version    int64   `db:"version"`
	ChangedBy  string  `db:"changed_by"`
	ChangedMS  int64   `db:"changed_ms"`
	Why        string  `db:"why"`
}

type entryRow struct {
	Version     int64   `db:"version"`
	AtMS        int64   `db:"at_ms"`
	Who         string  `db:"who"`
	Automatic   bool    `db:"automatic"`
	Anyway      bool    `db:"anyway"`
	Why         string  `db:"why"`
	Configured  bool    `db:"configured"`
	FromMode    string  `db:"from_mode"`
	FromPercent float64 `db:"from_percent"`
	FromURLs    string  `db:"from_urls"`
	ToMode      string  `db:"to_mode"`
	ToPercent   float64 `db:"to_percent"`
	ToURLs      string  `db:"to_urls"`
}

func placeOf(mode string, percent float64, urls string) Place {
	return Place{Mode: seam.Mode(mode), Percent: percent, URLs: splitURLs(urls)}
}

// No URL has a space in it.
func joinURLs(urls []string) string { return strings.Join(urls, " ") }

func splitURLs(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Fields(text)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readPlans returns the plans of all modules that have one.
func readPlans(ctx context.Context, q database.Queryer) ([]Plan, error) {
	var rows []planRow
	err := q.Select(ctx, &rows, `
		SELECT
			module,
			mode,
			percent,
			urls,
			configured,
			version,
			changed_by,
			changed_ms,
			why
		FROM route_plan`)
	if err != nil {
		return nil, fmt.Errorf("read the plans of the routes: %w", err)
	}
	plans := make([]Plan, len(rows))
	for i, r := range rows {
		plans[i] = Plan{
			Module: r.Module, Place: placeOf(r.Mode, r.Percent, r.URLs), Version: r.Version, Configured: r.Configured,
			ChangedBy: r.ChangedBy, ChangedMS: r.ChangedMS, Why: r.Why,
		}
	}
	return plans, nil
}

// readAudit returns the changes of a module before a version, newest first.
func readAudit(ctx context.Context, q database.Queryer, module string, before int64, limit int) ([]Entry, error) {
	var rows []entryRow
	err := q.Select(ctx, &rows, `
		SELECT
			version,
			at_ms,
			who,
			automatic,
			anyway,
			why,
			configured,
			from_mode,
			from_percent,
			from_urls,
			to_mode,
			to_percent,
			to_urls
		FROM route_audit
		WHERE module = ?
			AND version < ?
		ORDER BY version DESC
		LIMIT ?`, module, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit of the route of %s: %w", module, err)
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		entries[i] = Entry{
			Version: r.Version, AtMS: r.AtMS, Who: r.Who, Automatic: r.Automatic, Anyway: r.Anyway, Configured: r.Configured, Why: r.Why,
			From: placeOf(r.FromMode, r.FromPercent, r.FromURLs), To: placeOf(r.ToMode, r.ToPercent, r.ToURLs),
		}
	}
	return entries, nil
}

// write keeps a plan and its audit entry, both or none. Fails with
// fault.Conflict when the plan in the database is not the one before it.
func (c *Controller) write(ctx context.Context, from, to Plan, s step) error {
	return c.db.Write(ctx, func(tx *database.Tx) error {
		kept, err := writePlan(ctx, tx, to)
		if err != nil {
			return err
		}
		if !kept {
			return fault.Newf(fault.Conflict, "the plan of %s was changed by somebody else in the same moment: look at it, then decide again", to.Module)
		}
		tx.Wake(wakeName)
		return writeEntry(ctx, tx, from, to, s)
	})
}

// writePlan replaces the plan of the version before; false when there is
// another one.
func writePlan(ctx context.Context, tx *database.Tx, p Plan) (bool, error) {
	changed, err := tx.Exec(ctx, `
		INSERT INTO route_plan (
			module,
			mode,
			percent,
			urls,
			configured,
			version,
			changed_by,
			changed_ms,
			why
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (module) DO UPDATE SET
			mode = excluded.mode,
			percent = excluded.percent,
			urls = excluded.urls,
			configured = excluded.configured,
			version = excluded.version,
			changed_by = excluded.changed_by,
			changed_ms = excluded.changed_ms,
			why = excluded.why
		WHERE route_plan.version = excluded.version - 1`,
		p.Module, string(p.Mode), p.Percent, joinURLs(p.URLs), flag(p.Configured), p.Version, p.ChangedBy, p.ChangedMS, p.Why)
	if err != nil {
		return false, fmt.Errorf("write the plan of %s: %w", p.Module, err)
	}
	return changed == 1, nil
}

func writeEntry(ctx context.Context, tx *database.Tx, from, to Plan, s step) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO route_audit (
			module,
			version,
			at_ms,
			who,
			automatic,
			anyway,
			why,
			configured,
			from_mode,
			from_percent,
			from_urls,
			to_mode,
			to_percent,
			to_urls
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		to.Module, to.Version, to.ChangedMS, to.ChangedBy, flag(s.automatic), flag(s.anyway), to.Why, flag(to.Configured),
		string(from.Mode), from.Percent, joinURLs(from.URLs), string(to.Mode), to.Percent, joinURLs(to.URLs))
	if err != nil {
		return fmt.Errorf("write the audit of %s: %w", to.Module, err)
	}
	return nil
}
