package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Whose reviews wait for a moderator, see Options.Premoderation.
const (
	Newcomers = "newcomers" // wallets without a review that is shown
	Everybody = "everybody"
)

// policyFor is how long a policy that was read is used: so publishing reads it
// once a second, and a decision is in force at once in the process that made it.
const policyFor = time.Second

// policy says who may write. The wallets that moderators named are few.
type policy struct {
	store         store
	clock         func() time.Time
	premoderation string
	known         atomic.Pointer[namedWallets]
}

type namedWallets struct {
	read  time.Time
	modes map[wallet.Address]walletMode
}

// waiting is whether a review waits for a moderator.
type waiting int

const (
	waitsNot waiting = iota
	waitsAsNewcomer
	waits
)

// ask returns whether a wallet's review waits for a moderator, or refuses it.
func (p *policy) ask(ctx context.Context, writer wallet.Address) (waiting, error) {
	now := p.clock()
	known := p.known.Load()
	if known == nil || now.Sub(known.read) >= policyFor || now.Before(known.read) {
		rows, err := p.store.namedWallets(ctx, now.UnixMilli())
		if err != nil {
			return waits, fmt.Errorf("read who may write: %w", err)
		}
		known = &namedWallets{now, make(map[wallet.Address]walletMode, len(rows))}
		for _, row := range rows {
			known.modes[row.Wallet] = row
		}
		p.known.Store(known)
	}
	mode, named := known.modes[writer]
	if named && mode.UntilMS > 0 && mode.UntilMS <= now.UnixMilli() {
		named = false // it is over
	}
	switch {
	case named && mode.Mode == exchangereview.ActionSuspend:
		until := "until a moderator ends it"
		if mode.UntilMS > 0 {
			until = "until " + time.UnixMilli(mode.UntilMS).UTC().Format(time.RFC3339)
		}
		return waits, fault.Newf(fault.Forbidden, "a moderator has suspended this wallet %s: the reason is in the moderation log", until)
	case named, p.premoderation == Everybody:
		return waits, nil
	case p.premoderation == Newcomers:
		return waitsAsNewcomer, nil
	}
	return waitsNot, nil
}

// forget reads the policy again at the next review.
func (p *policy) forget() { p.known.Store(nil) }

// state returns the state of a new review that would otherwise have this one.
func (w waiting) state(ctx context.Context, tx *database.Tx, writer wallet.Address, otherwise int) (int, error) {
	switch w {
	case waits:
		return stateWaiting, nil
	case waitsAsNewcomer:
		shown, err := hasShown(ctx, tx, writer)
		if err != nil || !shown {
			return stateWaiting, err
		}
	}
	return otherwise, nil
}
