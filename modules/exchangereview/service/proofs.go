package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/modules/exchangereview/swaps"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// Chains is what this module needs of chains beside Contracts; *chain.Chains
// implements it.
type Chains interface {
	Transaction(ctx context.Context, chainID uint64, hash [32]byte) (chain.Transaction, error)
	Call(ctx context.Context, chainID uint64, to wallet.Address, data []byte) ([]byte, error)
}

var _ Chains = (*chain.Chains)(nil)

// ProveUse implements Service.
func (s *service) ProveUse(ctx context.Context, q exchangereview.Transaction) (exchangereview.Review, error) {
	of, err := caller(ctx)
	if err != nil {
		return exchangereview.Review{}, err
	}
	exchange, err := s.known(ctx, q.Slug)
	if err != nil {
		return exchangereview.Review{}, err
	}
	if err := s.hasReview(ctx, exchange.ID, of); err != nil { // before nodes are asked
		return exchangereview.Review{}, err
	}
	found, err := s.lookAt(ctx, &exchange, q.ChainID, q.Tx, of)
	if err != nil {
		return exchangereview.Review{}, fmt.Errorf("look at a transaction on %s: %w", wallet.ChainName(q.ChainID), err)
	}
	return s.prove(ctx, &exchange, of, func(context.Context, *database.Tx) (*proofRow, error) { return found, nil })
}

func (s *service) hasReview(ctx context.Context, exchange int64, of wallet.Address) error {
	row, err := live(ctx, s.store.db.Read(), exchange, of)
	if database.IsNoRows(err) || err == nil && row.State > stateWaiting {
		return noReview(of)
	}
	return err
}

// RecheckProof implements Service. Of an attestation the signature is checked again.
func (s *service) RecheckProof(ctx context.Context, q exchangereview.ProofQuery) (exchangereview.Review, error) {
	exchange, err := s.known(ctx, q.Slug)
	if err != nil {
		return exchangereview.Review{}, err
	}
	row, err := proofOf(ctx, s.store.db.Read(), exchange.ID, q.Wallet)
	if database.IsNoRows(err) {
		return exchangereview.Review{}, fault.NoSuch("proof", "nothing shows that %s used this exchange", q.Wallet)
	}
	if err != nil {
		return exchangereview.Review{}, err
	}
	again := &row
	if row.Grade == proofAttestation {
		err = s.attestedStill(ctx, q, &row)
	} else {
		again, err = s.lookAt(ctx, &exchange, row.Chain, exchangereview.Hash(row.Tx), q.Wallet)
	}
	shows := !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden)
	if err != nil && shows { // no answer
		return exchangereview.Review{}, fmt.Errorf("look at a proof again: %w", err)
	}
	return s.prove(ctx, &exchange, q.Wallet, func(ctx context.Context, tx *database.Tx) (*proofRow, error) {
		now, err := proofOf(ctx, tx, exchange.ID, q.Wallet)
		switch {
		case err != nil && !database.IsNoRows(err):
			return nil, err
		case err == nil && !now.same(&row): // replaced while the chain was asked
			return &now, nil
		}
		if err := dropProof(ctx, tx, exchange.ID, q.Wallet); err != nil || !shows {
			return nil, err
		}
		again.CheckedMS = s.clock().UnixMilli()
		return again, nil
	})
}

func (r *proofRow) same(other *proofRow) bool {
	return r.Grade == other.Grade && r.Chain == other.Chain && string(r.Tx) == string(other.Tx) && string(r.Attested) == string(other.Attested)
}

// lookAt returns what a transaction shows of a wallet and an exchange.
func (s *service) lookAt(ctx context.Context, exchange *exchangeRow, chainID uint64, hash exchangereview.Hash, of wallet.Address) (*proofRow, error) {
	if s.chains == nil {
		return nil, unknownChain(chainID)
	}
	entry, err := exchange.entry()
	if err != nil {
		return nil, err
	}
	t, err := s.chains.Transaction(ctx, chainID, hash)
	switch {
	case errors.Is(err, chain.ErrNoTransaction):
		return nil, fault.NoSuch("transaction", "%s has no block with %s: look whether this is its chain, and whether it is confirmed", wallet.ChainName(chainID), hash)
	case errors.Is(err, signature.ErrNoSuchChain):
		return nil, unknownChain(chainID)
	case err != nil:
		return nil, silentChain(chainID, err)
	case !t.Succeeded:
		return nil, fault.New(fault.Invalid, "this transaction failed: it shows no use")
	case t.Head < t.Block+exchangereview.Confirmations:
		return nil, fault.Newf(fault.Conflict, "this transaction is in block %d, and the newest is %d: it counts when %d blocks have followed, so try again later", t.Block, t.Head, exchangereview.Confirmations)
	}
	row := &proofRow{Grade: proofSwap, CheckedMS: s.clock().UnixMilli(), Chain: chainID, Tx: hash[:], TxBlock: t.Block, TimeMS: t.TimeMS}
	events := make([]swaps.Event, len(t.Events))
	for i, e := range t.Events {
		events[i] = swaps.Event{Contract: e.Contract, Topics: e.Topics, Data: e.Data}
	}
	contracts := slices.Concat(onChain(entry.Factories, chainID), onChain(entry.Routers, chainID))
	pool, found, err := swaps.Find(ctx, s.ask(chainID), of, t.From == of, events, contracts)
	if err != nil {
		return nil, silentChain(chainID, err)
	}
	if found {
		row.Contract = pool[:]
		return row, nil
	}
	if by, paid := paidBy(&t, events, of, onChain(entry.Wallets, chainID)); paid {
		row.Grade, row.Contract = proofWithdrawal, by[:]
		return row, nil
	}
	return nil, fault.Newf(fault.Invalid, "this transaction does not show that %s used %s: it has no swap of this wallet in a pool of its %d known contracts on %s, and is no payment of its %d known wallets there to this wallet",
		of, entry.Name, len(contracts), wallet.ChainName(chainID), len(onChain(entry.Wallets, chainID)))
}

// paidBy returns which wallet of the exchange paid, in a transaction that it sent.
func paidBy(t *chain.Transaction, events []swaps.Event, to wallet.Address, from []wallet.Address) (by wallet.Address, paid bool) {
	switch {
	case !slices.Contains(from, t.From):
		return by, false
	case t.To == to && t.Pays:
		return t.From, true
	}
	return swaps.Paid(events, to, from)
}

// ask calls a contract of the chain.
func (s *service) ask(chainID uint64) swaps.Ask {
	return func(ctx context.Context, contract wallet.Address, data []byte) ([]byte, bool, error) {
		out, err := s.chains.Call(ctx, chainID, contract, data)
		if errors.Is(err, chain.ErrReverted) {
			return nil, false, nil
		}
		return out, err == nil, err
	}
}

func unknownChain(chainID uint64) error {
	return fault.Newf(fault.Unsupported, "a transaction on %s cannot be looked at here: no node of that chain is configured", wallet.ChainName(chainID))
}

func silentChain(chainID uint64, err error) error {
	if fault.Is(err, fault.Busy) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, wallet.ChainName(chainID)+" did not say: try again in a while")
}

// onChain returns the addresses of a chain; one without a chain is on all of them.
func onChain(all []directory.Contract, chainID uint64) (list []wallet.Address) {
	for _, c := range all {
		if c.Chain == "" || chainCalled(c.Chain) == chainID {
			list = append(list, c.Address)
		}
	}
	return list
}

// chainCalled returns the number of a chain by the name that directories use, 0 for
// one that is not known. They use others than wallets do for a few.
func chainCalled(name string) uint64 {
	switch name {
	case "ethereum":
		return 1
	case "cronos":
		return 25
	case "gnosis":
		return 100
	case "fantom":
		return 250
	case "era":
		return 324
	case "moonbeam":
		return 1284
	case "moonriver":
		return 1285
	case "klaytn":
		return 8217
	case "avalanche":
		return 43114
	case "scroll":
		return 534352
	}
	id, err := wallet.ParseChain(name)
	if err != nil {
		return 0
	}
	return id
}

// prove stores what find returns, nil: nothing, and counts the review with it.
func (s *service) prove(ctx context.Context, exchange *exchangeRow, of wallet.Address, find func(context.Context, *database.Tx) (*proofRow, error)) (r exchangereview.Review, err error) {
	now, err := s.now.forWrite(ctx, s.store.db.Read())
	if err != nil {
		return r, err
	}
	err = s.store.db.Write(ctx, func(tx *database.Tx) error {
		by, err := admitReviewer(ctx, tx, of, weight{units: weightLeast, epoch: epochUnknown}, now.Day)
		if err != nil {
			return err
		}
		before, err := live(ctx, tx, exchange.ID, of)
		if database.IsNoRows(err) || err == nil && before.State > stateWaiting {
			return noReview(of)
		}
		if err != nil {
			return err
		}
		found, err := find(ctx, tx)
		if err != nil {
			return err
		}
		grade := proofNone
		if found != nil {
			if grade, err = s.keepBest(ctx, tx, exchange.ID, of, found); err != nil {
				return err
			}
		}
		if err := setGrade(ctx, tx, before.ID, grade); err != nil {
			return err
		}
		err = changeSums(ctx, tx, exchange.ID, &now, func(s *sums) {
			before.uncount(s, by)
			after := before
			after.Proof = grade
			s.put(1, by, after.State, after.rated(after.CreatedMS))
		})
		if err != nil {
			return err
		}
		row, err := shownReview(ctx, tx, exchange.ID, of)
		r = row.review()
		return err
	})
	if err != nil {
		return exchangereview.Review{}, fmt.Errorf("store a proof of use of %s: %w", exchange.Slug, err)
	}
	return r, nil
}

// keepBest stores a proof unless a better one is there, and returns the grade that
// counts.
func (s *service) keepBest(ctx context.Context, tx *database.Tx, exchange int64, of wallet.Address, found *proofRow) (int, error) {
	stored, err := proofOf(ctx, tx, exchange, of)
	switch {
	case err != nil && !database.IsNoRows(err):
		return 0, err
	case err == nil && stored.Grade > found.Grade:
		return stored.Grade, nil
	}
	return found.Grade, storeProof(ctx, tx, exchange, of, found)
}
