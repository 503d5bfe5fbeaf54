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
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/loopback"
	"banyan/platform/wallet"
)

const (
	nonceLife       = 10 * time.Minute
	noncesKept      = 8  // sign-in messages a browser may have open
	sessionsKept    = 50 // sessions a wallet may have; the oldest ends first
	maxAgent        = 200
	standardIdle    = 7 * 24 * time.Hour
	standardAbs     = 30 * 24 * time.Hour
	secretBytes     = 32
	standardRequest = "Sign in to Banyan. This costs nothing and moves nothing."
)

// SessionOptions say where and for whom people sign in.
type SessionOptions struct {
	// Origin is where browsers find the site: "https://banyan.example" or
	// "http://127.0.0.1:8080". The domain and URI of sign-in messages come from
	// it, never from a request's Host. Plain http is for loopback only.
	Origin    string
	Statement string           // the line wallets show; "" = a good one
	Chains    []uint64         // chain ids accepted in sign-in messages; none = any
	Operators []wallet.Address // are operators, whatever the table of roles says

	// Highest is the most that a session of this origin, or a token made with one,
	// may do, whatever the role of its wallet; 0 = no bound.
	Highest identity.Role
	// Realm keeps the sessions of several origins over one database apart: a
	// cookie of one is worth nothing at another. "" is a realm, too.
	Realm string

	Idle     time.Duration // a session ends after so long without use; 0 = 7 days
	Absolute time.Duration // and after so long in any case; 0 = 30 days

	Contracts siwe.ContractVerifier // nil = smart wallets cannot sign in
	Log       *slog.Logger          // nil = slog.Default()
	Now       func() time.Time      // nil = time.Now
	Random    io.Reader             // nil = crypto/rand
}

// Sessions knows who is signed in. A sign-in's life:
//
//	Begin ──message──▶ wallet signs ──SignIn──▶ session ──SignOut, End, limits──▶ gone
//	  └── its nonce belongs to one browser, works once and for ten minutes
type Sessions struct {
	db     *database.DB
	o      SessionOptions
	domain string // host[:port] of the origin
	secure bool   // the origin is https
}

// Session is one browser that is signed in.
type Session struct {
	ID      string // for lists and for ending it; worth nothing as a cookie
	Wallet  wallet.Address
	Role    identity.Role
	Created time.Time
	Seen    time.Time // exact to a minute or so
	Expires time.Time // the absolute limit
	Agent   string    // the browser as it named itself

	csrf string // "" on sessions that were listed, not looked up by their secret
}

// Caller is who this session calls for.
func (s Session) Caller() identity.Caller { return identity.Caller{Wallet: s.Wallet, Role: s.Role} }

// CSRFToken goes into every form of a page, as CSRFField. It is made from the
// cookie's secret, so another site cannot know it, and it ends with the session.
func CSRFToken(s Session) string { return s.csrf }

// NewSessions checks the options.
func NewSessions(db *database.DB, o SessionOptions) (*Sessions, error) {
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
	s := &Sessions{db: db, o: o, domain: u.Host, secure: secure}
	sample := s.message(wallet.Address{}, 1, "00000000", o.Now())
	if _, err := siwe.Build(sample); err != nil {
		return nil, fmt.Errorf("check the sign-in message's settings: %w", err)
	}
	return s, nil
}

func (s *Sessions) isOperator(w wallet.Address) bool { return slices.Contains(s.o.Operators, w) }

// role reads the role as the table has it, under the configuration's word and
// the origin's bound.
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

// newSecret is 32 random bytes for a cookie.
func (s *Sessions) newSecret() (string, error) {
	b, err := s.random(secretBytes)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// newName is 16 random bytes in hex, for what may be seen: ids and nonces.
func (s *Sessions) newName() (string, error) {
	b, err := s.random(16)
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

// isSecret tells whether a cookie can be one of ours at all.
func isSecret(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == secretBytes
}

// hashed is what the database keeps of a cookie's secret. The secret is 32
// random bytes, so a plain hash cannot be guessed back.
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
