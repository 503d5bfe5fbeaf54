package signin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity/securitylog"
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
	Network   string // of the client, whose sessions are bounded; "" = not known
	Replaces  string // secret of the session this browser has had until now, "" = none
}

// NewBrowser returns the secret of the short-lived cookie that binds a sign-in
// message to the browser it was made for. Without it, an attacker could sign
// another person's browser in with a message of their own.
func (s *Sessions) NewBrowser() (string, error) { return s.newSecret() }

// Begin makes a sign-in message for a wallet, and stores nothing. Fails with
// fault.Invalid for a chain that is not accepted.
func (s *Sessions) Begin(browser string, w wallet.Address, chainID uint64) (Challenge, error) {
	switch {
	case !isSecret(browser):
		return Challenge{}, fault.New(fault.Invalid, "this request has no sign-in cookie: allow cookies and try again")
	case w.IsZero():
		return Challenge{}, fault.New(fault.Invalid, "the zero address cannot sign in: choose an account in the wallet").With(fault.Field{Name: "address", Message: "is zero"})
	case chainID == 0 || len(s.o.Chains) > 0 && !slices.Contains(s.o.Chains, chainID):
		return Challenge{}, fault.Newf(fault.Invalid, "sign-in is not accepted on chain %d: switch the wallet to another network", chainID).
			With(fault.Field{Name: "chain_id", Message: "is not accepted here"})
	}
	salt, err := s.newName(saltDigits)
	if err != nil {
		return Challenge{}, err
	}
	now := s.o.Now()
	m := s.message(w, chainID, salt, now)
	m.Nonce += s.keys.prove(s.hashed(browser), m.String())
	text, err := siwe.Build(m)
	if err != nil {
		return Challenge{}, fmt.Errorf("make a sign-in message: %w", err)
	}
	return Challenge{Message: text, Nonce: m.Nonce, Expires: now.Add(nonceLife).UTC()}, nil
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
// before) or fault.Unauthenticated (not valid).
func (s *Sessions) SignIn(ctx context.Context, in SignIn) (Session, string, error) {
	m, err := s.check(ctx, in)
	if err != nil {
		return Session{}, "", err
	}
	row, secret, err := s.newRow(in)
	if err != nil {
		return Session{}, "", err
	}
	row.Wallet = m.Address
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := use(ctx, tx, m); err != nil {
			return err
		}
		if in.Replaces != "" {
			if _, err := deleteSessionBySecret(ctx, tx, s.hashed(in.Replaces)); err != nil {
				return err
			}
		}
		if err := s.insert(ctx, tx, row); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.SignedIn, Who: m.Address.String(), Whom: row.ID})
	})
	if err != nil {
		return Session{}, "", s.refused(ctx, m.Address, fmt.Errorf("sign in: %w", err))
	}
	if row, err = readSession(ctx, s.db.Read(), row.Secret); err != nil {
		return Session{}, "", fmt.Errorf("look up the new session: %w", err)
	}
	out, err := s.complete(row)
	out.csrf = csrfOf(secret)
	return out, secret, err
}

// newRow returns the row of a new session, without its wallet, and the secret for its
// cookie.
func (s *Sessions) newRow(in SignIn) (sessionRow, string, error) {
	secret, err := s.newSecret()
	if err != nil {
		return sessionRow{}, "", err
	}
	id, err := s.newName(32)
	if err != nil {
		return sessionRow{}, "", err
	}
	now := s.o.Now()
	return sessionRow{
		ID: id, Secret: s.hashed(secret), Agent: plainAgent(in.Agent), Network: in.Network,
		CreatedAt: now.UnixMilli(), SeenAt: now.UnixMilli(), ExpiresAt: now.Add(s.o.Absolute).UnixMilli(),
	}, secret, nil
}

// insert adds a session, and ends those that are too many.
func (s *Sessions) insert(ctx context.Context, tx *database.Tx, row sessionRow) error {
	if err := insertSession(ctx, tx, row); err != nil {
		return err
	}
	if _, err := keepSessions(ctx, tx, row.Wallet, sessionsKept); err != nil {
		return err
	}
	if row.Network == "" {
		return nil
	}
	return keepSessionsOf(ctx, tx, row.Network, row.ID, networkSessions)
}

// Prove completes a sign-in without a session, for API clients that get a token
// instead, and returns who signed.
func (s *Sessions) Prove(ctx context.Context, in SignIn) (wallet.Address, error) {
	m, err := s.check(ctx, in)
	if err != nil {
		return wallet.Address{}, err
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error { return use(ctx, tx, m) })
	if err != nil {
		return wallet.Address{}, s.refused(ctx, m.Address, fmt.Errorf("sign in: %w", err))
	}
	return m.Address, nil
}

// clockGap is how far the clocks of processes with one database may differ.
const clockGap = time.Minute

// use stores that the message was used, in the transaction of the sign-in.
func use(ctx context.Context, tx *database.Tx, m siwe.Message) error {
	expires, err := m.ExpirationTime.Time()
	if err != nil {
		return err
	}
	added, err := useNonce(ctx, tx, m.Nonce, expires.Add(clockGap).UnixMilli())
	if err == nil && added == 0 {
		return alreadyUsed()
	}
	return err
}

func alreadyUsed() error {
	return fault.New(fault.Conflict, "this sign-in message was used already: ask for a new one and sign that")
}

// refused records a sign-in that failed by the caller's doing.
func (s *Sessions) refused(ctx context.Context, w wallet.Address, err error) error {
	switch f := fault.From(err); f.Code {
	case fault.Unauthenticated, fault.Conflict:
		s.o.Events.Refused(ctx, securitylog.Event{What: securitylog.SignedIn, Whom: w.String(), Detail: f.Message})
	}
	return err
}

// check verifies a sign-in before anything is written: cheap checks first, the
// signature last.
func (s *Sessions) check(ctx context.Context, in SignIn) (siwe.Message, error) {
	m, err := siwe.Parse(in.Message)
	if err != nil {
		return m, err
	}
	if err := s.verify(ctx, in, m); err != nil {
		return m, s.refused(ctx, m.Address, err)
	}
	return m, nil
}

func (s *Sessions) verify(ctx context.Context, in SignIn, m siwe.Message) error {
	want := siwe.Expected{Domain: s.domain, URI: s.o.Origin, Now: s.o.Now(), Contracts: s.o.Contracts}
	if err := m.Matches(want); err != nil {
		return err
	}
	issued := false
	if len(m.Nonce) == saltDigits+proofDigits {
		salt, proof := m.Nonce[:saltDigits], m.Nonce[saltDigits:]
		text := strings.Replace(in.Message, "\nNonce: "+m.Nonce, "\nNonce: "+salt, 1)
		var err error
		if issued, err = s.keys.proves(ctx, s.hashed(in.Browser), text, proof); err != nil {
			return err
		}
	}
	if !issued {
		used, err := isUsed(ctx, s.db.Read(), m.Nonce)
		switch {
		case err != nil:
			return fmt.Errorf("look up a nonce: %w", err)
		case used:
			return alreadyUsed() // its browser has lost the cookie by that
		}
		return fault.New(fault.Unauthenticated,
			"this is not, letter by letter, a sign-in message that this site made for this browser: ask for a new one here (and allow cookies), and sign that as it is")
	}
	_, err := siwe.Verify(ctx, in.Message, in.Signature, want)
	return err
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
