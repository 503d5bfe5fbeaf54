//go:build devchain

package service_test

import (
	"context"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/testenv/chaintest"
)

var reorganisations = flag.Int("reorganisations", 4, "how many reorganisations happen while claims are read, each of four ways")

// claimedBy are the claims of one version of the chain until each of its blocks.
type claimedBy struct {
	first uint64
	rows  []int // until first, first+1 …
	sums  []uint64
	txs   map[uint64]map[string]bool // transactions that claim a row
}

// version reads what the chain has now.
func (m *team) version(at common.Address, first uint64) claimedBy {
	head := m.Ethereum().BlockChain().CurrentBlock().Number.Uint64()
	v := claimedBy{first: first, rows: make([]int, head-first+1), sums: make([]uint64, head-first+1), txs: make(map[uint64]map[string]bool)}
	for _, l := range chaintest.Events(m.Chain, at) {
		if len(l.Data) != 96 {
			continue
		}
		row := new(big.Int).SetBytes(l.Data[:32]).Uint64()
		if v.txs[row] == nil {
			v.txs[row] = make(map[string]bool)
		}
		v.txs[row][hexutil.Encode(l.TxHash[:])] = true
		for n := l.BlockNumber; n <= head; n++ {
			v.rows[n-first]++
			v.sums[n-first] += new(big.Int).SetBytes(l.Data[64:]).Uint64()
		}
	}
	return v
}

// says reports whether an answer is what this version has at the block that was read to.
func (v claimedBy) says(d airdrop.Distributor) bool {
	if d.ReadTo < v.first || d.ReadTo-v.first >= uint64(len(v.rows)) {
		return d.ReadTo < v.first && d.ClaimedRows == 0
	}
	at := d.ReadTo - v.first
	return d.ClaimedRows == v.rows[at] && d.Claimed.Uint64() == v.sums[at]
}

// seenAnswer is an answer, and how many versions of the chain there were before it was asked for.
type seenAnswer struct {
	d      airdrop.Distributor
	call   airdrop.ClaimCall
	before int
}

// The chain is reorganised, up to 64 blocks deep, while claims are read: no answer mixes
// two versions of the chain, and each is of one that there was. With
// -reorganisations 75, 300 of them.
func TestNoAnswerIsWrongWhileTheChainIsReorganised(t *testing.T) {
	m := newTeam(t, 18)
	chains := openChain(t, m)
	const wallets = 40
	random := rand.New(rand.NewPCG(7, 300))
	answers, wrong := 0, 0
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		w.reading(t)
		c := w.built(t, draft(merkle.OZIndexed), small(wallets))
		planned := must(w.PlanDistributor(operator, m.plan(c.ID)))(t)
		m.sends(planned.Calls...)
		at := common.Address(planned.Address)
		first := m.Ethereum().BlockChain().CurrentBlock().Number.Uint64()
		must(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: planned.Address, FirstBlock: first}))(t)
		w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		calls := make([]airdrop.ClaimCall, wallets)
		for i := range calls {
			calls[i] = must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(i + 1)}))(t)
		}
		for range 65 { // as deep as a reorganisation may be
			m.Commit()
		}
		var mu sync.Mutex
		versions := []claimedBy{m.version(at, first)}
		var all []seenAnswer
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var readers sync.WaitGroup
		for k := range 3 {
			readers.Go(func() {
				for i := k; ctx.Err() == nil; i++ {
					mu.Lock()
					h := seenAnswer{before: len(versions)}
					mu.Unlock()
					d, err := w.Distributor(anybody, airdrop.CampaignQuery{ID: c.ID})
					if err != nil {
						t.Errorf("asked for the distributor: %v", err)
						return
					}
					call, err := w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(i%wallets + 1)})
					if err != nil {
						t.Errorf("asked for a claim: %v", err)
						return
					}
					h.d, h.call = d, call
					mu.Lock()
					all = append(all, h)
					mu.Unlock()
					_ = periodic.Sleep(ctx, time.Millisecond) // the others have their turn
				}
			})
		}
		for range *reorganisations {
			chaintest.Reorganise(t, m.Chain, 1+random.IntN(64), func() {
				if random.IntN(4) == 0 {
					call := calls[random.IntN(wallets)]
					to := common.Address(call.To)
					m.send(&to, common.FromHex(call.Data))
				}
			})
			v := m.version(at, first)
			mu.Lock()
			versions = append(versions, v)
			mu.Unlock()
			head := v.first + uint64(len(v.rows)) - 1
			w.becomes(t, c.ID, "read again", func(d airdrop.Distributor) bool { return d.ReadTo == head && v.says(d) && d.State == airdrop.Live })
		}
		cancel()
		readers.Wait()
		for _, h := range all {
			answers++
			if what := h.wrong(c, versions); what != "" {
				wrong++
				t.Errorf("after %d versions of the chain: %s", h.before, what)
			}
		}
	})
	t.Logf("%d answers during %d reorganisations, %d of them wrong", answers, 4**reorganisations, wrong)
}

// wrong says what is wrong with an answer; "" for nothing.
func (h seenAnswer) wrong(c airdrop.Campaign, versions []claimedBy) string {
	is, tx := false, h.call.TX == ""
	for _, v := range versions[max(0, h.before-2):min(len(versions), h.before+2)] {
		is = is || v.says(h.d)
		tx = tx || v.txs[h.call.Index][h.call.TX]
	}
	var days, rows uint64
	for _, day := range h.d.Days {
		days += day.Amount.Uint64()
		rows += uint64(day.Rows)
	}
	total := c.Total.Uint64()
	switch claimed := h.d.Claimed.Uint64(); {
	case !is:
		return fmt.Sprintf("read to block %d, %d rows with %d were claimed: no version has that", h.d.ReadTo, h.d.ClaimedRows, claimed)
	case days != claimed || rows != uint64(h.d.ClaimedRows):
		return fmt.Sprintf("the days have %d rows with %d, the sum says %d with %d", rows, days, h.d.ClaimedRows, claimed)
	case h.d.Remaining.Uint64() != total-claimed:
		return fmt.Sprintf("%d remain of %d after %d", h.d.Remaining.Uint64(), total, claimed)
	case h.d.State == airdrop.Live && h.d.Balance.Uint64() != total-claimed:
		return fmt.Sprintf("the contract is said to have %d after %d of %d", h.d.Balance.Uint64(), claimed, total)
	case h.d.ConfirmedRows > h.d.ClaimedRows:
		return fmt.Sprintf("%d rows are final of %d", h.d.ConfirmedRows, h.d.ClaimedRows)
	case !tx:
		return fmt.Sprintf("row %d is said to be claimed by %s, which no version has", h.call.Index, h.call.TX)
	}
	return ""
}
