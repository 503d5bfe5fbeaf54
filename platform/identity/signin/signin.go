package signin

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/wallet"
)

// Challenge is a sign-in message to be signed.
type Challenge struct {
	Message string    // EIP-4361, to be signed byte for byte (personal_sign)
	Nonce   string    // the one in the message
	Expires time.Time // it must be signed before
}

// SignIn is a signed message and the browser that sends it.
type SignIn struct {
	Browser   string // secret of the cookie that asked for the message
	Message   string // as it was signed
	Signature []byte
	Agent     string // the User-Agent, for the list of sessions
	Replaces  string // secret of the session this browser has had until now, "" = none
}

// NewBrowser returns the secret of the short-lived cookie that binds a sign-in
// message to the browser it was made for. Without it, an attacker could sign
// another person's browser in with a message of their own.
func (s *Sessions) NewBrowser() (string, error) { return s.newSecret() }

// Begin makes a sign-in message for a wallet. Fails with fault.Invalid for a
// chain that is not accepted.
func (s *Sessions) Begin(ctx context.Context, browser string, w wallet.Address, chainID uint64) (Challenge, error) {
	switch {
	case !isSecret(browser):
		return Challenge{}, fault.New(fault.Invalid, "this request has no sign-in cookie: allow cookies and try again")
	case w.IsZero():
		return Challenge{}, fault.New(fault.Invalid, "the zero address cannot sign in").With(fault.Field{Name: "address", Message: "is zero"})
	case chainID == 0 || len(s.o.Chains) > 0 && !slices.Contains(s.o.Chains, chainID):
		return Challenge{}, fault.Newf(fault.Invalid, "sign-in is not accepted on chain %d: switch the wallet to another network", chainID).
			With(fault.Field{Name: "chain_id", Message: "is not accepted here"})
	}
	nonce, err := s.newName()
	if err != nil {
		return Challenge{}, err
	}
	now := s.o.Now()
	text, err := siwe.Build(s.message(w, chainID, nonce, now))
	if err != nil {
		return Challenge{}, fmt.Errorf("make a sign-in message: %w", err)
	}
	expires := now.Add(nonceLife)
	row := nonceRow{
		Nonce: nonce, Browser: s.hashed(browser), Wallet: w,
		ChainID: strconv.FormatUint(chainID, 10), ExpiresAt: expires.UnixMilli(),
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := deleteExpiredNonces(ctx, tx, now.UnixMilli()); err != nil {
			return err
		}
		if err := insertNonce(ctx, tx, row); err != nil {
			return err
		}
		return keepNonces(ctx, tx, row.Browser, noncesKept)
	})
	if err != nil {
		return Challenge{}, fmt.Errorf("begin a sign-in: %w", err)
	}
	return Challenge{Message: text, Nonce: nonce, Expires: expires.UTC()}, nil
}

func (s *Sessions) message(w wallet.Address, chainID uint64, nonce string, now time.Time) siwe.Message {
	return siwe.Message{
		Domain: s.domain, Address: w, Statement: s.o.Statement, URI: s.o.Origin, ChainID: chainID, Nonce: nonce,
		IssuedAt: siwe.StampOf(now), ExpirationTime: siwe.StampOf(now.Add(nonceLife)),
	}
}

// SignIn completes a sign-in with a new session and returns the secret for its
// cookie.
// Fails with fault.Invalid (no such message or signature), fault.Conflict (used
// before, or not asked for here) or fault.Unauthenticated (not valid).
func (s *Sessions) SignIn(ctx context.Context, in SignIn) (Session, string, error) {
	m, err := s.check(ctx, in)
	if err != nil {
		return Session{}, "", err
	}
	secret, err := s.newSecret()
	if err != nil {
		return Session{}, "", err
	}
	id, err := s.newName()
	if err != nil {
		return Session{}, "", err
	}
	now := s.o.Now()
	row := sessionRow{
		ID: id, Secret: s.hashed(secret), Wallet: m.Address, Agent: plainAgent(in.Agent),
		CreatedAt: now.UnixMilli(), SeenAt: now.UnixMilli(), ExpiresAt: now.Add(s.o.Absolute).UnixMilli(),
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := use(ctx, tx, m.Nonce); err != nil {
			return err
		}
		if in.Replaces != "" {
			if err := deleteSessionBySecret(ctx, tx, s.hashed(in.Replaces)); err != nil {
				return err
			}
		}
		if err := insertSession(ctx, tx, row); err != nil {
			return err
		}
		_, err := keepSessions(ctx, tx, m.Address, sessionsKept)
		return err
	})
	if err != nil {
		return Session{}, "", fmt.Errorf("sign in: %w", err)
	}
	out := row.session()
	out.csrf = csrfOf(secret)
	out.Role, err = s.RoleOf(ctx, m.Address)
	return out, secret, err
}

// Prove completes a sign-in without a session, for API clients that get a token
// instead, and returns who signed.
func (s *Sessions) Prove(ctx context.Context, in SignIn) (identity.Caller, error) {
	m, err := s.check(ctx, in)
	if err != nil {
		return identity.Caller{}, err
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error { return use(ctx, tx, m.Nonce) })
	if err != nil {
		return identity.Caller{}, fmt.Errorf("sign in: %w", err)
	}
	role, err := s.RoleOf(ctx, m.Address)
	return identity.Caller{Wallet: m.Address, Role: role}, err
}

// use deletes the nonce, in the transaction of the sign-in.
func use(ctx context.Context, tx *database.Tx, nonce string) error {
	deleted, err := useNonce(ctx, tx, nonce)
	if err == nil && deleted == 0 {
		return usedUp()
	}
	return err
}

func usedUp() error {
	return fault.New(fault.Conflict, "this sign-in message was used already, or was not made here: ask for a new one and sign that")
}

// check verifies a sign-in before anything is written: cheap checks first, the
// signature last.
func (s *Sessions) check(ctx context.Context, in SignIn) (siwe.Message, error) {
	m, err := siwe.Parse(in.Message)
	if err != nil {
		return m, err
	}
	now := s.o.Now()
	want := siwe.Expected{Domain: s.domain, URI: s.o.Origin, Now: now, Contracts: s.o.Contracts}
	if err := m.Matches(want); err != nil {
		return m, err
	}
	row, err := readNonce(ctx, s.db.Read(), m.Nonce)
	switch {
	case database.IsNoRows(err):
		if expired := m.ValidAt(now); expired != nil {
			return m, expired // its nonce was deleted by Sweep: return the likelier reason
		}
		return m, usedUp()
	case err != nil:
		return m, fmt.Errorf("look up a nonce: %w", err)
	case now.UnixMilli() >= row.ExpiresAt:
		return m, fault.New(fault.Unauthenticated, "this sign-in message has expired: ask for a new one and sign it within ten minutes")
	case !bytes.Equal(row.Browser, s.hashed(in.Browser)):
		return m, fault.New(fault.Unauthenticated, "this sign-in message was made for another browser: ask for a new one here (and allow cookies)")
	case row.Wallet != m.Address:
		return m, fault.Newf(fault.Unauthenticated, "this sign-in message was made for %s, not for %s: ask for a new one", row.Wallet, m.Address)
	}
	want.Nonce = row.Nonce
	if want.ChainID, err = strconv.ParseUint(row.ChainID, 10, 64); err != nil {
		return m, fmt.Errorf("read a nonce's chain: %w", err)
	}
	return siwe.Verify(ctx, in.Message, in.Signature, want)
}

// plainAgent makes a client's User-Agent printable and short.
func plainAgent(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, agent)
}
