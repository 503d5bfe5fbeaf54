package service

import (
	"context"
	"fmt"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// MuteWallet implements Service.
func (s *service) MuteWallet(ctx context.Context, q exchangereview.Mute) (done exchangereview.Muted, err error) {
	reader, err := caller(ctx)
	if err != nil {
		return done, err
	}
	if reader == q.Wallet {
		return done, fault.New(fault.Invalid, "this is your own wallet: its reviews are always shown to you").
			With(fault.Field{Name: "wallet", Message: "is the caller's own"})
	}
	done.Wallet = q.Wallet
	err = s.store.db.Write(ctx, func(tx *database.Tx) (err error) {
		if !q.Muted {
			return unmute(ctx, tx, reader, q.Wallet)
		}
		done.MutedMS, err = mute(ctx, tx, reader, q.Wallet, s.clock().UnixMilli())
		return err
	})
	if err != nil {
		return exchangereview.Muted{}, fmt.Errorf("mute a wallet: %w", err)
	}
	return done, nil
}

// MutedWallets implements Service.
func (s *service) MutedWallets(ctx context.Context, _ exchangereview.MutedQuery) (exchangereview.MutedWallets, error) {
	reader, err := caller(ctx)
	if err != nil {
		return exchangereview.MutedWallets{}, err
	}
	rows, err := s.store.mutedBy(ctx, reader)
	if err != nil {
		return exchangereview.MutedWallets{}, fmt.Errorf("list muted wallets: %w", err)
	}
	answer := exchangereview.MutedWallets{Wallets: make([]exchangereview.Muted, len(rows))}
	for i, row := range rows {
		answer.Wallets[i] = exchangereview.Muted(row)
	}
	return answer, nil
}
