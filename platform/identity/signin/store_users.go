package signin

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type userRow struct {
	Wallet   wallet.Address `db:"wallet"`
	Role     string         `db:"role"`
	Sessions int            `db:"sessions"`
	Tokens   int            `db:"tokens"`
	SeenAt   *int64         `db:"seen_at"`
	Factor   bool           `db:"factor"` // it has set up a second one
}

// userRange is a part of the wallets, in their order.
type userRange struct {
	From, To  wallet.Address // both are in it
	After     bool           // From is not
	Now       int64          // sessions and tokens that have expired do not count
	SeenAfter int64          // nor do sessions that were not used since
}

// readUsers returns wallets with a session, a token or a role, in their order.
func readUsers(ctx context.Context, q database.Queryer, ask userRange, limit int) (rows []userRow, err error) {
	after := 0
	if ask.After {
		after = 1
	}
	err = q.Select(ctx, &rows, `
		SELECT u.wallet,
		       COALESCE(r.role, 'member') AS role,
		       (SELECT COUNT(*)
		          FROM session s
		         WHERE s.wallet = u.wallet
		           AND s.expires_at > ?
		           AND s.seen_at > ?) AS sessions,
		       (SELECT COUNT(*)
		          FROM api_token t
		         WHERE t.wallet = u.wallet
		           AND t.revoked_at IS NULL
		           AND t.expires_at > ?) AS tokens,
		       (SELECT MAX(s.seen_at)
		          FROM session s
		         WHERE s.wallet = u.wallet) AS seen_at,
		       COALESCE(f.confirmed_at, 0) > 0 AS factor
		  FROM (SELECT wallet
		          FROM session
		         WHERE wallet >= ? AND wallet <= ?
		         UNION
		        SELECT wallet
		          FROM api_token
		         WHERE wallet >= ? AND wallet <= ?
		         UNION
		        SELECT wallet
		          FROM wallet_role
		         WHERE wallet >= ? AND wallet <= ?) u
		  LEFT JOIN wallet_role r ON r.wallet = u.wallet
		  LEFT JOIN second_factor f ON f.wallet = u.wallet
		 WHERE (? = 0 OR u.wallet <> ?)
		 ORDER BY u.wallet
		 LIMIT ?`, ask.Now, ask.SeenAfter, ask.Now, ask.From, ask.To, ask.From, ask.To, ask.From, ask.To, after, ask.From, limit)
	return rows, err
}
