package service

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// views asks a distributor and its token what they are.
type views struct {
	chains *chain.Chains
	chain  uint64
	block  common.Hash // after which they are asked; none: the newest
	abi    abi.ABI
}

func (o Options) views(chainID uint64) (views, error) {
	if o.Chains == nil || !o.Chains.Knows(chainID) {
		return views{}, fault.Newf(fault.Unavailable, "the settings name no node of chain %d: add one to chain.nodes", chainID)
	}
	contract, err := contracts.Load(contracts.Distributor)
	return views{chains: o.Chains, chain: chainID, abi: contract.ABI}, err
}

// word returns the 32 bytes that a view answers; ok is false when the contract has
// no such view, or there is no contract.
func (v views) word(ctx context.Context, at wallet.Address, call []byte) (word [32]byte, ok bool, err error) {
	out, err := v.chains.CallAt(ctx, v.chain, v.block, at, call)
	switch {
	case errors.Is(err, chain.ErrReverted):
		return word, false, nil
	case err != nil:
		return word, false, unreachable(v.chain, err)
	case len(out) < 32:
		return word, false, nil
	}
	return [32]byte(out[:32]), true, nil
}

// unreachable says that a chain cannot be asked now. What the nodes failed with is
// in the log.
func unreachable(chainID uint64, err error) error {
	if errors.Is(err, signature.ErrNoSuchChain) || fault.CodeOf(err) != fault.Internal {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, fmt.Sprintf("no node of chain %d answers as it should: try again in a minute, and see the log", chainID))
}

func (v views) view(ctx context.Context, at wallet.Address, name string) ([32]byte, bool, error) {
	return v.word(ctx, at, v.abi.Methods[name].ID)
}

// balance is what an account has of a token.
func (v views) balance(ctx context.Context, token, of wallet.Address) (uint256.Int, error) {
	word, ok, err := v.word(ctx, token, append([]byte{0x70, 0xa0, 0x82, 0x31, 11: 0, 12: 0, 13: 0, 14: 0, 15: 0}, of[:]...)) // balanceOf(address)
	if err == nil && !ok {
		err = fault.Newf(fault.Invalid, "the contract %s does not say what accounts have: it is no ERC-20 token", token)
	}
	return *new(uint256.Int).SetBytes(word[:]), err
}

// decimals is how many decimals a token says it has, in digits; ok is false when it is
// no token that says so.
func (v views) decimals(ctx context.Context, token wallet.Address) (digits string, ok bool, err error) {
	word, ok, err := v.word(ctx, token, []byte{0x31, 0x3c, 0xe5, 0x67}) // decimals()
	if !ok || err != nil {
		return "no", false, err
	}
	return new(uint256.Int).SetBytes(word[:]).Dec(), true, nil
}

// distributorFacts are what a contract says of itself.
type distributorFacts struct {
	token wallet.Address
	endMS int64
}

// inspect asks a contract whether it is the distributor of a campaign.
func (v views) inspect(ctx context.Context, c airdrop.Campaign, at wallet.Address) (f distributorFacts, err error) {
	root, ok, err := v.view(ctx, at, "merkleRoot")
	if err != nil {
		return f, err
	}
	token, ok2, err := v.view(ctx, at, "token")
	if err != nil {
		return f, err
	}
	if !ok || !ok2 {
		return f, fault.Newf(fault.Invalid, "there is no distributor at %s on chain %d: a contract there must have merkleRoot() and token()", at, v.chain)
	}
	if merkle.Hash(root) != *c.Root {
		return f, fault.Newf(fault.Conflict, "the contract %s has the root %s, and the campaign %s: it is for another list, so nothing was changed", at, merkle.Hash(root), c.Root)
	}
	f.token = wallet.Address(token[12:])
	decimals, ok, err := v.decimals(ctx, f.token)
	if err != nil {
		return f, err
	}
	if !ok || decimals != strconv.Itoa(c.Decimals) {
		return f, fault.Newf(fault.Conflict, "the token %s has %s decimals, and the campaign %d: amounts would be shown wrong, so nothing was changed", f.token, decimals, c.Decimals)
	}
	end, ok, err := v.view(ctx, at, "endTime")
	if err != nil {
		return f, err
	}
	if seconds := new(uint256.Int).SetBytes(end[:]); ok && seconds.IsUint64() && seconds.Uint64() < 1<<43 {
		f.endMS = int64(seconds.Uint64()) * 1000
	}
	return f, nil
}

// FollowDistributor implements Service.
func (s *service) FollowDistributor(ctx context.Context, q airdrop.DistributorToFollow) (airdrop.Distributor, error) {
	var none airdrop.Distributor
	c, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return none, err
	}
	if c.State != airdrop.Built {
		return none, errNotBuilt()
	}
	if c.Format != merkle.OZIndexed && c.Format != merkle.Uniswap {
		return none, fault.New(fault.Unsupported, "claims are read of distributors whose lists have the format oz-indexed or uniswap")
	}
	v, err := s.options.views(q.Chain)
	if err != nil {
		return none, err
	}
	facts, err := v.inspect(ctx, c.Campaign, q.Address)
	if err != nil {
		return none, err
	}
	balance, err := v.balance(ctx, facts.token, q.Address)
	if err != nil {
		return none, err
	}
	first := q.FirstBlock
	if first == 0 {
		if first, err = s.options.Chains.CodeSince(ctx, q.Chain, q.Address); err != nil || first == 0 {
			return none, fault.Wrap(err, fault.Invalid, "the distributor cannot be followed: see the fields").With(
				fault.Field{Name: "first_block", Message: "is needed, because no node has the old states in which the contract's beginning could be looked for: name the block in which it was deployed, or one before"})
		}
	}
	d := airdrop.Distributor{
		Campaign: c.ID, Chain: q.Chain, Address: q.Address, Token: facts.token, EndMS: facts.endMS, State: airdrop.Reading, Balance: balance, CheckedMS: s.options.nowMS(),
	}
	if err := s.store.setDistributor(ctx, d, first, identity.From(ctx).Name()); err != nil {
		return none, err
	}
	return s.Distributor(ctx, airdrop.CampaignQuery{ID: q.ID})
}

// Distributor implements Service.
func (s *service) Distributor(ctx context.Context, q airdrop.CampaignQuery) (airdrop.Distributor, error) {
	c, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return airdrop.Distributor{}, err
	}
	d, err := s.store.distributor(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return airdrop.Distributor{}, err
	}
	if d.Claimed.Lt(&c.Total) {
		d.Remaining.Sub(&c.Total, &d.Claimed)
	}
	return d, s.store.addDetails(ctx, &d)
}

// behind is how far the reading of a chain may be behind, or this machine's clock wrong,
// before claims are called closed by this clock: the contract goes by the chain's.
const behind = 15 * time.Minute

func closed(d airdrop.Distributor, nowMS int64) bool {
	return d.EndMS > 0 && (d.EndMS <= d.ReadToMS || d.EndMS <= nowMS-behind.Milliseconds())
}

// ClaimCall implements Service.
func (s *service) ClaimCall(ctx context.Context, q airdrop.ClaimQuery) (airdrop.ClaimCall, error) {
	claim, err := s.Claim(ctx, q)
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	d, err := s.store.distributor(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	rows := claim.Claims
	if len(rows) == 0 {
		rows = []airdrop.RowClaim{{Wallet: claim.Wallet, Index: claim.Index, Amount: claim.Amount, Proof: claim.Proof}}
	}
	contract, err := contracts.Load(contracts.Distributor)
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	call := airdrop.ClaimCall{Campaign: q.ID, Wallet: q.Wallet, Chain: d.Chain, To: d.Address}
	for _, row := range rows {
		call.Index, call.Amount = row.Index, row.Amount
		done, tx, block, err := s.store.claimed(ctx, q.ID, row.Index)
		if err != nil {
			return airdrop.ClaimCall{}, err
		}
		call.State, call.TX = airdrop.ClaimOpen, ""
		switch {
		case done && block > d.Final:
			call.State, call.TX = airdrop.ClaimPending, tx
		case done:
			call.State, call.TX = airdrop.ClaimDone, tx
		case closed(d, s.options.nowMS()):
			call.State = airdrop.ClaimClosed
		}
		call.Short = d.Balance.Lt(&row.Amount)
		if call.Data, err = claimData(contract.ABI, row); err != nil {
			return airdrop.ClaimCall{}, err
		}
		if !done {
			break
		}
	}
	return call, nil
}

// Unclaimed implements Service.
func (s *service) Unclaimed(ctx context.Context, q airdrop.CampaignQuery) (seam.Stream, error) {
	if _, err := s.store.distributor(ctx, s.options.DB.Read(), q.ID); err != nil {
		return seam.Stream{}, err
	}
	claimed, err := s.store.claimedRows(ctx, q.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	tree, err := s.trees.get(ctx, q.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	return seam.Stream{ContentType: "text/csv", Write: func(w io.Writer) error {
		defer tree.leave()
		out := csv.NewWriter(w)
		if err := out.Write([]string{"index", "address", "amount"}); err != nil {
			return err
		}
		for i := range tree.tree.Count() {
			row, err := tree.tree.At(i)
			if err != nil {
				return tree.unreadable(err)
			}
			if _, done := slices.BinarySearch(claimed, int64(row.Index)); done {
				continue
			}
			if err := out.Write([]string{strconv.FormatUint(row.Index, 10), row.Wallet.String(), row.Amount.Dec()}); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}}, nil
}
