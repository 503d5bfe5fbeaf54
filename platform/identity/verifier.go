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
	verifiedKept = 4096        // tokens whose verification is cached
	verifiedFor  = time.Minute // and for how long at most: then the keys are asked again
)

// KeySource is an issuer's public keys by their id. The set does not depend on
// tokens: a token names a key of it, and can neither contain a key nor say where
// to fetch one.
type KeySource interface {
	// PublicKey may read the keys again when it does not know this one. Fails
	// with fault.Unauthenticated (no such key) or fault.Unavailable.
	PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error)
	// Holds reports, without I/O, whether a key with this id is known and valid.
	Holds(kid string) bool
}

// Trusted is an issuer whose tokens are accepted, and for whom.
type Trusted struct {
	Issuer string // the iss claim
	Keys   KeySource
	// OnlyService is the only module that the issuer's tokens may name as the
	// caller: a module that runs alone must not be able to sign for people. "" = the
	// issuer may sign for any caller: the trunk.
	OnlyService string
}

// Verifier verifies tokens, and caches the results.
type Verifier struct {
	now    func() time.Time
	parser *jwt.Parser

	change sync.Mutex // Trust and Distrust
	trust  atomic.Pointer[trust]
}

// trust is one state of the trusted issuers, with the cache of verifications made
// under it: when the issuers change, the cache is dropped with them.
type trust struct {
	byIssuer map[string]Trusted
	verified *bounded[string, Verified] // by token
}

// Verified is the content of a valid token.
type Verified struct {
	Caller   Caller
	Process  string // that made the call, "" for an external client
	Audience string // the module, or PublicAudience
	ID       string // of the token's row; "" for a call between processes
	keys     KeySource
	keyID    string
	until    time.Time
}

// NewVerifier returns a verifier that trusts these issuers. A nil now is time.Now.
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

// Trust adds an issuer, or replaces it. It may be called while tokens are
// verified: a module's route can change at any time.
func (v *Verifier) Trust(t Trusted) {
	v.change.Lock()
	defer v.change.Unlock()
	next := map[string]Trusted{}
	maps.Copy(next, v.trust.Load().byIssuer)
	next[t.Issuer] = t
	v.trust.Store(newTrust(next))
}

// Distrust removes an issuer; its tokens are refused at once.
func (v *Verifier) Distrust(issuer string) {
	v.change.Lock()
	defer v.change.Unlock()
	next := maps.Clone(v.trust.Load().byIssuer)
	delete(next, issuer)
	v.trust.Store(newTrust(next))
}

// VerifyFor accepts a token for either audience and returns its content.
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
		return Verified{}, fault.Newf(fault.Unauthenticated, "the audience of this token is %q, not %q: use a token that was made for this module or API", check.Audience, audience)
	}
	return check, nil
}

func (v *Verifier) checkInFull(ctx context.Context, trust *trust, token string, now time.Time) (Verified, error) {
	if len(token) > maxToken {
		return Verified{}, fault.Newf(fault.Unauthenticated, "this token is longer than %d bytes, so it was not made by Banyan: sign in again or make one with `banyan token create`", maxToken)
	}
	var c claims
	var from Trusted
	parsed, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		var known bool
		if from, known = trust.byIssuer[c.Issuer]; !known {
			return nil, fault.New(fault.Unauthenticated, "this token is from an issuer that is not trusted here: sign in on this site or make one with `banyan token create`")
		}
		if t.Header["typ"] != tokenType {
			return nil, fault.New(fault.Unauthenticated, "this JWT is not an access token of Banyan: sign in again or make one with `banyan token create`")
		}
		if _, has := t.Header["crit"]; has { // RFC 7515, 4.1.11: what is not understood and must be is refused
			return nil, fault.New(fault.Unauthenticated, "this token has critical headers, which no token of Banyan has: sign in again or make one with `banyan token create`")
		}
		kid, _ := t.Header["kid"].(string)
		return from.Keys.PublicKey(ctx, kid)
	})
	if err != nil {
		return Verified{}, tokenFault(err)
	}
	if len(c.Audience) != 1 {
		return Verified{}, fault.Newf(fault.Unauthenticated, "this token has %d audiences and must have one: sign in again or make a new one with `banyan token create`", len(c.Audience))
	}
	caller, err := c.caller()
	if err != nil {
		return Verified{}, err
	}
	if from.OnlyService != "" && caller != (Caller{Service: from.OnlyService, Scope: caller.Scope}) {
		return Verified{}, fault.Newf(fault.Unauthenticated, "a token signed by the module %s may name that module only as its caller, not %s", from.OnlyService, caller.Name())
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
	return Verified{Caller: caller, Process: process, Audience: c.Audience[0], ID: c.ID, keys: from.Keys, keyID: kid, until: until}, nil
}

// ErrUnknownKey returns the fault of a token whose key is not known.
func ErrUnknownKey() error {
	return fault.New(fault.Unauthenticated, "this token was signed with a key that is not, or no longer, valid here: sign in again or make a new one with `banyan token create`")
}

// tokenFault turns the parser's error into a fault. The first match counts: a fault
// of ours, then the signature, then the times.
func tokenFault(err error) error {
	var own *fault.Fault
	var why string
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("verify a token: %w", err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		why = "this is not a token: send the whole token as it was printed, after \"Bearer \""
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		why = "this token's signature is invalid: the token was changed, or was not made by this Banyan"
	case errors.Is(err, jwt.ErrTokenExpired):
		why = "this token has expired: sign in again or make a new one with `banyan token create`"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		why = "this token is not valid yet: compare the clocks of the two machines"
	default:
		why = "a claim of this token is missing or invalid: sign in again or make a new one with `banyan token create`"
	}
	return fault.Wrap(err, fault.Unauthenticated, why)
}
