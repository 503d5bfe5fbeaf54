package signin

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/url"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

// The second factor of a moderator or operator is an app that makes one-time codes
// (TOTP, RFC 6238). Its life, for one wallet:
//
//	none ──Begin──▶ begun ──Confirm, with a code──▶ on ──Turn off with a code, Reset──▶ none
//	                  └──an hour, or Begin again──▶ none
//
// While it is on, a session has the role member until a code was given in it. Where
// SessionOptions.SecondFactor is true, it has no higher role while there is none,
// either, and can only begin. A code counts in the step of 30 s before and after its
// own, once; wrong ones have to wait. All of it is in the database, which replicas
// share.
const (
	totpSecretSize = 20 // bytes; RFC 4226 recommends 160 bits
	beginningLife  = time.Hour
	recoveryCodes  = 10
	recoverySize   = 15 // bytes: a plain hash is enough for 120 bits
	freeFailures   = 5  // wrong codes before the first wait
	firstWait      = 15 * time.Minute
	longestWait    = 24 * time.Hour // it doubles with each further wrong code up to this
)

// Factor says how far a session is with the second factor.
type Factor uint8

// The states of a session.
const (
	FactorNone    Factor = iota // its wallet has none and needs none
	FactorGiven                 // it was given in this session
	FactorNeeded                // the wallet's role counts when a code was given
	FactorMissing               // the wallet's role counts when a second factor was set up
)

// String returns the state as the API names it.
func (f Factor) String() string { return [...]string{"", "given", "needed", "not set up"}[f] }

// SecondFactor is what a wallet has.
type SecondFactor struct {
	Since     time.Time  // zero = it is not on
	Recovery  int        // codes that are left
	Beginning *Beginning // that this session has begun; nil = none
}

// Beginning is a second factor that waits for its first code. What is in it is secret.
type Beginning struct {
	Secret string // base32, to be typed into the app
	URI    string // otpauth://…, to be shown as a QR code
}

var plainBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// factorOf returns the state of a session of a wallet that has this role.
func (s *Sessions) factorOf(row sessionRow, full identity.Role) Factor {
	switch {
	case row.HasFactor && row.FactorAt > 0:
		return FactorGiven
	case row.HasFactor:
		return FactorNeeded
	case s.o.SecondFactor && full > identity.Member:
		return FactorMissing
	}
	return FactorNone
}

// secondFactorOf returns the row of a wallet, the zero one if there is none.
func (s *Sessions) secondFactorOf(ctx context.Context, q database.Queryer, w wallet.Address) (secondFactorRow, error) {
	row, err := readSecondFactor(ctx, q, w)
	if database.IsNoRows(err) {
		return secondFactorRow{}, nil
	}
	if err != nil {
		return row, fmt.Errorf("look up the second factor of %s: %w", w, err)
	}
	return row, nil
}

// SecondFactorOf returns what the wallet of a session has. Only the session that has
// begun one sees its secret.
func (s *Sessions) SecondFactorOf(ctx context.Context, of Session) (SecondFactor, error) {
	row, err := s.secondFactorOf(ctx, s.db.Read(), of.Wallet)
	if err != nil {
		return SecondFactor{}, err
	}
	if row.ConfirmedAt > 0 {
		out := SecondFactor{Since: time.UnixMilli(row.ConfirmedAt).UTC()}
		if out.Recovery, err = countRecoveryCodes(ctx, s.db.Read(), of.Wallet); err != nil {
			return out, fmt.Errorf("count recovery codes: %w", err)
		}
		return out, nil
	}
	if !s.begunIn(row, of) {
		return SecondFactor{}, nil
	}
	secret, err := s.keys.seal.openSecret(of.Wallet, row.Secret)
	if err != nil {
		return SecondFactor{}, err
	}
	text := plainBase32.EncodeToString(secret)
	about := url.Values{"secret": {text}, "issuer": {s.domain}}
	uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + s.domain + ":" + of.Wallet.Short(), RawQuery: about.Encode()}
	return SecondFactor{Beginning: &Beginning{Secret: text, URI: uri.String()}}, nil
}

// begunIn reports whether this session has begun it, within the last hour.
func (s *Sessions) begunIn(row secondFactorRow, of Session) bool {
	return row.BegunAt > 0 && row.ConfirmedAt == 0 && row.Session == of.ID && s.o.Now().Sub(time.UnixMilli(row.BegunAt)) < beginningLife
}

// BeginSecondFactor makes a secret for an app; it counts when Confirm got a code of
// it. Fails with fault.Forbidden for a wallet without a role and for a session by an account,
// and with fault.Conflict
// when there is a second factor.
func (s *Sessions) BeginSecondFactor(ctx context.Context, in Session) error {
	switch {
	case in.Full <= identity.Member:
		return fault.New(fault.Forbidden, "a second factor is for moderators and operators: it protects what their role may do")
	case in.ByProvider: // else the account alone would be enough to choose the second factor
		return fault.New(fault.Forbidden, "a second factor is set up by who has signed in with the wallet: sign out, sign in with the wallet, and set it up then")
	}
	secret, err := s.random(totpSecretSize)
	if err != nil {
		return err
	}
	stored, err := s.keys.seal.closeSecret(in.Wallet, secret, s.o.Random)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := lockSecondFactor(ctx, tx, in.Wallet); err != nil {
			return err
		}
		row, err := s.secondFactorOf(ctx, tx, in.Wallet)
		if err != nil {
			return err
		}
		if row.ConfirmedAt > 0 {
			return fault.New(fault.Conflict, "this wallet has a second factor already: turn it off before you set up another")
		}
		return beginSecondFactor(ctx, tx, secondFactorRow{Wallet: in.Wallet, Secret: stored, Session: in.ID, BegunAt: s.o.Now().UnixMilli()})
	})
	if err != nil {
		return fmt.Errorf("begin a second factor: %w", err)
	}
	return nil
}

func lockSecondFactor(ctx context.Context, tx *database.Tx, w wallet.Address) error {
	return tx.Lock(ctx, "second factor of "+w.String())
}

// ConfirmSecondFactor turns on what this session has begun, with a code of the app,
// and returns the recovery codes, which are stored as hashes alone. It is given in
// this session, and has to be given in all others of the wallet.
func (s *Sessions) ConfirmSecondFactor(ctx context.Context, in Session, code string) (recovery []string, err error) {
	typed, err := readCode(code)
	if err != nil {
		return nil, err
	}
	if recovery, err = s.newRecoveryCodes(); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		if err := lockSecondFactor(ctx, tx, in.Wallet); err != nil {
			return err
		}
		row, err := s.secondFactorOf(ctx, tx, in.Wallet)
		if err != nil {
			return err
		}
		switch {
		case row.ConfirmedAt > 0:
			return fault.New(fault.Conflict, "this wallet has a second factor already: give a code of it")
		case !s.begunIn(row, in):
			return fault.New(fault.Conflict, "this was not begun in this session, or more than an hour ago: begin again")
		}
		step, err := s.stepOf(row, typed)
		if err != nil {
			return err
		}
		if step == 0 { // whoever asks sees the secret: there is nothing to guess
			return fault.New(fault.Invalid, "this code is not one of the app at this moment: look that the app has taken this secret and that the phone’s clock is right, and type the code it shows now").
				With(fault.Field{Name: "code", Message: "is not right"})
		}
		now := s.o.Now().UnixMilli()
		if err := confirmSecondFactor(ctx, tx, in.Wallet, now, step); err != nil {
			return err
		}
		if err := s.replaceRecoveryCodes(ctx, tx, in.Wallet, recovery); err != nil {
			return err
		}
		if err := takeSecondFactor(ctx, tx, in.Wallet); err != nil {
			return err
		}
		if err := s.giveIn(ctx, tx, in); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.SecondFactorSet, Who: in.Wallet.String(), Whom: in.Wallet.String(), Detail: "turned on"})
	})
	if err != nil {
		return nil, fmt.Errorf("confirm a second factor: %w", err)
	}
	return recovery, nil
}

func (s *Sessions) giveIn(ctx context.Context, tx *database.Tx, in Session) error {
	changed, err := giveSecondFactor(ctx, tx, in.Wallet, in.ID, s.o.Now().UnixMilli())
	if err == nil && changed == 0 {
		return fault.New(fault.Unauthenticated, "this session has ended: sign in again")
	}
	return err
}

func (s *Sessions) newRecoveryCodes() ([]string, error) {
	codes := make([]string, recoveryCodes)
	for i := range codes {
		b, err := s.random(recoverySize)
		if err != nil {
			return nil, err
		}
		text := plainBase32.EncodeToString(b)
		for from := 0; from < len(text); from += 4 {
			codes[i] += "-" + text[from:from+4]
		}
		codes[i] = codes[i][1:]
	}
	return codes, nil
}

func (s *Sessions) replaceRecoveryCodes(ctx context.Context, tx *database.Tx, w wallet.Address, codes []string) error {
	if err := deleteRecoveryCodes(ctx, tx, w); err != nil {
		return err
	}
	for _, text := range codes {
		code, err := readCode(text)
		if err != nil {
			return err
		}
		if err := insertRecoveryCode(ctx, tx, w, code.hash(w)); err != nil {
			return err
		}
	}
	return nil
}

// hash returns what the database has of a recovery code. The code is random, so a
// plain hash cannot be reversed by guessing.
func (c code) hash(w wallet.Address) []byte {
	sum := sha256.Sum256([]byte("banyan recovery code " + w.String() + " " + c.text))
	return sum[:]
}

// GiveSecondFactor has the role of the wallet count in a session, for a code of the
// app or a recovery code. Fails with fault.Invalid for a wrong code, fault.RateLimited
// after too many, and fault.Conflict when there is no second factor.
func (s *Sessions) GiveSecondFactor(ctx context.Context, in Session, code string) error {
	return s.withCode(ctx, in.Wallet, code, "give the second factor", func(tx *database.Tx, how string) (securitylog.Event, error) {
		return securitylog.Event{What: securitylog.SecondFactorUsed, Whom: in.ID, Detail: how}, s.giveIn(ctx, tx, in)
	})
}

// ProveSecondFactor checks a code for something else than a session. Fails as
// GiveSecondFactor does.
func (s *Sessions) ProveSecondFactor(ctx context.Context, w wallet.Address, code, purpose string) error {
	return s.withCode(ctx, w, code, "check the second factor", func(_ *database.Tx, how string) (securitylog.Event, error) {
		return securitylog.Event{What: securitylog.SecondFactorUsed, Whom: purpose, Detail: how}, nil
	})
}

// NewRecoveryCodes replaces the recovery codes, for a code. Fails as GiveSecondFactor
// does.
func (s *Sessions) NewRecoveryCodes(ctx context.Context, in Session, code string) (recovery []string, err error) {
	if recovery, err = s.newRecoveryCodes(); err != nil {
		return nil, err
	}
	err = s.withCode(ctx, in.Wallet, code, "make recovery codes", func(tx *database.Tx, how string) (securitylog.Event, error) {
		e := securitylog.Event{What: securitylog.SecondFactorSet, Whom: in.Wallet.String(), Detail: "new recovery codes, by " + how}
		return e, s.replaceRecoveryCodes(ctx, tx, in.Wallet, recovery)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// EndSecondFactor turns it off, for a code. Fails as GiveSecondFactor does.
func (s *Sessions) EndSecondFactor(ctx context.Context, in Session, code string) error {
	return s.withCode(ctx, in.Wallet, code, "turn the second factor off", func(tx *database.Tx, how string) (securitylog.Event, error) {
		e := securitylog.Event{What: securitylog.SecondFactorSet, Whom: in.Wallet.String(), Detail: "turned off, by " + how}
		return e, s.remove(ctx, tx, in.Wallet)
	})
}

func (s *Sessions) remove(ctx context.Context, tx *database.Tx, w wallet.Address) error {
	if _, err := deleteSecondFactor(ctx, tx, w); err != nil {
		return err
	}
	return takeSecondFactor(ctx, tx, w)
}

// ResetSecondFactor takes a wallet's second factor away without a code, for who has
// lost the app and the recovery codes. It is for who can open the database: an
// operator in a session could take the protection of another one away. Fails with
// fault.NotFound.
func (s *Sessions) ResetSecondFactor(ctx context.Context, by identity.Caller, w wallet.Address) error {
	if by.Role < identity.Operator || !by.Wallet.IsZero() {
		return fault.New(fault.Forbidden, "a second factor is reset with `banyan second-factor reset WALLET`, where the program runs")
	}
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		if err := lockSecondFactor(ctx, tx, w); err != nil {
			return err
		}
		row, err := s.secondFactorOf(ctx, tx, w)
		if err != nil {
			return err
		}
		if row.BegunAt == 0 {
			return fault.Newf(fault.NotFound, "%s has no second factor: `banyan second-factor list` prints the wallets that have one", w)
		}
		if err := s.remove(ctx, tx, w); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.SecondFactorSet, Who: by.Name(), Whom: w.String(), Detail: "reset without a code"})
	})
	if err != nil {
		return fmt.Errorf("reset the second factor of %s: %w", w, err)
	}
	return nil
}

// WalletFactor is a wallet that has a second factor.
type WalletFactor struct {
	Wallet   wallet.Address `json:"wallet"`
	Since    time.Time      `json:"since"`
	Recovery int            `json:"recovery_codes"` // that are left
	Wait     *time.Time     `json:"wait_until,omitempty"`
}

// SecondFactors returns the wallets that have one, at most a thousand, the latest
// first.
func (s *Sessions) SecondFactors(ctx context.Context) ([]WalletFactor, error) {
	rows, err := readSecondFactors(ctx, s.db.Read(), 1000)
	if err != nil {
		return nil, fmt.Errorf("list second factors: %w", err)
	}
	list := make([]WalletFactor, len(rows))
	for i, r := range rows {
		list[i] = WalletFactor{Wallet: r.Wallet, Since: time.UnixMilli(r.ConfirmedAt).UTC()}
		if list[i].Recovery, err = countRecoveryCodes(ctx, s.db.Read(), r.Wallet); err != nil {
			return nil, fmt.Errorf("count recovery codes: %w", err)
		}
		if s.o.Now().UnixMilli() < r.WaitUntil {
			list[i].Wait = timeOf(&r.WaitUntil)
		}
	}
	return list, nil
}
