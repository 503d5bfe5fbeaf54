// Package demo makes up a community to look around in: wallets that trust each
// other, reviews they signed and two airdrops, the same in every run. It goes
// through the modules' contracts, as real people's calls would, so what the
// pages show is what the modules computed.
package demo

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
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

// Summary says what was made.
type Summary struct {
	Edges, Reviews int
	Campaigns      []airdrop.Campaign
}

// Key is the private key of the demo wallet: the one person of the community
// whom the visitor plays. Everybody knows it; it is worth nothing.
func Key() *ecdsa.PrivateKey { return key(demoPerson) }

// Wallet is the demo wallet's address.
func Wallet() wallet.Address { return address(demoPerson) }

// SeedWallets are the people trusted from the start.
func SeedWallets() []wallet.Address {
	list := make([]wallet.Address, Seeds)
	for i := range list {
		list[i] = address(i)
	}
	return list
}

// demoPerson is well connected, and no seed.
const demoPerson = 42

// key derives a person's key from their number.
func key(person int) *ecdsa.PrivateKey {
	secret := crypto.Keccak256([]byte("Banyan demo: worth nothing"), binary.BigEndian.AppendUint64(nil, uint64(person)))
	k, err := crypto.ToECDSA(secret)
	if err != nil {
		panic(fmt.Sprintf("demo: person %d has no key: %v", person, err)) // the hash would be 0 or over the curve's order: not for these numbers
	}
	return k
}

func address(person int) wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(key(person).PublicKey))
}

// Fill makes the community. It takes a few seconds.
func Fill(ctx context.Context, s Services, clock *Clock) (Summary, error) {
	ctx = identity.With(ctx, identity.Caller{Subject: "demo", Role: identity.Operator})
	people := newPeople()
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
