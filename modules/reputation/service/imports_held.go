package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// keptVersions is how many versions of an import can be compared.
const keptVersions = 10

func noImport(name string) error {
	return fault.NoSuch("import", "there is no import %s: GET /api/v1/reputation/imports lists those there are", name)
}

// Imports implements Service.
func (s service) Imports(ctx context.Context, _ reputation.ImportsQuery) (reputation.ImportList, error) {
	answer := reputation.ImportList{Imports: []reputation.Import{}}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		rows, err := listImports(ctx, r, reputation.MaxImports)
		if err != nil {
			return fmt.Errorf("list imports: %w", err)
		}
		for _, row := range rows {
			one, err := describeImport(ctx, r, row)
			if err != nil {
				return err
			}
			answer.Imports = append(answer.Imports, one)
		}
		return nil
	})
	return answer, err
}

func describeImport(ctx context.Context, q database.Queryer, row importRow) (reputation.Import, error) {
	one := reputation.Import{Name: row.Name, Version: row.Version, Edges: row.Edges, ChangedMS: row.ChangedMS, ChangedBy: row.ChangedBy}
	if row.Held == 0 {
		return one, nil
	}
	v, err := readVersion(ctx, q, row.ID, row.Held)
	if err != nil {
		return one, fmt.Errorf("read the held version of an import: %w", err)
	}
	one.Held = &reputation.ImportVersion{Version: v.Version, MadeMS: v.MadeMS, MadeBy: v.MadeBy, Diff: reputation.ImportDiff{Added: v.Added, Removed: v.Removed, Changed: v.Changed}}
	return one, nil
}

// pairPlace is a position in a list of edges.
type pairPlace struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// ImportChanges implements Service.
func (s service) ImportChanges(ctx context.Context, q reputation.ImportChangesQuery) (reputation.ImportChangePage, error) {
	answer := reputation.ImportChangePage{Changes: []reputation.ImportChange{}}
	list := page.NewList[pairPlace]("changes of an import", q.Import, fmt.Sprint(q.Version))
	after, err := list.After(q.Cursor, pairPlace{})
	if err != nil {
		return answer, err
	}
	var source, target wallet.Address
	if q.Cursor != "" {
		var err1, err2 error
		source, err1 = wallet.Parse(after.Source)
		target, err2 = wallet.Parse(after.Target)
		if err1 != nil || err2 != nil {
			return answer, list.Wrong()
		}
	}
	size := page.Standard().Size(q.Limit)
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		row, err := s.versionKept(ctx, r, q.Import, q.Version)
		if err != nil {
			return err
		}
		begun, err := begunEdges(ctx, r, row.ID, q.Version, source, target, size+1)
		if err != nil {
			return err
		}
		ended, err := endedEdges(ctx, r, row.ID, q.Version, source, target, size+1)
		if err != nil {
			return err
		}
		answer.Changes = mergeChanges(begun, ended, size+1)
		return nil
	})
	if err != nil {
		return answer, err
	}
	answer.Changes, answer.Next = page.Cut(list, answer.Changes, size, func(c reputation.ImportChange) pairPlace {
		return pairPlace{c.Source.String(), c.Target.String()}
	})
	return answer, nil
}

func (s service) versionKept(ctx context.Context, q database.Queryer, name string, version int64) (importRow, error) {
	row, err := readImport(ctx, q, name)
	if database.IsNoRows(err) {
		return row, noImport(name)
	}
	if err != nil {
		return row, fmt.Errorf("read an import: %w", err)
	}
	if version > row.Version && version != row.Held { // its edges may not all be dropped yet
		return row, fault.NoSuch("version", "the import %s has no version %d, or it was dropped", name, version)
	}
	if version <= row.Version-keptVersions {
		return row, fault.NoSuch("version", "version %d of the import %s can no longer be compared: the changes of the last %d are kept", version, name, keptVersions)
	}
	if _, err := readVersion(ctx, q, row.ID, version); err != nil {
		if database.IsNoRows(err) {
			return row, fault.NoSuch("version", "the import %s has no version %d", name, version)
		}
		return row, fmt.Errorf("read a version of an import: %w", err)
	}
	return row, nil
}

// mergeChanges joins what begins and what ends, both by source and target.
func mergeChanges(begun, ended []changedEdge, limit int) []reputation.ImportChange {
	changes := []reputation.ImportChange{}
	for len(changes) < limit && len(begun)+len(ended) > 0 {
		order := 0
		switch {
		case len(begun) == 0:
			order = 1
		case len(ended) == 0:
			order = -1
		default:
			order = comparePairs(begun[0].Source, begun[0].Target, ended[0].Source, ended[0].Target)
		}
		var c reputation.ImportChange
		if order <= 0 {
			c = reputation.ImportChange{Source: begun[0].Source, Target: begun[0].Target, After: &begun[0].Weight}
			begun = begun[1:]
		}
		if order >= 0 {
			c.Source, c.Target, c.Before = ended[0].Source, ended[0].Target, &ended[0].Weight
			ended = ended[1:]
		}
		changes = append(changes, c)
	}
	return changes
}

// AcceptImport implements Service.
func (s service) AcceptImport(ctx context.Context, q reputation.ImportAction) (reputation.Import, error) {
	return s.decide(ctx, "acceptImport", q, func(tx *database.Tx, row *importRow) error {
		v, err := readVersion(ctx, tx, row.ID, row.Held)
		if err != nil {
			return fmt.Errorf("read the held version of an import: %w", err)
		}
		row.Version, row.Held = row.Held, 0
		row.Edges += v.Added - v.Removed
		return addUnused(ctx, tx, row.Version)
	})
}

// DiscardImport implements Service. The version is gone at once; a job drops its edges
// bit by bit, unless the next upload does it before.
func (s service) DiscardImport(ctx context.Context, q reputation.ImportAction) (reputation.Import, error) {
	return s.decide(ctx, "discardImport", q, func(tx *database.Tx, row *importRow) error {
		row.Held, row.Dropped = 0, row.Held
		_, err := unusedKind().Add(ctx, tx, unusedJob{})
		return err
	})
}

// decide changes an import of which a version is held.
func (s service) decide(ctx context.Context, operation string, q reputation.ImportAction, change func(tx *database.Tx, row *importRow) error) (reputation.Import, error) {
	w := idempotency.Write{
		DB: s.o.DB, Operation: operation, Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q.Import, q.Version), LookFirst: true,
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Import]) (answer reputation.Import, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			row, err := heldImport(ctx, tx, q)
			if err != nil {
				return err
			}
			if err := change(tx, &row); err != nil {
				return err
			}
			row.ChangedMS, row.ChangedBy = s.o.Clock().UnixMilli(), identity.From(ctx).Name()
			if err := updateImport(ctx, tx, row); err != nil {
				return err
			}
			if answer, err = describeImport(ctx, tx, row); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

func heldImport(ctx context.Context, tx *database.Tx, q reputation.ImportAction) (importRow, error) {
	if err := tx.Lock(ctx, "imports"); err != nil {
		return importRow{}, err
	}
	row, err := readImport(ctx, tx, q.Import)
	switch {
	case database.IsNoRows(err):
		return row, noImport(q.Import)
	case err != nil:
		return row, fmt.Errorf("read an import: %w", err)
	case row.Held == 0:
		return row, fault.NoSuch("version", "no version of the import %s is held", q.Import)
	case row.Held != q.Version:
		return row, fault.Newf(fault.Conflict, "version %d of the import %s is held, not %d: look at its changes before you decide", row.Held, q.Import, q.Version)
	}
	return row, nil
}

// RemoveImport implements Service. The import ceases to count at once; a job deletes
// its edges bit by bit.
func (s service) RemoveImport(ctx context.Context, q reputation.ImportRemoval) (reputation.Import, error) {
	w := idempotency.Write{
		DB: s.o.DB, Operation: "removeImport", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q.Import), LookFirst: true,
	}
	answer, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Import]) (answer reputation.Import, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := tx.Lock(ctx, "imports"); err != nil {
				return err
			}
			row, err := readImport(ctx, tx, q.Import)
			if database.IsNoRows(err) {
				return noImport(q.Import)
			}
			if err != nil {
				return fmt.Errorf("read an import: %w", err)
			}
			if answer, err = describeImport(ctx, tx, row); err != nil {
				return err
			}
			if err := markRemoved(ctx, tx, row.ID); err != nil {
				return err
			}
			if _, err := unusedKind().Add(ctx, tx, unusedJob{}); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
	if err == nil {
		s.o.Log.InfoContext(ctx, "removed an import", "import", q.Import, "by", identity.From(ctx).Name(), "edges", answer.Edges)
	}
	return answer, err
}
