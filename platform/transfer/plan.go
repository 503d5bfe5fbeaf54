package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// state is what one database says of its data.
type state struct {
	hasTables bool
	isOwned   bool // it has an owner row, as modules' databases have
	claim     ownership.Claim
	before    ownership.Claim // owner and URL before the data went elsewhere
	dataID    string
	rows      int64 // more than the migrations made
}

// states are those of all databases.
type states struct{ from, to []state }

// modules returns the states of the databases with an owner row.
func modules(all []state) (owned []state) {
	for _, s := range all {
		if s.isOwned {
			owned = append(owned, s)
		}
	}
	return owned
}

func isMoved(s state) bool    { return s.claim.Owner == ownership.Moved }
func isArriving(s state) bool { return s.claim.Owner == ownership.Arriving }

func lookAt(ctx context.Context, o Options, source side) (found states, err error) {
	for i := range o.From {
		one, err := look(ctx, source.session(i))
		if err != nil {
			return found, err
		}
		found.from = append(found.from, one)
	}
	found.to = make([]state, len(o.To))
	existing, err := existing(o.To)
	if err != nil || len(existing) == 0 {
		return found, err
	}
	target, err := openSide(ctx, existing)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	var made map[string]int64
	for n, one := range existing {
		i := slices.IndexFunc(o.To, func(to database.Options) bool { return to.Module == one.Module })
		if found.to[i], err = look(ctx, target.session(n)); err != nil {
			return found, err
		}
		// A copy that ended while its files were put in place left some of them.
		if len(existing) < len(o.To) && !found.to[i].claim.Elsewhere() {
			return found, fault.Newf(fault.Conflict, "%s has some of the databases, and not all: choose an empty place, or move them away", o.ToName)
		}
		if !found.to[i].hasTables {
			continue
		}
		if made == nil {
			if made, err = rowsOfMigrations(ctx, o.To); err != nil {
				return found, err
			}
		}
		if found.to[i].rows, err = rowsBeyond(ctx, one.Module, target.session(n), made); err != nil {
			return found, err
		}
	}
	return found, nil
}

// existing returns the databases that are there; those of a server always are.
func existing(all []database.Options) (there []database.Options, err error) {
	if isPostgres(all) {
		return all, nil
	}
	for _, one := range all {
		if _, err := os.Lstat(pathOf(one)); err == nil {
			there = append(there, one)
		} else if !os.IsNotExist(err) {
			return nil, fault.Wrap(err, fault.Unavailable, "cannot look at "+pathOf(one))
		}
	}
	return there, nil
}

func look(ctx context.Context, s session) (state, error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return state{}, err
	}
	has := func(name string) bool {
		return slices.ContainsFunc(tables, func(t table) bool { return t.name == name })
	}
	found := state{hasTables: len(tables) > 0, isOwned: has("ownership")}
	if !found.isOwned {
		return found, nil
	}
	_, err = s.get(ctx, []any{&found.claim.Epoch, &found.claim.Owner, &found.claim.URL}, `SELECT epoch, owner, url FROM ownership WHERE id = 1`)
	if err == nil {
		_, err = s.get(ctx, []any{&found.dataID}, `SELECT data_id FROM data_identity WHERE id = 1`)
	}
	found.before = ownership.Claim{Owner: found.claim.Owner, URL: found.claim.URL}
	if err == nil && found.claim.Elsewhere() {
		_, err = s.get(ctx, []any{&found.before.Owner, &found.before.URL}, `SELECT owner, url FROM moved_owner WHERE id = 1`)
	}
	return found, err
}

// rowsOfMigrations counts what the migrations insert by themselves.
func rowsOfMigrations(ctx context.Context, all []database.Options) (rows map[string]int64, err error) {
	folder, err := os.MkdirTemp("", "banyan-copy-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "cannot make a temporary folder: set TMPDIR to one that can be written")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	empty := slices.Clone(all)
	for i := range empty {
		empty[i].URL = "sqlite:" + folder
	}
	if err := migrate(ctx, empty); err != nil {
		return nil, err
	}
	opened, err := openSQLite(ctx, empty)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	rows = map[string]int64{}
	for i, one := range empty {
		tables, err := opened.session(i).tables(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			if rows[one.Module+"."+t.name], err = count(ctx, opened.session(i), t); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

func rowsBeyond(ctx context.Context, name string, s session, made map[string]int64) (beyond int64, err error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range tables {
		rows, err := count(ctx, s, t)
		if err != nil {
			return 0, err
		}
		beyond += max(0, rows-made[name+"."+t.name])
	}
	return beyond, nil
}

func count(ctx context.Context, s session, t table) (rows int64, err error) {
	_, err = s.get(ctx, []any{&rows}, `SELECT COUNT(*) FROM `+quoted([]string{t.name}))
	return rows, err
}

type decision int

const (
	copyAll decision = iota + 1
	finishOnly
)

// decide says what the states allow. An outdated or unfinished copy of the same data in
// the target is replaced.
func decide(o Options, there states) (decision, error) {
	from, to := modules(there.from), modules(there.to)
	sameData := len(to) > 0 && !slices.ContainsFunc(to, func(s state) bool {
		return !slices.ContainsFunc(from, func(f state) bool { return f.dataID == s.dataID })
	})
	allMoved := len(from) > 0 && !slices.ContainsFunc(from, func(s state) bool { return !isMoved(s) })
	switch {
	case slices.ContainsFunc(from, isArriving):
		return 0, fault.Newf(fault.Conflict, "a copy into %s was not finished: run that copy again, and copy from there then", o.FromName)
	case allMoved && sameData && slices.ContainsFunc(to, isArriving):
		return finishOnly, nil
	case allMoved:
		return 0, fault.Newf(fault.Conflict, "the data of %s was moved to %s before: copy from there", o.FromName, from[0].claim.URL)
	case slices.ContainsFunc(from, isMoved) && !slices.ContainsFunc(to, isArriving):
		return 0, fault.Newf(fault.Conflict, "a part of the data of %s was moved to %s: bring a module that was moved by itself back first (banyan module move NAME --home); if a copy was not finished, run the same one again", o.FromName, movedTo(from))
	case slices.ContainsFunc(to, func(s state) bool { return s.claim.Epoch > 0 && !s.claim.Elsewhere() }):
		return 0, fault.Newf(fault.Conflict, "%s has data that is in use: choose an empty database; nothing was changed", o.ToName)
	case slices.ContainsFunc(to, func(s state) bool { return s.claim.Elsewhere() }):
		if !sameData {
			return 0, fault.Newf(fault.Conflict, "%s has a copy of other data: choose an empty database; nothing was changed", o.ToName)
		}
		return copyAll, nil
	case slices.ContainsFunc(there.to, func(s state) bool { return s.rows > 0 }):
		return 0, fault.Newf(fault.Conflict, "%s has rows already: choose an empty database; nothing was changed", o.ToName)
	}
	return copyAll, nil
}

func movedTo(from []state) string {
	return from[slices.IndexFunc(from, isMoved)].claim.URL
}

// settle writes what is not copied: whose the data is, and where events go on.
func settle(ctx context.Context, o Options, target session, from state) error {
	if !from.isOwned {
		return nil
	}
	if o.Trial {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails: Go ends the program instead
		if err := target.exec(ctx, `UPDATE data_identity SET data_id = ? WHERE id = 1`, hex.EncodeToString(id[:])); err != nil {
			return err
		}
	} else if err := mark(ctx, target, from, ownership.Arriving, o.FromName, o); err != nil {
		return err
	}
	if isPostgres(o.From) {
		return deliverAgain(ctx, target)
	}
	return nil
}

// deliverAgain puts the events of a server into an order that other databases have:
// SQLite counts no transactions, and PostgreSQL's numbers are of one server. They are
// delivered again from the first that is kept, and the inboxes recognise those that
// have had their effect.
func deliverAgain(ctx context.Context, target session) error {
	if err := target.exec(ctx, `UPDATE event_outbox SET txid = 0`); err != nil {
		return err
	}
	return target.exec(ctx, `UPDATE event_consumer SET txid = 0, id = 0`)
}

// markMoved says in the source that the data is the target's.
func markMoved(ctx context.Context, source session, from state, o Options) error {
	if !from.isOwned || isMoved(from) {
		return nil
	}
	return mark(ctx, source, from, ownership.Moved, o.ToName, o)
}

// mark writes the owner row of data that is elsewhere, one epoch on.
func mark(ctx context.Context, s session, from state, owner, url string, o Options) error {
	for _, statement := range []string{`DELETE FROM moved_owner`, `DELETE FROM ownership`} {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, `INSERT INTO moved_owner (id, owner, url) VALUES (1, ?, ?)`, from.before.Owner, from.before.URL); err != nil {
		return err
	}
	return s.exec(ctx, `INSERT INTO ownership (id, epoch, owner, url, changed_ms) VALUES (1, ?, ?, ?, ?)`, from.claim.Epoch+1, owner, url, o.Now.UnixMilli())
}

// finish gives the target to the owner that the source had, in a later epoch than any
// route knows.
func finish(ctx context.Context, o Options) (err error) {
	target, err := openSide(ctx, o.To)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	for i := range o.To {
		s := target.session(i)
		there, err := look(ctx, s)
		if err != nil {
			return err
		}
		if !there.isOwned || !isArriving(there) {
			continue
		}
		// Data that nobody has owned yet is claimed by the first who starts.
		statement, args := `DELETE FROM ownership`, []any{}
		if there.before.Owner != "" {
			statement = `UPDATE ownership SET epoch = epoch + 1, owner = ?, url = ?, changed_ms = ? WHERE id = 1`
			args = []any{there.before.Owner, there.before.URL, o.Now.UnixMilli()}
		}
		if err := s.exec(ctx, statement, args...); err != nil {
			return err
		}
		if err := s.exec(ctx, `DELETE FROM moved_owner`); err != nil {
			return err
		}
	}
	return target.commit(ctx)
}

func isPostgres(all []database.Options) bool { return !strings.HasPrefix(all[0].URL, "sqlite:") }
