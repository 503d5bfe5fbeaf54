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

	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// The size of the community.
const (
	Wallets = 10_000
	Seeds   = 12
	Reviews = 3_000
	days    = 180 // over which the reviews were written
)

// Part is what the community does with one module; the zero Part is nothing.
type Part struct {
	// Configure returns the module's settings for this community, by their keys in
	// config.yaml; nil = none.
	Configure func(*Community) map[string]string
	// Fill does it, over a route to the module.
	Fill func(context.Context, *Community, *seam.Route) (Made, error)
}

// Settings are the module's settings for this community.
func (p Part) Settings(c *Community) map[string]string {
	if p.Configure == nil {
		return nil
	}
	return p.Configure(c)
}

// Step is a Part with the module that it is for.
type Step func(context.Context, *Community) (Made, error)

// Step joins a part with its module.
func (p Part) Step(module string, route *seam.Route) Step {
	return func(ctx context.Context, c *Community) (Made, error) {
		made, err := p.Fill(ctx, c, route)
		if err != nil {
			return Made{}, fmt.Errorf("make the demo's data of %s: %w", module, err)
		}
		return made, nil
	}
}

// Made says what a part has made.
type Made struct {
	What string                  // "3000 reviews"
	Look func(url string) string // what to try first, at this site
	// Finish is called when all parts are done; nil = nothing is left to do.
	Finish func(context.Context) error
}

// Community is the people of one demonstration. What they do is the same in
// every run; who they are is not: their keys come from a secret that is made at
// the start and never leaves the process, so nobody who read this code can sign
// for the demo wallet, a seed or anybody else.
type Community struct {
	secret [32]byte
	*people
	behind atomic.Int64
	chain  Chain // nil = it has none
}

// Now is the modules' clock while the community is made: reviews are written
// over half a year, and each must be fresh when it is published. Afterwards it
// shows the time.
func (c *Community) Now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

func (c *Community) setBehind(d time.Duration) { c.behind.Store(int64(d)) }

// New makes the secret of a community.
func New() *Community {
	c := &Community{}
	_, _ = rand.Read(c.secret[:]) // crypto/rand never fails: it ends the program instead
	return c
}

// OnChain lets the airdrops be paid on a chain of the demo's own.
func (c *Community) OnChain(chain Chain) { c.chain = chain }

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

// Fill lets the community take the steps, in their order. It takes a few seconds.
func (c *Community) Fill(ctx context.Context, steps []Step) ([]Made, error) {
	ctx = identity.With(ctx, identity.Caller{Subject: "demo", Role: identity.Operator})
	c.people = newPeople(c)
	c.setBehind(days * 24 * time.Hour)
	defer c.setBehind(0)
	var all []Made
	for _, take := range steps {
		made, err := take(ctx, c)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	c.setBehind(0)
	for _, made := range all {
		if made.Finish == nil {
			continue
		}
		if err := made.Finish(ctx); err != nil {
			return nil, fmt.Errorf("finish the demo's data: %w", err)
		}
	}
	return all, nil
}
