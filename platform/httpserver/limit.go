package httpserver

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter is a token bucket per key, in bounded memory.
//
// Buckets are in two generations. A bucket that is used moves to the new one; when
// that is older than life or full, it becomes the old one and the old one is
// dropped. A dropped bucket was idle for as long as it takes to fill, even from the
// lowest balance, so nothing is lost; only when more than maxKeys callers are active
// at once does a caller get a full bucket again.
type limiter[K comparable] struct {
	rate  rate.Limit
	burst int
	life  time.Duration // in which a bucket fills from a balance of minus one burst
	seed  maphash.Seed
	shard [16]generations[K]

	shared bool // what is taken is noted (shared.go)
}

// maxKeys bounds a generation of one shard: 65,536 buckets in all, about 8 MiB.
const maxKeys = 2048

type generations[K comparable] struct {
	mu           sync.Mutex
	current, old map[K]*rate.Limiter
	since        time.Time
	spent        map[K]int // of shared buckets, since the last exchange
}

// newLimiter returns nil, which limits nothing, for a rate of 0.
func newLimiter[K comparable](perSecond float64, burst int, shared bool) *limiter[K] {
	if perSecond <= 0 {
		return nil
	}
	life := time.Duration(2 * float64(burst) / perSecond * float64(time.Second))
	return &limiter[K]{rate: rate.Limit(perSecond), burst: burst, life: max(life, time.Second), seed: maphash.MakeSeed(), shared: shared}
}

// take takes tokens, at most a burst, from the key's bucket. If there are not as
// many it takes none, and returns how long it takes until there are.
func (l *limiter[K]) take(key K, tokens int, now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	tokens = min(tokens, l.burst)
	g := l.generations(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	bucket := g.bucket(key, now, l)
	if bucket.AllowN(now, tokens) {
		l.note(g, key, tokens)
		return 0, true
	}
	reservation := bucket.ReserveN(now, tokens)
	wait = reservation.DelayFrom(now)
	reservation.CancelAt(now)
	return wait, false
}

// charge takes tokens even if there are not as many, down to a balance of minus one
// burst.
func (l *limiter[K]) charge(key K, tokens int, now time.Time) {
	if l == nil {
		return
	}
	g := l.generations(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	l.note(g, key, l.reserve(g.bucket(key, now, l), tokens, now))
}

// reserve takes tokens down to a balance of minus one burst, and returns how many.
func (l *limiter[K]) reserve(bucket *rate.Limiter, tokens int, now time.Time) (taken int) {
	tokens = max(min(tokens, l.burst+int(bucket.TokensAt(now))), 0)
	taken = tokens
	for tokens > 0 {
		part := min(tokens, l.burst) // ReserveN refuses more at a time
		bucket.ReserveN(now, part)
		tokens -= part
	}
	return taken
}

func (l *limiter[K]) generations(key K) *generations[K] {
	return &l.shard[maphash.Comparable(l.seed, key)%uint64(len(l.shard))]
}

func (g *generations[K]) bucket(key K, now time.Time, l *limiter[K]) *rate.Limiter {
	if g.current == nil || len(g.current) >= maxKeys || now.Sub(g.since) >= l.life {
		g.old, g.current, g.since = g.current, make(map[K]*rate.Limiter), now
	}
	if bucket, ok := g.current[key]; ok {
		return bucket
	}
	bucket, ok := g.old[key]
	if !ok {
		bucket = rate.NewLimiter(l.rate, l.burst)
	}
	g.current[key] = bucket
	return bucket
}

// clientKey returns the key of a client's bucket: its IPv4 address, or its IPv6 /64,
// which is what one household or one machine is assigned. Clients whose address the
// proxies did not send share one.
func clientKey(client netip.Addr) netip.Prefix {
	ip := client.WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// newCosts makes the buckets of a server.
func newCosts(h Settings, shared bool) *costs {
	return &costs{
		clients: newLimiter[netip.Prefix](h.Rate, h.Burst, shared),
		assets:  newLimiter[netip.Prefix](h.StaticRate, h.StaticBurst, shared),
		wallets: newLimiter[string](h.WalletRate, h.WalletBurst, shared),
	}
}

// limitClients limits each address; assets have buckets of their own.
func (s *Server) limitClients(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Process != nil && s.options.Process(r.Context()) != "" {
			next.ServeHTTP(w, r)
			return
		}
		state := stateOf(r.Context())
		bucket := s.costs.clients
		if strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
			bucket = s.costs.assets
		}
		if bucket != nil {
			if wait, ok := bucket.take(clientKey(state.client), 1, state.began); !ok {
				s.Fail(w, r, tooManyFault(wait, "too many requests from your address: wait a moment, then send fewer"))
				return
			}
		}
		state.payer = payer{costs: s.costs, bucket: bucket, exempt: s.options.Internal}
		next.ServeHTTP(w, r)
	})
}

// limitWallets limits each signed-in wallet, wherever it calls from.
func (s *Server) limitWallets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
			next.ServeHTTP(w, r)
			return
		}
		state := stateOf(r.Context())
		if s.options.Privileged != nil && s.options.Privileged(r.Context()) {
			state.payer.exempt = true
		}
		if wallet := s.options.Wallet(r.Context()); wallet != "" {
			if wait, ok := s.costs.wallets.take(wallet, 1, s.options.Now()); !ok {
				s.Fail(w, r, tooManyFault(wait, "too many requests by your wallet: wait a moment, then send fewer"))
				return
			}
			state.payer.wallet = wallet
		}
		next.ServeHTTP(w, r)
	})
}
