package service

import (
	"context"
	"log/slog"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/screening"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/progress"
	"banyan/platform/signature"
)

// Reputation is what this module needs of reputation; reputation.Client
// implements it.
type Reputation interface {
	Weights(context.Context, reputation.WeightsQuery) (reputation.Weights, error)
}

// Options are the module's dependencies and limits. New, NewJobs and
// LoadStarter must get the same.
type Options struct {
	DB         *database.DB // opened with Module: Name, migrated
	Reputation Reputation
	// Contracts asks chains whether smart wallets signed; nil = none is configured.
	Contracts signature.Contracts
	// Chains are asked for transactions that show the use of an exchange; nil = none is
	// configured.
	Chains Chains
	// Site is the host, and the port if there is one, of the address where
	// people reach this installation. It is part of every signature.
	Site string
	// ReputationWait is the longest wait for a new reviewer's weight; after it
	// the review is stored with the least weight and reweighed later. 0 = 500
	// ms.
	ReputationWait time.Duration
	// ReweighEvery is how often Jobs checks for a new epoch. 0 = 10 s.
	ReweighEvery time.Duration
	// EpochEvery is how often Jobs closes an epoch of the ranking. 0 = never.
	EpochEvery time.Duration
	// Premoderation says whose reviews wait for a moderator: Everybody's,
	// Newcomers', or only those of wallets that moderators named. "" = the last.
	Premoderation string
	Domains       Domains          // nil = those of the public Internet
	Clock         func() time.Time // nil = time.Now
	Log           *slog.Logger     // nil = silent
}

const (
	standardReputationWait = 500 * time.Millisecond
	standardReweighEvery   = 10 * time.Second
)

func (o Options) withDefaults() Options {
	if o.ReputationWait <= 0 {
		o.ReputationWait = standardReputationWait
	}
	if o.ReweighEvery <= 0 {
		o.ReweighEvery = standardReweighEvery
	}
	if o.Domains == nil {
		o.Domains = newInternet()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// service implements Service. What it keeps in memory can be read again from
// the database at any time.
type service struct {
	store     store
	catalogue *catalogue
	works     progress.Table // imports of exchanges, under the module's name
	weigher   *weigher
	digester  *exchangereview.Digester
	contracts signature.Contracts
	chains    Chains
	now       *parameters
	epochs    *epochCloser
	policy    *policy
	rules     screening.Rules
	domains   Domains
	// A place for each domain that is being asked.
	domainSlots chan struct{}
	site        string
	clock       func() time.Time
}

var _ exchangereview.Service = (*service)(nil)

// New returns the service. It starts nothing and has nothing to close.
func New(o Options) exchangereview.Service {
	o = o.withDefaults()
	st, now := store{o.DB}, &parameters{clock: o.Clock}
	return &service{
		store: st, catalogue: &catalogue{store: st}, digester: exchangereview.NewDigester(o.Site), contracts: o.Contracts, chains: o.Chains, site: o.Site, clock: o.Clock,
		now:     now,
		epochs:  newEpochCloser(st, now, o.Site),
		rules:   screening.Standard(),
		domains: o.Domains, domainSlots: make(chan struct{}, domainsAsked),
		policy:  &policy{store: st, clock: o.Clock, premoderation: o.Premoderation},
		weigher: &weigher{reputation: o.Reputation, wait: o.ReputationWait, clock: o.Clock, log: o.Log},
	}
}
