package httpserver

import (
	"net/netip"
	"sync"
	"time"

	"banyan/platform/fault"
)

// A request costs one token of its caller's token bucket, and more if it is more
// work:
//
//	each further http.bytes_per_request of its answer   one more, as they are sent
//	an expensive operation (EnterExpensive)             http.expensive_cost in all
//
// A signed-in wallet has a bucket of its own, other callers have that of their
// address. The cost of an answer is known when it is sent, so it may leave a bucket
// with a negative balance, of one burst at most: its client waits that much longer.
// Callers for which Options.Privileged is true, and Banyan's own processes, are
// charged one token per request only.

// costs are the token buckets of a server, and its running expensive operations.
type costs struct {
	clients, assets *limiter[netip.Prefix]
	wallets         *limiter[string]
	places          places
	uploads         uploads
}

// payer is the bucket that an answer is charged to. It is set by limitClients and
// limitWallets.
type payer struct {
	costs   *costs
	bucket  *limiter[netip.Prefix] // of the address; nil: there is no limit
	wallet  string                 // "": the bucket of the address is charged
	exempt  bool                   // charged for the request alone
	charged int64                  // bytes of the answer charged so far
}

// spent charges for the answer, of which written bytes are sent.
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
	who, limit := place{wallet: p.wallet}, s.config.ExpensivePerWallet
	if p.wallet == "" {
		who, limit = place{client: clientKey(s.client)}, s.config.ExpensivePerClient
	}
	if !p.costs.places.enter(who, limit) {
		return nil, tooManyFault(expensiveRetryAfter,
			"your other requests for this expensive operation are still running: wait for their answers, then send this one again")
	}
	leave = func() { p.costs.places.leave(who) }
	more := s.config.ExpensiveCost - 1 // one is charged already
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
		return nil, tooManyFault(wait, "this operation is expensive, and you have used up your requests: wait a moment, then send fewer")
	}
	return leave, nil
}

// expensiveRetryAfter is the Retry-After of a client whose expensive operations are
// still running.
const expensiveRetryAfter = 2 * time.Second

// place is the caller of an expensive operation: a wallet, or an address.
type place struct {
	client netip.Prefix
	wallet string
}

// places counts the running expensive operations by caller. It has at most as many
// entries as there are running requests.
type places struct {
	mu      sync.Mutex
	running map[place]int
}

// enter counts one more operation of the caller, and returns false if limit are
// running; a limit of 0 is unlimited.
func (p *places) enter(who place, limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > 0 && p.running[who] >= limit {
		return false
	}
	if p.running == nil {
		p.running = make(map[place]int)
	}
	p.running[who]++
	return true
}

func (p *places) leave(who place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[who]--; p.running[who] <= 0 {
		delete(p.running, who)
	}
}

func tooManyFault(wait time.Duration, message string) error {
	f := fault.New(fault.RateLimited, message)
	f.RetryAfter = max(wait, time.Second)
	return f
}
