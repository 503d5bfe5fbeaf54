// Package rules says who gets what in an airdrop: a small YAML file is checked,
// evaluated over lists of wallets, and ends in an amount for every wallet that gets
// one and a reason for every wallet. It opens no file and knows no clock.
//
//	version: 1
//	decimals: 18                     # of the token; amounts below are in tokens
//	sources:                         # lists of wallets, each with the columns it has
//	  members:  {kind: list, file: members.csv}
//	  holders:  {kind: holders, file: balances.csv, decimals: 18, chain: 1, block: 17000000}
//	  held:     {kind: averages, decimals: 18, chain: 1, token: 0x…, from: 16000000, block: 17000000}
//	  called:   {kind: callers, chain: 1, to: 0x…, from: 16900000, block: 17000000}
//	  trusted:  {kind: reputation, epoch: 12}
//	  clusters: {kind: sybils, file: clusters.csv}
//	groups:                          # conditions with a name
//	  people: {any: [members, trusted.score >= 500]}
//	eligible: {all: [people, holders >= 100]}
//	deny:                            # taken out, with the reason
//	  - {source: clusters, reason: one of many wallets of one person}
//	allow:                           # taken in, whatever the rest says
//	  - {wallet: 0x…, reason: the appeal of 29 November was granted}
//	allocation:                      # a wallet's amount is the sum of the parts
//	  - {name: holders, to: holders, budget: 1000000, times: [{sqrt: holders}], cap: 5000}
//	  - {name: members, to: members, each: 100}
//
// Holders, averages and callers that name what is needed to read them from their chain
// (Source.OnChain) have no file: whoever runs a campaign reads them there, and makes the
// file that the manifest names.
//
// A condition is the name of a source or group, a comparison of a source's value
// (holders >= 100, trusted.percentile > 0.9), or any, all or not of others. Wallets
// are those that are named somewhere: who is in no source is never eligible. Allow
// comes before deny, and deny before eligible.
//
// Numbers are integers of the smallest unit, so the same rules over the same lists
// have the same result on every machine; a budget is divided to its last unit by
// largest remainders, ties by address.
package rules

import (
	"math/big"

	"banyan/platform/wallet"
)

// Engine names what computes a result. It changes when the same rules over the same
// lists could have another result.
const Engine = "banyan-rules-1"

// What a file of rules is bounded by.
const (
	MaxBytes      = 256 << 10
	maxSources    = 64
	maxGroups     = 200
	maxConditions = 2000
	maxDepth      = 32
	maxEntries    = 2000 // of allow and deny, each
	maxParts      = 50
	maxFactors    = 10
	maxSteps      = 100
	maxValues     = 16 // of a source
	maxDecimals   = 36

	// MaxBlocks is how many blocks the transactions of callers may be of.
	MaxBlocks = 1_000_000
)

// The kinds of sources.
const (
	List         = "list"         // wallets, and the columns that values names
	Holders      = "holders"      // wallet,balance at a block
	Averages     = "averages"     // wallet,average: balance × seconds between two blocks ÷ the seconds
	Senders      = "senders"      // from,to of transfers: who sent
	Callers      = "callers"      // wallet,calls: who sent transactions to a contract
	Reputation   = "reputation"   // standings at an epoch
	Reviews      = "reviews"      // reviews written
	Attestations = "attestations" // attestations held
	Sybils       = "sybils"       // what `banyan airdrop sybil` writes: who is flagged
)

// Rules are a file of rules that was checked.
type Rules struct {
	Decimals   int // of the token
	Sources    []Source
	Cumulative string // the source with what wallets had in the round before; "" = amounts are not cumulative
	Limit      *big.Int

	groups   []group
	eligible *condition // nil = all who are in a source
	allow    []entry
	deny     []entry
	parts    []part
}

// Source is a list of wallets that the rules use.
type Source struct {
	Name   string
	Line   int
	Kind   string
	File   string // as the rules name it; "" = not said
	SHA256 string // that the file must have, 64 hex digits; "" = any
	Values []Value
	// Duplicates is what is done with a wallet on several rows: "error" or "sum".
	Duplicates string
	// Of a source of wallets on a chain; zero = not said.
	Chain uint64
	Block uint64 // the last one that counts
	From  uint64 // the first one that counts, of averages and callers
	Token *wallet.Address
	// To is whom senders sent to, nil = anybody; and the contract that callers called.
	To *wallet.Address
	// Method is what callers called: the first four bytes of what they sent, as 0x and 8
	// hex digits; "" = whatever they sent, also nothing.
	Method string
	// Epoch is of kind reputation; 0 = the current one when it is collected.
	Epoch int64
	// Of is the kind of attestations: trust, vouch or report; "" = vouch.
	Of string
}

// OnChain reports whether a source is read from its chain: it names no file, and all that
// is needed to read it there.
//
// Averages count from the end of block From to the end of block Block. Callers are the
// senders of transactions to the contract that were not reverted. A wallet that calls
// through another contract, a smart wallet for example, is not seen: the sender is
// the account that has signed the transaction.
func (s *Source) OnChain() bool {
	if s.File != "" || s.Chain == 0 || s.Block == 0 {
		return false
	}
	switch s.Kind {
	case Holders:
		return s.Token != nil
	case Averages:
		return s.Token != nil && s.From > 0
	case Callers:
		return s.To != nil && s.From > 0
	}
	return false
}

// Value is a number that a source has of each wallet: in units of 10^-Decimals.
type Value struct {
	Name     string
	Decimals int
	// Cut says that further decimals are cut off; otherwise they are refused.
	Cut bool
}

// group is a condition with a name.
type group struct {
	name string
	line int
	is   *condition
}

// What a condition does.
type operator int

const (
	inSource operator = iota
	inGroup
	compare
	anyOf
	allOf
	notThis
)

// condition is a node of a tree of conditions.
type condition struct {
	line   int
	do     operator
	text   string // as it was written; of any, all and not "any", "all", "not"
	source int    // index in Sources
	group  int    // index in groups
	value  int    // index in the source's Values
	sign   string // >=, >, <=, <, =
	number *big.Int
	of     []*condition
}

// entry is a line of allow or deny.
type entry struct {
	line   int
	source int // index in Sources; -1 = wallet
	wallet wallet.Address
	reason string
}

// part is a part of the allocation.
type part struct {
	line    int
	name    string
	to      *condition // nil = all who are eligible
	each    *big.Int   // base units; nil = budget
	budget  *big.Int   // base units, divided wholly
	floor   *big.Int   // nil = none
	cap     *big.Int
	doubles bool // factors are IEEE 754 doubles
	factors []factor
}

// The kinds of factors.
type factorKind int

const (
	linear factorKind = iota
	squareRoot
	tiers
	line
)

// factor multiplies a part's amount.
type factor struct {
	line   int
	kind   factorKind
	text   string // for people: "holders.balance"
	source int
	value  int
	steps  []step // of tiers: the largest from first; of a line: its two points, by from
}

// step is a step of tiers, or a point of a line: from is in units of the value,
// times in units of 10^-18.
type step struct {
	from, times         *big.Int
	fromFloat, timesFlt float64
}

// timesDecimals are the decimals of the numbers that amounts are multiplied by.
const timesDecimals = 18

// Source returns the source of this name, or nil.
func (r *Rules) Source(name string) *Source {
	for i := range r.Sources {
		if r.Sources[i].Name == name {
			return &r.Sources[i]
		}
	}
	return nil
}
