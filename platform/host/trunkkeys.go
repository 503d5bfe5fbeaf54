package host

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// warnTrunkEvery is the least time between two log lines about the trunk's keys:
// callers from outside can have them looked for.
const warnTrunkEvery = time.Minute

// trunkKeys are the trunk's public keys as a module that runs alone reads them. A
// mistake in identity.trunk_url shows when the first call arrives, far from where
// it was made, so it is named here.
//
//	quiet ── a token's key could not be looked up: no trunk answered, or another's ──▶ failing
//	failing ── the trunk has answered, to a caller or to /readyz ─────────────▶ quiet
//
// A module that nobody has called is ready without a trunk: processes start in
// any order, and some start the trunk only when its modules are ready.
type trunkKeys struct {
	keys identity.KeySource
	// hasOtherData reports whether the trunk that published the keys has other data of
	// this module than this process.
	hasOtherData func() bool
	url          string // identity.trunk_url
	now          func() time.Time
	log          *slog.Logger

	mu      sync.Mutex
	failing bool
	warned  time.Time
}

// Holds implements identity.KeySource.
func (k *trunkKeys) Holds(kid string) bool { return k.keys.Holds(kid) }

// PublicKey implements identity.KeySource. Its errors name the setting.
func (k *trunkKeys) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	key, err := k.keys.PublicKey(ctx, kid)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, err
	case fault.Is(err, fault.Unavailable):
		k.note(true)
		k.warn(ctx, "the trunk's keys cannot be read, so nobody's token counts here: the setting identity.trunk_url must be the address at which this process reaches the trunk", err)
		return nil, fault.Wrap(err, fault.Unavailable, "this process cannot read the trunk's keys, and so cannot check who is calling: "+
			"start the trunk, or set identity.trunk_url of this process to where it reaches the trunk")
	case fault.Is(err, fault.Unauthenticated) && k.hasOtherData():
		// Of its own trunk a module over other data knows the keys, and says to each call
		// that the data is another.
		k.note(true)
		k.warn(ctx, "the trunk at identity.trunk_url is another Banyan's: it has not signed what arrives here, and has other data: "+
			"set identity.trunk_url of this process to the address of its own trunk", err)
		return nil, fault.Wrap(err, fault.Unavailable, "this process cannot check who is calling: its setting identity.trunk_url leads to another Banyan, with other data; "+
			"set it to where this process reaches its own trunk")
	case fault.Is(err, fault.Unauthenticated):
		k.note(false)
		k.warn(ctx, "a token names the trunk as its issuer, and the trunk at identity.trunk_url does not publish its key: "+
			"if this module's own trunk sent it, the setting identity.trunk_url leads to another program", err)
	case err == nil:
		k.note(false)
	}
	return key, err
}

func (k *trunkKeys) note(failing bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing && !failing {
		k.log.Info("the trunk's keys can be read again", "identity.trunk_url", k.url)
		k.warned = time.Time{}
	}
	k.failing = failing
}

func (k *trunkKeys) warn(ctx context.Context, message string, err error) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.warned.IsZero() && now.Sub(k.warned) < warnTrunkEvery {
		return
	}
	k.warned = now
	k.log.WarnContext(ctx, message, "identity.trunk_url", k.url, "error", err)
}

// ready is the readiness check: while the keys could not be read it asks for them
// again. A key that nobody has makes the source ask, and is not found.
func (k *trunkKeys) ready(ctx context.Context) error {
	k.mu.Lock()
	failing := k.failing
	k.mu.Unlock()
	if !failing {
		return nil
	}
	_, err := k.PublicKey(ctx, "")
	if err == nil || fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	return err
}
