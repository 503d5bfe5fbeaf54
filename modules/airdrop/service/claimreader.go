package service

import (
	"context"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

const (
	// readEvery is how often the chains are looked at for new blocks.
	readEvery = 3 * time.Second
	// stepsAtOnce bounds what one distributor reads before the next has its turn.
	stepsAtOnce = 200
	// newDistributor is what a commit wakes that adds a distributor.
	newDistributor = "distributors"
)

// ClaimReader reads the claims of all distributors from their chains. Its place is in
// the database, so that whoever owns the writes goes on where another stopped.
type ClaimReader struct {
	options   Options
	store     store
	claimed   common.Hash // topic of the event
	followers map[string]*chain.Follower
}

// NewClaimReader returns the reader; o as for New.
func NewClaimReader(o Options) (*ClaimReader, error) {
	contract, err := contracts.Load(contracts.Distributor)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &ClaimReader{options: o, store: store{o.DB}, claimed: contract.ABI.Events["Claimed"].ID, followers: make(map[string]*chain.Follower)}, nil
}

// Run reads until ctx ends.
func (r *ClaimReader) Run(ctx context.Context) error {
	woken, stop := r.options.DB.Listen(newDistributor)
	defer stop()
	periodic.Run(ctx, readEvery, func(ctx context.Context) {
		all, err := r.store.distributors(ctx)
		if err != nil {
			r.trouble(ctx, "", err)
			return
		}
		for _, d := range all {
			if err := r.read(ctx, d); err != nil && ctx.Err() == nil {
				r.trouble(ctx, d.Campaign, err)
			}
		}
	}, periodic.AtOnce(), periodic.OnWake(woken))
	return nil
}

// trouble logs a failure once, and shows it with the distributor until it is over.
func (r *ClaimReader) trouble(ctx context.Context, campaign string, err error) {
	text := "claims cannot be read now; it is tried again in a moment"
	if f := fault.From(err); f != nil && f.Code != fault.Internal {
		text = f.Message
	}
	changed := true
	if campaign != "" {
		var storeErr error
		if changed, storeErr = r.store.setProblem(ctx, campaign, text); storeErr != nil {
			r.options.Log.WarnContext(ctx, "what is wrong with a distributor cannot be stored", "campaign", campaign, "error", storeErr)
		}
	}
	if changed {
		r.options.Log.WarnContext(ctx, "claims cannot be read; it is tried again in a moment", "campaign", campaign, "error", err)
	}
}

// read reads what is new of one distributor.
func (r *ClaimReader) read(ctx context.Context, d followed) error {
	v, err := r.options.views(d.Chain)
	if err != nil {
		return err
	}
	key := d.Campaign + d.Address.String()
	f := r.followers[key]
	if f == nil {
		f = r.options.Chains.Follow(d.Chain, chain.Filter{Contract: d.Address, Topic: r.claimed})
		r.followers[key] = f
	}
	for range stepsAtOnce {
		known, err := r.store.knownBlocks(ctx, d.Campaign)
		if err != nil {
			return err
		}
		step, err := f.Next(ctx, known, d.first)
		if err != nil {
			return unreachable(d.Chain, err)
		}
		if len(step.Blocks) == 0 && len(known) > 0 && step.Drop > known[len(known)-1].Number && d.State != airdrop.Reading && d.Problem == "" {
			return nil
		}
		state := airdrop.Reading
		balance := d.Balance
		if step.Done() {
			if n := len(step.Blocks); n > 0 { // the balance is of the state that the claims are of
				v.block = step.Blocks[n-1].Hash
			}
			if balance, err = v.balance(ctx, d.Token, d.Address); err != nil {
				return err
			}
			state = airdrop.Live
		}
		if d.Distributor, err = r.store.applyStep(ctx, d, step, state, balance, r.options.nowMS()); err != nil {
			return err
		}
		if step.Done() {
			return nil
		}
	}
	return nil
}
