package webtest

import (
	"context"
	"slices"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// MuteWallet keeps it for the caller.
func (m *Exchanges) MuteWallet(ctx context.Context, q exchangereview.Mute) (exchangereview.Muted, error) {
	by := identity.From(ctx).Wallet
	if err := q.Validate(); err != nil {
		return exchangereview.Muted{}, err
	}
	if by.IsZero() {
		return exchangereview.Muted{}, fault.New(fault.Unauthenticated, "sign in first")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.muted == nil {
		m.muted = map[wallet.Address][]exchangereview.Muted{}
	}
	list := slices.DeleteFunc(m.muted[by], func(one exchangereview.Muted) bool { return one.Wallet == q.Wallet })
	one := exchangereview.Muted{Wallet: q.Wallet}
	if q.Muted {
		one.MutedMS = m.NowMS()
		list = append([]exchangereview.Muted{one}, list...)
	}
	m.muted[by] = list
	return one, m.failed()
}

// MutedWallets lists those of the caller.
func (m *Exchanges) MutedWallets(ctx context.Context, _ exchangereview.MutedQuery) (exchangereview.MutedWallets, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return exchangereview.MutedWallets{Wallets: slices.Clone(m.muted[identity.From(ctx).Wallet])}, m.failed()
}
