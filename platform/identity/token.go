package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const (
	// PublicAudience is whom a token for the public API is made out to. A
	// token for a call between processes is made out to the module's name.
	PublicAudience = "banyan"
	// TrunkIssuer signs for people and for every module of the trunk. A module
	// that runs alone signs under its own name.
	TrunkIssuer = "banyan"

	// tokenType stands in the typ header, so that no other kind of signed
	// document of these keys could pass for a token (RFC 8725, 3.11).
	tokenType = "banyan+jwt" //nolint:gosec // a type, no credential

	callTTL     = 5 * time.Minute // life of a token between processes
	callRenewAt = time.Minute     // with so much life left a new one is signed
	// Leeway is how far two machines' clocks may be apart.
	Leeway      = 5 * time.Second
	maxToken    = 4 << 10 // bytes; ours have about 450
	cachedCalls = 4096    // callers whose tokens are kept ready
)

// Issuer says in a signed token who makes a call.
type Issuer interface {
	// Token gives a token that names the caller to this audience (the module
	// that is called). It lives for five minutes at most and one minute at
	// least, and comes from memory on all but the first call; there is no I/O.
	Token(caller Caller, audience string) (string, error)
}

// claims are what a token says beside RFC 7519's registered claims. The
// subject is the wallet in EIP-55 or the holder's name.
//
// act (RFC 8693, 4.1) names the process that makes the call for the subject. It
// is in the tokens of calls between processes only, which nobody outside ever
// holds, so it is what proves a process; see Process.
type claims struct {
	jwt.RegisteredClaims
	Role    string `json:"role"`
	Service string `json:"service,omitempty"`
	Actor   *actor `json:"act,omitempty"`
}

type actor struct {
	Subject string `json:"sub"`
}

// process fails for a token in which one issuer names another as the process.
func (c claims) process() (string, error) {
	if c.Actor == nil {
		return "", nil
	}
	if c.Actor.Subject != c.Issuer {
		return "", fault.Newf(fault.Unauthenticated, "this token is signed by %q and names %q as the calling process: a process signs its own calls", c.Issuer, c.Actor.Subject)
	}
	return c.Actor.Subject, nil
}

// claimsOf fails for a caller that a token cannot name without a doubt.
func claimsOf(c Caller) (claims, error) {
	out := claims{Role: c.Role.String(), Service: c.Service}
	switch {
	case int(c.Role) >= len(roleNames):
		return claims{}, fmt.Errorf("make a token: role %d is not one", c.Role)
	case !c.Wallet.IsZero() && c.Subject != "":
		return claims{}, errors.New("make a token: a caller is a wallet or a named subject, not both")
	case strings.HasPrefix(c.Subject, "0x"):
		return claims{}, errors.New("make a token: a subject's name that begins with 0x could pass for a wallet")
	case !c.Wallet.IsZero():
		out.Subject = c.Wallet.String()
	default:
		out.Subject = c.Subject
	}
	return out, nil
}

// caller is the way back from claimsOf.
func (c claims) caller() (Caller, error) {
	out := Caller{Service: c.Service}
	if c.Role != roleNames[Anonymous] {
		role, err := ParseRole(c.Role)
		if err != nil {
			return Caller{}, fault.Wrap(err, fault.Unauthenticated, "this token names a role that there is not: sign in again")
		}
		out.Role = role
	}
	if !strings.HasPrefix(c.Subject, "0x") {
		out.Subject = c.Subject
		return out, nil
	}
	w, err := wallet.Parse(c.Subject)
	if err != nil || w.String() != c.Subject || w.IsZero() {
		return Caller{}, fault.New(fault.Unauthenticated, "this token's subject is not a wallet in EIP-55: sign in again")
	}
	out.Wallet = w
	return out, nil
}

// Signer signs tokens with the keys of one process. It answers from memory: a
// token is signed once per caller and audience and used until it is old. Its
// keys must be set before the first call.
type Signer struct {
	issuer string
	now    func() time.Time
	keys   atomic.Pointer[KeySet]
	ready  *bounded[call, signed]
}

type call struct {
	caller   Caller
	audience string
}

type signed struct {
	token string
	keyID string
	renew time.Time
}

// NewSigner returns a signer without keys; now may be nil for time.Now.
func NewSigner(issuer string, now func() time.Time) *Signer {
	if now == nil {
		now = time.Now
	}
	return &Signer{issuer: issuer, now: now, ready: newBounded[call, signed](cachedCalls)}
}

// SetKeys replaces the keys. Tokens kept ready of a key that no longer signs are
// not used again.
func (s *Signer) SetKeys(keys *KeySet) { s.keys.Store(keys) }

// Keys returns the keys in use.
func (s *Signer) Keys() *KeySet { return s.keys.Load() }

// Token implements Issuer.
func (s *Signer) Token(caller Caller, audience string) (string, error) {
	now, keys, key := s.now(), s.keys.Load(), call{caller, audience}
	// A rotated or revoked key must not go on in tokens that were kept ready.
	if have, ok := s.ready.get(key); ok && have.keyID == keys.Signing.ID && now.Before(have.renew) {
		return have.token, nil
	}
	token, err := sign(keys.Signing, purpose{issuer: s.issuer, audience: audience, call: true}, caller, now, now.Add(callTTL))
	if err != nil {
		return "", err
	}
	s.ready.put(key, signed{token: token, keyID: keys.Signing.ID, renew: now.Add(callTTL - callRenewAt)})
	return token, nil
}

// Holds tells whether tokens of this key still count.
func (s *Signer) Holds(kid string) bool {
	k, ok := s.keys.Load().Public[kid]
	return ok && k.Holds(s.now())
}

// JWKS gives the public keys that verify this process's tokens.
func (s *Signer) JWKS() []byte {
	now := s.now()
	var public []ed25519.PublicKey
	for _, k := range s.keys.Load().Public {
		if k.Holds(now) {
			public = append(public, k.Public)
		}
	}
	return encodeJWKS(public)
}

// Sign returns a token for this caller and audience, and the id of the key that
// signed it. Its times are whole seconds (RFC 7519).
func (s *Signer) Sign(caller Caller, audience string, from, until time.Time) (token, keyID string, err error) {
	key := s.keys.Load().Signing
	token, err = sign(key, purpose{issuer: s.issuer, audience: audience}, caller, from, until)
	return token, key.ID, err
}

// purpose is what a token is made for.
type purpose struct {
	issuer, audience string
	call             bool // between processes: the token names the issuer as the calling process
}

func sign(key SigningKey, p purpose, caller Caller, from, until time.Time) (string, error) {
	c, err := claimsOf(caller)
	if err != nil {
		return "", err
	}
	if p.call {
		c.Actor = &actor{Subject: p.issuer}
	}
	c.Issuer = p.issuer
	c.Audience = jwt.ClaimStrings{p.audience}
	c.IssuedAt = jwt.NewNumericDate(from)
	c.NotBefore = c.IssuedAt
	c.ExpiresAt = jwt.NewNumericDate(until)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["typ"] = tokenType
	t.Header["kid"] = key.ID
	token, err := t.SignedString(key.private())
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}
