package service

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop/holdings"
	"banyan/modules/airdrop/rules"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/wallet"
)

// mostEvents bounds what is read of a chain for one source: transfers of a token, or
// calls of a contract.
const mostEvents = 20_000_000

// partsAtOnce is how many parts one transaction deletes.
const partsAtOnce = 20

// chainSource is a source that is read from its chain. What was read is stored range by
// range, and only of blocks that stay: it is not read again by the next process that
// owns the writes, nor after a failure.
type chainSource struct {
	*service
	campaign string
	source   rules.Source
	query    string
	last     chain.Block // that counts
	views    views       // after that block
}

// queryOf says in one line what is read for a source: what has the same line is the same.
func queryOf(s rules.Source) string {
	if s.Kind == rules.Callers {
		return fmt.Sprintf("calls of %s %s on chain %d, blocks %d to %d", s.To, s.Method, s.Chain, s.From, s.Block)
	}
	return fmt.Sprintf("transfers of %s on chain %d, to block %d", s.Token, s.Chain, s.Block)
}

// readFromChain reads a source from its chain, and returns its file.
func (s *service) readFromChain(ctx context.Context, j *jobs.Job, q courseJob, source rules.Source) (in inputRow, write func(io.Writer) error, err error) {
	c := chainSource{service: s, campaign: q.Campaign, source: source, query: queryOf(source)}
	if c.views, err = s.options.views(source.Chain); err != nil {
		return in, nil, err
	}
	if c.last, err = c.settled(ctx, source.Block); err != nil {
		return in, nil, err
	}
	if source.Kind == rules.Callers {
		err = c.readCalls(ctx, j)
	} else {
		err = c.readTransfers(ctx, j)
	}
	if err != nil {
		return in, nil, err
	}
	if err := j.Step(ctx, jobs.Progress{Stage: "counting " + source.Name}, nil); err != nil {
		return in, nil, err
	}
	c.views.block = c.last.Hash
	var wallets []wallet.Address
	var values []uint256.Int
	if source.Kind == rules.Callers {
		wallets, values, err = c.callers(ctx)
	} else {
		wallets, values, err = c.holders(ctx)
	}
	in.Name, in.BlockHash = fmt.Sprintf("%s-%d-%d.csv", source.Name, source.Chain, source.Block), c.last.Hash.String()
	return in, func(w io.Writer) error { return rules.WriteTable(w, source, wallets, values) }, err
}

// settled returns a block that stays.
func (c chainSource) settled(ctx context.Context, number uint64) (chain.Block, error) {
	block, newest, err := c.options.Chains.Settled(ctx, c.source.Chain, number)
	if err != nil {
		return block, unreachable(c.source.Chain, err)
	}
	if block.Hash == (common.Hash{}) {
		return block, fault.Newf(fault.Conflict, "block %d of chain %d can still be replaced, or is not there yet: blocks stay up to %d now; collect again later, or name an earlier block", number, c.source.Chain, newest)
	}
	return block, nil
}

// progress says how far the reading of blocks is.
func (c chainSource) progress(first, to uint64) jobs.Progress {
	return jobs.Progress{Stage: fmt.Sprintf("reading %s from chain %d, block", c.source.Name, c.source.Chain), Done: int64(to - first), Work: int64(c.source.Block - first)}
}

// add stores a part.
func (c chainSource) add(ctx context.Context, j *jobs.Job, p jobs.Progress, part partRow) error {
	if part.Events > mostEvents {
		return fault.Newf(fault.TooLarge, "there are more than %d of the %s: make the file elsewhere and upload it", mostEvents, c.query)
	}
	return j.Step(ctx, p, func(tx *database.Tx) error { return c.store.addPart(ctx, tx, c.campaign, c.query, part) })
}

// before returns the last part and its block; without a hash there is none.
func (c chainSource) before(ctx context.Context) (part partRow, block chain.Block, err error) {
	part, there, err := c.store.lastPart(ctx, c.campaign, c.query)
	if err != nil || !there {
		return partRow{Number: -1}, chain.Block{}, err
	}
	return part, chain.Block{Number: uint64(part.ToBlock), Hash: common.Hash(part.ToHash)}, nil
}

// readTransfers reads the Transfer events of a token to the last block.
func (c chainSource) readTransfers(ctx context.Context, j *jobs.Job) error {
	part, at, err := c.before(ctx)
	if err != nil {
		return err
	}
	first := at.Number + 1
	if part.Number < 0 {
		if first, err = c.firstOfToken(ctx); err != nil {
			return err
		}
	}
	started := first
	follower := c.options.Chains.Follow(c.source.Chain, chain.OneEvent(*c.source.Token, holdings.Topic))
	for part.Number < 0 || at.Number < c.last.Number {
		var known []chain.Block
		if part.Number >= 0 {
			known = []chain.Block{at}
		}
		step, err := follower.Next(ctx, known, first)
		switch {
		case err != nil:
			return unreachable(c.source.Chain, err)
		case len(known) > 0 && step.Drop != at.Number+1:
			return c.replaced(ctx)
		case len(step.Blocks) == 0:
			return fault.Newf(fault.Unavailable, "the node of chain %d is behind block %d, which it had: try again in a minute", c.source.Chain, c.last.Number)
		}
		var transfers []holdings.Transfer
		for _, e := range step.Events {
			if e.BlockNumber > c.last.Number {
				break
			}
			t, err := holdings.Read(e)
			if err != nil {
				return err
			}
			transfers = append(transfers, t)
		}
		// A step may end behind the last block: what is behind was left out.
		if at = step.Blocks[len(step.Blocks)-1]; at.Number >= c.last.Number {
			at = c.last
		}
		part = partRow{Number: part.Number + 1, ToBlock: int64(at.Number), ToHash: at.Hash[:], Events: part.Events + int64(len(transfers)), Body: holdings.Append([]byte{}, transfers)}
		if err := c.add(ctx, j, c.progress(started, at.Number), part); err != nil {
			return err
		}
	}
	return c.same(ctx, at)
}

// firstOfToken is the block with which reading begins: that in which the token was made,
// or the first of the chain where the node does not keep old states.
func (c chainSource) firstOfToken(ctx context.Context) (uint64, error) {
	decimals, says, err := c.views.decimals(ctx, *c.source.Token)
	if err != nil {
		return 0, err
	}
	if want := c.source.Values[0].Decimals; says && decimals != fmt.Sprint(want) {
		return 0, fault.Newf(fault.Conflict, "the token %s has %s decimals, and the rules say %d of %s: correct them", c.source.Token, decimals, want, c.source.Name)
	}
	first, err := c.options.Chains.CodeSince(ctx, c.source.Chain, *c.source.Token)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		return 0, nil //nolint:nilerr // most nodes do not keep what is asked; it only saves time
	case first == 0:
		return 0, fault.Newf(fault.Invalid, "there is no contract at %s on chain %d: correct the token of %s", c.source.Token, c.source.Chain, c.source.Name)
	case first > c.last.Number:
		return 0, fault.Newf(fault.Invalid, "the token %s was made in block %d, after block %d of %s: name a later block, or another token", c.source.Token, first, c.last.Number, c.source.Name)
	}
	return first, nil
}

// same makes sure that what was read is of the chain that the last block is of.
func (c chainSource) same(ctx context.Context, at chain.Block) error {
	if at.Hash == c.last.Hash {
		return nil
	}
	return c.replaced(ctx)
}

// replaced forgets what was read of blocks that were said to stay.
func (c chainSource) replaced(ctx context.Context) error {
	if err := c.forget(ctx, c.campaign, c.query); err != nil {
		return err
	}
	return fault.Newf(fault.Unavailable, "chain %d has replaced blocks that were settled: what was read of %s is forgotten; collect again", c.source.Chain, c.source.Name)
}

// readCalls reads the transactions to a contract to the last block.
func (c chainSource) readCalls(ctx context.Context, j *jobs.Job) error {
	part, at, err := c.before(ctx)
	if err != nil {
		return err
	}
	filter := chain.CallFilter{To: *c.source.To, Method: common.FromHex(c.source.Method)}
	reader := c.options.Chains.Calls(c.source.Chain, filter)
	for part.Number < 0 || at.Number < c.last.Number {
		step, err := reader.Next(ctx, at, max(c.source.From, at.Number+1), c.last.Number)
		if err != nil {
			return unreachable(c.source.Chain, err)
		}
		var body []byte
		for _, sent := range step.Sent {
			body = append(body, sent.From[:]...)
		}
		at = step.Last
		part = partRow{Number: part.Number + 1, ToBlock: int64(at.Number), ToHash: at.Hash[:], Events: part.Events + int64(len(step.Sent)), Body: append([]byte{}, body...)}
		if err := c.add(ctx, j, c.progress(c.source.From, at.Number), part); err != nil {
			return err
		}
	}
	return c.same(ctx, at)
}

// callers counts the calls of each wallet.
func (c chainSource) callers(ctx context.Context) (wallets []wallet.Address, calls []uint256.Int, err error) {
	count := make(map[wallet.Address]uint64)
	err = c.store.eachPart(ctx, c.campaign, c.query, func(body []byte) error {
		for from := range slices.Chunk(body, len(wallet.Address{})) {
			count[wallet.Address(from)]++
		}
		if len(count) > c.options.MaxRows {
			return fault.Newf(fault.TooLarge, "more than %d wallets have called the contract: make the file elsewhere and upload it, or name a later first block", c.options.MaxRows)
		}
		return nil
	})
	for w, n := range count {
		wallets, calls = append(wallets, w), append(calls, *uint256.NewInt(n))
	}
	return wallets, calls, err
}

// holders computes balances, or averages.
func (c chainSource) holders(ctx context.Context) ([]wallet.Address, []uint256.Int, error) {
	o := holdings.Options{Most: c.options.MaxRows}
	if c.source.Kind == rules.Averages {
		from, err := c.settled(ctx, c.source.From)
		if err != nil {
			return nil, nil, err
		}
		if o.From = from.Time; from.Time >= c.last.Time {
			return nil, nil, fault.Newf(fault.Invalid, "no time passes between the blocks %d and %d of %s: name blocks that are further apart", c.source.From, c.source.Block, c.source.Name)
		}
	}
	ledger := holdings.New(o)
	if err := c.store.eachPart(ctx, c.campaign, c.query, func(body []byte) error { return holdings.Each(body, ledger.Add) }); err != nil {
		return nil, nil, err
	}
	if err := c.compareSupply(ctx, ledger); err != nil {
		return nil, nil, err
	}
	if c.source.Kind == rules.Averages {
		return ledger.Averages(c.last.Time)
	}
	wallets, balances := ledger.Balances()
	return wallets, balances, nil
}

// compareSupply compares the balances with what the token says is there after the last
// block, where a node still has the state of that block: tokens that take a fee, rebase,
// or make units without an event are found so.
func (c chainSource) compareSupply(ctx context.Context, l *holdings.Ledger) error {
	word, ok, err := c.views.view(ctx, *c.source.Token, "totalSupply")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || !ok {
		c.options.Log.InfoContext(ctx, "the balances of a token were not compared with its supply: no node has the state of that block, or the token says none", "token", c.source.Token, "block", c.last.Number)
		return nil //nolint:nilerr // old states are offered by few nodes, and never required
	}
	supply := new(uint256.Int).SetBytes(word[:])
	if left, total := l.Supply(); !supply.Eq(&left) && !supply.Eq(&total) {
		return fault.Newf(fault.Conflict, "the Transfer events of the token %s bring its holders %s units, and it says that there are %s: it takes fees, rebases, or makes units without an event; upload a file of balances instead",
			c.source.Token, left.Dec(), supply.Dec())
	}
	return nil
}

// forget deletes what a query has read.
func (s *service) forget(ctx context.Context, campaign, query string) error {
	for {
		deleted, err := s.store.dropParts(ctx, campaign, query, partsAtOnce)
		if err != nil || deleted < partsAtOnce {
			return err
		}
	}
}

// forgetParts deletes what was read of chains for a campaign and is not for one of these
// sources.
func (s *service) forgetParts(ctx context.Context, campaign string, kept ...rules.Source) error {
	queries, err := s.store.partQueries(ctx, campaign)
	if err != nil {
		return err
	}
	for _, query := range queries {
		if slices.ContainsFunc(kept, func(k rules.Source) bool { return k.OnChain() && queryOf(k) == query }) {
			continue
		}
		if err := s.forget(ctx, campaign, query); err != nil {
			return err
		}
	}
	return nil
}
