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

// Trunk is the name of the process that has all modules, the pages and the
// sign-in: as an owner of writes, as the service of its own calls, and in its
// certificate. A module that runs alone has the module's name.
const Trunk = "trunk"

const (
	// PublicAudience is the audience of a token for the public API. The audience of
	// a token for a call between processes is the module's name.
	PublicAudience = "banyan"
	// TrunkIssuer is the issuer of the trunk's tokens, for people and for every
	// module of the trunk. A module that runs alone is the issuer of its own. It
	// differs from Trunk, the name of the process, because issued tokens contain it.
	TrunkIssuer = "banyan"

	// tokenType is the typ header, so that no other kind of document signed with
	// these keys is taken for a token (RFC 8725, 3.11).
	tokenType = "banyan+jwt" //nolint:gosec // a type, not a credential

	callTTL     = 5 * time.Minute // life of a token between processes
	callRenewAt = time.Minute     // with less life left a new one is signed
	// Leeway is how far two machines' clocks may differ.
	Leeway      = 5 * time.Second
	maxToken    = 4 << 10 // bytes; ours have about 450
	cachedCalls = 4096    // callers whose tokens are cached
)

// Issuer signs tokens that say who makes a call.
type Issuer interface {
	// Token returns a token that names the caller to this audience (the module
	// that is called). It is valid for one to five minutes, and cached after the
	// first call; there is no I/O.
	Token(caller Caller, audience string) (string, error)
}

// claims are a token's claims: RFC 7519's registered ones, and Banyan's own. The
// subject is the wallet in EIP-55 or the holder's name.
//
// act (RFC 8693, 4.1) names the process that makes the call for the subject. It
// is in the tokens of calls between processes only, which external
// clients never get, so it is what proves a process; see Process.
type claims struct {
	jwt.RegisteredClaims
	// Role is in the tokens of calls between processes alone, which are made for one
	// call; one for the public API says who has it, and what they may do is looked
	// up when it is used.
	Role    string `json:"role,omitempty"`
	Scope   string `json:"scope,omitempty"`
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

// claimsOf returns the claims of a caller. It fails for one that a token cannot
// name unambiguously.
func claimsOf(c Caller) (claims, error) {
	out := claims{Role: c.Role.String(), Scope: string(c.Scope), Service: c.Service}
	switch {
	case int(c.Role) >= len(roleNames):
		return claims{}, fmt.Errorf("make a token: there is no role %d", c.Role)
	case !c.Wallet.IsZero() && c.Subject != "":
		return claims{}, errors.New("make a token: a caller is a wallet or a named subject, not both")
	case strings.HasPrefix(c.Subject, "0x"):
		return claims{}, errors.New("make a token: a subject's name that begins with 0x could be taken for a wallet")
	case !c.Wallet.IsZero():
		out.Subject = c.Wallet.String()
	default:
		out.Subject = c.Subject
	}
	return out, nil
}

// caller is the inverse of claimsOf.
func (c claims) caller() (Caller, error) {
	scope, err := scopeOf(c.Scope)
	if err != nil {
		return Caller{}, err
	}
	out := Caller{Service: c.Service, Scope: scope}
	noRole := c.Role == "" && len(c.Audience) == 1 && c.Audience[0] == PublicAudience
	if !noRole && c.Role != roleNames[Anonymous] {
		role, err := ParseRole(c.Role)
		if err != nil {
			return Caller{}, fault.Wrap(err, fault.Unauthenticated, "this token names an unknown role: sign in again")
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

// Signer signs tokens with the keys of one process. A token is
// signed once per caller and audience, and cached until it is old. Its
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

// SetKeys replaces the keys. Cached tokens of a key that no longer signs are not
// used again.
func (s *Signer) SetKeys(keys *KeySet) { s.keys.Store(keys) }

// Keys returns the keys in use.
func (s *Signer) Keys() *KeySet { return s.keys.Load() }

// Token implements Issuer.
func (s *Signer) Token(caller Caller, audience string) (string, error) {
	now, keys, key := s.now(), s.keys.Load(), call{caller, audience}
	// Cached tokens of a rotated or revoked key must not be used.
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

// Holds implements KeySource.
func (s *Signer) Holds(kid string) bool {
	k, ok := s.keys.Load().Public[kid]
	return ok && k.ValidAt(s.now())
}

// JWKS returns the public keys that verify this process's tokens.
func (s *Signer) JWKS() []byte {
	now := s.now()
	var public []ed25519.PublicKey
	for _, k := range s.keys.Load().Public {
		if k.ValidAt(now) {
			public = append(public, k.Public)
		}
	}
	return encodeJWKS(public)
}

// Grant is what a token for the public API says: who has it, for what and how long,
// and which row it belongs to. It says nothing of a role.
type Grant struct {
	ID     string // of the row; the jti claim
	Caller Caller // whose Role is not in the token
	From   time.Time
	Until  time.Time
}

// Sign returns a token for the public API, and the id of the key that signed it. Its
// times are whole seconds (RFC 7519).
func (s *Signer) Sign(g Grant) (token, keyID string, err error) {
	key := s.keys.Load().Signing
	token, err = sign(key, purpose{issuer: s.issuer, audience: PublicAudience, id: g.ID}, g.Caller, g.From, g.Until)
	return token, key.ID, err
}

// purpose is what a token is for.
type purpose struct {
	issuer, audience string
	call             bool   // between processes: the token names the issuer as the calling process
	id               string // of a token's row, "" of a call
}

func sign(key SigningKey, p purpose, caller Caller, from, until time.Time) (string, error) {
	c, err := claimsOf(caller)
	if err != nil {
		return "", err
	}
	if p.call {
		c.Actor = &actor{Subject: p.issuer}
	} else {
		c.Role = ""
	}
	c.ID = p.id
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
