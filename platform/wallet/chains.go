package wallet

import (
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// The chains that write addresses in the case of EIP-1191
// (https://eips.ethereum.org/EIPS/eip-1191).
const (
	rootstock     = 30
	rootstockTest = 31
)

// chains are those that wallets put before addresses by their short names
// (https://eips.ethereum.org/EIPS/eip-3770), the usual name first.
var chains = []struct {
	id    uint64
	names string // separated by blanks
	title string
}{
	{1, "eth mainnet", "Ethereum"},
	{10, "oeth op optimism", "OP Mainnet"},
	{14, "flr", "Flare"},
	{25, "cro", "Cronos"},
	{rootstock, "rsk", "Rootstock"},
	{rootstockTest, "trsk", "Rootstock Testnet"},
	{50, "xdc", "XDC"},
	{56, "bnb bsc", "BNB Smart Chain"},
	{61, "etc", "Ethereum Classic"},
	{97, "bnbt", "BNB Smart Chain Testnet"},
	{100, "gno xdai", "Gnosis"},
	{122, "fuse", "Fuse"},
	{130, "unichain", "Unichain"},
	{137, "pol matic polygon", "Polygon"},
	{146, "sonic", "Sonic"},
	{169, "manta", "Manta Pacific"},
	{196, "okb xlayer", "X Layer"},
	{204, "obnb", "opBNB"},
	{250, "ftm", "Fantom"},
	{252, "fraxtal", "Fraxtal"},
	{288, "boba", "Boba"},
	{324, "zksync", "ZKsync"},
	{480, "wc", "World Chain"},
	{592, "astr", "Astar"},
	{1030, "cfx", "Conflux eSpace"},
	{1088, "metis-andromeda metis", "Metis"},
	{1101, "zkevm", "Polygon zkEVM"},
	{1135, "lisk", "Lisk"},
	{1284, "mbeam", "Moonbeam"},
	{1285, "mriver", "Moonriver"},
	{1329, "sei", "Sei"},
	{2020, "ron", "Ronin"},
	{2222, "kava", "Kava"},
	{5000, "mantle", "Mantle"},
	{8217, "kaia klay cypress", "Kaia"},
	{8453, "base", "Base"},
	{9001, "evmos", "Evmos"},
	{10200, "chi", "Gnosis Chiado"},
	{17000, "holesky", "Holesky"},
	{33139, "apechain ape", "ApeChain"},
	{34443, "mode", "Mode"},
	{42161, "arb1 arbitrum", "Arbitrum One"},
	{42170, "arb-nova", "Arbitrum Nova"},
	{42220, "celo", "Celo"},
	{43113, "fuji", "Avalanche Fuji"},
	{43114, "avax", "Avalanche C-Chain"},
	{57073, "ink", "Ink"},
	{59144, "linea", "Linea"},
	{80002, "polygonamoy amoy", "Polygon Amoy"},
	{80094, "berachain bera", "Berachain"},
	{81457, "blastmainnet blast", "Blast"},
	{84532, "basesep", "Base Sepolia"},
	{167000, "tko-mainnet taiko", "Taiko"},
	{421614, "arb-sep", "Arbitrum Sepolia"},
	{534352, "scr", "Scroll"},
	{560048, "hoe hoodi", "Hoodi"},
	{7777777, "zora", "Zora"},
	{11155111, "sep sepolia", "Sepolia"},
	{11155420, "opsep", "OP Sepolia"},
	{1313161554, "aurora", "Aurora"},
	{1666600000, "hmy-s0", "Harmony"},
}

// chainCalled finds a chain by a short name in lower case.
func chainCalled(name string) (id uint64, ok bool) {
	for _, c := range chains {
		for n := range strings.FieldsSeq(c.names) {
			if n == name {
				return c.id, true
			}
		}
	}
	return 0, false
}

// ChainName is what people call a chain, or its number.
func ChainName(id uint64) string {
	for _, c := range chains {
		if c.id == id {
			return c.title
		}
	}
	return "chain " + strconv.FormatUint(id, 10)
}

// ParseChain reads a chain's number or short name; "" is 0, no chain. It fails
// with fault.Invalid.
func ParseChain(text string) (id uint64, err error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return 0, nil
	}
	if id, err := strconv.ParseUint(strings.TrimPrefix(text, "eip155:"), 10, 64); err == nil && id != 0 {
		return id, nil
	}
	if id, ok := chainCalled(text); ok {
		return id, nil
	}
	return 0, fault.Newf(fault.Invalid, "%q is not a chain that is known here: write its number, for example 1 for Ethereum", short([]byte(text)))
}
