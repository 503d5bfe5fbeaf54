package process_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"banyan/platform/ownership"
	"banyan/platform/wallet"
)

// weather has the remotes killed, frozen (SIGSTOP), slowed and cut off, and the
// trunk killed as it hands over, at random moments of the modules' ways out and
// home, while the crowd reads and writes: no acknowledged write is lost or there
// twice, no read fails while its module is in shadow or canary (and the trunk is
// there), and no two processes ever own a module's writes.
func weather(t *testing.T, p place, f *figures) {
	s := newStorm(t, p)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	c := s.crowd
	wait := c.begin(ctx)
	all.Go(func() { s.watch(ctx) })
	for n := range intruders {
		all.Go(func() { s.intrude(ctx, n) })
	}
	rounds := either(4, 100)
	t.Logf("the same moments again: -fig.seed %d", *figSeed)
	for n := range rounds {
		s.round(n)
	}
	for _, m := range modules {
		s.must(m, step{"local", 0})
	}
	stop()
	wait()
	all.Wait()
	written := c.audit(s.grove)
	taken, refused := s.auditIntruders()
	f.say(t, "%d rounds: %s", rounds, s.count)
	f.say(t, "%d writes acknowledged, each there once; %d had to be sent again; longest pause of a %s", written, c.again, c.slowest("write"))
	f.say(t, "%d reads, %d failed while their module was local, shadow or canary; %d while it was remote", len(c.took["read"]), c.failed, c.spared)
	f.say(t, "%d epochs, one owner each; of %d writes past the trunk %d were refused, %d taken, none by another than the owner",
		s.epochs(), refused+taken, refused, taken)
}

// storm is a grove whose lines and processes suffer.
type storm struct {
	*grove
	crowd  *crowd
	random *rand.Rand
	lines  map[string]*line
	count  tally

	mu    sync.Mutex
	where map[string]*whereabouts

	claims map[string]*ownership.Ownership
	owners map[string]map[int64]string // seen by watch, by module and epoch
	direct intrusions
}

// whereabouts tell whether a module is in a state whose reads never fail: local,
// shadow, canary, and the ways between these.
type whereabouts struct {
	home  bool
	trips int // how many times it left
}

// tally counts what happened.
type tally map[string]int

func (c tally) String() string {
	var parts []string
	for _, what := range misfortunes {
		parts = append(parts, fmt.Sprintf("%d %s", c[what], what))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; %d moves meanwhile, %d refused", c["moved"], c["refused"])
}

func newStorm(t *testing.T, p place) *storm {
	t.Helper()
	s := &storm{
		random: rand.New(rand.NewPCG(*figSeed, 0)), lines: make(map[string]*line), count: make(tally),
		where: make(map[string]*whereabouts), owners: make(map[string]map[int64]string),
		direct: intrusions{taken: make(map[wallet.Address]bool), refused: make(map[wallet.Address]bool)},
	}
	// Calls that hang are given up sooner than by default, so that rounds are short.
	s.grove = p.plant(t, func(module, address string) string {
		s.lines[module] = newLine(t, address)
		return s.lines[module].address()
	}, "BANYAN_MODULES_REPUTATION_TIMEOUT=1s", "BANYAN_MODULES_EXCHANGE_REVIEW_TIMEOUT=1s", "BANYAN_MODULES_AIRDROP_TIMEOUT=1s")
	s.claims = s.observe()
	for _, m := range modules {
		s.where[m], s.owners[m] = &whereabouts{home: true}, make(map[int64]string)
	}
	s.crowd = s.gather()
	s.crowd.patient, s.crowd.excused = 2*time.Minute, s.excused
	return s
}

// excused: a read may fail only if its module was not at home all the time.
func (s *storm) excused(module string) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := *s.where[module]
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !before.home || *s.where[module] != before
	}
}

// move is lead, and tells the readers. A way to or from the remote that was
// refused may have been gone all the same: then the module is at home after the
// next one that was not.
func (s *storm) move(module string, to step) error {
	if to.mode == "remote" {
		s.leave(module)
	}
	err := s.lead(module, to)
	if err == nil && to.mode != "remote" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.where[module].home = true
	}
	return err
}

func (s *storm) leave(module string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.where[module].home = false
	s.where[module].trips++
}

// must moves a module as soon as that is possible.
func (s *storm) must(module string, to step) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s goes to %s", module, to), func() bool { return s.move(module, to) == nil })
}

var (
	states      = []step{{"shadow", 50}, {"canary", 50}, {"remote", 0}, {"local", 0}}
	misfortunes = []string{"killed", "frozen", "slowed", "cut off", "handed over as the trunk is killed"}
)

// round lets one misfortune befall a module that is on its way. In half of the
// rounds the operator moves the module before it is over, as operators do; that
// may be refused.
func (s *storm) round(n int) {
	s.t.Helper()
	module := modules[s.random.IntN(len(modules))]
	first := s.random.IntN(3) // somewhere on the way
	from, to := states[first], states[(first+1+s.random.IntN(3))%4]
	what := misfortunes[s.random.IntN(len(misfortunes))]
	isMoved := s.random.IntN(2) == 0
	before, during, after := s.soon(300), s.soon(1200), s.soon(400)
	s.t.Logf("round %d: %s is %s in %s", n, module, what, from)
	s.must(module, from)
	pause(before)
	over := s.befall(module, what)
	s.count[what]++
	pause(during)
	if isMoved {
		s.count["moved"]++
		begun := time.Now()
		if err := s.move(module, to); err != nil {
			s.t.Logf("round %d: to %s after %s: %v", n, to, time.Since(begun), err)
			s.count["refused"]++
		}
		pause(after)
	}
	over()
}

// soon is a random time in milliseconds.
func (s *storm) soon(most int) time.Duration {
	return time.Duration(s.random.IntN(most)) * time.Millisecond
}

// befall does a module's process harm and gives what ends it.
func (s *storm) befall(module, what string) (over func()) {
	p, l := s.alone[module], s.lines[module]
	switch what {
	case "killed":
		p.kill()
		return func() { s.raise(module) }
	case "frozen":
		s.signal(p, syscall.SIGSTOP)
		return func() { s.signal(p, syscall.SIGCONT) }
	case "slowed":
		l.delay.Store(int64(s.soon(400)))
		return func() { l.delay.Store(0) }
	case "cut off":
		l.cut()
		return l.mend
	default:
		s.killTrunk(module)
		return func() {}
	}
}

// killTrunk kills the trunk while it hands a module's writes over, or shortly
// before or after, and starts it again. Nobody is answered meanwhile.
func (s *storm) killTrunk(module string) {
	was := make(map[string]bool)
	for _, m := range modules {
		was[m] = s.where[m].home && m != module
		s.leave(m)
	}
	before := *s.grove
	var asked sync.WaitGroup
	asked.Go(func() { _ = before.lead(module, step{"remote", 0}) }) // it may be answered, refused or not heard
	pause(time.Duration(s.random.IntN(8000)) * time.Microsecond)
	s.trunk.kill()
	asked.Wait()
	s.trunk = s.start(s.t, s.env, "--listen", strings.TrimPrefix(before.trunk.url, "http://"))
	for _, m := range modules {
		s.mu.Lock()
		s.where[m].home = was[m]
		s.mu.Unlock()
	}
}

func (s *storm) signal(p *process, signal syscall.Signal) {
	if err := p.cmd.Process.Signal(signal); err != nil {
		s.t.Error(err)
	}
}
