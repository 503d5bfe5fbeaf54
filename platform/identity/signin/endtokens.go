package signin

import (
	"context"
	"fmt"
	"strconv"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

// Revoke ends one token: the caller's own wallet's, or for an operator anyone's. It
// is refused here at once, and in other processes within two seconds. Fails with
// fault.NotFound.
func (t *Tokens) Revoke(ctx context.Context, id string) error {
	by := identity.From(ctx)
	if err := mayManage(by, by.Wallet); err != nil {
		return err
	}
	unknown := fault.New(fault.NotFound, "there is no such token of yours that is in use: list them with `banyan token list` or GET /api/v1/identity/tokens")
	if !sessionID.MatchString(id) { // both have 16 bytes
		return unknown
	}
	of := by.Wallet
	if by.Role >= identity.Operator {
		of = wallet.Address{}
	}
	now := t.now().UnixMilli()
	err := t.db.Write(ctx, func(tx *database.Tx) error {
		changed, err := revokeToken(ctx, tx, id, of, now)
		if err != nil {
			return err
		}
		if changed == 0 {
			return unknown
		}
		return t.events.Record(ctx, tx, securitylog.Event{What: securitylog.TokenEnded, Whom: id})
	})
	if err != nil {
		return fmt.Errorf("end a token: %w", err)
	}
	t.forget()
	return nil
}

// Ended is what EndAll has ended.
type Ended struct {
	Sessions int `json:"sessions"`
	Tokens   int `json:"tokens"`
}

// EndAll ends every session and token of a wallet: what a wallet does itself, or an
// operator, when one of them got into other hands.
func (t *Tokens) EndAll(ctx context.Context, w wallet.Address) (Ended, error) {
	if err := mayManage(identity.From(ctx), w); err != nil {
		return Ended{}, err
	}
	if w.IsZero() {
		return Ended{}, fault.New(fault.Invalid, "say whose sessions and tokens are to end: a wallet")
	}
	var done Ended
	now := t.now().UnixMilli()
	err := t.db.Write(ctx, func(tx *database.Tx) error {
		sessions, err := keepSessions(ctx, tx, w, 0)
		if err != nil {
			return err
		}
		tokens, err := revokeTokensOf(ctx, tx, w, now)
		if err != nil {
			return err
		}
		done = Ended{int(sessions), int(tokens)}
		return t.events.Record(ctx, tx, securitylog.Event{
			What: securitylog.SignedOutAll, Whom: w.String(), Detail: strconv.Itoa(done.Sessions) + " sessions, " + strconv.Itoa(done.Tokens) + " tokens",
		})
	})
	if err != nil {
		return Ended{}, fmt.Errorf("end the sessions and tokens of %s: %w", w, err)
	}
	t.forget()
	return done, nil
}
