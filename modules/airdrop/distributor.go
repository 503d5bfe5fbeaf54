package airdrop

import (
	"context"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// OnChain is the part of Service that is about the contract that pays a campaign,
// its distributor:
//
//	built ──PlanDistributor──▶ transactions, sent by whoever has the tokens ──FollowDistributor──▶ reading ──▶ live ──▶ ended
//	                                                                                                  └──▶ short: it has not all the tokens
type OnChain interface {
	// PlanDistributor returns the transactions that deploy and fund the distributor
	// of a built campaign. It stores and sends nothing. NotFound. Conflict: not built
	// yet, the token has other decimals than the campaign, or it is a next round of a
	// distributor that no campaign has followed, so that nobody knows what it has paid.
	// Unsupported: the tree is of neither format oz-indexed nor cumulative, or nothing
	// can be deployed on the chain in this way.
	// Invalid: see DistributorPlan, or there is no such token on the chain. The chain is
	// asked where the settings name a node of it; Unavailable: none answers.
	PlanDistributor(context.Context, DistributorPlan) (PlannedDistributor, error)
	// FollowDistributor makes a contract the campaign's distributor, after the chain
	// has shown that its root is the campaign's and its token has the campaign's
	// decimals: ours, or any with the functions and the events of Uniswap's, Sablier's
	// (format oz-indexed), 1inch's (format cumulative), ENS's (format ens) or Merkl's (leaves
	// of address user, address token, uint256 amount). From then
	// on its claims are read. A distributor before it is replaced. NotFound.
	// Conflict: not built yet, or the root, the token or the decimals differ. Unsupported: the
	// tree is of another format. Invalid: there is no such contract, or its first block or the
	// token must be named. Unavailable: no node of the chain is in the settings, or none answers.
	FollowDistributor(context.Context, DistributorToFollow) (Distributor, error)
	// Distributor returns the campaign's distributor and what was claimed from it.
	// NotFound: no such campaign, or it has none.
	Distributor(context.Context, CampaignQuery) (Distributor, error)
	// ClaimCall returns the transaction with which anybody claims for a wallet, or where
	// the contract wants it so the wallet itself, and whether that was done: for a wallet with several rows, of the first that is not
	// claimed. NotFound: also a wallet that is not on the list.
	ClaimCall(context.Context, ClaimQuery) (ClaimCall, error)
	// ClaimElsewhere returns how a wallet's tokens are paid to another address, see
	// ClaimElsewhereQuery. NotFound as ClaimCall. Unsupported: the contract is not ours and
	// pays the account alone. Invalid: the signature is not the wallet's, or has expired.
	ClaimElsewhere(context.Context, ClaimElsewhereQuery) (ClaimElsewhere, error)
	// Unclaimed returns the rows that nobody has claimed, as CSV with the header
	// index,address,amount, in the order of the list; of a row that is paid in parts what
	// is left. NotFound.
	Unclaimed(context.Context, CampaignQuery) (seam.Stream, error)
	// LargestUnclaimed returns the MostUnclaimed largest of them, the largest first, and
	// how many there are. NotFound.
	LargestUnclaimed(context.Context, CampaignQuery) (UnclaimedRows, error)
}

// DistributorPlan says what distributor a campaign is to have.
type DistributorPlan struct {
	ID    string         `path:"id" json:"-"`
	Chain uint64         `json:"chain"` // its number (EIP-155)
	Token wallet.Address `json:"token"`
	Owner wallet.Address `json:"owner"`  // who may withdraw what is left, from the end on
	EndMS int64          `json:"end_ms"` // UTC milliseconds, whole seconds
	// Vesting pays a list of the format oz-indexed little by little; nil: at once.
	Vesting *Vesting `json:"vesting,omitempty"`
	// Of the format cumulative: how long a new root waits before it holds, and the
	// distributor of the rounds before, whose next round this campaign is; zero = a new one.
	DelayMS  int64          `json:"delay_ms,omitempty"`
	Contract wallet.Address `json:"contract,omitzero"`
}

// Vesting says what of an amount is there to claim: nothing before the cliff, then a part
// as large as the part of the duration that has passed, and all of it at the end.
type Vesting struct {
	StartMS    int64 `json:"start_ms"`    // UTC; all three in whole seconds
	CliffMS    int64 `json:"cliff_ms"`    // after the start
	DurationMS int64 `json:"duration_ms"` // from the start
}

// Vested is what of an amount is there at a time, rounded down to a unit and a second.
func (v Vesting) Vested(amount uint256.Int, atMS int64) (vested uint256.Int) {
	passed := atMS/1000 - v.StartMS/1000
	switch duration := v.DurationMS / 1000; {
	case passed < v.CliffMS/1000 || passed < 0:
		return vested
	case passed >= duration:
		return amount
	default:
		vested.MulDivOverflow(&amount, uint256.NewInt(uint64(passed)), uint256.NewInt(uint64(duration))) // less than amount
		return vested
	}
}

// check returns what is wrong with it, "" for nothing.
func (v Vesting) check(endMS int64) string {
	const most = 1 << 50
	for _, ms := range []int64{v.StartMS, v.CliffMS, v.DurationMS} {
		if ms < 0 || ms%1000 != 0 || ms > most {
			return "has times in whole seconds"
		}
	}
	switch {
	case v.DurationMS == 0 || v.CliffMS > v.DurationMS:
		return "has a duration, and a cliff that is not longer"
	case v.StartMS+v.DurationMS >= endMS:
		return "ends before claims end: otherwise the rest would be withdrawn before all has vested"
	}
	return ""
}

// nativeToken is the address with which Polygon's own currency looks like a token:
// its transfers fail unless the same value is sent along, so it cannot be paid.
var nativeToken = wallet.Address{18: 0x10, 19: 0x10}

// Validate refuses what no distributor can have.
func (p DistributorPlan) Validate() error {
	var wrong []fault.Field
	if p.Chain == 0 {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the number of a chain, like 1"})
	}
	if p.Token.IsZero() {
		wrong = append(wrong, fault.Field{Name: "token", Message: "is the address of an ERC-20 token"})
	} else if p.Token == nativeToken {
		wrong = append(wrong, fault.Field{Name: "token", Message: "is a chain's own currency, which a distributor cannot pay: use its wrapped token"})
	}
	if p.Owner.IsZero() {
		wrong = append(wrong, fault.Field{Name: "owner", Message: "is who may withdraw what is left, after the end"})
	}
	if p.EndMS <= 0 || p.EndMS%1000 != 0 {
		wrong = append(wrong, fault.Field{Name: "end_ms", Message: "is a time in whole seconds, in milliseconds since 1970"})
	}
	if p.Vesting != nil {
		if is := p.Vesting.check(p.EndMS); is != "" {
			wrong = append(wrong, fault.Field{Name: "vesting", Message: is})
		}
	}
	if p.DelayMS < 0 || p.DelayMS%1000 != 0 || p.DelayMS > 366*24*3600*1000 {
		wrong = append(wrong, fault.Field{Name: "delay_ms", Message: "is in whole seconds, up to a year"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the distributor cannot be planned: see the fields").With(wrong...)
}

// PlannedDistributor is a distributor that does not exist yet.
type PlannedDistributor struct {
	Chain   uint64         `json:"chain"`
	Address wallet.Address `json:"address"` // where it will be, whoever sends the transactions
	Calls   []ContractCall `json:"calls"`   // in this order
	// Safe is the same as a file for the Transaction Builder of Safe, in JSON.
	Safe string `json:"safe"`
	// Notes say what to look at before anything is sent; sentences for people.
	Notes []string `json:"notes,omitempty"`
}

// ContractCall is one transaction.
type ContractCall struct {
	Title string         `json:"title"` // for people
	To    wallet.Address `json:"to"`
	Data  string         `json:"data"` // 0x and hex digits
}

// DistributorToFollow names a contract.
type DistributorToFollow struct {
	ID      string         `path:"id" json:"-"`
	Chain   uint64         `json:"chain"`
	Address wallet.Address `json:"address"`
	// FirstBlock is where it was deployed, or any block before; 0: it is looked for,
	// for which the node must have old states.
	FirstBlock uint64 `json:"first_block,omitempty"`
	// Token is the one whose claims are read, of a list whose leaves name several; zero: the
	// one that the contract or the list has.
	Token wallet.Address `json:"token,omitzero"`
}

// Validate refuses a contract without a chain or an address.
func (f DistributorToFollow) Validate() error {
	var wrong []fault.Field
	if f.Chain == 0 {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the number of a chain, like 1"})
	}
	if f.Address.IsZero() {
		wrong = append(wrong, fault.Field{Name: "address", Message: "is the address of the distributor"})
	}
	if f.FirstBlock > 1<<53 {
		wrong = append(wrong, fault.Field{Name: "first_block", Message: "is the number of a block"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the distributor cannot be followed: see the fields").With(wrong...)
}

// The states of a distributor.
const (
	Reading = "reading" // its claims until now are being read
	Short   = "short"   // it has less than what is still to be claimed
	Waiting = "waiting" // the root of this round does not hold yet
	Live    = "live"
	Ended   = "ended" // claims are closed, or the root of another round holds
)

// The kinds of distributors. Others with the same functions and events are read as well:
// plain is Uniswap's, cumulative 1inch's. Sablier's pay a row once, at once or into a stream.
const (
	PlainKind      = "plain"      // pays each row once
	VestingKind    = "vesting"    // pays each row little by little
	CumulativeKind = "cumulative" // pays what an account has not got in the rounds before
	ENSKind        = "ens"        // the token itself pays, whoever claims for themselves
	SablierKind    = "sablier"    // pays each row once, for a fee
	MerklKind      = "merkl"      // pays several tokens, as cumulative, whoever claims for themselves
)

// Distributor is the contract that pays a campaign, as its chain was read last.
type Distributor struct {
	Campaign string         `json:"campaign"` // id
	Chain    uint64         `json:"chain"`
	Address  wallet.Address `json:"address"`
	Token    wallet.Address `json:"token"`
	Kind     string         `json:"kind"`
	Vesting  *Vesting       `json:"vesting,omitempty"`
	// Redirects says that an account can have its tokens sent elsewhere, as with ours.
	Redirects bool        `json:"redirects,omitempty"`
	EndMS     int64       `json:"end_ms,omitempty"` // 0 = it has no end
	State     string      `json:"state"`            // reading, short, waiting, live or ended
	Problem   string      `json:"problem,omitempty"`
	Balance   uint256.Int `json:"balance"` // of the token, base units
	// What was claimed, also in blocks that can still be replaced, and of it what is
	// final; Remaining is what was promised and not claimed.
	ClaimedRows int         `json:"claimed_rows"`
	Claimed     uint256.Int `json:"claimed"`
	// Promised is what the list promises of the token.
	Promised uint256.Int `json:"promised"`
	// Fee is what a claim pays beside its gas, in the smallest unit of the chain's coin: Sablier's ask for one.
	Fee           uint256.Int `json:"fee"`
	ConfirmedRows int         `json:"confirmed_rows"`
	Remaining     uint256.Int `json:"remaining"`
	ReadTo        uint64      `json:"read_to"`    // block
	Head          uint64      `json:"head"`       // newest block
	ReadToMS      int64       `json:"read_to_ms"` // time of the block that was read last: the chain's clock
	Final         uint64      `json:"final"`      // blocks up to this one stay
	CheckedMS     int64       `json:"checked_ms"`
	Days          []ClaimDay  `json:"days"` // ascending, those with claims; the last MaxClaimDays
	// Reached are the phases funded, live, ended and swept that the campaign has reached,
	// in this order. A campaign with rules is in the last of them.
	Reached []Evidence `json:"reached"`
}

// Evidence is what a chain showed when a campaign reached a phase, or why an operator
// moved it there. What was seen in a block that is replaced is taken back with it.
type Evidence struct {
	Phase   string      `json:"phase"`
	Block   uint64      `json:"block,omitempty"` // after which it was seen; 0: an operator moved it
	Hash    string      `json:"hash,omitempty"`  // of the block
	TimeMS  int64       `json:"time_ms"`         // of the block; UTC
	Balance uint256.Int `json:"balance"`         // of the distributor after the block, base units
	Claimed uint256.Int `json:"claimed"`         // until then
	Final   bool        `json:"final"`           // the block stays
	Reason  string      `json:"reason,omitempty"`
}

// MostUnclaimed is how many rows LargestUnclaimed returns at most.
const MostUnclaimed = 20

// UnclaimedRows are the largest rows that were not claimed, or not wholly.
type UnclaimedRows struct {
	Count int     `json:"count"` // of all
	Rows  []Share `json:"rows"`  // ties in the order of the list
}

// MaxClaimDays is the most days that a Distributor has.
const MaxClaimDays = 400

// ClaimDay is what was claimed on a day.
type ClaimDay struct {
	DayMS  int64       `json:"day_ms"` // when it began, UTC
	Rows   int         `json:"rows"`
	Amount uint256.Int `json:"amount"`
}

// The states of a ClaimCall.
const (
	ClaimOpen    = "open"
	ClaimWaiting = "waiting" // nothing more has vested yet, or the root of the round does not hold yet
	ClaimPending = "pending" // claimed, in a block that can still be replaced
	ClaimDone    = "claimed"
	ClaimClosed  = "closed" // the distributor has ended
)

// ClaimCall is the transaction with which a wallet's tokens are claimed.
type ClaimCall struct {
	Campaign string         `json:"campaign"`
	Wallet   wallet.Address `json:"wallet"`
	Chain    uint64         `json:"chain"`
	To       wallet.Address `json:"to"`
	Data     string         `json:"data"` // 0x and hex digits
	Index    uint64         `json:"index"`
	Amount   uint256.Int    `json:"amount"`
	Due      uint256.Int    `json:"due"`   // what the transaction pays now
	Paid     uint256.Int    `json:"paid"`  // until now
	State    string         `json:"state"` // open, waiting, pending, claimed or closed
	Short    bool           `json:"short"` // the distributor has too little: the transaction may fail
	// Value is what the transaction sends along, in the smallest unit of the chain's coin.
	Value uint256.Int `json:"value"`
	// Alone: only the wallet itself can send the transaction.
	Alone bool `json:"alone,omitempty"`
	// TX is the hash of the transaction that claimed it.
	TX string `json:"tx,omitempty"`
}
