package service_test

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
)

// Claims are told by topics and data: the events of two kinds may have the same topic, and
// one that names an account indexed has its data elsewhere.
func TestClaimEventsOfEachKind(t *testing.T) {
	account := common.Address(numbered(5))
	word := func(n byte) []byte { return common.LeftPadBytes([]byte{n}, 32) }
	named := common.BytesToHash(account[:])
	other := common.BytesToHash([]byte{3})
	topicOf := func(signature string) string { return crypto.Keccak256Hash([]byte(signature)).Hex() }
	whole := append(append(word(7), common.LeftPadBytes(account[:], 32)...), word(9)...)
	for _, c := range []struct {
		kind, topic string
		topics      []common.Hash
		data        []byte
		row         int64
	}{
		{airdrop.PlainKind, "0x4ec90e965519d92681267467f775ada5bd214aa92c0dc93d90a5e880ce9ed026", nil, whole, 7}, // Uniswap's, as its source has it
		{airdrop.VestingKind, "0x4ec90e965519d92681267467f775ada5bd214aa92c0dc93d90a5e880ce9ed026", nil, whole, 7},
		{airdrop.CumulativeKind, "0xd8138f8a3f377c5259ca548e70e4c2de94f129f5a11036a15b69513cba2b426a", []common.Hash{named}, word(9), -1},
		{airdrop.ENSKind, "0x47cee97cb7acd717b3c0aa1435d004cd5b3c8c57d70dbceb4e4458bbd60e39d4", []common.Hash{named}, word(9), -1},
		// Merkl's, as on mainnet; and Sablier's of 1.2 with and without a stream, and of 2 with a stream
		{airdrop.MerklKind, "0xf7a40077ff7a04c7e61f6f26fb13774259ddf1b6bce9ecf26a8276cdd3992683", []common.Hash{named, other}, word(9), -1},
		{airdrop.SablierKind, topicOf("Claim(uint256,address,uint128)"), []common.Hash{named}, append(word(7), word(9)...), 7},
		{airdrop.SablierKind, topicOf("Claim(uint256,address,uint128,uint256)"), []common.Hash{named, other}, append(word(7), word(9)...), 7},
		{airdrop.SablierKind, topicOf("ClaimLLWithVesting(uint256,address,uint128,uint256,address,bool)"), []common.Hash{named, other}, slices.Concat(word(7), word(9), word(3), word(1)), 7},
	} {
		if got := service.Topics(c.kind); !slices.Contains(got, c.topic) {
			t.Errorf("%s is found by %s, want %s", c.kind, got, c.topic)
		}
		e := types.Log{Topics: append([]common.Hash{common.HexToHash(c.topic)}, c.topics...), Data: c.data}
		row, who, amount, ok := service.ReadClaim(c.kind, e)
		if !ok || row != c.row || common.Address(who) != account || amount != "9" {
			t.Errorf("%s: %d %s %s %v", c.kind, row, who, amount, ok)
		}
		e.Data = e.Data[:len(e.Data)-1]
		if _, _, _, ok := service.ReadClaim(c.kind, e); ok {
			t.Errorf("%s: data that is too short is read", c.kind)
		}
		e.Data, e.Topics = c.data, append(e.Topics, named)
		if _, _, _, ok := service.ReadClaim(c.kind, e); ok {
			t.Errorf("%s: an event with more topics is read", c.kind)
		}
	}
}
