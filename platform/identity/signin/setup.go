package signin

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

// SetupLife is how long the link works that makes the first operator.
const SetupLife = time.Hour

// HasOperator reports whether any wallet is an operator, by the settings or by a role.
func (s *Sessions) HasOperator(ctx context.Context) (bool, error) {
	if len(s.o.Operators) > 0 {
		return true, nil
	}
	count, err := countOperators(ctx, s.db.Read())
	if err != nil {
		return false, fmt.Errorf("look for operators: %w", err)
	}
	return count > 0, nil
}

// NewSetupCode returns the code of a new link that makes the wallet who opens it the
// first operator, once and within SetupLife; the link before it ends. Fails with
// fault.Conflict when there is an operator.
func (s *Sessions) NewSetupCode(ctx context.Context) (code string, err error) {
	if code, err = s.newSecret(); err != nil {
		return "", err
	}
	err = s.withoutOperator(ctx, func(tx *database.Tx) error {
		return replaceSetupCode(ctx, tx, s.hashed(code), s.o.Now().Add(SetupLife).UnixMilli())
	})
	return code, err
}

// CheckSetupCode fails with fault.NotFound for a code that does not work, or not any
// more, and with fault.Conflict when there is an operator.
func (s *Sessions) CheckSetupCode(ctx context.Context, code string) error {
	has, err := s.HasOperator(ctx)
	if err != nil {
		return err
	}
	if has {
		return hasOperator()
	}
	found, err := findSetupCode(ctx, s.db.Read(), s.hashed(code), s.o.Now().UnixMilli())
	if err == nil && !found {
		err = noSetupCode()
	}
	return err
}

// UseSetupCode makes the caller's wallet the first operator. Fails as CheckSetupCode
// does, and with fault.Unauthenticated when no wallet has signed in.
func (s *Sessions) UseSetupCode(ctx context.Context, by identity.Caller, code string) error {
	if by.Wallet.IsZero() {
		return fault.New(fault.Unauthenticated, "sign in with the wallet that is to be the operator, and open the link again")
	}
	now := s.o.Now().UnixMilli()
	return s.withoutOperator(ctx, func(tx *database.Tx) error {
		used, err := useSetupCode(ctx, tx, s.hashed(code), now)
		if err != nil {
			return err
		}
		if used == 0 {
			return noSetupCode()
		}
		if err := saveRole(ctx, tx, by.Wallet, identity.Operator.String(), "the setup link", now); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{
			What: securitylog.RoleSet, Who: by.Name(), Whom: by.Wallet.String(), Detail: "to " + identity.Operator.String() + " by the setup link",
		})
	})
}

// withoutOperator does fn in a transaction in which there is no operator.
func (s *Sessions) withoutOperator(ctx context.Context, fn func(tx *database.Tx) error) error {
	if len(s.o.Operators) > 0 {
		return hasOperator()
	}
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		count, err := countOperators(ctx, tx)
		if err != nil {
			return err
		}
		if count > 0 {
			return hasOperator()
		}
		return fn(tx)
	})
	if err != nil {
		return fmt.Errorf("set the first operator up: %w", err)
	}
	return nil
}

func hasOperator() error {
	return fault.New(fault.Conflict, "there is an operator already: operators make others with `banyan role set WALLET operator`, or where they see roles")
}

func noSetupCode() error {
	return fault.New(fault.NotFound, "this setup link does not work, or not any more: it works once and for an hour. Make another with `banyan setup link` where the program runs")
}
