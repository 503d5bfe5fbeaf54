package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/loopback"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

const (
	nonceLife       = 10 * time.Minute
	sessionsKept    = 50   // sessions that a wallet may have; the oldest is ended first
	networkSessions = 1000 // and a network; those that were not used since they were started are ended first
	maxAgent        = 200
	standardIdle    = 7 * 24 * time.Hour
	standardAbs     = 30 * 24 * time.Hour
	secretBytes     = 32
	standardRequest = "Sign in to Banyan. This costs nothing and moves nothing."
)

// SessionOptions say on which site people sign in, and with which roles.
type SessionOptions struct {
	// Origin is the origin of the site: "https://banyan.example" or
	// "http://127.0.0.1:8080". The domain and URI of sign-in messages come from
	// it, never from a request's Host. Plain http is for loopback only.
	Origin    string
	Path      string           // of the site at this origin, like /app, to which its cookies are bound; "" = all of it
	Statement string           // the line that wallets show; "" = a default
	Chains    []uint64         // chain ids accepted in sign-in messages; none = any
	Operators []wallet.Address // operators, whatever the table of roles says

	// Highest is the highest role of a session of this origin, and of a token made
	// with one, whatever the role of its wallet; 0 = no limit.
	Highest identity.Role
	// Realm separates the sessions of several origins in one database: a cookie of
	// one is invalid at another. "" is a realm, too.
	Realm string

	// SecondFactor has every role above member count in a session only with a second
	// factor; without it, those of the wallets that have set one up.
	SecondFactor bool

	// Provider is where staff sign in with an account; nil = nowhere. It leads them back
	// to Callback, our own address, and a session by it ends after ProviderAge.
	Provider    *oidc.Provider
	Callback    string
	ProviderAge time.Duration

	Idle     time.Duration // a session ends after so long without use; 0 = 7 days
	Absolute time.Duration // and after so long in any case; 0 = 30 days

	Contracts signature.Contracts // nil = smart wallets cannot sign in
	Events    *securitylog.Log    // nil = that of the keys
	Log       *slog.Logger        // nil = slog.Default()
	Now       func() time.Time    // nil = time.Now
	Random    io.Reader           // nil = crypto/rand
}

// Sessions signs people in and stores their sessions. A sign-in's life:
//
//	Begin ──message──▶ wallet signs ──SignIn──▶ session ──SignOut, End, limits──▶ ended
//	  └── it belongs to one browser, works once and for ten minutes; nothing is stored
type Sessions struct {
	db     *database.DB
	keys   *Keys
	o      SessionOptions
	domain string // host[:port] of the origin
	secure bool   // the origin is https
}

// Session is one browser that is signed in.
type Session struct {
	ID      string // for lists and for End; not the cookie's secret
	Wallet  wallet.Address
	Role    identity.Role // that counts: Full, or member until the second factor was given
	Full    identity.Role // of the wallet, or by the provider's claim
	Factor  Factor
	Created time.Time
	Seen    time.Time // exact to a minute or so
	Expires time.Time // the absolute limit
	Agent   string    // the browser as it named itself
	// ByProvider: an account at the provider signed in, and not the wallet.
	ByProvider bool

	csrf string // "" of sessions from List
}

// Caller returns the caller of this session's requests.
func (s Session) Caller() identity.Caller { return identity.Caller{Wallet: s.Wallet, Role: s.Role} }

// CSRFToken returns the value of CSRFField in every form of a page. It is derived
// from the cookie's secret, so another site cannot know it, and it ends with the
// session.
func CSRFToken(s Session) string { return s.csrf }

// NewSessions returns the sessions in the database of these keys, which prove the
// sign-in messages. Fails with fault.Invalid for wrong options.
func NewSessions(keys *Keys, o SessionOptions) (*Sessions, error) {
	u, err := url.Parse(o.Origin)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fault.Newf(fault.Invalid, "the origin %q is not scheme://host[:port]: write https://banyan.example", o.Origin)
	}
	secure := u.Scheme == "https"
	if !secure && (u.Scheme != "http" || !loopback.Host(u.Hostname())) {
		return nil, fault.Newf(fault.Invalid, "people cannot sign in at %s: the origin must be https, or http on loopback", o.Origin)
	}
	if o.Statement == "" {
		o.Statement = standardRequest
	}
	if o.Idle == 0 {
		o.Idle = standardIdle
	}
	if o.Absolute == 0 {
		o.Absolute = standardAbs
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Now, o.Random = nowOr(o.Now), randomOr(o.Random)
	s := &Sessions{keys: keys, o: o, domain: u.Host, secure: secure}
	sample := s.message(wallet.Address{}, 1, "00000000", o.Now())
	if _, err := siwe.Build(sample); err != nil {
		return nil, fmt.Errorf("check the sign-in message's settings: %w", err)
	}
	if keys != nil { // nil checks the options alone
		s.db = keys.db
		if s.o.Events == nil {
			s.o.Events = keys.events
		}
	}
	return s, nil
}

func (s *Sessions) isOperator(w wallet.Address) bool { return slices.Contains(s.o.Operators, w) }

// role returns the role of a wallet: from the setting identity.operators, else from
// the table, and at most Highest.
func (s *Sessions) role(w wallet.Address, granted string) (identity.Role, error) {
	if s.isOperator(w) {
		return s.bounded(identity.Operator), nil
	}
	role, err := identity.ParseRole(granted)
	if err != nil {
		return 0, fmt.Errorf("read the role of %s: %w", w, err)
	}
	return s.bounded(role), nil
}

func (s *Sessions) bounded(role identity.Role) identity.Role {
	if s.o.Highest > identity.Anonymous {
		return min(role, s.o.Highest)
	}
	return role
}

// newSecret returns 32 random bytes for a cookie.
func (s *Sessions) newSecret() (string, error) {
	b, err := s.random(secretBytes)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// newName returns random bytes in hex, for what is not secret: ids and nonces.
func (s *Sessions) newName(digits int) (string, error) {
	b, err := s.random(digits / 2)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}

func (s *Sessions) random(count int) ([]byte, error) {
	b := make([]byte, count)
	if _, err := io.ReadFull(s.o.Random, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// isSecret reports whether a text has the form of newSecret's.
func isSecret(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == secretBytes
}

// hashed returns what the database stores of a cookie's secret. The secret is 32
// random bytes, so a plain hash cannot be reversed by guessing.
func (s *Sessions) hashed(secret string) []byte {
	if s.o.Realm != "" {
		secret = s.o.Realm + " " + secret // a secret has no space
	}
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func csrfOf(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("banyan csrf token"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
