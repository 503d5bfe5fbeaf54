// Package demo makes up a community to look around in: wallets that trust each
// other, reviews they signed and two airdrops, the same in every run but for the
// wallets themselves. It goes through the modules' contracts, as real people's
// calls would, so what the pages show is what the modules computed.
package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// The size of the community.
const (
	Wallets = 10_000
	Seeds   = 12
	Reviews = 3_000
	days    = 180 // over which the reviews were written
)

// Clock is the modules' clock while the community is made: reviews are written
// over half a year, and each must be fresh when it is published. Afterwards it
// shows the time.
type Clock struct{ behind atomic.Int64 }

// Now is the time of the community.
func (c *Clock) Now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

func (c *Clock) setBehind(d time.Duration) { c.behind.Store(int64(d)) }

// Services are the modules to fill.
type Services struct {
	Reputation reputation.Service
	Exchanges  exchangereview.Service
	Airdrop    airdrop.Service
}

// Of are the modules of an assembled trunk.
func Of(p *host.Process) Services {
	return Services{
		Reputation: reputation.NewClient(p.Route(reputation.Contract)),
		Exchanges:  exchangereview.NewClient(p.Route(exchangereview.Contract)),
		Airdrop:    airdrop.NewClient(p.Route(airdrop.Contract)),
	}
}

// Summary says what was made.
type Summary struct {
	Edges, Reviews int
	Campaigns      []airdrop.Campaign
}

// Community is the people of one demonstration. What they do is the same in
// every run; who they are is not: their keys come from a secret that is made at
// the start and never leaves the process, so nobody who read this code can sign
// for the demo wallet, a seed or anybody else.
type Community struct {
	secret [32]byte
}

// New makes the secret of a community.
func New() *Community {
	c := &Community{}
	_, _ = rand.Read(c.secret[:]) // crypto/rand never fails: it ends the program instead
	return c
}

// Key is the private key of the demo wallet: the one person of the community
// whom the visitor plays.
func (c *Community) Key() *ecdsa.PrivateKey { return c.key(demoPerson) }

// Wallet is the demo wallet's address.
func (c *Community) Wallet() wallet.Address { return c.address(demoPerson) }

// SeedWallets are the people trusted from the start.
func (c *Community) SeedWallets() []wallet.Address {
	list := make([]wallet.Address, Seeds)
	for i := range list {
		list[i] = c.address(i)
	}
	return list
}

// demoPerson is well connected, and no seed.
const demoPerson = 42

// key derives a person's key from the secret and their number.
func (c *Community) key(person int) *ecdsa.PrivateKey {
	digest := crypto.Keccak256(c.secret[:], binary.BigEndian.AppendUint64(nil, uint64(person)))
	k, err := crypto.ToECDSA(digest)
	if err != nil {
		panic(fmt.Sprintf("demo: person %d has no key: %v", person, err)) // the hash is 0 or over the curve's order: once in 2^127
	}
	return k
}

func (c *Community) address(person int) wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(c.key(person).PublicKey))
}

// Fill lets the community do what it does. It takes a few seconds.
func (c *Community) Fill(ctx context.Context, s Services, clock *Clock) (Summary, error) {
	ctx = identity.With(ctx, identity.Caller{Subject: "demo", Role: identity.Operator})
	people := newPeople(c)
	clock.setBehind(days * 24 * time.Hour)
	defer clock.setBehind(0)
	edges, err := trust(ctx, s.Reputation, people)
	if err != nil {
		return Summary{}, fmt.Errorf("make the demo's trust graph: %w", err)
	}
	written, err := reviews(ctx, s.Exchanges, people, clock)
	if err != nil {
		return Summary{}, fmt.Errorf("make the demo's reviews: %w", err)
	}
	clock.setBehind(0)
	if _, err := s.Reputation.ComputeEpoch(ctx, reputation.EpochRequest{}); err != nil { // today's, as people would see
		return Summary{}, fmt.Errorf("compute the demo's reputation: %w", err)
	}
	made, err := campaigns(ctx, s.Airdrop, people)
	if err != nil {
		return Summary{}, fmt.Errorf("make the demo's campaigns: %w", err)
	}
	return Summary{Edges: edges, Reviews: written, Campaigns: made}, nil
}
