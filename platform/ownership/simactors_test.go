package ownership

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"banyan/platform/fault"
)

const (
	trunk  = "trunk"
	module = "reputation"
)

// process is one process of the topology: a replica of the trunk, or of the
// module that runs alone.
type process struct {
	w      *world
	id     int
	name   string
	paused bool
	life   int // restarts so far: an answer to an earlier life reaches nobody
	own    *Ownership
	remote bool // a trunk's route
}

// message crosses the network: lost, late, twice, in any order.
type message struct {
	to   *process // nil: a client
	life int
	run  func() // in a task of the receiver
}

func (w *world) send(m message) {
	copies := 1
	if !w.calm {
		switch {
		case w.chance(12):
			copies = 0
		case w.chance(8):
			copies = 2
		}
	}
	for range copies {
		w.messages = append(w.messages, m)
	}
}

// deliver lets some messages arrive.
func (w *world) deliver() {
	if len(w.messages) == 0 || w.chance(3) {
		return
	}
	i := w.rng.IntN(len(w.messages))
	m := w.messages[i]
	w.messages[i] = w.messages[len(w.messages)-1]
	w.messages = w.messages[:len(w.messages)-1]
	if m.to != nil && m.life >= 0 && m.life != m.to.life {
		return // the connection ended with the process
	}
	w.spawn(m.to, m.run)
}

// ask calls another process and waits for its answer: nil, or why not.
func (w *world) ask(from, to *process, rounds int, do func() error) error {
	answered := false
	var answer error
	life := -1
	if from != nil {
		life = from.life
	}
	w.send(message{to: to, life: -1, run: func() {
		err := do()
		w.send(message{to: from, life: life, run: func() { answered, answer = true, err }})
	}})
	if !w.until(rounds, func() bool { return answered }) {
		return fault.New(fault.DeadlineExceeded, "no answer")
	}
	return answer
}

// boot is a start or a restart.
func (p *process) boot() {
	p.w.spawn(p, func() {
		own, err := open(context.Background(), "m", simRegister{&p.w.db}, Process{Name: p.name, URL: fmt.Sprint(p.id, ".", p.life)})
		for ; err != nil; own, err = open(context.Background(), "m", simRegister{&p.w.db}, Process{Name: p.name}) {
			p.w.step()
		}
		p.own, p.remote = own, p.w.plan
		for !p.w.calm {
			for range 1 + p.w.rng.IntN(30) {
				p.w.step()
			}
			p.look()
		}
	})
}

// look is what Watch does every 250 ms, and following the plan.
func (p *process) look() {
	if p.own != nil {
		_, _ = p.own.Current(context.Background())
		p.remote = p.w.plan
	}
}

func (p *process) restart() {
	p.w.say("%s#%d restarts", p.name, p.id)
	p.life++
	p.own, p.paused = nil, false
	p.w.kill(func(t *task) bool { return t.process == p })
	p.boot()
}

// write is database.Write: Known, BEGIN, Check, the statements, COMMIT.
func (p *process) write(key string) error {
	ctx, d, own := context.Background(), &p.w.db, p.own
	if own == nil {
		return fault.New(fault.Unavailable, "it is starting")
	}
	if p.w.mutated != noFence {
		if err := own.Known(); err != nil {
			return err
		}
	}
	if p.w.mutated == fenceOutside {
		if err := p.fenceBefore(ctx); err != nil {
			return err
		}
	}
	tx, err := d.begin()
	if err != nil {
		return err
	}
	if p.w.mutated != noFence && p.w.mutated != fenceOutside {
		if err := own.Check(ctx, tx); err != nil {
			d.end(tx)
			return err
		}
	}
	p.w.step()
	if d.rows[key] == 0 || p.w.mutated == noKeys {
		tx.keys = append(tx.keys, key)
	}
	// The key is unique in the database, so a second transaction waits here and
	// finds it: in SQLite by the write lock, in PostgreSQL by the index.
	if d.postgres && p.w.mutated != noKeys {
		for other := range d.open {
			if other != tx && len(other.keys) > 0 && other.keys[0] == key {
				d.end(tx)
				return fault.New(fault.Unavailable, "the same write is under way")
			}
		}
	}
	if err := tx.commit(); err != nil {
		d.end(tx)
		return err
	}
	return nil
}

func (p *process) fenceBefore(ctx context.Context) error {
	tx, err := p.w.db.begin()
	if err != nil {
		return err
	}
	defer p.w.db.end(tx)
	return p.own.Check(ctx, tx)
}

// handle is a trunk's route: local, or over the seam with the epoch.
func (p *process) handle(key string) error {
	for range 4 {
		if p.own == nil {
			return fault.New(fault.Unavailable, "it is starting")
		}
		var err error
		if p.remote {
			header := strconv.FormatInt(p.own.Epoch(), 10)
			to := p.w.pick(module)
			err = p.w.ask(p, to, 60, func() error {
				if to.own == nil {
					return fault.New(fault.Unavailable, "it is starting")
				}
				if err := to.own.RequireEpoch(context.Background(), header); err != nil {
					return err
				}
				return to.write(key)
			})
		} else {
			err = p.write(key)
		}
		if !IsLost(err) {
			return err
		}
		p.w.refusals++
		if now, err := p.own.Current(context.Background()); err == nil && p.w.chance(2) {
			p.remote = now.Owner != p.name
		}
		p.w.step()
	}
	return fault.New(fault.Unavailable, "the route did not move in time")
}

// client does its writes one by one, each under one key until it is told that
// it is stored.
func (w *world) client(id, writes int) {
	w.spawn(nil, func() {
		for n := range writes {
			key := fmt.Sprintf("%d.%d", id, n)
			for {
				to := w.pick(trunk)
				err := w.ask(nil, to, 120, func() error { return to.handle(key) })
				if err == nil {
					w.acknowledged[key] = true
					w.say("client %d is told that %s is stored", id, key)
					break
				}
				w.step()
			}
		}
	})
	w.wanted += writes
}

// operator hands the ownership over and back, and repeats what got no answer.
// Several do so at the same time, each with what it last saw.
func (w *world) operator(rounds int) {
	w.spawn(nil, func() {
		for range rounds {
			for range w.rng.IntN(40) {
				w.step()
			}
			if w.calm {
				return
			}
			there := w.chance(2)
			to := w.pick(trunk)
			if there {
				to = w.pick(module)
			}
			expected := w.db.claim.Epoch
			for range w.rng.IntN(20) { // by the time it is asked for, this may be old
				w.step()
			}
			for range 3 {
				err := w.ask(nil, to, 60, func() error {
					if to.own == nil {
						return fault.New(fault.Unavailable, "it is starting")
					}
					_, err := to.own.Take(context.Background(), max(expected, 1))
					return err
				})
				if err == nil {
					w.plan = there
				}
				if err == nil || fault.Is(err, fault.Conflict) {
					break
				}
			}
		}
	})
}

// chaos pauses, wakes and restarts processes.
func (w *world) chaos() {
	w.spawn(nil, func() {
		for !w.calm {
			for range w.rng.IntN(25) {
				w.step()
			}
			if w.calm {
				return
			}
			p := w.processes[w.rng.IntN(len(w.processes))]
			switch w.rng.IntN(6) {
			case 0:
				p.restart()
			case 1, 2:
				w.say("%s#%d pauses", p.name, p.id)
				p.paused = true
			default:
				p.paused = false
			}
		}
	})
}

func (w *world) pick(name string) *process {
	for {
		if p := w.processes[w.rng.IntN(len(w.processes))]; p.name == name {
			return p
		}
	}
}

// simulate runs one schedule and says what was violated, "" if nothing.
func simulate(seed uint64, mutated mutation, tracing bool) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 4)), mutated: mutated, acknowledged: map[string]bool{}, tracing: tracing}
	w.db = newSimDatabase(w, seed%2 == 0)
	for range 1 + w.rng.IntN(2) {
		w.processes = append(w.processes, &process{w: w, id: len(w.processes), name: trunk})
	}
	for range 1 + w.rng.IntN(2) {
		w.processes = append(w.processes, &process{w: w, id: len(w.processes), name: module})
	}
	for _, p := range w.processes {
		p.boot()
	}
	for id := range 4 {
		w.client(id, 3)
	}
	w.operator(4)
	w.operator(4)
	w.chaos()
	w.schedule(400 + w.rng.IntN(1200))
	w.settle()
	w.kill(func(*task) bool { return true })
	return w
}

// settle ends the faults; every client must then come to its end, and what it
// was told must be true.
func (w *world) settle() {
	w.calm = true
	for _, p := range w.processes {
		p.paused = false
	}
	w.plan = w.db.claim.Owner == module
	for range 40 {
		w.schedule(500)
		if len(w.acknowledged) == w.wanted || w.violation != "" {
			break
		}
		w.plan = w.db.claim.Owner == module
		for _, p := range w.processes {
			w.spawn(p, p.look)
		}
	}
	if len(w.acknowledged) != w.wanted && w.violation == "" {
		w.violated("only %d of %d writes were ever stored, after all faults had ended", len(w.acknowledged), w.wanted)
	}
	for key := range w.acknowledged {
		if n := w.db.rows[key]; n != 1 {
			w.violated("the write %s was acknowledged and is stored %d times", key, n)
		}
	}
	for key, n := range w.db.rows {
		if n > 1 {
			w.violated("the write %s is stored %d times", key, n)
		}
	}
}
