package published

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// Claim is an entry with its proof, as any tool writes it: Uniswap's claims,
// Sablier's eligibility answers, OpenZeppelin's entries, Merkl's rewards,
// merkletreejs's and murky's proofs, and this program's own.
type Claim struct {
	Wallet *wallet.Address
	Text   string // the wallet as it is written
	Amount string // as it is written; "" when there is none
	Index  *uint256.Int
	// Values are all values that may be part of the leaf, in the file's order.
	Values []Value
	Proof  []merkle.Hash
	Left   []bool // of each node whether it is on the left; nil when the claim does not say it
	Leaf   *merkle.Hash
	Root   *merkle.Hash
}

// Value is a value of a claim.
type Value struct{ Name, Text string }

// The names of what a claim has, in lower-case letters and digits.
var (
	proofNames  = []string{"proof", "proofs", "merkleproof", "merkleproofs", "hexproof", "siblings"}
	leafNames   = []string{"leaf", "leafhash", "hash", "node"}
	rootNames   = []string{"root", "merkleroot", "roothash", "hexroot"}
	indexNames  = []string{"index", "accountindex", "idx", "claimindex"}
	listNames   = []string{"value", "values", "inputs", "input", "leafvalue", "leafdata"}
	walletNames = []string{"address", "account", "wallet", "user", "recipient", "receiver", "to", "owner", "claimer", "claimant", "holder", "beneficiary", "walletaddress", "useraddress", "useraddr", "addr"}
	amountNames = []string{"amount", "value", "balance", "quantity", "reward", "rewards", "claimable", "cumulative", "cumulativeamount", "earnings", "allocation", "units", "tokens", "accumulated", "tokenamount"}
	// otherNames are facts about a claim that no leaf has.
	otherNames = []string{"campaign", "rows", "treeindex", "format", "eligible", "status", "message", "line", "reasons", "flags", "metadata", "pending", "claimed", "unclaimed", "distributionchainid", "description", "windowindex"}
)

// ParseClaims reads a claim, a JSON object; key is the wallet of an entry of a
// map of claims, or "". An entry of several claims yields all of them. It fails
// with fault.Invalid.
func ParseClaims(raw []byte, key string) ([]Claim, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '[' {
		return parseArray(raw, key)
	}
	members, err := membersOf(raw)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if inner := bytes.TrimSpace(m.value); simple(m.name) == "claims" && len(inner) > 0 && inner[0] == '[' {
			return ParseClaims(inner, key) // all claims of a wallet that has several
		}
	}
	members = rocketPool(members)
	c := Claim{}
	if key != "" {
		c.setWallet(key)
	}
	for _, m := range members {
		if err := c.set(m); errors.Is(err, errTwoWallets) {
			return nil, fault.New(fault.Invalid, err.Error()+": only one of them can be the leaf's")
		} else if err != nil {
			return nil, fault.Newf(fault.Invalid, "its %.40s %s", m.name, wording(err))
		}
	}
	return []Claim{c}, c.check()
}

// parseArray reads an array of claims, or an entry that is written as one:
// [values, proof].
func parseArray(raw []byte, key string) ([]Claim, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, explain(err)
	}
	var all []Claim
	for i, part := range parts {
		claims, err := ParseClaims(part, key)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		all = append(all, claims...)
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "the array has no claims")
	}
	return all, nil
}

// wording returns the text of an error that a claim's member has.
func wording(err error) string { return "is not right: " + fault.From(explain(err)).Message }

// check refuses what cannot be verified.
func (c *Claim) check() error {
	switch {
	case c.Proof == nil:
		return fault.New(fault.Invalid, "it has no proof")
	case len(c.Values) == 0 && c.Leaf == nil:
		return fault.New(fault.Invalid, "it has no values of a leaf, such as address and amount")
	case len(c.Proof) > merkle.MaxDepth:
		return fault.Newf(fault.Invalid, "its proof has %d nodes, and no tree is deeper than %d", len(c.Proof), merkle.MaxDepth)
	}
	return nil
}

// member is one member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf returns the members of an object in their order.
func membersOf(raw []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	var all []member
	err := elements(d, '{', func(name string) error {
		var value json.RawMessage
		err := d.Decode(&value)
		all = append(all, member{name, value})
		return err
	})
	if err != nil {
		return nil, explain(err)
	}
	if d.More() {
		return nil, fault.New(fault.Invalid, "there is more text after the JSON object")
	}
	return all, nil
}

func simple(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r | 0x20
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

// set takes one member of a claim.
func (c *Claim) set(m member) (err error) {
	name := simple(m.name)
	isArray := len(m.value) > 0 && m.value[0] == '['
	switch {
	case string(m.value) == "null":
	case slices.Contains(proofNames, name) && isArray:
		c.Proof, c.Left, err = parseProof(m.value, c.Left)
	case name == "sides" || name == "positions":
		c.Left, err = parseSides(m.value)
	case slices.Contains(listNames, name) && isArray:
		err = c.setList(m.value)
	case slices.Contains(leafNames, name):
		if c.Leaf, err = parseAnyHash(m.value); err != nil {
			c.Leaf, err = nil, c.add(m.name, m.value) // another value of this name
		}
	case slices.Contains(rootNames, name):
		c.Root, err = parseAnyHash(m.value)
	case slices.Contains(otherNames, name):
	case c.Wallet == nil && slices.Contains(walletNames, name):
		var text string
		if text, err = scalar(m.value); err == nil {
			c.setWallet(text)
		}
	case name == "address" || name == "wallet" || name == "account":
		err = c.sameWallet(m)
	default:
		err = c.add(m.name, m.value)
	}
	return err
}

// sameWallet takes the wallet under a second name.
func (c *Claim) sameWallet(m member) error {
	text, err := scalar(m.value)
	if err != nil {
		return err
	}
	if who, err := parseWallet(text); err == nil && c.Wallet != nil && who != *c.Wallet {
		return errTwoWallets
	}
	return nil
}

var errTwoWallets = errors.New("its address and its wallet differ")

// setWallet takes the text of the wallet.
func (c *Claim) setWallet(text string) {
	c.Text = text
	if who, err := parseWallet(text); err == nil {
		c.Wallet = &who
	}
	c.Values = append([]Value{{"address", text}}, c.Values...)
}

// parseWallet also reads 40 hex digits without 0x.
func parseWallet(text string) (wallet.Address, error) {
	if len(text) == 40 {
		text = "0x" + text
	}
	return wallet.Parse(text)
}

// add takes a value of the leaf.
func (c *Claim) add(name string, raw json.RawMessage) error {
	text, err := scalar(raw)
	if err != nil {
		if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
			return nil // facts about the claim, as Uniswap's flags and UMA's metaData are
		}
		return err
	}
	switch plain := simple(name); {
	case c.Index == nil && slices.Contains(indexNames, plain):
		n, err := merkle.ParseNumber(text)
		if err != nil {
			return err
		}
		c.Index = n
		name = "index"
	case c.Amount == "" && slices.Contains(amountNames, plain):
		c.Amount, name = text, "amount"
	}
	c.Values = append(c.Values, Value{name, text})
	return nil
}

// setList takes the values of an array, as OpenZeppelin and murky write them.
func (c *Claim) setList(raw json.RawMessage) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	c.Values = nil
	for i, part := range parts {
		text, err := scalar(part)
		if err != nil {
			return fault.Newf(fault.Invalid, "value %d is an array or an object, which leaves here do not have", i+1)
		}
		c.Values = append(c.Values, Value{"", text})
		who, err := parseWallet(text)
		_, numberErr := merkle.ParseNumber(text)
		switch {
		case err == nil && c.Wallet == nil:
			c.Wallet, c.Text = &who, text
		case numberErr == nil && c.Wallet != nil && c.Amount == "":
			c.Amount = text
		}
	}
	return nil
}

// scalar returns a value that is a string, a number or a bool, or an object that
// stands for one: ethers's BigNumber, or a token with its address.
func scalar(raw json.RawMessage) (string, error) {
	var text string
	switch {
	case len(raw) == 0:
		return "", fault.New(fault.Invalid, "it is empty")
	case raw[0] == '"':
		err := json.Unmarshal(raw, &text)
		return strings.TrimSpace(text), err
	case raw[0] == '{':
		var object struct {
			Hex     string `json:"hex"`
			Address string `json:"address"`
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return "", err
		}
		if text = object.Hex + object.Address; text != "" {
			return text, nil
		}
		return "", fault.New(fault.Invalid, "it is an object")
	case raw[0] == '[':
		return "", fault.New(fault.Invalid, "it is an array")
	}
	return string(raw), nil
}

// parseProof reads the nodes of a proof: hashes, or objects with their position.
func parseProof(raw json.RawMessage, left []bool) ([]merkle.Hash, []bool, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, nil, err
	}
	proof := make([]merkle.Hash, 0, len(parts))
	for i, part := range parts {
		var node struct {
			Position json.RawMessage `json:"position"`
			Data     json.RawMessage `json:"data"`
			Type     string          `json:"type"`
		}
		if len(part) > 0 && part[0] == '{' {
			if err := json.Unmarshal(part, &node); err != nil {
				return nil, nil, err
			}
			if node.Type == "" { // otherwise it is a Buffer
				is, err := onLeft(node.Position)
				if err != nil {
					return nil, nil, err
				}
				left = append(left[:min(i, len(left))], is)
				part = node.Data
			}
		}
		hash, err := parseAnyHash(part)
		if err != nil {
			return nil, nil, fmt.Errorf("node %d: %w", i, err)
		}
		proof = append(proof, *hash)
	}
	return proof, left, nil
}

// parseSides reads where nodes are: "left" and "right", or merkletreejs's 0 and 1.
func parseSides(raw json.RawMessage) ([]bool, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	left := make([]bool, 0, len(parts))
	for _, part := range parts {
		is, err := onLeft(part)
		if err != nil {
			return nil, err
		}
		left = append(left, is)
	}
	return left, nil
}

func onLeft(raw json.RawMessage) (bool, error) {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "left", "0", "l":
		return true, nil
	case "right", "1", "r":
		return false, nil
	}
	return false, fault.Newf(fault.Invalid, "the position %.20s of a node is neither left nor right", raw)
}

// parseAnyHash reads a hash in hex, with or without 0x, or Node's Buffer.
func parseAnyHash(raw json.RawMessage) (*merkle.Hash, error) {
	if len(raw) > 0 && raw[0] == '{' {
		var buffer struct {
			Type string `json:"type"`
			Data []int  `json:"data"`
		}
		if err := json.Unmarshal(raw, &buffer); err != nil {
			return nil, err
		}
		if len(buffer.Data) != merkle.HashSize {
			return nil, fault.Newf(fault.Invalid, "a hash has %d bytes, this has %d", merkle.HashSize, len(buffer.Data))
		}
		var h merkle.Hash
		for i, b := range buffer.Data {
			if b < 0 || b > 255 {
				return nil, fault.New(fault.Invalid, "a byte is 0 to 255")
			}
			h[i] = byte(b)
		}
		return &h, nil
	}
	text, err := scalar(raw)
	if err != nil {
		return nil, err
	}
	return hashOf(text)
}

func hashOf(text string) (*merkle.Hash, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
	var h merkle.Hash
	if len(digits) != 2*merkle.HashSize {
		return nil, fault.Newf(fault.Invalid, "a hash has 64 hex digits, this has %d characters", len(digits))
	}
	if _, err := hex.Decode(h[:], []byte(digits)); err != nil {
		return nil, fault.New(fault.Invalid, "a hash has only hex digits (0-9, a-f) after 0x")
	}
	return &h, nil
}
