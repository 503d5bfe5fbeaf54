package host

import (
	"context"
	"errors"
	"strings"
	"sync"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/transfer"
)

// dataMove moves the data of one module to another database, or another host, and back, one
// move at a time. Its task makes the moves: they outlive the requests that ask for them, and
// go on after a restart. In a module that runs alone it sends the data to the trunk.
type dataMove struct {
	slot     *slot
	begun    chan struct{} // a move is to be made; 1 buffered
	arrivals chan struct{} // data has come whose calls are to be led here; 1 buffered
	// routes leads the module's calls; nil in a module that runs alone. It is set before Run.
	routes *rollout.Controller

	mu     sync.Mutex
	move   *transfer.Move // the last; nil = there was none
	coming *homecoming    // the last, when it is another process that moves; nil = it is move
}

func newDataMove(s *slot) *dataMove {
	return &dataMove{slot: s, begun: make(chan struct{}, 1), arrivals: make(chan struct{}, 1)}
}

func (d *dataMove) options(to database.Options, toName string) transfer.MoveOptions {
	s := d.slot
	return transfer.MoveOptions{
		Source: s.db, Owner: s.owner, To: to, ToName: toName, FromName: nameOf(s.db.Options()),
		Rate: int64(s.process.settings.Move.Rate), Log: s.process.log, Now: s.process.clock,
		Dial: func(address string) (transfer.Far, error) { return s.dialData(address) }, Prepare: d.prepare, Route: d.route, Led: d.led,
	}
}

// placeOf is where the calls go to a process with the module's data.
func placeOf(a transfer.Arrival) rollout.Place {
	return rollout.Place{Mode: seam.ModeRemote, URLs: []string{a.Remote}}
}

// prepare connects to the process that is about to have the data.
func (d *dataMove) prepare(ctx context.Context, a transfer.Arrival) error {
	if d.routes == nil {
		return nil // its calls come from the trunk
	}
	return d.routes.Prepare(ctx, d.slot.name(), placeOf(a))
}

// route leads the module's calls to the process that has its data now, and led writes that
// down.
func (d *dataMove) route(ctx context.Context, a transfer.Arrival) error {
	if d.routes == nil {
		return nil // the trunk has done it
	}
	return d.routes.Route(ctx, d.slot.name(), placeOf(a))
}

func (d *dataMove) led(ctx context.Context, a transfer.Arrival) error {
	if d.routes == nil {
		return nil // the trunk does it
	}
	return d.routes.Lead(ctx, d.slot.name(), placeOf(a), a.By, "its data was moved there")
}

// Start begins a move. Fails as transfer.NewMove does, and with fault.Conflict while
// another runs.
func (d *dataMove) Start(ctx context.Context, r rollout.MoveRequest, by string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.requireEnded(); err != nil {
		return err
	}
	if away := d.Away(); away != "" {
		if r.To != rollout.Home {
			return fault.Newf(fault.Conflict, "the data of %s is at %s: bring it home first (banyan module move %s --home)", d.slot.name(), away, d.slot.name())
		}
		return d.bringHome(ctx, away, by)
	}
	if mode := d.slot.route.Plan().Mode; mode != seam.ModeLocal {
		return fault.Newf(fault.Conflict, "the calls of %s are led to another process (%s), which may have the database open: lead them here first (banyan module set %s local), and lead them there again after the move", d.slot.name(), mode, d.slot.name())
	}
	o, err := d.target(r)
	if err != nil {
		return err
	}
	o.By = by
	return d.begin(ctx, o)
}

// requireEnded needs the lock.
func (d *dataMove) requireEnded() error {
	if s := d.status(); s != nil && !s.Ended() {
		return fault.Newf(fault.Conflict, "the data of %s is being moved to %s: wait until that has ended, or cancel it", d.slot.name(), s.To)
	}
	return nil
}

// begin needs the lock.
func (d *dataMove) begin(ctx context.Context, o transfer.MoveOptions) error {
	move, err := transfer.NewMove(ctx, o)
	if err != nil {
		return err
	}
	d.move, d.coming = move, nil
	d.begun <- struct{}{}
	return nil
}

func (d *dataMove) target(r rollout.MoveRequest) (transfer.MoveOptions, error) {
	loaded := d.slot.process.loaded()
	if r.To == rollout.Home {
		home := d.slot.db.Home()
		if home == nil {
			return transfer.MoveOptions{}, fault.Newf(fault.Conflict, "the data of %s is where the settings say: there is nothing to move back", d.slot.name())
		}
		return d.options(*home, nameOf(*home)), nil
	}
	if r.ToProcess() {
		o := d.options(database.Options{}, strings.TrimSuffix(r.To, "/"))
		o.Remote = o.ToName
		o.FromName = d.slot.process.address()
		return o, nil
	}
	url := database.Settings{URL: database.URL(r.To), Password: config.Secret(r.Password)}.DSN()
	to, name := loaded.databaseAt(d.slot.name(), url)
	if err := database.CheckURL(to); err != nil {
		return transfer.MoveOptions{}, err
	}
	return d.options(to, name), nil
}

// Cancel has the running move end. Fails with fault.NotFound without one.
func (d *dataMove) Cancel() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.status(); s == nil || s.Ended() {
		return fault.Newf(fault.NotFound, "the data of %s is not being moved", d.slot.name())
	}
	if d.coming != nil {
		return d.coming.stop()
	}
	return d.move.Cancel()
}

// Status returns where the last move is; nil without one.
func (d *dataMove) Status() *transfer.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status()
}

func (d *dataMove) status() *transfer.Status {
	switch {
	case d.coming != nil:
		s := d.coming.status()
		return &s
	case d.move != nil:
		s := d.move.Status()
		return &s
	}
	return nil
}

// Run makes the moves until ctx ends.
func (d *dataMove) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.begun:
		}
		d.mu.Lock()
		move, coming := d.move, d.coming
		d.mu.Unlock()
		if coming != nil {
			coming.follow(ctx)
			continue
		}
		_ = move.Run(ctx) // it fails only when ctx ends; otherwise its status says what happened
	}
}

// resume has Run go on with the move that had begun when the program ended. It is called
// before anybody can begin another.
func (d *dataMove) resume(ctx context.Context) error {
	loaded := d.slot.process.loaded()
	place := func(url string) (database.Options, string) { return loaded.databaseAt(d.slot.name(), url) }
	o := d.options(database.Options{}, "")
	o.FromName = d.slot.process.address()
	move, err := transfer.Resume(ctx, o, place)
	if err != nil {
		return err
	}
	if move != nil {
		d.move = move
		d.begun <- struct{}{}
		return nil
	}
	return d.resumeComing(ctx)
}

// loaded is the program with the settings of this process.
func (p *Process) loaded() Loaded {
	return Loaded{Program: p.program, Settings: p.settings, Source: p.source}
}

// databaseAt returns the options of a module's database on a server, and the server's
// name for people.
func (l Loaded) databaseAt(name, url string) (database.Options, string) {
	o := l.DatabaseOptions(name)
	o.URL = url
	return o, database.URL(url).String()
}

// nameOf names the place of a database for people.
func nameOf(o database.Options) string {
	if strings.HasPrefix(o.URL, "sqlite:") {
		return o.URL
	}
	return database.URL(o.URL).String()
}

// follow has a module's handle lead to where its data is.
func (l Loaded) follow(ctx context.Context, db *database.DB) error {
	return transfer.Follow(ctx, db, func(ctx context.Context, url string) (*database.DB, error) {
		o, _ := l.databaseAt(db.Module(), url)
		return database.Open(ctx, o)
	})
}

// Elsewhere returns the modules whose data is at another process with a database of its
// own, and that process's address: what the data folder has of them is a copy that was left.
func (l Loaded) Elsewhere(ctx context.Context) (map[string]string, error) {
	all := make(map[string]string)
	for _, m := range l.Modules {
		home := l.DatabaseOptions(m.Name())
		status, err := database.ReadStatus(ctx, home)
		if err != nil {
			return nil, err
		}
		if !status.Exists || status.Pending() || l.Settings.Database.Postgres() {
			continue
		}
		db, err := database.Open(ctx, home)
		if err != nil {
			return nil, err
		}
		found, err := transfer.FindElsewhere(ctx, db)
		if err := errors.Join(err, db.Close()); err != nil {
			return nil, err
		}
		if found.Remote != "" {
			all[m.Name()] = found.Remote
		}
	}
	return all, nil
}

// requireHome fails with fault.Conflict when the data of a module is not in the data
// folder: a copy of the folder would have what it was before.
func (l Loaded) requireHome(ctx context.Context) error {
	for _, m := range l.Modules {
		status, err := l.DatabaseStatus(ctx, m.Name())
		if err != nil {
			return err
		}
		if !status.Exists {
			continue
		}
		db, err := database.Open(ctx, l.DatabaseOptions(m.Name()))
		if err != nil {
			return err
		}
		place, err := transfer.LeftFor(ctx, db)
		far, farErr := transfer.FindElsewhere(ctx, db)
		if err := errors.Join(err, farErr, db.Close()); err != nil {
			return err
		}
		if place != "" && far.Remote == "" { // a process with its own data folder has backups of its own
			return fault.Newf(fault.Conflict, "the data of %s is in %s and not in the data folder: back it up there (pg_dump), or bring it back first with `banyan module move %s --home`", m.Name(), place, m.Name())
		}
	}
	return nil
}
