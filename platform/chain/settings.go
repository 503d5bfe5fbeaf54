package chain

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"banyan/platform/config"
)

// maxNodes bounds the nodes of one settings file.
const maxNodes = 64

// Settings name the nodes that this program asks about chains.
type Settings struct {
	Nodes   []Node        `yaml:"nodes"`
	Private bool          `yaml:"private"` // nodes may be on this machine and in private networks
	Agree   int           `yaml:"agree"`   // nodes that must answer the same about a signature
	Timeout time.Duration `yaml:"timeout"` // of one request to one node
	Gas     int           `yaml:"gas"`     // that a smart wallet may use to check a signature
}

// Node is the address of one node of a chain. Its text is "1 https://host/key": the
// chain's number (EIP-155) and the URL of its JSON-RPC, which often has a key in it,
// so that it is masked wherever the settings are printed.
type Node struct {
	ChainID uint64
	URL     string
}

// UnmarshalText reads a node.
func (n *Node) UnmarshalText(text []byte) error {
	id, address, found := strings.Cut(strings.TrimSpace(string(text)), " ")
	address = strings.TrimSpace(address)
	number, err := strconv.ParseUint(id, 10, 64)
	if err != nil || number == 0 || !found || address == "" {
		return fmt.Errorf("is not a node: write the number of its chain and its URL, like \"1 https://ethereum.example.org\"")
	}
	if strings.Contains(address, config.Masked) {
		return fmt.Errorf("has %s, the mask of a printed configuration, in its URL: write the URL itself", config.Masked)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "" {
		return fmt.Errorf("the URL of a node of chain %d must be http or https, like https://ethereum.example.org/key", number)
	}
	*n = Node{ChainID: number, URL: address}
	return nil
}

// MarshalText masks what may be a key in the URL.
func (n Node) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// String is the node without what may be a key in its URL.
func (n Node) String() string {
	u, err := url.Parse(n.URL)
	if err != nil {
		return strconv.FormatUint(n.ChainID, 10) + " " + config.Masked
	}
	shown := u.Scheme + "://" + u.Host
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		shown += "/" + config.Masked
	}
	return strconv.FormatUint(n.ChainID, 10) + " " + shown
}

// Check reports what is out of range.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("timeout", s.Timeout, 100*time.Millisecond)
	c.Within("agree", s.Agree, 1, 8)
	c.Within("gas", s.Gas, 100_000, 100_000_000)
	if len(s.Nodes) > maxNodes {
		c.Wrong("nodes", "has %d nodes, at most %d are taken", len(s.Nodes), maxNodes)
	}
	of := make(map[uint64]int)
	var seen []string
	for _, n := range s.Nodes {
		if slices.Contains(seen, n.URL) {
			c.Wrong("nodes", "has the node %s twice", n)
		}
		seen = append(seen, n.URL)
		of[n.ChainID]++
	}
	for id, count := range of {
		if count < s.Agree {
			c.Wrong("nodes", "has %d of chain %d, and %s wants %d that answer the same: add nodes, or lower it", count, id, c.Name("agree"), s.Agree)
		}
	}
}
