package signin

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// User is a wallet that is signed in, or has a token or a role of its own.
type User struct {
	Wallet   wallet.Address `json:"wallet"`
	Role     string         `json:"role"`           // that it has now
	Fixed    bool           `json:"fixed"`          // by the setting identity.operators
	Sessions int            `json:"sessions"`       // that count
	Tokens   int            `json:"tokens"`         // that count
	Seen     *time.Time     `json:"seen,omitempty"` // last, to a minute or so; nil without a session
	Factor   bool           `json:"second_factor"`  // it has set one up
}

// UserQuery asks for users.
type UserQuery struct {
	Wallet wallet.Address // only this one; zero = all
	Cursor string
	Limit  int // 1–200, 0 = 50
}

// userPlace is where a page of users ends.
type userPlace struct{ Wallet string }

// Users returns a page of users in the order of their wallets, and the cursor of the
// next page. It is for operators.
func (s *Sessions) Users(ctx context.Context, by identity.Caller, q UserQuery) (list []User, next string, err error) {
	if by.Role < identity.Operator {
		return nil, "", fault.New(fault.Forbidden, "only operators may list users: sign in as one")
	}
	if err := page.Standard().Check(q.Limit); err != nil {
		return nil, "", err
	}
	pages := page.NewList[userPlace]("users", q.Wallet.String())
	place, err := pages.After(q.Cursor, userPlace{})
	if err != nil {
		return nil, "", err
	}
	ask := userRange{From: wallet.Address{}, To: wallet.Address{}}
	for i := range ask.To {
		ask.To[i] = 0xff
	}
	if !q.Wallet.IsZero() {
		ask.From, ask.To = q.Wallet, q.Wallet
	} else if place.Wallet != "" {
		if ask.From, err = wallet.Parse(place.Wallet); err != nil {
			return nil, "", pages.Wrong()
		}
		ask.After = true
	}
	now := s.o.Now()
	ask.Now, ask.SeenAfter = now.UnixMilli(), now.Add(-s.o.Idle).UnixMilli()
	size := page.Standard().Size(q.Limit)
	rows, err := readUsers(ctx, s.db.Read(), ask, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list users: %w", err)
	}
	rows, next = page.Cut(pages, rows, size, func(r userRow) userPlace { return userPlace{r.Wallet.String()} })
	list = make([]User, len(rows))
	for i, r := range rows {
		list[i] = User{Wallet: r.Wallet, Role: r.Role, Fixed: s.isOperator(r.Wallet), Sessions: r.Sessions, Tokens: r.Tokens, Seen: timeOf(r.SeenAt), Factor: r.Factor}
		if list[i].Fixed {
			list[i].Role = identity.Operator.String()
		}
	}
	return list, next, nil
}
