package process_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

// TestASmartWalletSignsIn: with a node of its chain, a wallet without a key of its
// own signs in by its owner's signature; and the node's key is in no log.
func TestASmartWalletSignsIn(t *testing.T) {
	owner := newAuthor(1)
	smart := common.HexToAddress("0x5afe000000000000000000000000000000005afe")
	node := &chaintest.Node{ID: 1, Code: map[common.Address][]byte{smart: chaintest.OwnedWallet(common.Address(owner.address))}}
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, []string{"BANYAN_CHAIN_NODES=1 " + node.Start(t), "BANYAN_CHAIN_PRIVATE=true"})
	owner.address = wallet.Address(smart)
	page := signIn(t, p.url, owner)
	if text := page("/"); !strings.Contains(text, owner.address.String()) {
		t.Errorf("the page does not show the wallet %s", owner.address)
	}
	if node.Asked.Load() == 0 || strings.Contains(p.logged(), chaintest.Key) {
		t.Errorf("after %d questions to the node the log is: %s", node.Asked.Load(), p.logged())
	}
}
