package identity

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

const (
	keyFetchTime  = 3 * time.Second // for one fetch in all
	keyFetchEvery = 2 * time.Second // the least interval, however many unknown key ids arrive
	keysAge       = time.Minute     // after that the set is read again, so that a revoked key is dropped
)

// RemoteKeys are the public keys that another process publishes. They are read
// when first needed, again when a token names an unknown key, and again when
// they are old. While the other process is down, the known keys stay valid.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time

	turn chan struct{} // holds one token: one fetch at a time
	have atomic.Pointer[fetched]
	last lastFetch // guarded by turn
}

type fetched struct {
	keys map[string]ed25519.PublicKey
	data map[string]string // see jwkSet
	at   time.Time
}

type lastFetch struct {
	at  time.Time
	err error
}

// RemoteKeysOptions may be empty.
type RemoteKeysOptions struct {
	Client *http.Client     // nil = a client of its own that follows no redirect
	Now    func() time.Time // nil = time.Now
}

// NewRemoteKeys returns the keys published at url: the other process's base URL and
// JWKSPath. It must come from the configuration, never from a token. Nothing is
// read before the first PublicKey.
func NewRemoteKeys(url string, o RemoteKeysOptions) *RemoteKeys {
	client := o.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	r := &RemoteKeys{url: url, client: client, now: nowOr(o.Now), turn: make(chan struct{}, 1)}
	r.have.Store(&fetched{})
	return r
}

// Holds implements KeySource with the keys that were read last.
func (r *RemoteKeys) Holds(kid string) bool {
	_, ok := r.have.Load().keys[kid]
	return ok
}

// Data returns the fingerprint of a module's data that was published beside the keys
// when they were read last, "" if none was.
func (r *RemoteKeys) Data(module string) string { return r.have.Load().data[module] }

// PublicKey returns a key by its id, and reads the set again if necessary. Fails with
// fault.Unauthenticated when the other process does not publish this key, and
// with fault.Unavailable when it cannot be reached.
func (r *RemoteKeys) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	have := r.have.Load()
	key, known := have.keys[kid]
	if known && r.now().Sub(have.at) < keysAge {
		return key, nil
	}
	if known {
		select {
		case r.turn <- struct{}{}:
		default: // another goroutine reads them already; use these meanwhile
			return key, nil
		}
	} else {
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the keys of %s: %w", r.url, ctx.Err())
		}
	}
	defer func() { <-r.turn }()
	err := r.refresh(ctx)
	fresh, there := r.have.Load().keys[kid]
	switch {
	case there:
		return fresh, nil
	case err != nil:
		return nil, fault.Wrap(err, fault.Unavailable, "the keys that verify this token cannot be read at the moment: try again soon")
	}
	return nil, ErrUnknownKey()
}

// refresh reads the set, at most once per keyFetchEvery; in between it returns the
// last outcome. The caller must have the turn.
func (r *RemoteKeys) refresh(ctx context.Context) error {
	if now := r.now(); !r.last.at.IsZero() && now.Sub(r.last.at) < keyFetchEvery {
		return r.last.err
	}
	// A caller that leaves must not cancel the one fetch that others wait for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyFetchTime)
	defer cancel()
	got, err := r.fetch(ctx)
	now := r.now()
	r.last = lastFetch{at: now, err: err}
	if err == nil {
		got.at = now
		r.have.Store(got)
	}
	return err
}

func (r *RemoteKeys) fetch(ctx context.Context) (*fetched, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil) //nolint:gosec // the address is an operator's setting
	if err != nil {
		return nil, fmt.Errorf("read keys from %s: %w", r.url, err)
	}
	resp, err := r.client.Do(req) //nolint:gosec // as above
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read keys from %s: it answered %s", r.url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKS+1))
	if err != nil {
		return nil, fmt.Errorf("read keys from %s: %w", r.url, err)
	}
	if len(body) > maxJWKS {
		return nil, fmt.Errorf("read keys from %s: the answer is over %d bytes", r.url, maxJWKS)
	}
	keys, data, err := decodeJWKS(body)
	return &fetched{keys: keys, data: data}, err
}
