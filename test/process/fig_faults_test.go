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

// surviveFaults has the remotes killed, frozen (SIGSTOP), slowed and cut off, and the
// trunk killed as it hands over, at random moments of the modules' moves out and
// back, while the load reads and writes: no acknowledged write is lost or there
// twice, no read fails while its module is in shadow or canary (and the trunk is
// there), and no two processes ever own a module's writes.
func surviveFaults(t *testing.T, p place, f *figures) {
	s := newFaultyCluster(t, p)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	c := s.load
	wait := c.start(ctx)
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
	written := c.audit(s.cluster)
	taken, refused := s.auditIntruders()
	f.say(t, "%d rounds: %s", rounds, s.count)
	f.say(t, "%d writes acknowledged, each there once; %d had to be sent again; longest pause of a %s", written, c.repeated, c.slowest("write"))
	f.say(t, "%d reads, %d failed while their module was local, shadow or canary; %d while it was remote", len(c.took["read"]), c.failed, c.allowedFailures)
	f.say(t, "%d epochs, one owner each; of %d writes past the trunk %d were refused, %d taken, none by another than the owner",
		s.epochs(), refused+taken, refused, taken)
}

// faultyCluster is a cluster with faults in its connections and processes.
type faultyCluster struct {
	*cluster
	load    *load
	random  *rand.Rand
	proxies map[string]*proxy
	count   faultCounts

	mu        sync.Mutex
	locations map[string]*location

	claims map[string]*ownership.Ownership
	owners map[string]map[int64]string // seen by watch, by module and epoch
	direct intrusions
}

// location says whether a module is in a state whose reads never fail: local,
// shadow, canary, and the ways between these.
type location struct {
	isHere bool
	trips  int // how many times it left
}

// tally counts what happened.
type faultCounts map[string]int

func (c faultCounts) String() string {
	var parts []string
	for _, what := range faultKinds {
		parts = append(parts, fmt.Sprintf("%d %s", c[what], what))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; %d moves meanwhile, %d refused", c["moved"], c["refused"])
}

func newFaultyCluster(t *testing.T, p place) *faultyCluster {
	t.Helper()
	s := &faultyCluster{
		random: rand.New(rand.NewPCG(*figSeed, 0)), proxies: make(map[string]*proxy), count: make(faultCounts),
		locations: make(map[string]*location), owners: make(map[string]map[int64]string),
		direct: intrusions{taken: make(map[wallet.Address]bool), refused: make(map[wallet.Address]bool)},
	}
	// Calls that hang are given up sooner than by default, so that rounds are short.
	s.cluster = p.startCluster(t, func(module, address string) string {
		s.proxies[module] = newProxy(t, address)
		return s.proxies[module].address()
	}, "BANYAN_MODULES_REPUTATION_TIMEOUT=1s", "BANYAN_MODULES_EXCHANGE_REVIEW_TIMEOUT=1s", "BANYAN_MODULES_AIRDROP_TIMEOUT=1s")
	s.claims = s.observe()
	for _, m := range modules {
		s.locations[m], s.owners[m] = &location{isHere: true}, make(map[int64]string)
	}
	s.load = s.newLoad()
	s.load.retryFor, s.load.mayFail = 2*time.Minute, s.mayFail
	return s
}

// mayFail: a read may fail only if its module was not local all the time.
func (s *faultyCluster) mayFail(module string) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := *s.locations[module]
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !before.isHere || *s.locations[module] != before
	}
}

// move is setState, and has the readers know. A way to or from the remote that was
// refused may have been gone all the same: then the module is local after the
// next one that was not.
func (s *faultyCluster) move(module string, to step) error {
	if to.mode == "remote" {
		s.leave(module)
	}
	err := s.setState(module, to)
	if err == nil && to.mode != "remote" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.locations[module].isHere = true
	}
	return err
}

func (s *faultyCluster) leave(module string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locations[module].isHere = false
	s.locations[module].trips++
}

// must moves a module as soon as that is possible.
func (s *faultyCluster) must(module string, to step) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s goes to %s", module, to), func() bool { return s.move(module, to) == nil })
}

var (
	states     = []step{{"shadow", 50}, {"canary", 50}, {"remote", 0}, {"local", 0}}
	faultKinds = []string{"killed", "frozen", "slowed", "cut off", "handed over as the trunk is killed"}
)

// round injects one fault into a module that is on its way. In half of the
// rounds the operator moves the module before it is over, as operators do; that
// may be refused.
func (s *faultyCluster) round(n int) {
	s.t.Helper()
	module := modules[s.random.IntN(len(modules))]
	first := s.random.IntN(3) // somewhere on the way
	from, to := states[first], states[(first+1+s.random.IntN(3))%4]
	what := faultKinds[s.random.IntN(len(faultKinds))]
	isMoved := s.random.IntN(2) == 0
	before, during, after := s.randomDelay(300), s.randomDelay(1200), s.randomDelay(400)
	s.t.Logf("round %d: %s is %s in %s", n, module, what, from)
	s.must(module, from)
	pause(before)
	over := s.inject(module, what)
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

// randomDelay is a random time in milliseconds.
func (s *faultyCluster) randomDelay(most int) time.Duration {
	return time.Duration(s.random.IntN(most)) * time.Millisecond
}

// inject injects a fault into a module's process and returns what ends it.
func (s *faultyCluster) inject(module, what string) (over func()) {
	p, l := s.alone[module], s.proxies[module]
	switch what {
	case "killed":
		p.kill()
		return func() { s.startModule(module) }
	case "frozen":
		s.signal(p, syscall.SIGSTOP)
		return func() { s.signal(p, syscall.SIGCONT) }
	case "slowed":
		l.delay.Store(int64(s.randomDelay(400)))
		return func() { l.delay.Store(0) }
	case "cut off":
		l.cut()
		return l.restore
	default:
		s.killTrunk(module)
		return func() {}
	}
}

// killTrunk kills the trunk while it hands a module's writes over, or shortly
// before or after, and starts it again. Nobody is answered meanwhile.
func (s *faultyCluster) killTrunk(module string) {
	was := make(map[string]bool)
	for _, m := range modules {
		was[m] = s.locations[m].isHere && m != module
		s.leave(m)
	}
	before := *s.cluster
	var asked sync.WaitGroup
	asked.Go(func() { _ = before.setState(module, step{"remote", 0}) }) // it may be answered, refused or lost
	pause(time.Duration(s.random.IntN(8000)) * time.Microsecond)
	s.trunk.kill()
	asked.Wait()
	s.trunk = s.start(s.t, s.env, "--listen", strings.TrimPrefix(before.trunk.url, "http://"))
	for _, m := range modules {
		s.mu.Lock()
		s.locations[m].isHere = was[m]
		s.mu.Unlock()
	}
}

func (s *faultyCluster) signal(p *process, signal syscall.Signal) {
	if err := p.cmd.Process.Signal(signal); err != nil {
		s.t.Error(err)
	}
}
