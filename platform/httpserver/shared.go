package httpserver

import (
	"context"
	"net/netip"
	"time"

	"banyan/platform/periodic"
)

// SharedLimits is where the replicas of a site keep the balances of their callers' token
// buckets, so that a client's limit is that of the site and not of each replica
// (platform/ratelimit).
type SharedLimits interface {
	// Spend takes tokens from each bucket even if there are not as many, down to a
	// balance of minus one burst, and returns the balances that are left.
	Spend(ctx context.Context, spent []Spent) (balances []float64, err error)
}

// Spent is what one process took from one bucket.
type Spent struct {
	Bucket string  // "client:192.0.2.1/32"
	Tokens int     // since the last time
	Rate   float64 // tokens per second that come back
	Burst  int     // the most that it holds
}

// shareEvery is how long a replica does not know what the others admitted.
const shareEvery = 100 * time.Millisecond

// ShareLimits exchanges balances with the other replicas, until ctx ends. While the place
// where they are kept does not answer, this process limits by itself: one line of the log
// says so, and one that it is over.
func (s *Server) ShareLimits(ctx context.Context) error {
	if s.options.Shared == nil {
		return nil
	}
	alone := false
	periodic.Run(ctx, shareEvery, func(ctx context.Context) {
		asked, err := s.shareOnce(ctx)
		switch {
		case !asked:
		case err != nil && ctx.Err() != nil: // the program ends
		case err != nil && !alone:
			alone = true
			s.options.Logger.WarnContext(ctx, "rate limits are those of this process alone until the shared ones are reached again", "error", err)
		case err == nil && alone:
			alone = false
			s.options.Logger.InfoContext(ctx, "rate limits are shared by the replicas again")
		}
	})
	return nil
}

// shareOnce tells what was taken here, and takes over what is left. What could not be told
// stays taken here. It asks nobody when nothing was taken.
func (s *Server) shareOnce(ctx context.Context) (asked bool, err error) {
	clients, assets, wallets := s.costs.clients.spent(), s.costs.assets.spent(), s.costs.wallets.spent()
	var all []Spent
	settle := make([]func(balance float64, now time.Time), 0, len(clients)+len(assets)+len(wallets))
	all, settle = collect(s.costs.clients, clients, "client:", netip.Prefix.String, all, settle)
	all, settle = collect(s.costs.assets, assets, "asset:", netip.Prefix.String, all, settle)
	all, settle = collect(s.costs.wallets, wallets, "wallet:", func(wallet string) string { return wallet }, all, settle)
	if len(all) == 0 {
		return false, nil
	}
	balances, err := s.options.Shared.Spend(ctx, all)
	if err != nil {
		return true, err
	}
	now := s.options.Now()
	for i, balance := range balances {
		settle[i](balance, now)
	}
	return true, nil
}

func collect[K comparable](
	l *limiter[K], spent map[K]int, kind string, text func(K) string, all []Spent, settle []func(float64, time.Time),
) ([]Spent, []func(float64, time.Time)) {
	for key, tokens := range spent {
		all = append(all, Spent{Bucket: kind + text(key), Tokens: tokens, Rate: float64(l.rate), Burst: l.burst})
		settle = append(settle, func(balance float64, now time.Time) { l.settle(key, balance, now) })
	}
	return all, settle
}

// spent returns what was taken from each bucket since the last call.
func (l *limiter[K]) spent() map[K]int {
	all := make(map[K]int)
	if l == nil {
		return all
	}
	for i := range l.shard {
		g := &l.shard[i]
		g.mu.Lock()
		for key, tokens := range g.spent {
			all[key] += tokens
		}
		clear(g.spent)
		g.mu.Unlock()
	}
	return all
}

// note keeps what was taken for spent. g.mu is held.
func (l *limiter[K]) note(g *generations[K], key K, tokens int) {
	if !l.shared || tokens <= 0 {
		return
	}
	if g.spent == nil {
		g.spent = make(map[K]int)
	}
	if _, known := g.spent[key]; known || len(g.spent) < maxKeys {
		g.spent[key] += tokens
	}
}

// settle lowers a bucket's balance to that of all replicas. It is never raised: what was
// taken here meanwhile is not in the other yet.
func (l *limiter[K]) settle(key K, balance float64, now time.Time) {
	g := l.generations(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	bucket := g.bucket(key, now, l)
	if more := bucket.TokensAt(now) - balance; more >= 1 {
		l.reserve(bucket, int(more), now)
	}
}
