package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// views asks a distributor and its token what they are.
type views struct {
	chains *chain.Chains
	chain  uint64
	block  common.Hash // after which they are asked; none: the newest
}

func (o Options) views(chainID uint64) (views, error) {
	if o.Chains == nil || !o.Chains.Knows(chainID) {
		return views{}, fault.Newf(fault.Unavailable, "the settings name no node of chain %d: add one to chain.nodes", chainID)
	}
	return views{chains: o.Chains, chain: chainID}, nil
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
	return v.word(ctx, at, crypto.Keccak256([]byte(name + "()"))[:4])
}

// balance is what an account has of a token.
func (v views) balance(ctx context.Context, token, of wallet.Address) (uint256.Int, error) {
	word, ok, err := v.word(ctx, token, append([]byte{0x70, 0xa0, 0x82, 0x31, 11: 0, 12: 0, 13: 0, 14: 0, 15: 0}, of[:]...)) // balanceOf(address)
	if err == nil && !ok {
		err = fault.Newf(fault.Invalid, "the contract %s does not say what accounts have: it is no ERC-20 token, so correct the token or the contract", token)
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
	token   wallet.Address
	endMS   int64
	kind    string
	vesting *airdrop.Vesting // nil: it pays at once
	ours    bool
	fee     uint256.Int // of each claim, in the chain's coin
}

// inspect asks a contract whether it is the distributor of a campaign. token is the one
// that is to be paid; zero: the one that the contract names.
func (v views) inspect(ctx context.Context, c airdrop.Campaign, at, token wallet.Address) (f distributorFacts, err error) {
	l, kind, err := v.listOf(ctx, kindOf(c.Format), at)
	if err != nil {
		return f, err
	}
	f.kind, f.token = kind, l.token
	if now, later := l.has(*c.Root); !now && !later {
		return f, fault.Newf(fault.Conflict, "the contract %s has the root %s, and the campaign %s: it is for another list, so nothing was changed. Compare the address, or build a campaign of that list", at, l.root, c.Root)
	}
	switch {
	case kinds[kind].tokens:
		f.token = token
	case !token.IsZero() && token != f.token:
		return f, fault.Newf(fault.Conflict, "the contract %s pays the token %s, and not %s, so nothing was changed: compare the token and the address", at, f.token, token)
	}
	decimals, ok, err := v.decimals(ctx, f.token)
	if err != nil {
		return f, err
	}
	if !ok || decimals != strconv.Itoa(c.Decimals) {
		return f, fault.Newf(fault.Conflict, "the token %s has %s decimals, and the campaign %d: amounts would be shown wrong, so nothing was changed. Compare the contract, or create a campaign with the token's decimals", f.token, decimals, c.Decimals)
	}
	if f.endMS, err = v.endOf(ctx, kind, at); err != nil {
		return f, err
	}
	if f.fee, err = v.claimFee(ctx, kind, at); err != nil {
		return f, err
	}
	if f.ours, err = v.signsAsOurs(ctx, at); err != nil || kind != airdrop.PlainKind {
		return f, err
	}
	return f, v.addVesting(ctx, at, &f)
}

// addVesting finds out whether a contract pays little by little.
func (v views) addVesting(ctx context.Context, at wallet.Address, f *distributorFacts) error {
	duration, ok, err := v.seconds(ctx, at, "duration")
	if err != nil || !ok || duration == 0 {
		return err
	}
	start, _, err := v.seconds(ctx, at, "start")
	if err != nil {
		return err
	}
	cliff, _, err := v.seconds(ctx, at, "cliff")
	if err != nil {
		return err
	}
	f.kind, f.vesting = airdrop.VestingKind, &airdrop.Vesting{StartMS: start, CliffMS: cliff, DurationMS: duration}
	return nil
}

// seconds asks for a time, and returns it in milliseconds; 0 where there is none, or one
// that no calendar has.
func (v views) seconds(ctx context.Context, at wallet.Address, name string) (ms int64, ok bool, err error) {
	word, ok, err := v.view(ctx, at, name)
	if n := new(uint256.Int).SetBytes(word[:]); ok && n.IsUint64() && n.Uint64() < 1<<43 {
		return int64(n.Uint64()) * 1000, true, err
	}
	return 0, false, err
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
	if kindOf(c.Format) == "" {
		return none, errNotFollowed()
	}
	v, err := s.options.views(q.Chain)
	if err != nil {
		return none, err
	}
	promised := c.Total
	if kinds[kindOf(c.Format)].tokens {
		if q.Token, promised, err = s.promisedOf(ctx, c.ID, q.Token); err != nil {
			return none, err
		}
	}
	facts, err := v.inspect(ctx, c.Campaign, q.Address, q.Token)
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
		Kind: facts.kind, Vesting: facts.vesting, Redirects: facts.ours, Campaign: c.ID, Chain: q.Chain, Address: q.Address, Token: facts.token, EndMS: facts.endMS, State: airdrop.Reading, Balance: balance, Promised: promised, Fee: facts.fee, CheckedMS: s.options.nowMS(),
	}
	if err := s.store.setDistributor(ctx, d, first, identity.From(ctx).Name()); err != nil {
		return none, err
	}
	return s.Distributor(ctx, airdrop.CampaignQuery{ID: q.ID})
}

// Distributor implements Service.
func (s *service) Distributor(ctx context.Context, q airdrop.CampaignQuery) (d airdrop.Distributor, err error) {
	// In one state: claims are read, and taken back, while this is asked.
	err = s.options.DB.Snapshot(ctx, func(r database.Reader) error {
		c, err := s.store.campaign(ctx, r, q.ID)
		if err != nil {
			return err
		}
		if d, err = s.store.distributor(ctx, r, q.ID); err != nil {
			return err
		}
		d.Promised = promisedBy(d, c.Campaign)
		if d.Claimed.Lt(&d.Promised) {
			d.Remaining.Sub(&d.Promised, &d.Claimed)
		}
		return s.store.addDetails(ctx, r, &d)
	})
	return d, err
}

// promisedBy is what a distributor is to pay of a campaign: all, but of a list of several
// tokens. A distributor that was followed before there were such lists does not have it.
func promisedBy(d airdrop.Distributor, c airdrop.Campaign) uint256.Int {
	if d.Promised.IsZero() {
		return c.Total
	}
	return d.Promised
}

func errNotFollowed() error {
	return fault.New(fault.Unsupported, "claims are read of distributors whose lists have the format oz-indexed (Banyan's and Sablier's), uniswap, cumulative (1inch's) or ens, or leaves of Merkl's (address user, address token, uint256 amount, hashed once): create a campaign with the format of the contract")
}

// behind is how far the reading of a chain may be behind, or this machine's clock wrong,
// before claims are called closed by this clock: the contract goes by the chain's.
const behind = 15 * time.Minute

func closed(d airdrop.Distributor, nowMS int64) bool {
	return d.State == airdrop.Ended || d.EndMS > 0 && (d.EndMS <= d.ReadToMS || d.EndMS <= nowMS-behind.Milliseconds())
}
