package airdrop

import (
	"encoding/json"
	"slices"
	"strconv"

	"banyan/platform/appendjson"
	"banyan/platform/merkle"
)

// uint256.Int has its JSON form on the pointer only, so encoding/json would
// write a Campaign or a Claim that is passed by value with four numbers where
// the decimal string belongs. Both types have a MarshalJSON of their own.

// MarshalJSON writes the total as a decimal string.
func (c Campaign) MarshalJSON() ([]byte, error) {
	type plain Campaign
	return json.Marshal((*plain)(&c))
}

// MarshalJSON returns what encoding/json would for the fields.
func (c Claim) MarshalJSON() ([]byte, error) { return c.AppendJSON(nil) }

// AppendJSON is MarshalJSON into an existing buffer, in a third of the time
// that encoding/json takes: claims are the most frequent request.
func (c *Claim) AppendJSON(to []byte) ([]byte, error) {
	const fixed, perHash = 400, 70
	to = slices.Grow(to, fixed+perHash*len(c.Proof))
	to = append(to, `{"campaign":`...)
	to = appendjson.Text(to, c.Campaign)
	to = append(to, ',')
	to = c.appendFields(to)
	if len(c.Values)+len(c.Sides)+len(c.Claims)+c.Rows > 0 {
		to = c.appendRare(to)
	}
	return append(to, '}'), nil
}

// appendFields appends the fields that every claim has.
func (c *Claim) appendFields(to []byte) []byte {
	to = append(to, `"wallet":"`...)
	to, _ = c.Wallet.AppendText(to) // bytes: cannot fail
	to = append(to, `","index":`...)
	to = strconv.AppendUint(to, c.Index, 10)
	to = append(to, `,"amount":"`...)
	to = appendjson.Decimal(to, c.Amount)
	to = append(to, `","leaf":"`...)
	to = appendjson.Hex(to, c.Leaf[:])
	to = append(to, `","proof":`...)
	to = c.appendProof(to)
	to = append(to, `,"root":"`...)
	to = appendjson.Hex(to, c.Root[:])
	return append(to, '"')
}

// appendRare appends what most claims do not have.
func (c *Claim) appendRare(to []byte) []byte {
	to = appendTexts(to, "values", c.Values)
	to = appendTexts(to, "sides", c.Sides)
	if len(c.Claims) > 0 {
		to = append(to, `,"claims":[`...)
		for i, r := range c.Claims {
			if i > 0 {
				to = append(to, ',')
			}
			row := Claim{Wallet: r.Wallet, Index: r.Index, Amount: r.Amount, Leaf: r.Leaf, Proof: r.Proof, Root: r.Root}
			to = row.appendFields(append(to, '{'))
			to = appendTexts(appendTexts(to, "values", r.Values), "sides", r.Sides)
			to = append(to, '}')
		}
		to = append(to, ']')
	}
	if c.Rows > 0 {
		to = strconv.AppendInt(append(to, `,"rows":`...), int64(c.Rows), 10)
	}
	return to
}

func appendTexts(to []byte, name string, texts []string) []byte {
	if len(texts) == 0 {
		return to
	}
	to = append(append(append(to, `,"`...), name...), `":[`...)
	for i, text := range texts {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendjson.Text(to, text)
	}
	return append(to, ']')
}

func (c *Claim) appendProof(to []byte) []byte {
	if c.Proof == nil {
		return append(to, "null"...)
	}
	to = append(to, '[')
	for i := range c.Proof {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, '"')
		to = appendjson.Hex(to, c.Proof[i][:])
		to = append(to, '"')
	}
	return append(to, ']')
}

// Release implements seam.Releaser.
func (c *Claim) Release() {
	merkle.ReleaseProof(c.Proof)
	c.Proof = nil
}
