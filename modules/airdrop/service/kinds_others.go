package service

import (
	"context"
	"strings"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// listFacts are what a contract says of the list that it pays.
type listFacts struct {
	root  merkle.Hash // that holds now
	next  merkle.Hash // that is to hold later; zero where none is
	token wallet.Address
}

// listOf asks a contract of a kind for its list. A contract that pays rows once may be
// Sablier's, so the kind is returned, too.
func (v views) listOf(ctx context.Context, kind string, at wallet.Address) (l listFacts, is string, err error) {
	views := [2]string{"merkleRoot", "token"}
	if kind == airdrop.MerklKind {
		views = [2]string{"getMerkleRoot", "tree"}
	}
	root, ok, err := v.view(ctx, at, views[0])
	if err != nil {
		return l, kind, err
	}
	second, ok2, err := v.view(ctx, at, views[1])
	if err != nil {
		return l, kind, err
	}
	l.root, l.token = root, wallet.Address(second[12:])
	switch {
	case kind == airdrop.MerklKind && ok && ok2:
		l.next, l.token = second, wallet.Address{} // the tree that was set last; its tokens stand in the leaves
		return l, kind, nil
	case kind == airdrop.ENSKind && ok:
		if !ok2 { // the token itself pays
			l.token = at
		}
		return l, kind, nil
	case kind == airdrop.CumulativeKind && ok && ok2:
		l.next, _, err = v.view(ctx, at, "pendingRoot")
		return l, kind, err
	case ok && ok2:
		return l, kind, nil
	}
	if kind == airdrop.PlainKind {
		if l, ok, err := v.sablierList(ctx, at); ok || err != nil {
			return l, airdrop.SablierKind, err
		}
	}
	return l, kind, fault.Newf(fault.Invalid, "there is no distributor of this list's format at %s on chain %d: the contract must have %s(). Compare the address, the chain and the format", at, v.chain, needed(kind))
}

// needed are the views that a contract of a kind must have.
func needed(kind string) string {
	switch kind {
	case airdrop.MerklKind:
		return strings.Join([]string{"getMerkleRoot", "tree"}, "() and ")
	case airdrop.PlainKind:
		return "merkleRoot() and token(), or as Sablier's MERKLE_ROOT() and TOKEN"
	}
	return "merkleRoot() and token"
}

// sablierList asks a contract as Sablier's campaigns are asked: until version 1.2 the token
// is called ASSET.
func (v views) sablierList(ctx context.Context, at wallet.Address) (l listFacts, ok bool, err error) {
	root, ok, err := v.view(ctx, at, "MERKLE_ROOT")
	if err != nil || !ok {
		return l, false, err
	}
	token, ok, err := v.view(ctx, at, "TOKEN")
	if err == nil && !ok {
		token, ok, err = v.view(ctx, at, "ASSET")
	}
	if err != nil || !ok {
		return l, false, err
	}
	// A campaign of the kind VCA pays less to whoever claims early, and nobody can claim for another.
	if _, less, err := v.view(ctx, at, "totalForgoneAmount"); err != nil || less {
		if err == nil {
			err = fault.Newf(fault.Unsupported, "the contract %s is a campaign of Sablier in which an early claim gives up a part (VCA), whose claims are not read here: follow one of the kinds Instant, LL or LT", at)
		}
		return l, false, err
	}
	return listFacts{root: root, token: wallet.Address(token[12:])}, true, nil
}

// claimFee is what a contract of Sablier's asks for each claim, in the chain's coin. Where it is
// set in dollars, 2 % are added: the course may move until the claim is there, and a
// claim that pays too little fails.
func (v views) claimFee(ctx context.Context, kind string, at wallet.Address) (fee uint256.Int, err error) {
	if kind != airdrop.SablierKind {
		return fee, nil
	}
	word, ok, err := v.view(ctx, at, "calculateMinFeeWei")
	if err != nil {
		return fee, err
	}
	fee.SetBytes(word[:])
	if ok {
		if more := new(uint256.Int).Div(&fee, uint256.NewInt(50)); !fee.IsZero() {
			fee.Add(&fee, more.AddUint64(more, 1))
		}
		return fee, nil
	}
	if word, ok, err = v.view(ctx, at, "FEE"); err != nil || !ok {
		return fee, err
	}
	fee.SetBytes(word[:])
	return fee, nil
}

// endOf is when claims from a contract end; 0: never.
func (v views) endOf(ctx context.Context, kind string, at wallet.Address) (ms int64, err error) {
	name := "endTime"
	if kind == airdrop.SablierKind {
		name = "EXPIRATION"
	}
	ms, _, err = v.seconds(ctx, at, name)
	return ms, err
}

// has reports whether the contract of a campaign pays its list now, or will.
func (l listFacts) has(root merkle.Hash) (now, later bool) {
	return l.root == root, l.root != root && l.next == root
}

// begun reports whether claims have begun at a time of the chain.
func (v views) begun(ctx context.Context, kind string, at wallet.Address, nowMS int64) (bool, error) {
	if kind != airdrop.SablierKind {
		return true, nil
	}
	start, _, err := v.seconds(ctx, at, "CAMPAIGN_START_TIME")
	return start <= nowMS, err
}

// promisedOf returns the token of a list whose leaves name one, and how much of it the
// list promises. Where the list names several, one must be chosen.
func (s *service) promisedOf(ctx context.Context, campaign string, chosen wallet.Address) (token wallet.Address, promised uint256.Int, err error) {
	tree, err := s.trees.get(ctx, campaign)
	if err != nil {
		return token, promised, err
	}
	defer tree.leave()
	token = chosen
	found := false
	for i := range tree.tree.Count() {
		if i%4096 == 0 && ctx.Err() != nil {
			return token, promised, ctx.Err()
		}
		of, err := tree.tokenAt(i)
		if err != nil {
			return token, promised, err
		}
		switch {
		case token.IsZero():
			token = of
		case token != of && chosen.IsZero():
			return token, promised, fault.New(fault.Invalid, "the distributor cannot be followed: see the fields").With(
				fault.Field{Name: "token", Message: "is needed, because the list pays several tokens: name the one whose claims are to be read"})
		case token != of:
			continue
		}
		row, err := tree.tree.At(i)
		if err != nil {
			return token, promised, tree.unreadable(err)
		}
		found = true
		if _, over := promised.AddOverflow(&promised, &row.Amount); over {
			return token, promised, fault.New(fault.Invalid, "the list promises more of the token than a token can have: correct the list")
		}
	}
	if !found {
		return token, promised, fault.New(fault.Invalid, "the distributor cannot be followed: see the fields").With(
			fault.Field{Name: "token", Message: "is not on the list: name one that the list pays"})
	}
	return token, promised, nil
}

// tokenAt is the token of a row whose leaf names one.
func (t *served) tokenAt(row int) (token wallet.Address, err error) {
	values, err := t.tree.Values(row)
	if err != nil {
		return token, t.unreadable(err)
	}
	return wallet.Parse(values[merklToken])
}

// ofToken are the rows of a wallet that a distributor pays: of one that pays several
// tokens those of the token that is followed.
func ofToken(d airdrop.Distributor, rows []airdrop.RowClaim) (of []airdrop.RowClaim, err error) {
	if !kinds[d.Kind].tokens {
		return rows, nil
	}
	for _, row := range rows {
		if len(row.Values) <= merklToken {
			continue
		}
		if token, err := wallet.Parse(row.Values[merklToken]); err == nil && token == d.Token {
			of = append(of, row)
		}
	}
	if len(of) == 0 {
		return nil, fault.NoSuch("claim", "the wallet has nothing of the token %s on this list: check the address", d.Token)
	}
	return of, nil
}
