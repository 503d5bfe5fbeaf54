//go:build devchain

package service_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/wallet"
)

// history is a token that several accounts pass on, with a record of what each had after
// each block.
type history struct {
	*team
	keys  []*ecdsa.PrivateKey
	first uint64              // block of the first record
	had   []map[string]uint64 // by block and address, in lower case
	times []uint64            // of the blocks
	calls []map[string]uint64 // to the token, until and with the block
}

func account(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

func (h *history) has(w common.Address, n uint64) uint64 {
	return h.had[n-h.first][strings.ToLower(w.Hex())]
}

// from sends a transaction of an account.
func (h *history) from(key *ecdsa.PrivateKey, to common.Address, value *big.Int, data []byte) {
	h.t.Helper()
	nonce, err := h.Client().PendingNonceAt(h.t.Context(), account(key))
	if err != nil {
		h.t.Fatal(err)
	}
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: &to, Value: value, Data: data, Gas: 200_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, err := range h.Ethereum().TxPool().Add([]*types.Transaction{tx}, true) {
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func transferData(to common.Address, amount uint64) []byte {
	data := append([]byte{0xa9, 0x05, 0x9c, 0xbb}, common.LeftPadBytes(to[:], 32)...)
	return append(data, common.LeftPadBytes(new(big.Int).SetUint64(amount).Bytes(), 32)...)
}

// newHistory plays 40 blocks of transfers, some of which fail, and 100 without.
func newHistory(t *testing.T) *history {
	t.Helper()
	h := &history{team: newTeam(t, 0)}
	h.first = h.Ethereum().BlockChain().CurrentBlock().Number.Uint64() + 1
	random := rand.New(rand.NewPCG(20, 4))
	has := make(map[string]uint64)
	called := make(map[string]uint64)
	name := func(key *ecdsa.PrivateKey) string { return strings.ToLower(account(key).Hex()) }
	for range 5 {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		h.keys = append(h.keys, key)
		h.from(h.key, account(key), big.NewInt(1e18), nil)
		h.from(h.key, h.token, nil, transferData(account(key), 1000))
		has[name(key)] = 1000
		called[name(h.key)]++
	}
	record := func() {
		h.Commit()
		row, calls := make(map[string]uint64), make(map[string]uint64)
		for k, v := range has {
			row[k] = v
		}
		for k, v := range called {
			calls[k] = v
		}
		h.had, h.calls = append(h.had, row), append(h.calls, calls)
		h.times = append(h.times, h.Ethereum().BlockChain().CurrentBlock().Time)
	}
	record()
	for range 40 {
		for range random.IntN(4) {
			from, to := h.keys[random.IntN(len(h.keys))], h.keys[random.IntN(len(h.keys))]
			amount := uint64(random.IntN(int(has[name(from)]) + 1))
			if random.IntN(5) == 0 { // more than there is: it is reverted
				h.from(from, h.token, nil, transferData(account(to), 1e9))
				continue
			}
			h.from(from, h.token, nil, transferData(account(to), amount))
			has[name(from)] -= amount
			has[name(to)] += amount
			called[name(from)]++
		}
		record()
	}
	for range 100 {
		h.Commit()
	}
	return h
}

func (h *history) rules(from, block uint64) string {
	return fmt.Sprintf(`
version: 1
decimals: 0
sources:
  holders: {kind: holders, decimals: 0, chain: %[1]d, token: %[2]s, block: %[4]d}
  held: {kind: averages, decimals: 0, chain: %[1]d, token: %[2]s, from: %[3]d, block: %[4]d}
  called: {kind: callers, chain: %[1]d, to: %[2]s, from: %[3]d, block: %[4]d}
  moved: {kind: callers, chain: %[1]d, to: %[2]s, method: "0xa9059cbb", from: %[3]d, block: %[4]d}
deny:
  - {wallet: %[5]s, reason: the team}
allocation:
  - {name: balance, to: holders, each: 1, times: [{value: holders}]}
  - {name: average, to: held, each: 1000000, times: [{value: held}]}
  - {name: calls, to: moved, each: 1000000000000, times: [{value: moved}]}
`, devchain.ID, h.token.Hex(), from, block, h.wallet.Hex())
}

// want is what a wallet gets by these rules, added up block by block and second by second.
func (h *history) want(w common.Address, from, block uint64) uint64 {
	sum := uint64(0)
	for n := from; n < block; n++ {
		sum += h.has(w, n) * (h.times[n+1-h.first] - h.times[n-h.first])
	}
	name := strings.ToLower(w.Hex())
	calls := h.calls[block-h.first][name] - h.calls[from-1-h.first][name]
	return h.has(w, block) + 1_000_000*(sum/(h.times[block-h.first]-h.times[from-h.first])) + 1_000_000_000_000*calls
}

// Balances, averages and callers are read from the chain, are what adding up block by
// block says, and the manifest reproduces the root without the chain.
func TestSourcesAreReadFromTheChain(t *testing.T) {
	h := newHistory(t)
	chains := openChain(t, h.team)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		w.work(t)
		d := draft(merkle.OZ)
		d.Decimals = 0
		c := w.drafted(t, d)
		from, block := h.first+5, h.first+35
		set := must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: h.rules(from, block)}))(t)
		if len(set.Sources) != 4 || !set.Sources[1].Collected || !set.Sources[2].Collected {
			t.Fatalf("with rules: %+v", set.Sources)
		}
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		course := w.reaches(t, c.ID, airdrop.Previewed)
		for _, key := range h.keys {
			why := must(w.Why(operator, airdrop.WhyQuery{ID: c.ID, Wallet: wallet.Address(account(key))}))(t)
			if want := h.want(account(key), from, block); why.Amount.Uint64() != want {
				t.Errorf("%s gets %s, want %d: %s", account(key), why.Amount.Dec(), want, why.Reason)
			}
		}
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: c.ID, Preview: course.Preview}))(t)
		frozen := w.reaches(t, c.ID, airdrop.Frozen)
		w.reproduced(t, c.ID, *frozen.Root)
		var manifest bytes.Buffer
		stream := must(w.Manifest(anybody, airdrop.CourseQuery{ID: c.ID}))(t)
		if err := stream.Write(&manifest); err != nil {
			t.Fatal(err)
		}
		hash := h.Ethereum().BlockChain().GetHeaderByNumber(block).Hash().Hex()
		if n := strings.Count(manifest.String(), `"block_hash": "`+hash+`"`); n != 4 || !strings.Contains(manifest.String(), `"method": "0xa9059cbb"`) {
			t.Errorf("the manifest names the block %d times, want 4: %s", n, manifest.String())
		}
		var parts int
		if err := w.db.Read().Get(t.Context(), &parts, `SELECT COUNT(*) FROM course_part`); err != nil || parts != 0 {
			t.Errorf("a frozen campaign has %d parts still (%v)", parts, err)
		}
	})
}

// What can still be replaced, is of no token or of another is refused, with what to do.
func TestSourcesThatAChainCannotHaveAreRefused(t *testing.T) {
	h := newHistory(t)
	chains := openChain(t, h.team)
	head := h.Ethereum().BlockChain().CurrentBlock().Number.Uint64()
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		w.work(t)
		d := draft(merkle.OZ)
		d.Decimals = 0
		c := w.drafted(t, d)
		for _, with := range []struct{ source, says string }{
			{fmt.Sprintf("{kind: holders, chain: 1337, token: %s, block: %d}", h.token.Hex(), head-20), "can still be replaced"},
			{fmt.Sprintf("{kind: holders, chain: 1337, token: %s, block: %d}", account(h.keys[0]).Hex(), h.first+3), "no contract"},
			{fmt.Sprintf("{kind: holders, decimals: 6, chain: 1337, token: %s, block: %d}", h.token.Hex(), h.first+3), "has 0 decimals"},
			{fmt.Sprintf("{kind: callers, chain: 1337, to: %s, from: 2, block: %d}", h.token.Hex(), head+50), "can still be replaced"},
		} {
			rules := "version: 1\ndecimals: 0\nsources:\n  s: " + with.source + "\nallocation:\n  - {name: all, to: s, each: 1}\n"
			must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: rules}))(t)
			must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
			if course := w.reaches(t, c.ID, airdrop.Draft); !strings.Contains(course.Reason, with.says) {
				t.Errorf("%s: %q does not say %q", with.source, course.Reason, with.says)
			}
		}
		rules := fmt.Sprintf("version: 1\ndecimals: 0\nsources:\n  s: {kind: callers, chain: 5, to: %s, from: 2, block: 9}\nallocation:\n  - {name: all, to: s, each: 1}\n", h.token.Hex())
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: rules}))(t)
		refused(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t, fault.Unavailable)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "s", Body: strings.NewReader("address,calls\n" + h.token.Hex() + ",3\n")}))(t)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		w.reaches(t, c.ID, airdrop.Previewed)
	})
}

// ends waits for the end of the work on a campaign.
func (w *fixture) ends(t *testing.T, id string) airdrop.Course {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		c := must(w.Course(operator, airdrop.CourseQuery{ID: id}))(t)
		if c.Phase != airdrop.Collecting && !c.Working {
			return c
		}
		if err := periodic.Sleep(ctx, 5*time.Millisecond); err != nil {
			t.Fatalf("the work does not end: %+v", c)
		}
	}
}

// The node fails in the middle, and the process ends: what was read is not read again.
func TestReadingGoesOnWhereItStopped(t *testing.T) {
	h := newHistory(t)
	node, err := url.Parse(h.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(node)
	var asked, left atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if left.Add(-1) < 0 {
			http.Error(rw, "the node is away", http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Nodes: []chain.Node{{ChainID: devchain.ID, URL: server.URL}}}, slog.New(slog.DiscardHandler))
	t.Cleanup(chains.Close)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		d := draft(merkle.OZ)
		d.Decimals = 0
		c := w.drafted(t, d)
		rules := fmt.Sprintf("version: 1\ndecimals: 0\nsources:\n  s: {kind: callers, chain: 1337, to: %s, from: 2, block: %d}\nallocation:\n  - {name: all, to: s, each: 1, times: [{value: s}]}\n", h.token.Hex(), h.first+39)
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: rules}))(t)
		stop := w.work(t)
		parts := func() (n int) {
			if err := w.db.Read().Get(context.Background(), &n, `SELECT COUNT(*) FROM course_part`); err != nil {
				t.Fatal(err)
			}
			return n
		}
		failures := 0
		for before := 0; ; failures++ {
			left.Store(8)
			must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
			course := w.ends(t, c.ID)
			if course.Phase == airdrop.Previewed {
				break
			}
			now := parts()
			if failures > 20 || now < before || failures > 1 && now == 0 {
				t.Fatalf("after %d failures there are %d parts, and %d before: %s", failures, now, before, course.Reason)
			}
			before = now
			stop()
			stop = w.work(t)
		}
		if failures == 0 {
			t.Error("the node has not failed: nothing was tested")
		}
		for _, key := range h.keys {
			why := must(w.Why(operator, airdrop.WhyQuery{ID: c.ID, Wallet: wallet.Address(account(key))}))(t)
			if want := h.calls[39][strings.ToLower(account(key).Hex())]; why.Amount.Uint64() != want {
				t.Errorf("%s has called %s times, want %d", account(key), why.Amount.Dec(), want)
			}
		}
		// Other rules do not need what was read.
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: strings.Replace(rules, "from: 2", "from: 3", 1)}))(t)
		left.Store(1000)
		must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
		w.ends(t, c.ID)
		var queries int
		if err := w.db.Read().Get(t.Context(), &queries, `SELECT COUNT(DISTINCT query) FROM course_part`); err != nil || queries != 1 {
			t.Errorf("%d readings are kept, want 1 (%v)", queries, err)
		}
	})
}
