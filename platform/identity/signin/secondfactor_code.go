package signin

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

const (
	totpStep       = 30 // seconds
	totpDigits     = otp.DigitsSix
	recoveryLength = 24 // characters of a recovery code
)

// code is what a person typed, in the form in which it is compared.
type code struct {
	text     string
	recovery bool
}

// readCode returns what was typed, without the spaces and dashes that people and apps
// put into it. Fails with fault.Invalid for what is no code.
func readCode(typed string) (code, error) {
	if len(typed) <= 64 {
		text := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(strings.TrimSpace(typed)))
		switch {
		case len(text) == totpDigits.Length() && strings.Trim(text, "0123456789") == "":
			return code{text, false}, nil
		case len(text) == recoveryLength && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "":
			return code{text, true}, nil
		}
	}
	return code{}, fault.New(fault.Invalid, "this is no code: type the six digits that the app shows now, or one of the recovery codes, which have 24 letters and digits").
		With(fault.Field{Name: "code", Message: "has six digits, or 24 letters and digits"})
}

// stepOf returns the step whose code this is, 0 if it is none that counts at this
// moment: that of now, of the one before or after, and later than the last that was
// taken.
func (s *Sessions) stepOf(row secondFactorRow, typed code) (int64, error) {
	if typed.recovery {
		return 0, nil
	}
	secret, err := s.keys.seal.openSecret(row.Wallet, row.Secret)
	if err != nil {
		return 0, err
	}
	text, found := plainBase32.EncodeToString(secret), int64(0)
	now := s.o.Now().Unix() / totpStep
	for step := now - 1; step <= now+1; step++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(step), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("make a one-time code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(typed.text)) == 1 && step > row.LastStep {
			found = step
		}
	}
	return found, nil
}

// takes uses a code up and returns what it was, "" if it is none of this wallet.
func (s *Sessions) takes(ctx context.Context, tx *database.Tx, row secondFactorRow, typed code) (how string, err error) {
	step := row.LastStep
	if typed.recovery {
		used, err := useRecoveryCode(ctx, tx, row.Wallet, typed.hash(row.Wallet))
		if err != nil || used == 0 {
			return "", err
		}
		left, err := countRecoveryCodes(ctx, tx, row.Wallet)
		if err != nil {
			return "", err
		}
		how = fmt.Sprintf("a recovery code, %d left", left)
	} else {
		if step, err = s.stepOf(row, typed); err != nil || step == 0 {
			return "", err
		}
		how = "a code of the app"
	}
	return how, tookCode(ctx, tx, row.Wallet, step)
}

// withCode does what a code is needed for in the transaction that uses the code up,
// and records the event that fn returns. A wrong code is counted, whatever it was for.
func (s *Sessions) withCode(ctx context.Context, w wallet.Address, typed, what string, fn func(tx *database.Tx, how string) (securitylog.Event, error)) error {
	given, err := readCode(typed)
	if err != nil {
		return err
	}
	var refused error
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		refused = nil
		if err := lockSecondFactor(ctx, tx, w); err != nil {
			return err
		}
		row, err := s.secondFactorOf(ctx, tx, w)
		if err != nil {
			return err
		}
		if row.ConfirmedAt == 0 {
			return fault.New(fault.Conflict, "this wallet has no second factor: set one up first")
		}
		if wait := time.UnixMilli(row.WaitUntil).Sub(s.o.Now()); wait > 0 {
			return tooManyCodes(wait)
		}
		how, err := s.takes(ctx, tx, row, given)
		if err != nil {
			return err
		}
		if how == "" {
			refused = fault.New(fault.Invalid, "this code is not right, or was used before: type the one that the app shows now").With(fault.Field{Name: "code", Message: "is not right"})
			return s.countRefusal(ctx, tx, row)
		}
		e, err := fn(tx, how)
		if err != nil {
			return err
		}
		e.Who = w.String()
		return s.o.Events.Record(ctx, tx, e)
	})
	if err != nil {
		err = fmt.Errorf("%s of %s: %w", what, w, err)
	} else {
		err = refused
	}
	switch f := fault.From(err); {
	case err == nil:
	case refused != nil, f.Code == fault.RateLimited:
		s.o.Events.Refused(ctx, securitylog.Event{What: securitylog.SecondFactorUsed, Who: w.String(), Whom: w.String(), Detail: f.Message})
	}
	return err
}

// countRefusal counts a wrong code, and has the next one wait after too many.
func (s *Sessions) countRefusal(ctx context.Context, tx *database.Tx, row secondFactorRow) error {
	failures := row.Failures + 1
	if failures < freeFailures {
		return refusedCode(ctx, tx, row.Wallet, failures, 0)
	}
	wait := firstWait
	for n := failures; n > freeFailures && wait < longestWait; n-- {
		wait *= 2
	}
	wait = min(wait, longestWait)
	if err := refusedCode(ctx, tx, row.Wallet, failures, s.o.Now().Add(wait).UnixMilli()); err != nil {
		return err
	}
	return s.o.Events.Record(ctx, tx, securitylog.Event{
		What: securitylog.SecondFactorUsed, Who: row.Wallet.String(), Whom: row.Wallet.String(), Refused: true,
		Detail: fmt.Sprintf("%d wrong codes in a row: the next is looked at in %s", failures, wait),
	})
}

func tooManyCodes(wait time.Duration) error {
	minutes := int64((wait + time.Minute - 1) / time.Minute)
	f := fault.Newf(fault.RateLimited, "too many wrong codes: wait %d minutes before the next, or have the second factor reset with `banyan second-factor reset WALLET` where the program runs", minutes)
	f.RetryAfter = wait
	return f
}
