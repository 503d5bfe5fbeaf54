package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
)

const (
	verifiedKept = 4096        // tokens whose check is remembered
	verifiedFor  = time.Minute // and for how long, at most: then the keys are asked again
)

// KeySource gives an issuer's public keys by their id. It is a fixed set: a
// token can pick a key from it, never bring one along or say where one is.
type KeySource interface {
	// PublicKey may read the keys again when it does not know this one. Fails
	// with fault.Unauthenticated (no such key) or fault.Unavailable.
	PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error)
	// Holds tells without I/O whether the key still counts.
	Holds(kid string) bool
}

// Trusted is an issuer whose tokens count, and how far.
type Trusted struct {
	Issuer string // the iss claim
	Keys   KeySource
	// OnlyService limits what the issuer may say to "I am this module". A
	// module that runs alone must not be able to speak for people. "" = it may
	// speak for anyone: the trunk.
	OnlyService string
}

// Verifier checks tokens: once in full, and from memory while it remembers.
type Verifier struct {
	now    func() time.Time
	parser *jwt.Parser

	change sync.Mutex // Trust and Distrust
	trust  atomic.Pointer[trust]
}

// trust is one state of what is trusted, with the checks made under it: when
// trust changes, what was concluded from it goes with it.
type trust struct {
	byIssuer map[string]Trusted
	verified *bounded[string, Verified] // by token
}

// Verified is a token that was found to be genuine.
type Verified struct {
	Caller   Caller
	Process  string // that made the call, "" for a client from outside
	Audience string // whom it is made out to
	keys     KeySource
	keyID    string
	until    time.Time
}

// NewVerifier trusts these issuers. A nil clock is time.Now.
func NewVerifier(now func() time.Time, trusted ...Trusted) *Verifier {
	v := &Verifier{now: nowOr(now)}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithTimeFunc(v.now),
		jwt.WithLeeway(Leeway),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithIssuedAt(),
		jwt.WithStrictDecoding(),
	)
	v.trust.Store(newTrust(nil))
	for _, t := range trusted {
		v.Trust(t)
	}
	return v
}

func newTrust(byIssuer map[string]Trusted) *trust {
	return &trust{byIssuer: byIssuer, verified: newBounded[string, Verified](verifiedKept)}
}

// Trust adds an issuer, or replaces what was trusted of it. It may be called
// while tokens are being verified: a module's route can change at any time.
func (v *Verifier) Trust(t Trusted) {
	v.change.Lock()
	defer v.change.Unlock()
	next := map[string]Trusted{}
	maps.Copy(next, v.trust.Load().byIssuer)
	next[t.Issuer] = t
	v.trust.Store(newTrust(next))
}

// Distrust ends the trust in an issuer; its tokens stop to count at once.
func (v *Verifier) Distrust(issuer string) {
	v.change.Lock()
	defer v.change.Unlock()
	next := maps.Clone(v.trust.Load().byIssuer)
	delete(next, issuer)
	v.trust.Store(newTrust(next))
}

// VerifyFor takes a token for either audience and returns what it says. Fails with
// fault.Unauthenticated and what to do about it, or with fault.Unavailable when
// the issuer's keys could not be read.
func (v *Verifier) VerifyFor(ctx context.Context, token, audience, other string) (Verified, error) {
	now, trust := v.now(), v.trust.Load()
	check, ok := trust.verified.get(token)
	if !ok || !now.Before(check.until) || !check.keys.Holds(check.keyID) {
		var err error
		if check, err = v.checkInFull(ctx, trust, token, now); err != nil {
			return Verified{}, err
		}
		trust.verified.put(token, check)
	}
	if check.Audience != audience && check.Audience != other {
		return Verified{}, fault.Newf(fault.Unauthenticated, "this token is made out to %q, not to %q: use one that was made for this", check.Audience, audience)
	}
	return check, nil
}

func (v *Verifier) checkInFull(ctx context.Context, trust *trust, token string, now time.Time) (Verified, error) {
	if len(token) > maxToken {
		return Verified{}, fault.Newf(fault.Unauthenticated, "this token is over %d bytes: it is none of ours", maxToken)
	}
	var c claims
	var from Trusted
	parsed, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		var known bool
		if from, known = trust.byIssuer[c.Issuer]; !known {
			return nil, fault.New(fault.Unauthenticated, "this token is from an issuer that is not trusted here: sign in on this site or make one with `banyan token create`")
		}
		if t.Header["typ"] != tokenType {
			return nil, fault.New(fault.Unauthenticated, "this signed text is not an access token of Banyan")
		}
		kid, _ := t.Header["kid"].(string)
		return from.Keys.PublicKey(ctx, kid)
	})
	if err != nil {
		return Verified{}, tokenFault(err)
	}
	if len(c.Audience) != 1 {
		return Verified{}, fault.Newf(fault.Unauthenticated, "this token is made out to %d audiences, a token is made out to one", len(c.Audience))
	}
	caller, err := c.caller()
	if err != nil {
		return Verified{}, err
	}
	if from.OnlyService != "" && caller != (Caller{Service: from.OnlyService}) {
		return Verified{}, fault.Newf(fault.Unauthenticated, "the key of module %s may speak for that module only, not for %s", from.OnlyService, caller.Name())
	}
	process, err := c.process()
	if err != nil {
		return Verified{}, err
	}
	kid, _ := parsed.Header["kid"].(string)
	until := c.ExpiresAt.Time
	if soon := now.Add(verifiedFor); soon.Before(until) {
		until = soon
	}
	return Verified{Caller: caller, Process: process, Audience: c.Audience[0], keys: from.Keys, keyID: kid, until: until}, nil
}

// ErrUnknownKey is the fault of a token whose key is not known.
func ErrUnknownKey() error {
	return fault.New(fault.Unauthenticated, "this token was signed with a key that is not, or no longer, known here: sign in again or make a new one with `banyan token create`")
}

// tokenFault says in our words what the parser found. The first match counts:
// a fault of ours, then the signature, then the times.
func tokenFault(err error) error {
	var own *fault.Fault
	var why string
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("verify a token: %w", err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		why = "this is not a token: send it as it was given, after \"Bearer \""
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		why = "this token's signature does not hold: it was changed, or it is not one of ours"
	case errors.Is(err, jwt.ErrTokenExpired):
		why = "this token has expired: sign in again or make a new one with `banyan token create`"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		why = "this token is not valid yet: compare the clocks of the two machines"
	default:
		why = "this token does not say what a token must: sign in again or make a new one with `banyan token create`"
	}
	return fault.Wrap(err, fault.Unauthenticated, why)
}
