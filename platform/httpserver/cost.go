package httpserver

import (
	"net/netip"
	"sync"
	"time"

	"banyan/platform/fault"
)

// A request costs one token of its caller's bucket, and more when it is more work:
//
//	each further http.bytes_per_request of its answer   one more, as they are sent
//	an expensive operation (EnterExpensive)             http.expensive_cost in all
//
// A signed-in wallet pays from its own bucket, everybody else from that of their
// address. What an answer costs is known when it is sent, so it may leave a bucket
// in debt, by one burst at most: its client waits that much longer. Callers with
// Options.Privileged, and Banyan's own processes, pay for requests alone.

// costs are the buckets and places of a server.
type costs struct {
	clients, assets *limiter[netip.Prefix]
	wallets         *limiter[string]
	places          places
}

// payer is who pays for an answer. A request has one as soon as its limits are
// known.
type payer struct {
	costs   *costs
	bucket  *limiter[netip.Prefix] // of the address; nil: nothing is charged
	wallet  string                 // "": the address pays
	exempt  bool                   // from what goes beyond the request
	charged int64                  // bytes
}

// spent charges for an answer of which so many bytes are sent.
func (s *requestState) spent(written int64) {
	each := int64(s.config.BytesPerRequest)
	p := &s.payer
	if each <= 0 || written-p.charged < each || p.costs == nil {
		return
	}
	tokens := (written - p.charged) / each
	p.charged += tokens * each
	switch {
	case p.exempt:
	case p.wallet != "":
		p.costs.wallets.charge(p.wallet, int(tokens), s.now())
	default:
		p.bucket.charge(clientKey(s.client), int(tokens), s.now())
	}
}

// EnterExpensive implements requestctx.Limits: the operation costs
// http.expensive_cost requests, and a client who is not signed in has
// http.expensive_per_client at a time, a wallet http.expensive_per_wallet.
func (s *requestState) EnterExpensive() (leave func(), err error) {
	p := &s.payer
	if p.costs == nil || p.exempt {
		return func() {}, nil
	}
	who, most := place{wallet: p.wallet}, s.config.ExpensivePerWallet
	if p.wallet == "" {
		who, most = place{client: clientKey(s.client)}, s.config.ExpensivePerClient
	}
	if !p.costs.places.enter(who, most) {
		return nil, tooManyFault(expensiveAgainIn,
			"another request of yours for this is under way, and it is much work: wait until it has its answer, then send the next")
	}
	leave = func() { p.costs.places.leave(who) }
	more := s.config.ExpensiveCost - 1 // the request has cost one
	wait, ok := time.Duration(0), true
	switch {
	case more <= 0:
	case p.wallet != "":
		wait, ok = p.costs.wallets.take(p.wallet, more, s.now())
	default:
		wait, ok = p.bucket.take(clientKey(s.client), more, s.now())
	}
	if !ok {
		leave()
		return nil, tooManyFault(wait, "this is much work, and you have asked for much of late: wait a moment, then go on more slowly")
	}
	return leave, nil
}

// expensiveAgainIn is when a client may come back whose place is taken.
const expensiveAgainIn = 2 * time.Second

// place is who holds places: a wallet, or an address.
type place struct {
	client netip.Prefix
	wallet string
}

// places counts the expensive operations under way. There are as many entries as
// requests at most.
type places struct {
	mu    sync.Mutex
	taken map[place]int
}

// enter takes a place, unless most are taken; most of 0 is any number.
func (p *places) enter(who place, most int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if most > 0 && p.taken[who] >= most {
		return false
	}
	if p.taken == nil {
		p.taken = make(map[place]int)
	}
	p.taken[who]++
	return true
}

func (p *places) leave(who place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[who]--; p.taken[who] <= 0 {
		delete(p.taken, who)
	}
}

func tooManyFault(wait time.Duration, message string) error {
	f := fault.New(fault.RateLimited, message)
	f.RetryAfter = max(wait, time.Second)
	return f
}
