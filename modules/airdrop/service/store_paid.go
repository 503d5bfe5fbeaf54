package service

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// paidRow is what was paid for a row of a list.
type paidRow struct {
	amount uint256.Int
	claims int
	tx     string // of the last claim
	block  uint64 // of the last claim
}

// paid returns what was paid for a row: by its index, or where the contract names the
// account alone, to the account.
func (s store) paid(ctx context.Context, d airdrop.Distributor, row airdrop.RowClaim) (p paidRow, err error) {
	var found []struct {
		Block  int64  `db:"block"`
		Amount string `db:"amount"`
		TX     []byte `db:"tx"`
	}
	what, which := `list_row = ?`, any(int64(row.Index))
	if kinds[d.Kind].byAccount {
		what, which = `account = ?`, row.Wallet
	}
	err = s.db.Read().Select(ctx, &found, `
		SELECT
			block,
			amount,
			tx
		FROM distributor_claim
		WHERE campaign = ?
			AND `+what+`
		ORDER BY block, log`, d.Campaign, which)
	if err != nil {
		return p, fmt.Errorf("read the claims of a row: %w", err)
	}
	for _, f := range found {
		var amount uint256.Int
		if err := amount.SetFromDecimal(f.Amount); err != nil {
			return p, damaged(d.Campaign, "a claim", err)
		}
		p.amount.Add(&p.amount, &amount)
		p.claims, p.tx, p.block = p.claims+1, "0x"+hex.EncodeToString(f.TX), uint64(f.Block)
	}
	return p, nil
}

// paidAmounts are what was paid for all rows.
type paidAmounts struct {
	kind     kind
	rows     map[int64]uint256.Int
	accounts map[wallet.Address]uint256.Int
	token    wallet.Address // whose claims they are, of a list of several tokens
}

// left reduces a row to what is not paid yet; false: all of it is.
func (p paidAmounts) left(row *merkle.Entry) bool {
	paid, any := p.rows[int64(row.Index)]
	if p.kind.byAccount {
		paid, any = p.accounts[row.Wallet]
	}
	switch {
	case !any:
		return true
	case !p.kind.partial || !paid.Lt(&row.Amount):
		return false
	}
	row.Amount.Sub(&row.Amount, &paid)
	return true
}

func (s store) paidAmounts(ctx context.Context, d airdrop.Distributor) (p paidAmounts, err error) {
	p = paidAmounts{kind: kinds[d.Kind], token: d.Token, rows: make(map[int64]uint256.Int), accounts: make(map[wallet.Address]uint256.Int)}
	rows, err := s.db.Read().Query(ctx, `SELECT list_row, account, amount FROM distributor_claim WHERE campaign = ?`, d.Campaign)
	if err != nil {
		return p, fmt.Errorf("read claims: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var row int64
		var account wallet.Address
		var text string
		if err := rows.Scan(&row, &account, &text); err != nil {
			return p, fmt.Errorf("read claims: %w", err)
		}
		var amount uint256.Int
		if err := amount.SetFromDecimal(text); err != nil {
			return p, damaged(d.Campaign, "a claim", err)
		}
		if p.kind.byAccount {
			before := p.accounts[account]
			p.accounts[account] = *amount.Add(&amount, &before)
			continue
		}
		before := p.rows[row]
		p.rows[row] = *amount.Add(&amount, &before)
	}
	return p, rows.Err()
}
