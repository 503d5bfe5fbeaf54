package chain

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"banyan/platform/wallet"
)

// Depth is how many of the last blocks a follower has to remember: reorganisations
// that are deeper make it begin from the start again.
const Depth = 128

const (
	firstRange = 1_000   // blocks that are asked for at first
	mostRange  = 100_000 // and at most
	mostRecent = 100     // of blocks that are not final, whose headers are all read; and headers in one batch
	tries      = 24      // ranges that a node may refuse one after the other
)

// Block is a block that was read.
type Block struct {
	Number uint64
	Hash   common.Hash
	Parent common.Hash
	Time   uint64 // seconds since 1970
}

// Filter says which events are followed.
type Filter struct {
	Contract wallet.Address
	// Topics are, at each place of an event's topics, those that are wanted; none there:
	// any. The first place has the event's signature. The last place has one at least.
	Topics [][]common.Hash
}

// OneEvent is the filter of one kind of event.
func OneEvent(contract wallet.Address, topic common.Hash) Filter {
	return Filter{Contract: contract, Topics: [][]common.Hash{{topic}}}
}

// Step is what is new on a chain: all blocks from Drop on are not of the chain any
// more, or are in Blocks. Whoever keeps events stores it in one transaction.
type Step struct {
	Drop   uint64      // forget blocks of this number and above, with their events
	Blocks []Block     // ascending; of a range that is final only the last one
	Events []types.Log // of these blocks, in their order
	Head   uint64      // the newest block
	Final  uint64      // blocks up to this number stay; 0 = the node does not say
}

// Last is the newest block of the step.
func (s Step) last() uint64 {
	if len(s.Blocks) == 0 {
		return 0
	}
	return s.Blocks[len(s.Blocks)-1].Number
}

// unsettled is how many of the newest blocks are read one by one although a node calls
// them final: some call blocks final that are replaced later, and after a shortening of the
// chain their word is of the blocks before.
const unsettled = 64

// settled is the newest block of which nothing but the hash of the last in a range is
// compared: an event that a node leaves out there is not missed.
func (s Step) settled() uint64 { return min(s.Final, max(s.Head, unsettled)-unsettled) }

// Done reports whether the step has reached the newest block.
func (s Step) Done() bool { return len(s.Blocks) == 0 || s.last() >= s.Head }

// Follower reads the events of one contract, step by step. It remembers only how
// wide the ranges are that the nodes accept.
type Follower struct {
	chains *Chains
	chain  uint64
	filter Filter
	width  uint64
}

// Follow returns a follower; it asks nothing yet.
func (c *Chains) Follow(chainID uint64, f Filter) *Follower {
	return &Follower{chains: c, chain: chainID, filter: f, width: firstRange}
}

// errTorn ends a step whose answers were of different chains: the chain was
// reorganised while it was read, or a node is behind. Reading again is all it needs.
var errTorn = errors.New("the chain changed while it was read, or a node is behind the others: it is read again")

// Next returns what is new after known, the last blocks of the steps before,
// ascending, at most Depth; without any it begins at the block first. An event is
// believed when its block is one of the chain's, by the parents' hashes down to a
// known block; a block without events whose bloom says that it may have some is asked
// for alone. It fails as Call does; then nothing has to be stored.
//
// A node that has less than first answers with an empty step.
func (f *Follower) Next(ctx context.Context, known []Block, first uint64) (Step, error) {
	ctx = context.WithValue(ctx, manyEvents{}, true)
	width := f.width // the same for each node, so that their steps can be compared
	step, err := askWithin(ctx, f.chains, f.chain, 6*f.chains.timeout, func(ctx context.Context, eth *ethclient.Client) (Step, error) {
		var step Step
		var err error
		const tries = 3
		for n := range tries {
			// A node's index of events may stay behind its chain, until the next block.
			alone := n == tries-1
			if step, err = f.read(ctx, eth, known, first, &width, alone); !errors.Is(err, errTorn) {
				break
			}
		}
		return step, err
	}, agreeing)
	f.width = width
	if err == nil {
		f.width = min(mostRange, width+width/4+1)
	}
	return step, err
}

// agreeing compares two nodes' steps: one may be ahead of the other.
func agreeing(a, b Step) (Step, bool) {
	if a.last() > b.last() {
		a, b = b, a
	}
	to := a.last()
	b.Blocks = slices.DeleteFunc(slices.Clone(b.Blocks), func(x Block) bool { return x.Number > to })
	b.Events = slices.DeleteFunc(slices.Clone(b.Events), func(l types.Log) bool { return l.BlockNumber > to })
	// Of a range that is final there is only the last block, which the other has not.
	blocks := len(b.Blocks) == 0 || slices.Equal(a.Blocks, b.Blocks)
	same := a.Drop == b.Drop && blocks && slices.EqualFunc(a.Events, b.Events, func(x, y types.Log) bool {
		return x.BlockHash == y.BlockHash && x.Index == y.Index && x.TxHash == y.TxHash && slices.Equal(x.Data, y.Data)
	})
	a.Head, a.Final = min(a.Head, b.Head), min(a.Final, b.Final)
	return a, same
}

func newBig(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

func (f *Follower) read(ctx context.Context, eth *ethclient.Client, known []Block, first uint64, width *uint64, alone bool) (Step, error) {
	head, err := eth.HeaderByNumber(ctx, nil)
	if err != nil {
		return Step{}, err
	}
	step := Step{Head: head.Number.Uint64()}
	if final, err := eth.HeaderByNumber(ctx, big.NewInt(int64(rpc.FinalizedBlockNumber))); err == nil {
		step.Final = min(final.Number.Uint64(), step.Head)
	}
	ancestor, err := commonAncestor(ctx, eth, known)
	if err != nil {
		return Step{}, err
	}
	from := first
	if ancestor != nil {
		from = ancestor.Number + 1
	}
	step.Drop = from
	if len(known) > 0 && ancestor == nil { // deeper than what is known
		step.Drop = 0
	}
	if from > step.Head {
		return step, nil
	}
	for range tries {
		to := min(step.Head, from+*width-1)
		if to > step.settled() { // the end of it can still change
			to = min(to, from+mostRecent-1)
		}
		err := f.readRange(ctx, eth, &step, ancestor, from, to, alone)
		wide, blocks := false, uint64(0)
		if err != nil {
			wide, blocks = tooWide(err)
		}
		switch {
		case err == nil:
			return step, nil
		case !wide:
			return Step{}, err
		case from == to:
			err := f.readAlone(ctx, eth, &step, from)
			return step, err
		}
		*width = max(1, min((to-from+1)/2, orMost(blocks)))
	}
	return Step{}, fmt.Errorf("it refuses every range of blocks from %d on", from)
}

func orMost(blocks uint64) uint64 {
	if blocks == 0 {
		return mostRange
	}
	return blocks
}

// commonAncestor walks back through the known blocks to one that the chain still has.
func commonAncestor(ctx context.Context, eth *ethclient.Client, known []Block) (*Block, error) {
	for i := len(known) - 1; i >= 0; i-- {
		h, err := eth.HeaderByNumber(ctx, newBig(known[i].Number))
		if errors.Is(err, ethereum.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if h.Hash() == known[i].Hash {
			return &known[i], nil
		}
	}
	return nil, nil //nolint:nilnil // there is none: everything begins again
}

// readRange reads the events of a range into the step; alone asks for those of each
// block by its hash, in a range that can still change.
func (f *Follower) readRange(ctx context.Context, eth *ethclient.Client, step *Step, ancestor *Block, from, to uint64, alone bool) error {
	headers, err := readHeaders(ctx, eth, from, to, to <= step.settled())
	if err != nil {
		return err
	}
	blocks := make([]Block, len(headers))
	byHash := make(map[common.Hash]uint64, len(headers))
	for i, h := range headers {
		blocks[i] = Block{Number: h.Number.Uint64(), Hash: h.Hash(), Parent: h.ParentHash, Time: h.Time}
		byHash[blocks[i].Hash] = blocks[i].Number
		if i > 0 && h.ParentHash != blocks[i-1].Hash {
			return errTorn
		}
	}
	if linked := blocks[0].Number == from; linked && ancestor != nil && blocks[0].Parent != ancestor.Hash {
		return errTorn
	}
	var events []types.Log
	if alone && len(blocks) == int(to-from+1) {
		events, err = f.eventsOfEach(ctx, eth, headers)
	} else {
		events, err = f.eventsOfRange(ctx, eth, headers, byHash, from, to)
	}
	if err != nil {
		return err
	}
	if err := dated(ctx, eth, events); err != nil {
		return err
	}
	step.Blocks, step.Events = blocks, events
	return nil
}

// eventsOfRange returns the events of a range, of whose blocks headers are known, all or
// the last.
func (f *Follower) eventsOfRange(ctx context.Context, eth *ethclient.Client, headers []*types.Header, byHash map[common.Hash]uint64, from, to uint64) ([]types.Log, error) {
	events, err := filterLogs(ctx, eth, ethereum.FilterQuery{
		FromBlock: newBig(from), ToBlock: newBig(to), Addresses: []common.Address{common.Address(f.filter.Contract)}, Topics: f.filter.Topics,
	})
	if err != nil {
		return nil, err
	}
	has := make(map[uint64]bool)
	for _, e := range events {
		number, recent := byHash[e.BlockHash]
		if e.Removed || e.BlockNumber < from || e.BlockNumber > to || recent && number != e.BlockNumber || !recent && len(headers) == int(to-from+1) || !f.wants(e) {
			return nil, errTorn
		}
		has[e.BlockNumber] = true
	}
	for _, h := range headers {
		if !has[h.Number.Uint64()] && f.mayHave(h) {
			alone, err := f.eventsOf(ctx, eth, h.Hash())
			if err != nil {
				return nil, err
			}
			if len(alone) > 0 { // the answer for the range was of another chain, or not whole
				return nil, errTorn
			}
		}
	}
	return events, nil
}

// eventsOfEach returns the events of blocks, each by its hash: a node answers that from
// the block's receipts, and needs no index.
func (f *Follower) eventsOfEach(ctx context.Context, eth *ethclient.Client, headers []*types.Header) (events []types.Log, err error) {
	for _, h := range headers {
		if !f.mayHave(h) {
			continue
		}
		of, err := f.eventsOf(ctx, eth, h.Hash())
		if err != nil {
			return nil, err
		}
		for _, e := range of {
			if e.Removed || e.BlockHash != h.Hash() || e.BlockNumber != h.Number.Uint64() || !f.wants(e) {
				return nil, errTorn
			}
		}
		events = append(events, of...)
	}
	return events, nil
}

// dated sets the time of events, and proves that their blocks are the chain's.
func dated(ctx context.Context, eth *ethclient.Client, events []types.Log) error {
	var numbers []uint64
	for _, e := range events {
		if n := len(numbers); n == 0 || numbers[n-1] != e.BlockNumber {
			numbers = append(numbers, e.BlockNumber)
		}
	}
	at := 0
	for part := range slices.Chunk(numbers, mostRecent) {
		headers, err := headersOf(ctx, eth, part)
		if err != nil {
			return err
		}
		for _, h := range headers {
			for ; at < len(events) && events[at].BlockNumber == h.Number.Uint64(); at++ {
				if events[at].BlockHash != h.Hash() {
					return errTorn
				}
				events[at].BlockTimestamp = h.Time
			}
		}
	}
	return nil
}

func (f *Follower) wants(e types.Log) bool {
	if e.Address != common.Address(f.filter.Contract) || len(e.Topics) < len(f.filter.Topics) {
		return false
	}
	for i, any := range f.filter.Topics {
		if len(any) > 0 && !slices.Contains(any, e.Topics[i]) {
			return false
		}
	}
	return true
}

func (f *Follower) mayHave(h *types.Header) bool {
	if !h.Bloom.Test(f.filter.Contract[:]) {
		return false
	}
	for _, any := range f.filter.Topics {
		if len(any) > 0 && !slices.ContainsFunc(any, func(topic common.Hash) bool { return h.Bloom.Test(topic[:]) }) {
			return false
		}
	}
	return true
}

func (f *Follower) eventsOf(ctx context.Context, eth *ethclient.Client, block common.Hash) ([]types.Log, error) {
	return filterLogs(ctx, eth, ethereum.FilterQuery{BlockHash: &block, Addresses: []common.Address{common.Address(f.filter.Contract)}, Topics: f.filter.Topics})
}

// readAlone reads the events of one block, of which there are too many for the node's
// limits, from its receipts, which the header proves.
func (f *Follower) readAlone(ctx context.Context, eth *ethclient.Client, step *Step, block uint64) error {
	h, err := eth.HeaderByNumber(ctx, newBig(block))
	if err != nil {
		return err
	}
	receipts, err := eth.BlockReceipts(ctx, rpc.BlockNumberOrHashWithHash(h.Hash(), true))
	if err != nil {
		return err
	}
	for _, r := range receipts {
		for _, e := range r.Logs {
			if f.wants(*e) {
				step.Events = append(step.Events, *e)
			}
		}
	}
	step.Blocks = []Block{{Number: h.Number.Uint64(), Hash: h.Hash(), Parent: h.ParentHash, Time: h.Time}}
	return nil
}

// readHeaders reads the headers of a range in one batch; of one that is final, the
// last one only.
func readHeaders(ctx context.Context, eth *ethclient.Client, from, to uint64, final bool) ([]*types.Header, error) {
	if final {
		from = to
	}
	numbers := make([]uint64, 0, to-from+1)
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return headersOf(ctx, eth, numbers)
}

// headersOf reads headers by their numbers in one batch.
func headersOf(ctx context.Context, eth *ethclient.Client, numbers []uint64) ([]*types.Header, error) {
	headers := make([]*types.Header, len(numbers))
	batch := make([]rpc.BatchElem, len(numbers))
	for i, n := range numbers {
		batch[i] = rpc.BatchElem{Method: "eth_getBlockByNumber", Args: []any{fmt.Sprintf("0x%x", n), false}, Result: &headers[i]}
	}
	if err := eth.Client().BatchCallContext(ctx, batch); err != nil {
		return nil, err
	}
	for i, b := range batch {
		switch {
		case b.Error != nil:
			return nil, b.Error
		case headers[i] == nil: // it was there a moment ago
			return nil, errTorn
		case headers[i].Number.Uint64() != numbers[i]:
			return nil, fmt.Errorf("it answers with the block %s for %d", headers[i].Number, numbers[i])
		}
	}
	return headers, nil
}
