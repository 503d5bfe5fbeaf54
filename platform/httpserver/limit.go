package httpserver

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"banyan/platform/fault"
)

// limiter is a token bucket per key, in bounded memory.
//
// Buckets live in two generations. A bucket that is used moves to the young
// one; when that is old or full, it becomes the old one and the old one is
// dropped. A dropped bucket was idle for as long as it takes to fill, so
// nothing is forgotten; only when more than maxKeys callers are active at once
// does a caller get a full bucket again.
type limiter[K comparable] struct {
	rate  rate.Limit
	burst int
	life  time.Duration // in which an empty bucket fills
	seed  maphash.Seed
	shard [16]generations[K]
}

// maxKeys bounds a generation of one shard: 65,536 buckets in all, about 8 MiB.
const maxKeys = 2048

type generations[K comparable] struct {
	mu         sync.Mutex
	young, old map[K]*rate.Limiter
	since      time.Time
}

// newLimiter gives nil, which limits nothing, for a rate of 0.
func newLimiter[K comparable](perSecond float64, burst int) *limiter[K] {
	if perSecond <= 0 {
		return nil
	}
	life := time.Duration(float64(burst) / perSecond * float64(time.Second))
	return &limiter[K]{rate: rate.Limit(perSecond), burst: burst, life: max(life, time.Second), seed: maphash.MakeSeed()}
}

// take spends one token of the key's bucket; without one it tells how long
// until there is one.
func (l *limiter[K]) take(key K, now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	g := &l.shard[maphash.Comparable(l.seed, key)%uint64(len(l.shard))]
	g.mu.Lock()
	defer g.mu.Unlock()
	bucket := g.bucket(key, now, l)
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	reservation := bucket.ReserveN(now, 1)
	wait = reservation.DelayFrom(now)
	reservation.CancelAt(now)
	return wait, false
}

func (g *generations[K]) bucket(key K, now time.Time, l *limiter[K]) *rate.Limiter {
	if g.young == nil || len(g.young) >= maxKeys || now.Sub(g.since) >= l.life {
		g.old, g.young, g.since = g.young, make(map[K]*rate.Limiter), now
	}
	if bucket, ok := g.young[key]; ok {
		return bucket
	}
	bucket, ok := g.old[key]
	if !ok {
		bucket = rate.NewLimiter(l.rate, l.burst)
	}
	g.young[key] = bucket
	return bucket
}

// clientKey is who shares a bucket: an IPv4 address, or an IPv6 /64, which is
// what one household or one machine gets. Callers whose address the proxies
// did not say share one.
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

// limitClients limits each address; assets have buckets of their own.
func (s *Server) limitClients() func(http.Handler) http.Handler {
	limits := s.options.Limits
	ordinary := newLimiter[netip.Prefix](limits.Rate, limits.Burst)
	assets := newLimiter[netip.Prefix](limits.StaticRate, limits.StaticBurst)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s.options.Process != nil && s.options.Process(r.Context()) != "" {
				next.ServeHTTP(w, r)
				return
			}
			limiter := ordinary
			if strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				limiter = assets
			}
			if limiter != nil {
				state := stateOf(r.Context())
				if wait, ok := limiter.take(clientKey(state.client), state.began); !ok {
					s.tooMany(w, r, wait, "too many requests from your address: wait a moment, then go on more slowly")
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// limitWallets limits each signed-in wallet, wherever it calls from.
func (s *Server) limitWallets() func(http.Handler) http.Handler {
	wallets := newLimiter[string](s.options.Limits.WalletRate, s.options.Limits.WalletBurst)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				next.ServeHTTP(w, r)
				return
			}
			if wallet := s.options.Wallet(r.Context()); wallet != "" {
				if wait, ok := wallets.take(wallet, s.options.Now()); !ok {
					s.tooMany(w, r, wait, "too many requests by your wallet: wait a moment, then go on more slowly")
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func (s *Server) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration, message string) {
	f := fault.New(fault.RateLimited, message)
	f.RetryAfter = max(wait, time.Second)
	s.Fail(w, r, f)
}
