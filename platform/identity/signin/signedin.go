package signin

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

// touchEvery returns the least interval of recording a session's use.
func (s *Sessions) touchEvery() time.Duration { return min(time.Minute, s.o.Idle/4) }

// Lookup returns the session of a cookie's secret. Fails with
// fault.Unauthenticated when there is none, or it has ended.
func (s *Sessions) Lookup(ctx context.Context, secret string) (Session, error) {
	over := fault.New(fault.Unauthenticated, "this session has ended: sign in again")
	if !isSecret(secret) {
		return Session{}, over
	}
	row, err := readSession(ctx, s.db.Read(), s.hashed(secret))
	if database.IsNoRows(err) {
		return Session{}, over
	}
	if err != nil {
		return Session{}, fmt.Errorf("look up a session: %w", err)
	}
	now := s.o.Now()
	out, err := s.complete(row)
	if err != nil {
		return Session{}, err
	}
	if !now.Before(out.Expires) || now.Sub(out.Seen) >= s.o.Idle {
		return Session{}, over // Sweep deletes it
	}
	out.csrf = csrfOf(secret)
	if now.Sub(out.Seen) >= s.touchEvery() {
		s.touch(ctx, row.ID, now)
		out.Seen = now
	}
	return out, nil
}

// touch records that a session is in use. If that fails, the session may end early,
// which is no reason to refuse the request.
func (s *Sessions) touch(ctx context.Context, id string, now time.Time) {
	err := s.db.Write(ctx, func(tx *database.Tx) error { return touchSession(ctx, tx, id, now.UnixMilli()) })
	if err != nil {
		s.o.Log.WarnContext(ctx, "the use of a session could not be recorded: it may end early", "session", id, "error", err)
	}
}

// SignOut ends the session of this secret; if there is none, it has ended.
func (s *Sessions) SignOut(ctx context.Context, secret string) error {
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		deleted, err := deleteSessionBySecret(ctx, tx, s.hashed(secret))
		if err != nil || deleted == 0 {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.SignedOut})
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// List returns a wallet's sessions, the newest first, at most fifty. Only the
// wallet itself and operators see them; others get fault.Forbidden.
func (s *Sessions) List(ctx context.Context, by identity.Caller, w wallet.Address) ([]Session, error) {
	if err := mayManage(by, w); err != nil {
		return nil, err
	}
	now := s.o.Now()
	rows, err := readSessions(ctx, s.db.Read(), w, now.UnixMilli(), now.Add(-s.o.Idle).UnixMilli(), sessionsKept)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	list := make([]Session, len(rows))
	for i, row := range rows {
		if list[i], err = s.complete(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// complete returns the session of a row, with the role that counts in it.
func (s *Sessions) complete(row sessionRow) (out Session, err error) {
	out = row.session()
	if out.Full, err = s.role(row.Wallet, row.Role); err != nil {
		return out, err
	}
	if row.Provider != "" {
		claimed, err := identity.ParseRole(row.Provider)
		if err != nil {
			return out, fmt.Errorf("read the role of session %s: %w", row.ID, err)
		}
		out.Full = max(out.Full, s.bounded(claimed))
	}
	out.Role, out.Factor = out.Full, s.factorOf(row, out.Full)
	if out.Factor == FactorNeeded || out.Factor == FactorMissing {
		out.Role = min(out.Role, identity.Member)
	}
	return out, nil
}

func mayManage(by identity.Caller, w wallet.Address) error {
	if by.Role >= identity.Operator || !w.IsZero() && by.Wallet == w {
		return nil
	}
	if by.IsAnonymous() {
		return fault.New(fault.Unauthenticated, "sign in to see and end sessions and tokens")
	}
	return fault.New(fault.Forbidden, "only the wallet itself and operators may list and end its sessions and tokens")
}

var sessionID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// End ends one session: the caller's own wallet's, or for an operator anyone's.
// Fails with fault.NotFound.
func (s *Sessions) End(ctx context.Context, by identity.Caller, id string) error {
	if err := mayManage(by, by.Wallet); err != nil {
		return err
	}
	unknown := fault.New(fault.NotFound, "there is no such session of yours: list them with GET /api/v1/identity/sessions")
	if !sessionID.MatchString(id) {
		return unknown
	}
	err := s.db.Write(ctx, func(tx *database.Tx) (err error) {
		var deleted int64
		if by.Role >= identity.Operator {
			deleted, err = deleteSession(ctx, tx, id)
		} else {
			deleted, err = deleteSessionOf(ctx, tx, id, by.Wallet)
		}
		if err == nil && deleted == 0 {
			return unknown
		}
		if err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.SessionEnded, Who: by.Name(), Whom: id})
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// RoleOf returns the role that a wallet has when it signs in.
func (s *Sessions) RoleOf(ctx context.Context, w wallet.Address) (identity.Role, error) {
	granted, err := readRole(ctx, s.db.Read(), w)
	if database.IsNoRows(err) {
		granted = identity.Member.String()
	} else if err != nil {
		return 0, fmt.Errorf("look up the role of %s: %w", w, err)
	}
	return s.role(w, granted)
}

// Grant sets the role of a wallet, from its next request on; Member is the role of
// every wallet. Only operators may call it. Fails with fault.Conflict for a wallet
// of the setting identity.operators.
func (s *Sessions) Grant(ctx context.Context, by identity.Caller, w wallet.Address, role identity.Role) error {
	switch {
	case by.IsAnonymous():
		return fault.New(fault.Unauthenticated, "sign in as an operator to change roles")
	case by.Role < identity.Operator:
		return fault.New(fault.Forbidden, "only operators may change roles: ask one of them, or run `banyan role set WALLET ROLE` on the server")
	case w.IsZero():
		return fault.New(fault.Invalid, "the zero address cannot have a role: nobody has its key; name the wallet of a person")
	case !role.Valid():
		return fault.New(fault.Invalid, "a wallet's role must be member, moderator or operator")
	case role != identity.Operator && s.isOperator(w):
		return fault.Newf(fault.Conflict, "%s is an operator by the setting identity.operators: change it there", w)
	}
	now := s.o.Now().UnixMilli()
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		before, err := readRole(ctx, tx, w)
		if database.IsNoRows(err) {
			before = identity.Member.String()
		} else if err != nil {
			return err
		}
		if role == identity.Member {
			err = deleteRole(ctx, tx, w)
		} else {
			err = saveRole(ctx, tx, w, role.String(), by.Name(), now)
		}
		if err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.RoleSet, Who: by.Name(), Whom: w.String(), Detail: before + " to " + role.String()})
	})
	if err != nil {
		return fmt.Errorf("set the role of %s to %s: %w", w, role, err)
	}
	return nil
}

// Roles returns the wallets with a role of their own, at most a thousand, the latest
// first. Wallets of the setting identity.operators are not among them.
func (s *Sessions) Roles(ctx context.Context) ([]WalletRole, error) {
	rows, err := readRoles(ctx, s.db.Read(), 1000)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	list := make([]WalletRole, len(rows))
	for i, r := range rows {
		list[i] = WalletRole{Wallet: r.Wallet, Role: r.Role, By: r.GrantedBy, At: time.UnixMilli(r.GrantedAt).UTC()}
	}
	return list, nil
}

// WalletRole is a wallet that may do more than every wallet.
type WalletRole struct {
	Wallet wallet.Address `json:"wallet"`
	Role   string         `json:"role"`
	By     string         `json:"granted_by"`
	At     time.Time      `json:"granted_at"`
}

// Sweep deletes expired sessions, tokens, used nonces and second factors that were
// begun alone. They are refused in any case.
func (s *Sessions) Sweep(ctx context.Context) error {
	now := s.o.Now()
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		if err := deleteExpiredNonces(ctx, tx, now.UnixMilli()); err != nil {
			return err
		}
		if err := deleteOldBeginnings(ctx, tx, now.Add(-beginningLife).UnixMilli()); err != nil {
			return err
		}
		if err := deleteDeadTokens(ctx, tx, now.Add(-tokenShown).UnixMilli()); err != nil {
			return err
		}
		return deleteDeadSessions(ctx, tx, now.UnixMilli(), now.Add(-s.o.Idle).UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}
