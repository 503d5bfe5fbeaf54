package chain_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

var (
	deployed = common.HexToAddress("0x1000000000000000000000000000000000000001")
	factory  = common.HexToAddress("0x2000000000000000000000000000000000000002")
	digest   = [32]byte(crypto.Keccak256([]byte("what is signed")))
)

func open(t *testing.T, change func(*chain.Settings), urls ...string) *chain.Chains {
	t.Helper()
	s := chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Gas: 10_000_000}
	for _, u := range urls {
		s.Nodes = append(s.Nodes, chain.Node{ChainID: 1, URL: u})
	}
	if change != nil {
		change(&s)
	}
	var said strings.Builder
	c := chain.Open(s, slog.New(slog.NewTextHandler(&said, nil)))
	t.Cleanup(func() {
		c.Close()
		if strings.Contains(said.String(), chaintest.Key) {
			t.Errorf("the log has a node's key: %s", said.String())
		}
	})
	return c
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, common.Address) {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, crypto.PubkeyToAddress(key.PublicKey)
}

func sign(t *testing.T, key *ecdsa.PrivateKey, digest [32]byte) []byte {
	t.Helper()
	s, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	s[64] += 27
	return s
}

func TestSmartWalletsAreAskedForTheirSignatures(t *testing.T) {
	owner, ownerAddress := newKey(t)
	stranger, _ := newKey(t)
	code := chaintest.OwnedWallet(ownerAddress)
	deployment := chaintest.Deploying(code)
	planned := chaintest.DeployedAt(factory, deployment)
	delegated := common.HexToAddress("0x3000000000000000000000000000000000000003")
	node := &chaintest.Node{ID: 1, Block: 41, Code: map[common.Address][]byte{
		deployed: code, factory: chaintest.Factory,
		common.HexToAddress("0xaa04"): {0xfe},                                           // fails on every call
		common.HexToAddress("0xaa05"): {0x00},                                           // returns nothing
		common.HexToAddress("0xaa06"): {0x5b, 0x60, 0x00, 0x56},                         // never ends
		common.HexToAddress("0xaa07"): {0x60, 0x01, 0x60, 0x00, 0xf3},                   // returns one byte
		delegated:                     append([]byte{0xef, 0x01, 0x00}, deployed[:]...), // EIP-7702
	}}
	chains := open(t, nil, node.Start(t))
	good, bad := sign(t, owner, digest), sign(t, stranger, digest)
	for name, c := range map[string]struct {
		account  common.Address
		signed   []byte
		code     bool
		accepted bool
	}{
		"a smart wallet, its owner's":               {deployed, good, true, true},
		"a smart wallet, a stranger's":              {deployed, bad, true, false},
		"a smart wallet, nothing":                   {deployed, nil, true, false},
		"a smart wallet, wrapped needlessly":        {deployed, chaintest.Wrap(t, factory, deployment, good), true, true},
		"a planned wallet, its owner's":             {planned, chaintest.Wrap(t, factory, deployment, good), true, true},
		"a planned wallet, a stranger's":            {planned, chaintest.Wrap(t, factory, deployment, bad), true, false},
		"a planned wallet, without its deployment":  {planned, good, false, false},
		"a planned wallet, another's deployment":    {planned, chaintest.Wrap(t, factory, chaintest.Deploying([]byte{0x00}), good), true, false},
		"a planned wallet, a factory without code":  {planned, chaintest.Wrap(t, common.HexToAddress("0xaa09"), deployment, good), true, false},
		"a planned wallet, a factory that fails":    {planned, chaintest.Wrap(t, common.HexToAddress("0xaa04"), deployment, good), true, false},
		"a delegated account, the delegate's owner": {delegated, good, true, true},
		"code that fails":                           {common.HexToAddress("0xaa04"), good, true, false},
		"code that returns nothing":                 {common.HexToAddress("0xaa05"), good, true, false},
		"code that never ends":                      {common.HexToAddress("0xaa06"), good, true, false},
		"code that returns too little":              {common.HexToAddress("0xaa07"), good, true, false},
		"an account without code":                   {common.HexToAddress("0xaa08"), good, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			code, err := chains.HasCode(t.Context(), 1, wallet.Address(c.account), c.signed)
			if err != nil || code != c.code {
				t.Errorf("code: %v %v, want %v", code, err, c.code)
			}
			accepted, block, err := chains.Accepts(t.Context(), 1, wallet.Address(c.account), digest, c.signed)
			if err != nil || accepted != c.accepted || block != 41 {
				t.Errorf("accepted: %v %v at block %d, want %v at 41", accepted, err, block, c.accepted)
			}
		})
	}
	other := digest
	other[0]++
	if accepted, _, err := chains.Accepts(t.Context(), 1, wallet.Address(deployed), other, good); err != nil || accepted {
		t.Errorf("a signed of something else is accepted: %v %v", accepted, err)
	}
	if node.Code[planned] != nil {
		t.Error("asking has deployed the wallet")
	}
}

func TestAWrappingThatCannotBeReadIsInvalid(t *testing.T) {
	node := &chaintest.Node{ID: 1}
	chains := open(t, nil, node.Start(t))
	end := bytes.Repeat([]byte{0x64, 0x92}, 16)
	for name, signed := range map[string][]byte{
		"nothing before the end":   end,
		"cut off":                  append(make([]byte, 40), end...),
		"a wrapping in a wrapping": chaintest.Wrap(t, factory, nil, chaintest.Wrap(t, factory, nil, make([]byte, 65))),
	} {
		if _, _, err := chains.Accepts(t.Context(), 1, wallet.Address(deployed), digest, signed); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if node.Asked.Load() != 0 {
		t.Error("the node was asked")
	}
}

// One node after the other is asked, and one that has failed after the others.
func TestOtherNodesAreAskedWhenOneFails(t *testing.T) {
	owner, address := newKey(t)
	code := map[common.Address][]byte{deployed: chaintest.OwnedWallet(address)}
	broken, well := &chaintest.Node{ID: 1, Code: code}, &chaintest.Node{ID: 1, Code: code}
	for name, h := range map[string]http.HandlerFunc{
		"an error of HTTP": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, chaintest.Key+" is used up", http.StatusTooManyRequests)
		},
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"a redirect": func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"an endless answer":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 3<<20)) },
		"a broken connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			chains := open(t, nil, broken.Start(t), well.Start(t))
			broken.Else.Store(&h)
			for range 2 {
				if accepted, _, err := chains.Accepts(t.Context(), 1, wallet.Address(deployed), digest, sign(t, owner, digest)); err != nil || !accepted {
					t.Errorf("%v %v", accepted, err)
				}
			}
			before := broken.Asked.Load()
			if _, err := chains.HasCode(t.Context(), 1, wallet.Address(deployed), nil); err != nil || broken.Asked.Load() != before {
				t.Errorf("the node that failed is asked first again: %v", err)
			}
			alone := open(t, nil, broken.Start(t))
			_, err := alone.HasCode(t.Context(), 1, wallet.Address(deployed), nil)
			if err == nil || strings.Contains(err.Error(), chaintest.Key) || !strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the failure must name the node without its key: %v", err)
			}
		})
	}
}

func TestANodeThatHangsIsLeftInTime(t *testing.T) {
	hangs, well := &chaintest.Node{ID: 1}, &chaintest.Node{ID: 1, Code: map[common.Address][]byte{deployed: {0x00}}}
	ended := make(chan struct{})
	wait := http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-req.Context().Done():
		case <-ended:
		}
	})
	hangs.Else.Store(&wait)
	chains := open(t, func(s *chain.Settings) { s.Timeout = 100 * time.Millisecond }, hangs.Start(t), well.Start(t))
	t.Cleanup(func() { close(ended) })
	if code, err := chains.HasCode(t.Context(), 1, wallet.Address(deployed), nil); err != nil || !code {
		t.Errorf("%v %v", code, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chains.HasCode(ctx, 1, wallet.Address(deployed), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left gets %v", err)
	}
}

func TestNodesMustAgree(t *testing.T) {
	owner, address := newKey(t)
	code := map[common.Address][]byte{deployed: chaintest.OwnedWallet(address)}
	honest, behind := &chaintest.Node{ID: 1, Block: 42, Code: code}, &chaintest.Node{ID: 1, Block: 40}
	older := &chaintest.Node{ID: 1, Block: 41, Code: code}
	two := func(s *chain.Settings) { s.Agree = 2 }
	ask := func(urls ...string) (accepted bool, block uint64, err error) {
		return open(t, two, urls...).Accepts(t.Context(), 1, wallet.Address(deployed), digest, sign(t, owner, digest))
	}
	if accepted, block, err := ask(honest.Start(t), older.Start(t)); err != nil || !accepted || block != 41 {
		t.Errorf("two honest nodes: %v at %d %v", accepted, block, err)
	}
	if accepted, _, err := ask(honest.Start(t), behind.Start(t)); err == nil || accepted || !strings.Contains(err.Error(), "do not agree") {
		t.Errorf("two that differ: %v %v", accepted, err)
	}
	if accepted, _, err := ask(honest.Start(t), "http://127.0.0.1:1"); err == nil || accepted {
		t.Errorf("one of two: %v %v", accepted, err)
	}
}

func TestOnlyNodesOfTheChainAreAsked(t *testing.T) {
	sepolia := &chaintest.Node{ID: 11155111, Code: map[common.Address][]byte{deployed: {0x00}}}
	chains := open(t, nil, sepolia.Start(t))
	if _, err := chains.HasCode(t.Context(), 1, wallet.Address(deployed), nil); err == nil || !strings.Contains(err.Error(), "it is a node of chain 11155111, not of chain 1") {
		t.Errorf("a node of another chain: %v", err)
	}
	for _, signed := range [][]byte{nil, chaintest.Wrap(t, factory, nil, nil)} {
		if _, err := chains.HasCode(t.Context(), 10, wallet.Address(deployed), signed); !errors.Is(err, signature.ErrNoSuchChain) {
			t.Errorf("a chain without nodes: %v", err)
		}
		if _, _, err := chains.Accepts(t.Context(), 10, wallet.Address(deployed), digest, signed); !errors.Is(err, signature.ErrNoSuchChain) {
			t.Errorf("a chain without nodes: %v", err)
		}
	}
}

func TestPrivateNetworksAreNotReached(t *testing.T) {
	node := &chaintest.Node{ID: 1, Code: map[common.Address][]byte{deployed: {0x00}}}
	at := node.Start(t)
	chains := open(t, func(s *chain.Settings) { s.Private = false }, at, strings.Replace(at, "127.0.0.1", "localhost", 1))
	_, err := chains.HasCode(t.Context(), 1, wallet.Address(deployed), nil)
	if err == nil || !strings.Contains(err.Error(), "set chain.private to true") || node.Asked.Load() != 0 {
		t.Errorf("%v after %d questions", err, node.Asked.Load())
	}
}
