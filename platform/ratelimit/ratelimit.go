// Package ratelimit keeps the balances of token buckets in Redis, so that the replicas
// of a site limit a client together: httpserver.Options.Shared.
//
// A process decides by its own buckets, at once, and ten times a second adds here what
// was taken from them since; the balance that it learns counts in its own bucket from
// then on. No request waits for Redis. A client that asks all replicas at the same moment
// may spend one burst at each, and owes what it spent too much: balances go down to
// minus one burst. Without Redis each process counts by itself.
package ratelimit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// timeout bounds a connection's start and each answer. Nobody waits for them but the next
// exchange of balances.
const timeout = 2 * time.Second

// perCall bounds the buckets of one call, during which Redis does nothing else.
const perCall = 500

// spend is the generic cell rate algorithm over many keys: a key's value is the time, in
// microseconds of the server's clock, at which its bucket is full again, and a bucket
// that is full has no key. ARGV has the tokens, the microseconds per token and the
// burst of each key; the answer has their balances, as text, since Redis makes
// integers of numbers.
const spend = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local balances = {}
for i, key in ipairs(KEYS) do
  local tokens, each, burst = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local full = math.max(tonumber(redis.call('GET', key) or '0'), now)
  full = math.min(full + tokens * each, now + 2 * burst * each)
  redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
  balances[i] = string.format('%.3f', burst - (full - now) / each)
end
return balances`

// Shared is an httpserver.SharedLimits in Redis.
type Shared struct {
	address string
	options []redis.DialOption
	prefix  string

	mu   sync.Mutex  // of one call at a time
	conn redis.Conn  // nil: dialled by the next call
	away atomic.Bool // the last call failed
}

var _ httpserver.SharedLimits = (*Shared)(nil)

// Open returns a Shared that connects when it is first used, and again after a failure.
// It fails only for settings that cannot be right.
func Open(s Settings) (*Shared, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "redis.url is not a URL: write redis://host:6379")
	}
	number, err := databaseOf(u)
	if err != nil {
		return nil, fault.New(fault.Invalid, "redis.url must end with the number of a database, like redis://host:6379/0")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	options := []redis.DialOption{
		redis.DialDatabase(number), redis.DialUsername(s.User), redis.DialPassword(s.Password.Reveal()), redis.DialClientName("banyan"),
		redis.DialConnectTimeout(timeout), redis.DialTLSHandshakeTimeout(timeout), redis.DialReadTimeout(timeout), redis.DialWriteTimeout(timeout),
	}
	if u.Scheme == "rediss" {
		config, err := tlsConfig(u.Hostname(), s.CA)
		if err != nil {
			return nil, err
		}
		options = append(options, redis.DialUseTLS(true), redis.DialTLSConfig(config))
	}
	return &Shared{address: net.JoinHostPort(u.Hostname(), port), options: options, prefix: s.Prefix + ":rate:"}, nil
}

func tlsConfig(server, ca string) (*tls.Config, error) {
	config := &tls.Config{ServerName: server, MinVersion: tls.VersionTLS12}
	if ca == "" {
		return config, nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "redis.ca cannot be read: check the file")
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, fault.New(fault.Invalid, "redis.ca has no certificate: it must be a PEM file")
	}
	return config, nil
}

// Close ends the connection; the next call makes another.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	if err != nil {
		return fmt.Errorf("close the connection to Redis: %w", err)
	}
	return nil
}

// Reached reports whether the last call, if there was one, was answered.
func (s *Shared) Reached() bool { return !s.away.Load() }

// Try asks the server for an answer.
func (s *Shared) Try(ctx context.Context) error {
	_, err := s.Spend(ctx, []httpserver.Spent{{Bucket: "try", Rate: 1, Burst: 1}})
	return err
}

// Spend implements httpserver.SharedLimits.
func (s *Shared) Spend(ctx context.Context, spent []httpserver.Spent) ([]float64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	balances := make([]float64, 0, len(spent))
	for len(spent) > 0 {
		part := spent[:min(len(spent), perCall)]
		spent = spent[len(part):]
		answer, err := s.call(ctx, part)
		s.away.Store(err != nil)
		if err != nil {
			return nil, explain(err)
		}
		balances = append(balances, answer...)
	}
	return balances, nil
}

// call dials when there is no connection. s.mu is held.
func (s *Shared) call(ctx context.Context, spent []httpserver.Spent) (balances []float64, err error) {
	if s.conn == nil {
		if s.conn, err = redis.DialContext(ctx, "tcp", s.address, s.options...); err != nil {
			s.conn = nil
			return nil, err //nolint:wrapcheck // explain does
		}
	}
	args := make([]any, 1, 1+4*len(spent))
	args[0] = len(spent)
	for _, one := range spent {
		args = append(args, s.prefix+one.Bucket)
	}
	for _, one := range spent {
		args = append(args, one.Tokens, strconv.FormatFloat(1e6/one.Rate, 'f', 3, 64), one.Burst)
	}
	balances, err = redis.Float64s(redis.NewScript(-1, spend).DoContext(ctx, s.conn, args...))
	if s.conn.Err() != nil {
		_ = s.conn.Close() // it is broken
		s.conn = nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // explain does
	}
	if len(balances) != len(spent) {
		return nil, fault.Newf(fault.Unavailable, "Redis answered with %d balances of %d", len(balances), len(spent))
	}
	return balances, nil
}

// explain returns what an operator can do about an error of the client.
func explain(err error) error {
	var refused redis.Error
	var ours *fault.Fault
	switch {
	case errors.As(err, &ours):
		return err
	case errors.As(err, &refused):
		return fault.Wrap(err, fault.Unavailable,
			"Redis refuses the call: check redis.user, redis.password and the number of the database in redis.url, and that the user may run scripts (+@scripting +get +set +time)")
	default:
		return fault.Wrap(err, fault.Unavailable, "Redis is not reached at redis.url: check that it runs there, and whether it wants TLS (rediss://)")
	}
}
