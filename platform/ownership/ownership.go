// Package ownership keeps a module's writes with one owner at a time, whatever
// processes believe.
//
// One row in the module's own database names the owner and an epoch:
//
//	        Take(7) by the module          Take(8) by the trunk
//	7 trunk ────────────────────▶ 8 module ────────────────────▶ 9 trunk
//
// Three rules make it hold, and none of them looks at a clock:
//
//   - A take is one compare-and-swap on the epoch: of two that expect the same
//     epoch, one wins, and the other is told who was faster.
//   - Every write transaction reads the row first (Check, the database's fence),
//     under a lock that a take needs too. A process that was paused, or that
//     missed the news, finds out in the transaction in which it matters, and
//     nothing of that transaction is kept.
//   - A refusal is a fault.Conflict that names the owner (IsLost). It had no
//     effect, so the write may be sent to the owner.
//
// One thing the fence cannot see: a process that loses its ownership and gets
// it back passes again, with whatever it had in memory. What is remembered from
// one transaction to be written in another belongs to an epoch: say so with
// StillIn, or do it under WhileOwner, whose context ends with the epoch.
//
// What a process believes (Epoch, IsOwner, WhileOwner) follows the row within
// 250 ms and at once after its own takes and refusals. It decides what to start
// and where to send; it never decides whether a write is stored.
//
// A process's name is its place in the topology, "trunk" or the module's name,
// and not its own: after a restart it is the owner still, and the replicas of
// one deployment on PostgreSQL are one owner and all write. Random names would
// need somebody to take over after each restart.
//
// Who writes without an Ownership (an operator's command, a migration) writes
// past the fence.
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

// Claim is who owns a module's writes, and since which epoch.
type Claim struct {
	Epoch     int64  `json:"epoch" db:"epoch"` // from 1 on; 0 = nobody yet
	Owner     string `json:"owner" db:"owner"` // a Process's name
	URL       string `json:"url,omitempty" db:"url"`
	ChangedMS int64  `json:"changed_ms" db:"changed_ms"` // UTC milliseconds by the owner's clock; for people only
}

// Process is the one that asks.
type Process struct {
	Name string       // its place in the topology: "trunk", or the name of the module that it serves alone
	URL  string       // where others reach it; may be empty
	Log  *slog.Logger // nil = slog.Default()
}

// register is where the claim is kept; see store.go.
type register interface {
	// read returns the claim, the zero one when there is none yet.
	read(ctx context.Context) (Claim, error)
	// swap stores next if the epoch is expected (0 = no claim yet), and returns the
	// claim as it is then. Repeating it does no harm.
	swap(ctx context.Context, expected int64, next Claim) (Claim, error)
	// data returns the data id.
	data(ctx context.Context) (string, error)
	// move changes the URL of a claim that still is as given, but for the URL.
	move(ctx context.Context, c Claim) error
}

// Ownership is one process's view of one module's claim. It is safe for
// concurrent use, and never holds its lock while it waits for the database.
type Ownership struct {
	module string
	self   Process
	rows   register
	data   string // the data id, as it was when the database was opened
	belief atomic.Pointer[Claim]

	mu      sync.Mutex    // for belief and changed together
	changed chan struct{} // closed, and replaced, when the belief changes
}

// Open reads the claim of a migrated database and puts the fence before db's
// writes. On a database that nobody owns it claims epoch 1. Where another owns
// it, this process reads and does not write, until it takes.
//
// Fails with fault.Invalid for a process without a name, and as the database does.
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
		return nil, fault.Newf(fault.Invalid, "the owner of %s needs a name: trunk, or the module's", module)
	}
	if self.Log == nil {
		self.Log = slog.Default()
	}
	o := &Ownership{module: module, self: self, rows: rows, changed: make(chan struct{})}
	o.belief.Store(&Claim{})
	var err error
	if o.data, err = rows.data(ctx); err != nil {
		return nil, fmt.Errorf("read the data id of %s: %w", module, err)
	}
	now, err := rows.read(ctx)
	if err == nil && now.Epoch == 0 {
		now, err = rows.swap(ctx, 0, Claim{Epoch: 1, Owner: self.Name, URL: self.URL})
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

// Module names whose writes this is about.
func (o *Ownership) Module() string { return o.module }

// Self is this process.
func (o *Ownership) Self() Process { return o.self }

// DataID is the id of the module's data, as it was when the database was
// opened: 32 hexadecimal digits, made at random by the first migration. Two
// processes with the same id have the same database, or one has a copy of it.
func (o *Ownership) DataID() string { return o.data }

// CurrentDataID reads the id from the database. Fails with fault.Conflict when
// it is no longer DataID: the database was replaced under the running program.
func (o *Ownership) CurrentDataID(ctx context.Context) (string, error) {
	now, err := o.rows.data(ctx)
	if err != nil {
		return "", fmt.Errorf("read the data id of %s: %w", o.module, err)
	}
	if now != o.data {
		return "", fault.Newf(fault.Conflict,
			"the database of %s was replaced by another under the running program: restart the program", o.module)
	}
	return now, nil
}

// Believed is the claim as this process last saw it, from memory.
func (o *Ownership) Believed() Claim { return *o.belief.Load() }

// Epoch is the epoch that this process believes in, from memory.
func (o *Ownership) Epoch() int64 { return o.belief.Load().Epoch }

// IsOwner reports whether this process believes that it owns. It is a hint: only
// the fence decides.
func (o *Ownership) IsOwner() bool { return o.owns(o.Believed()) }

func (o *Ownership) owns(c Claim) bool { return c.Epoch > 0 && c.Owner == o.self.Name }

// Changed returns a channel that is closed when the belief changes. Take it
// before reading the belief, so that no change falls in between.
func (o *Ownership) Changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// Current reads the claim from the database, and believes it. Whoever was told
// by another process that this one is wrong asks here instead of waiting.
func (o *Ownership) Current(ctx context.Context) (Claim, error) {
	now, err := o.rows.read(ctx)
	if err != nil {
		return o.Believed(), fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	o.learn(now)
	return now, nil
}

// Take makes this process the owner, of the epoch after expected, if expected
// is still the epoch. It waits for the write transactions under way, of any
// process. When the answer was lost (fault.Unavailable), the same take can be
// repeated: one that has won already succeeds again.
//
// Fails with fault.Conflict when another was faster; the claim returned then is
// the one that holds, and the message names its owner.
func (o *Ownership) Take(ctx context.Context, expected int64) (Claim, error) {
	if expected < 1 {
		return o.Believed(), fault.New(fault.Invalid, "the expected epoch is a number from 1 on: read it with GET …/ownership")
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
		"the writes of %s are at epoch %d, not %d, and %s: look whether that is wanted, and take again with epoch %d",
		o.module, now.Epoch, expected, now.holder(), now.Epoch)
}

// learn believes a claim that was read from the database. An older one is late
// news: epochs only grow.
func (o *Ownership) learn(c Claim) {
	if old := o.belief.Load(); c == *old {
		return // on the way of every write
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
