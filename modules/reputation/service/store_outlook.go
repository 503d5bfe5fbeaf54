package service

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// endedRow is a statement that counted, or does.
type endedRow struct {
	Attester wallet.Address `db:"attester"`
	Subject  wallet.Address `db:"subject"`
	ExpiresS int64          `db:"expires_s"`
	RevokedS int64          `db:"revoked_s"`
}

// became says why what its author said before does not count in an epoch of this time,
// when this is the last that was said.
func (r endedRow) became(atMS int64) string {
	switch {
	case r.RevokedS > 0:
		return reputation.CauseRevoked
	case r.ExpiresS <= atMS/1000:
		return reputation.CauseExpired
	}
	return reputation.CauseReplaced
}

// readEnded returns what was attested within pairs, each pair's latest last.
func readEnded(ctx context.Context, r database.Queryer, pairs []pairOf) ([]endedRow, error) {
	args := make([]any, 0, 2*len(pairs))
	for _, p := range pairs {
		args = append(args, p.from, p.to)
	}
	var rows []endedRow
	err := r.Select(ctx, &rows, `
		SELECT
			attester,
			subject,
			expires_s,
			revoked_s
		FROM attestations
		WHERE kind <> ''
			AND (`+strings.TrimSuffix(strings.Repeat("attester = ? AND subject = ? OR ", len(pairs)), " OR ")+`)
		ORDER BY time_s, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what became of statements: %w", err)
	}
	return rows, nil
}

// expiringRow is a statement that will expire.
type expiringRow struct {
	Attester wallet.Address `db:"attester"`
	ExpiresS int64          `db:"expires_s"`
}

// readExpiring returns the statements about a wallet that expire first.
func readExpiring(ctx context.Context, r database.Queryer, of wallet.Address, nowS int64, limit int) ([]expiringRow, error) {
	var rows []expiringRow
	err := r.Select(ctx, &rows, `
		SELECT
			attester,
			MIN(expires_s) AS expires_s
		FROM attestations
		WHERE subject = ?
			AND kind <> ''
			AND live = 1
			AND expires_s > ?
			AND expires_s < ?
		GROUP BY attester
		ORDER BY MIN(expires_s), attester
		LIMIT ?`, of, nowS, int64(never), limit)
	if err != nil {
		return nil, fmt.Errorf("read what expires: %w", err)
	}
	return rows, nil
}
