package service

import (
	"context"
	"log/slog"
	"sync"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const (
	// mostFollowedEdges is the largest graph that is kept in memory to be followed: it
	// takes about 30 bytes an edge.
	mostFollowedEdges = 20_000_000
	// mostKeptEdges is the largest that is still kept while the next epoch is computed.
	mostKeptEdges = 1_000_000
	// mostWaiting is how many statements wait to be followed; with more, the scores are
	// left to the next epoch.
	mostWaiting = 10_000
	// mostProvisional is how many provisional scores one statement makes.
	mostProvisional = 1000
)

// Updates passes what is attested on to a Follower, and the graph of the last epoch.
// The zero value is ready; the services and the follower of a process share one.
type Updates struct {
	mu       sync.Mutex
	woken    chan struct{} // has room for one
	waiting  []pairOf      // since the epoch that is followed
	since    []pairOf      // since the edges of the next one were read
	reading  bool          // one is being computed
	followed *followedEpoch
}

// followedEpoch is an epoch whose graph is kept.
type followedEpoch struct {
	number  int64
	graph   walletGraph
	ranking trust.Ranking
	effects trust.Effects
	live    *trust.Live
	added   map[wallet.Address]uint32
	names   []wallet.Address // of added, from the graph's number of nodes on
	told    map[uint32]bool  // have a row
}

func (u *Updates) signal() chan struct{} {
	if u.woken == nil {
		u.woken = make(chan struct{}, 1)
	}
	return u.woken
}

// wake lets the follower look, without waiting for it.
func (u *Updates) wake() {
	select {
	case u.signal() <- struct{}{}:
	default:
	}
}

// note says that what one wallet attests of another is another. A nil Updates ignores it.
func (u *Updates) note(p pairOf) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.reading && len(u.since) <= mostWaiting {
		u.since = append(u.since, p)
	}
	if u.followed == nil {
		return
	}
	if u.waiting = append(u.waiting, p); len(u.waiting) > mostWaiting {
		u.followed, u.waiting = nil, nil
	}
	u.wake()
}

// begin is called before the edges of an epoch are read, and end when the computation is
// over without one.
func (u *Updates) begin() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading, u.since = true, nil
	if u.followed != nil && u.followed.graph.graph.Counts().Rows > mostKeptEdges {
		u.followed, u.waiting = nil, nil
	}
}

func (u *Updates) end() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading, u.since = false, nil
}

// follow begins with an epoch, and what was attested since its edges were read.
func (u *Updates) follow(e computed) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.followed = &followedEpoch{
		number: e.row.Number, graph: e.graph, ranking: e.ranking, effects: e.effects, added: map[wallet.Address]uint32{}, told: map[uint32]bool{},
	}
	if e.graph.graph.Counts().Rows > mostFollowedEdges || len(u.since) > mostWaiting {
		u.followed = nil
	}
	u.waiting, u.since, u.reading = u.since, nil, false
	u.wake()
}

// next returns a statement that waits.
func (u *Updates) next() (f *followedEpoch, p pairOf, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.followed == nil || len(u.waiting) == 0 {
		return nil, p, false
	}
	p, u.waiting = u.waiting[0], u.waiting[1:]
	return u.followed, p, true
}

// Follower makes provisional scores of what is attested between epochs.
type Follower struct {
	service service
	log     *slog.Logger
}

// NewFollower returns the follower of the options' Updates.
func NewFollower(o Options) Follower { return Follower{newService(o), o.Log} }

// Run blocks until the context ends. Only the owner of the writes may run it, once at a
// time.
func (f Follower) Run(ctx context.Context) error {
	u := f.service.o.Updates
	u.mu.Lock()
	woken := u.signal()
	u.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
		}
		for epoch, pair, ok := u.next(); ok && ctx.Err() == nil; epoch, pair, ok = u.next() {
			if err := f.service.followPair(ctx, epoch, pair); err != nil && ctx.Err() == nil {
				f.log.WarnContext(ctx, "a statement is not in the provisional scores: the next epoch has it", "epoch", epoch.number, "error", err)
			}
		}
	}
}

// followPair makes the provisional scores of what one wallet attests of another now.
func (s service) followPair(ctx context.Context, f *followedEpoch, p pairOf) error {
	now := s.o.Clock()
	edge, err := s.readPair(ctx, s.o.DB.Read(), p, now.Unix())
	if err != nil {
		return err
	}
	weight := 0.0
	if edge != nil {
		weight = edge.Weight
	}
	if f.live == nil {
		f.live = trust.NewLive(f.graph.graph, f.graph.pre, f.ranking, s.o.Trust)
	}
	moved, err := f.live.Set(f.node(p.from), f.node(p.to), weight)
	if err != nil && !fault.Is(err, fault.TooLarge) { // who rates that many waits for the next epoch
		return err
	}
	rows := f.rows(moved, now.UnixMilli())
	if len(rows) == 0 {
		return nil
	}
	return s.o.DB.Write(ctx, func(tx *database.Tx) error { return saveProvisional(ctx, tx, f.number, rows) })
}

// node returns the number of a wallet, a new one of one that nobody mentioned before.
func (f *followedEpoch) node(w wallet.Address) uint32 {
	if n, known := f.graph.wallets.Lookup(w); known {
		return n
	}
	n, known := f.added[w]
	if !known {
		n = f.live.Add()
		f.added[w] = n
		f.names = append(f.names, w)
	}
	return n
}

func (f *followedEpoch) nameOf(node uint32) wallet.Address {
	if nodes := f.graph.wallets.Len(); int(node) >= nodes {
		return f.names[int(node)-nodes]
	}
	return f.graph.wallets.Key(node)
}

// rows makes the rows of those whose score or standing is another than in the epoch, or
// was.
func (f *followedEpoch) rows(moved []trust.Moved, atMS int64) []provisionalRow {
	var rows []provisionalRow
	for _, m := range moved {
		score, ppm := trustlist.Points(f.effects.Weight(m.Value))
		before := 0.0
		if int(m.Node) < f.graph.wallets.Len() {
			before = f.ranking.Value[m.Node]
		}
		was, _ := trustlist.Points(f.effects.Weight(before))
		other := was != score || kindOf(before) != kindOf(m.Value)
		if !other && !f.told[m.Node] || len(rows) == mostProvisional {
			continue
		}
		f.told[m.Node] = true
		rows = append(rows, provisionalRow{Wallet: f.nameOf(m.Node), Value: m.Value, Points: score, WeightPPM: ppm, TimeMS: atMS})
	}
	return rows
}
