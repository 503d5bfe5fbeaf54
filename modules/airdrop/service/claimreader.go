package service

import (
	"context"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"banyan/modules/airdrop"
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
	followers map[string]*chain.Follower
}

// NewClaimReader returns the reader; o as for New.
func NewClaimReader(o Options) *ClaimReader {
	o = o.withDefaults()
	return &ClaimReader{options: o, store: store{o.DB}, followers: make(map[string]*chain.Follower)}
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
	key := d.Campaign + d.Address.String() + d.Token.String()
	f := r.followers[key]
	if f == nil {
		f = r.options.Chains.Follow(d.Chain, kinds[d.Kind].filter(d.Address, d.Token))
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
			v.block = lastOf(step, known)
			if balance, err = v.balance(ctx, d.Token, d.Address); err != nil {
				return err
			}
			atMS := d.ReadToMS
			if n := len(step.Blocks); n > 0 {
				atMS = int64(step.Blocks[n-1].Time) * 1000
			}
			if state, err = r.holds(ctx, v, &d, atMS); err != nil {
				return err
			}
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

// lastOf is the hash of the block that the claims are of after a step, so that the balance
// is of the same state: also where the chain is only shorter than it was. None: the
// newest, of a contract that nothing was read of.
func lastOf(step chain.Step, known []chain.Block) (hash common.Hash) {
	if n := len(step.Blocks); n > 0 {
		return step.Blocks[n-1].Hash
	}
	for _, b := range known {
		if b.Number < step.Drop {
			hash = b.Hash
		}
	}
	return hash
}

// holds asks a distributor whether the campaign's root holds after the block that was read,
// whose time is atMS, and for what may change: the end, and the fee of a claim. Those of
// one root hold it for good.
func (r *ClaimReader) holds(ctx context.Context, v views, d *followed, atMS int64) (state string, err error) {
	switch d.Kind {
	case airdrop.SablierKind:
		if d.Fee, err = v.claimFee(ctx, d.Kind, d.Address); err != nil {
			return "", err
		}
		if begun, err := v.begun(ctx, d.Kind, d.Address, atMS); err != nil || !begun {
			return airdrop.Waiting, err
		}
		return airdrop.Live, nil
	case airdrop.CumulativeKind, airdrop.MerklKind:
	default:
		return airdrop.Live, nil
	}
	c, err := r.store.campaign(ctx, r.options.DB.Read(), d.Campaign)
	if err != nil {
		return "", err
	}
	l, _, err := v.listOf(ctx, d.Kind, d.Address)
	if err != nil {
		return "", err
	}
	if d.EndMS, err = v.endOf(ctx, d.Kind, d.Address); err != nil {
		return "", err
	}
	switch now, later := l.has(*c.Root); {
	case now:
		return airdrop.Live, nil
	case later:
		return airdrop.Waiting, nil
	}
	return airdrop.Ended, nil
}
