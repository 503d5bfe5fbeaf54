// Package ownership keeps a module's writes with one owner at a time, whatever
// processes believe.
//
// One row in the module's own database names the owner and the ownership epoch, a
// number that grows by one with every change of the owner:
//
//	        Take(7) by the module          Take(8) by the trunk
//	7 trunk ────────────────────▶ 8 module ────────────────────▶ 9 trunk
//
// Three rules ensure it, and none of them depends on a clock:
//
//   - A take is one compare-and-swap on the epoch: of two that expect the same
//     epoch, one wins, and the other gets the new claim.
//   - Every write transaction reads the row first (Check, the database's fence),
//     under a lock that a take needs too. A process that was paused, or that
//     has not seen the change, is refused in that transaction, and nothing of it is
//     kept.
//   - A refusal is a fault.Conflict that names the owner (IsLost). It had no
//     effect, so the write may be sent to the owner.
//
// The fence does not detect one case: a process that loses its ownership and gets
// it back passes again, with whatever it had in memory. What is read in one
// transaction and written in another belongs to an ownership epoch: check it with
// StillIn, or do it under WhileOwner, whose context ends with the epoch.
//
// What a process believes (Epoch, IsOwner, WhileOwner) follows the row within
// 250 ms and at once after its own takes and refusals. It decides what to start
// and where to send; it never decides whether a write is stored.
//
// A process is named after its place in the topology, "trunk" or the module's
// name: after a restart it is still the owner, and the replicas of one deployment
// on PostgreSQL are one owner and all write. With random names every restart would
// need a take.
//
// Writes through a handle without an Ownership (an operator's command, a
// migration) are not fenced.
package ownership

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Claim says who owns a module's writes, and since which ownership epoch.
type Claim struct {
	Epoch     int64  `json:"epoch" db:"epoch"` // from 1; 0 = no owner yet
	Owner     string `json:"owner" db:"owner"` // a Process's name
	URL       string `json:"url,omitempty" db:"url"`
	ChangedMS int64  `json:"changed_ms" db:"changed_ms"` // UTC milliseconds by the owner's clock; informational only
}

// Process describes the process that opens an Ownership.
type Process struct {
	Name string       // its place in the topology: "trunk", or the name of the module that it serves alone
	URL  string       // where others reach it; may be empty
	Log  *slog.Logger // nil = slog.Default()
	// Waits says that this process takes the data as it is: it opens data that is
	// Elsewhere, and claims none that has no owner. It writes when the data comes to it
	// (platform/transfer).
	Waits bool
	// First is who owns data that has no owner yet, when that is another process.
	First Claim
}

// register stores the claim; see store.go.
type register interface {
	// read returns the claim, the zero one when there is none yet.
	read(ctx context.Context) (Claim, error)
	// swap stores next if the epoch is expected (0 = no claim yet), and returns the
	// claim as it is then. It is idempotent.
	swap(ctx context.Context, expected int64, next Claim) (Claim, error)
	// data returns the data id.
	data(ctx context.Context) (string, error)
	// move changes the URL of a claim that is otherwise still as given.
	move(ctx context.Context, c Claim) error
}

// Ownership is one process's view of one module's claim. It is safe for
// concurrent use, and never holds its lock while it waits for the database.
type Ownership struct {
	module string
	self   Process
	rows   register
	data   atomic.Pointer[string] // the data id, as it was when the database was opened, or Adopt was called
	belief atomic.Pointer[Claim]

	holding atomic.Bool // this process moves the data: its writes wait (moving.go)

	mu      sync.Mutex    // for belief and changed together
	changed chan struct{} // closed, and replaced, when the belief changes
}

// Open reads the claim of a migrated database and sets the fence of db's writes. It
// claims a database without an owner, for ownership epoch 1. Where another process
// is the owner, this process reads and does not write, until Take.
//
// Fails with fault.Invalid for a process without a name, with fault.Conflict for data
// that is Elsewhere, and as the database does.
func Open(ctx context.Context, db *database.DB, self Process) (*Ownership, error) {
	o, err := open(ctx, db.Module(), rows{db}, self)
	if err != nil {
		return nil, err
	}
	db.SetFence(o)
	return o, nil
}

func open(ctx context.Context, module string, rows register, self Process) (*Ownership, error) {
	if self.Name == "" {
		return nil, fault.Newf(fault.Invalid, "the process that opens the database of %s has no name: set Process.Name to trunk or to the module's name", module)
	}
	if self.Log == nil {
		self.Log = slog.Default()
	}
	o := &Ownership{module: module, self: self, rows: rows, changed: make(chan struct{})}
	o.belief.Store(&Claim{})
	id, err := rows.data(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the data id of %s: %w", module, err)
	}
	o.data.Store(&id)
	now, err := rows.read(ctx)
	if err == nil && now.Epoch == 0 && !self.Waits {
		first := Claim{Epoch: 1, Owner: self.Name, URL: self.URL}
		if self.First.Owner != "" {
			first.Owner, first.URL = self.First.Owner, self.First.URL
		}
		now, err = rows.swap(ctx, 0, first)
	}
	if err == nil && now.Owner == Moving { // the program ended while it held the writes
		now, err = rows.swap(ctx, now.Epoch, Claim{Epoch: now.Epoch + 1, Owner: self.Name, URL: self.URL})
	}
	if err == nil && !self.Waits {
		err = now.refuseElsewhere(module)
	}
	if err == nil && now.Owner == self.Name && now.URL != self.URL {
		now.URL = self.URL
		err = rows.move(ctx, now)
	}
	if err != nil {
		return nil, fmt.Errorf("find the owner of %s: %w", module, err)
	}
	o.learn(now)
	return o, nil
}

// Module returns the module's name.
func (o *Ownership) Module() string { return o.module }

// Self returns this process.
func (o *Ownership) Self() Process { return o.self }

// DataID returns the id of the module's data, as it was when the database was
// opened, or when other data came into it: 32 hexadecimal digits, made at random by the
// first migration. Two processes with the same id have the same database, or one has a
// copy of it.
func (o *Ownership) DataID() string { return *o.data.Load() }

// CurrentDataID reads the id from the database. Fails with fault.Conflict when
// it is no longer DataID: the database was replaced under the running program.
func (o *Ownership) CurrentDataID(ctx context.Context) (string, error) {
	now, err := o.rows.data(ctx)
	if err != nil {
		return "", fmt.Errorf("read the data id of %s: %w", o.module, err)
	}
	if now != o.DataID() {
		return "", fault.Newf(fault.Conflict,
			"the database of %s was replaced by another while this program runs: restart the program", o.module)
	}
	return now, nil
}

// Believed returns the claim as this process last read it, from memory.
func (o *Ownership) Believed() Claim { return *o.belief.Load() }

// Epoch returns the ownership epoch of Believed.
func (o *Ownership) Epoch() int64 { return o.belief.Load().Epoch }

// IsOwner reports whether this process believes that it is the owner. It is a
// hint: only the fence decides.
func (o *Ownership) IsOwner() bool { return o.owns(o.Believed()) }

func (o *Ownership) owns(c Claim) bool { return c.Epoch > 0 && c.Owner == o.self.Name }

// Changed returns a channel that is closed when the belief changes. Take it
// before reading the belief, so that no change falls in between.
func (o *Ownership) Changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// Current reads the claim from the database and updates Believed. Call it when
// another process reports that the claim has changed, instead of waiting for Watch.
func (o *Ownership) Current(ctx context.Context) (Claim, error) {
	now, err := o.rows.read(ctx)
	if err != nil {
		return o.Believed(), fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	o.learn(now)
	return now, nil
}

// Take makes this process the owner, in the ownership epoch after expected, if
// expected is still the epoch. It waits for the running write transactions of every
// process. When the answer was lost (fault.Unavailable), the same take can be
// repeated: one that has succeeded succeeds again.
//
// Fails with fault.Conflict when another process has taken before; the claim
// returned then is the current one, and the message names its owner.
func (o *Ownership) Take(ctx context.Context, expected int64) (Claim, error) {
	if expected < 1 {
		return o.Believed(), fault.New(fault.Invalid, "the expected ownership epoch must be a whole number from 1: read it with GET …/ownership")
	}
	now, err := o.rows.swap(ctx, expected, Claim{Epoch: expected + 1, Owner: o.self.Name, URL: o.self.URL})
	if err != nil {
		return o.Believed(), fmt.Errorf("take the writes of %s: %w", o.module, err)
	}
	o.learn(now)
	if now.Epoch == expected+1 && o.owns(now) {
		return now, nil
	}
	return now, fault.Newf(fault.Conflict,
		"the writes of %s are at ownership epoch %d, not %d, and %s: check that this is intended, and take again with epoch %d",
		o.module, now.Epoch, expected, now.holder(), now.Epoch)
}

// learn updates the belief to a claim that was read from the database. An older
// one is outdated: ownership epochs only grow.
func (o *Ownership) learn(c Claim) {
	if old := o.belief.Load(); c == *old {
		return // without the lock: every write passes here
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if old := o.belief.Load(); c.Epoch < old.Epoch || c == *old {
		return
	}
	o.belief.Store(&c)
	close(o.changed)
	o.changed = make(chan struct{})
}
