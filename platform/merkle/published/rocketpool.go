package published

import (
	"slices"

	"github.com/holiman/uint256"

	"banyan/platform/merkle"
)

// Rocket Pool's rewards files have, by node, two amounts of RPL apart whose sum is
// in the leaf: keccak256(abi.encodePacked(node, network, rpl, eth)). Other facts of
// a node are about how they came about.
// https://github.com/rocket-pool/smartnode (rewards/generator)

var rocketPoolAmounts = []string{"collateralrpl", "oracledaorpl"}

// rocketPool returns the members of a node's claim as those of its leaf; others
// stay as they are.
func rocketPool(members []member) []member {
	find := func(name string) int {
		return slices.IndexFunc(members, func(m member) bool { return simple(m.name) == name })
	}
	rpl := new(uint256.Int)
	for _, name := range rocketPoolAmounts {
		at := find(name)
		if at < 0 {
			return members
		}
		text, err := scalar(members[at].value)
		if err != nil {
			return members
		}
		n, err := merkle.ParseNumber(text)
		if err != nil {
			return members
		}
		if _, over := rpl.AddOverflow(rpl, n); over {
			return members
		}
	}
	network, eth, proof := find("rewardnetwork"), find("smoothingpooleth"), find("merkleproof")
	if network < 0 || eth < 0 || proof < 0 {
		return members
	}
	return []member{
		{"network", members[network].value},
		{"rpl", []byte(`"` + rpl.Dec() + `"`)},
		{"eth", members[eth].value},
		{"proof", members[proof].value},
	}
}
