package service

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// noSeeds says what to do where there are no seeds, and why nothing can be computed.
const noSeeds = "there are no seeds, so there are no scores: trust begins at wallets that are known to be good, and without them anybody could create wallets that trust each other; name some on the operator page Seeds, with PUT /api/v1/reputation/seeds/NAME, or in the setting reputation.seeds"

// seeds returns the seeds of the settings and of all sets, by wallet; a wallet in
// several sets is there once, with its largest weight.
func (s service) seeds(ctx context.Context, q database.Queryer) ([]seedRow, error) {
	stored, err := listSeeds(ctx, q, "", reputation.MaxSeedSets*reputation.MaxSeeds)
	if err != nil {
		return nil, err
	}
	largest := make(map[wallet.Address]seedRow, len(stored)+len(s.o.Seeds))
	for _, row := range append(s.seedsOfSettings(), stored...) {
		if known, there := largest[row.Wallet]; !there || row.Weight > known.Weight {
			largest[row.Wallet] = row
		}
	}
	rows := make([]seedRow, 0, len(largest))
	for _, row := range largest {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b seedRow) int { return bytes.Compare(a.Wallet[:], b.Wallet[:]) })
	return rows, nil
}

func (s service) seedsOfSettings() []seedRow {
	rows := make([]seedRow, 0, len(s.o.Seeds))
	for _, w := range s.o.Seeds {
		rows = append(rows, seedRow{Set: reputation.SettingsSet, Wallet: w, Weight: 1, Reason: "named in the setting reputation.seeds"})
	}
	return rows
}

// Seeds implements Service.
func (s service) Seeds(ctx context.Context, _ reputation.SeedsQuery) (reputation.Seeds, error) {
	answer := reputation.Seeds{Sets: []reputation.SeedSet{}}
	if named := s.seedsOfSettings(); len(named) > 0 {
		answer.Sets = append(answer.Sets, reputation.SeedSet{
			Name: reputation.SettingsSet, Reason: "the setting reputation.seeds", Seeds: seedsOf(named),
		})
	}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		all, err := s.seeds(ctx, r)
		if err != nil {
			return err
		}
		answer.Wallets = len(all)
		sets, err := listSeedSets(ctx, r, reputation.MaxSeedSets)
		if err != nil {
			return err
		}
		rows, err := listSeeds(ctx, r, "", reputation.MaxSeedSets*reputation.MaxSeeds)
		if err != nil {
			return err
		}
		of := make(map[string][]seedRow, len(sets))
		for _, row := range rows {
			of[row.Set] = append(of[row.Set], row)
		}
		for _, set := range sets {
			answer.Sets = append(answer.Sets, set.describe(of[set.Name]))
		}
		return nil
	})
	if answer.Wallets == 0 && err == nil {
		answer.Advice = noSeeds
	}
	return answer, err
}

func (r seedSetRow) describe(seeds []seedRow) reputation.SeedSet {
	return reputation.SeedSet{
		Name: r.Name, Reason: r.Reason, Version: r.Version, ChangedMS: r.ChangedMS, ChangedBy: r.ChangedBy, Seeds: seedsOf(seeds),
	}
}

func seedsOf(rows []seedRow) []reputation.Seed {
	seeds := make([]reputation.Seed, len(rows))
	for i, row := range rows {
		seeds[i] = reputation.Seed{Wallet: row.Wallet, Weight: row.Weight, Reason: row.Reason}
	}
	return seeds
}

func refuseSettings(name string) error {
	if name != reputation.SettingsSet {
		return nil
	}
	return fault.New(fault.Conflict, "the set settings is the setting reputation.seeds: change it there, or choose another name")
}

func noSeedSet(name string) error {
	return fault.NoSuch("set", "there is no set of seeds %s: GET /api/v1/reputation/seeds lists those there are", name)
}

// SetSeeds implements Service.
func (s service) SetSeeds(ctx context.Context, q reputation.SeedSetDraft) (reputation.SeedSet, error) {
	if err := refuseSettings(q.Name); err != nil {
		return reputation.SeedSet{}, err
	}
	rows := make([]seedRow, len(q.Seeds))
	for i, seed := range q.Seeds {
		rows[i] = seedRow{Set: q.Name, Wallet: seed.Wallet, Weight: seed.Weight, Reason: seed.Reason}
		if seed.Weight == 0 {
			rows[i].Weight = 1
		}
	}
	slices.SortFunc(rows, func(a, b seedRow) int { return bytes.Compare(a.Wallet[:], b.Wallet[:]) })
	w := idempotency.Write{
		DB: s.o.DB, Operation: "setSeeds", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q.Name, q), LookFirst: true,
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.SeedSet]) (answer reputation.SeedSet, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if answer, err = s.changeSet(ctx, tx, q.Name, q.Reason, q.Version, rows); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// RemoveSeeds implements Service.
func (s service) RemoveSeeds(ctx context.Context, q reputation.SeedSetRemoval) (reputation.SeedSet, error) {
	if err := refuseSettings(q.Name); err != nil {
		return reputation.SeedSet{}, err
	}
	w := idempotency.Write{
		DB: s.o.DB, Operation: "removeSeeds", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q.Name, q), LookFirst: true,
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.SeedSet]) (answer reputation.SeedSet, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if _, err := readSeedSet(ctx, tx, q.Name); database.IsNoRows(err) {
				return noSeedSet(q.Name)
			} else if err != nil {
				return fmt.Errorf("read a set of seeds: %w", err)
			}
			if answer, err = s.changeSet(ctx, tx, q.Name, q.Reason, 0, nil); err != nil {
				return err
			}
			if err := deleteSeedSet(ctx, tx, q.Name); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// changeSet makes a set consist of rows, which are sorted by wallet, and records
// each wallet's change. read is the version that the caller read, 0 = any.
func (s service) changeSet(ctx context.Context, tx *database.Tx, name, reason string, read int64, rows []seedRow) (reputation.SeedSet, error) {
	if err := tx.Lock(ctx, "seeds"); err != nil {
		return reputation.SeedSet{}, err
	}
	set, err := readSeedSet(ctx, tx, name)
	if database.IsNoRows(err) {
		n, err := countSeedSets(ctx, tx)
		if err != nil {
			return reputation.SeedSet{}, fmt.Errorf("count the sets of seeds: %w", err)
		}
		if n >= reputation.MaxSeedSets {
			return reputation.SeedSet{}, fault.Newf(fault.Conflict, "there are %d sets of seeds, which is the limit: remove one, or add wallets to one", n)
		}
	} else if err != nil {
		return reputation.SeedSet{}, fmt.Errorf("read a set of seeds: %w", err)
	}
	if read != 0 && set.Version != read {
		return reputation.SeedSet{}, fault.Newf(fault.Conflict, "the set %s is at version %d, not %d: read it again, then decide", name, set.Version, read)
	}
	before, err := listSeeds(ctx, tx, name, reputation.MaxSeeds)
	if err != nil {
		return reputation.SeedSet{}, err
	}
	last, err := lastSeedVersion(ctx, tx, name)
	if err != nil {
		return reputation.SeedSet{}, fmt.Errorf("number the version of a set: %w", err)
	}
	now := seedSetRow{
		Name: name, Reason: reason, Version: max(last, set.Version) + 1, ChangedMS: s.o.Clock().UnixMilli(), ChangedBy: identity.From(ctx).Name(),
	}
	if err := insertSeedChanges(ctx, tx, now.changes(before, rows)); err != nil {
		return reputation.SeedSet{}, err
	}
	if err := replaceSeeds(ctx, tx, name, rows); err != nil {
		return reputation.SeedSet{}, err
	}
	return now.describe(rows), saveSeedSet(ctx, tx, now)
}

// changes compares two lists of seeds by wallet.
func (r seedSetRow) changes(before, after []seedRow) []seedChangeRow {
	var list []seedChangeRow
	add := func(action string, row seedRow) {
		list = append(list, seedChangeRow{
			Set: r.Name, Version: r.Version, TimeMS: r.ChangedMS, ChangedBy: r.ChangedBy, Reason: r.Reason,
			Action: action, Wallet: row.Wallet, Weight: row.Weight, SeedReason: row.Reason,
		})
	}
	for len(before)+len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = bytes.Compare(before[0].Wallet[:], after[0].Wallet[:])
		}
		switch {
		case order < 0:
			add("removed", before[0])
		case order > 0:
			add("added", after[0])
		case before[0].Weight != after[0].Weight || before[0].Reason != after[0].Reason:
			add("changed", after[0])
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			after = after[1:]
		}
	}
	return list
}

// SeedChanges implements Service.
func (s service) SeedChanges(ctx context.Context, q reputation.SeedChangesQuery) (reputation.SeedChangePage, error) {
	answer := reputation.SeedChangePage{Changes: []reputation.SeedChange{}}
	list := page.NewList[int64]("changes of seeds", q.Set)
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := listSeedChanges(ctx, s.o.DB.Read(), q.Set, before, size+1)
	if err != nil {
		return answer, err
	}
	rows, answer.Next = page.Cut(list, rows, size, func(r seedChangeRow) int64 { return r.ID })
	for _, r := range rows {
		answer.Changes = append(answer.Changes, reputation.SeedChange{
			Set: r.Set, Version: r.Version, TimeMS: r.TimeMS, By: r.ChangedBy, Reason: r.Reason, Action: r.Action,
			Wallet: r.Wallet, Weight: r.Weight, SeedNotes: r.SeedReason,
		})
	}
	return answer, nil
}
