package list

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// object is a line of an NDJSON list: {"address":"0x…","amount":"123"}, with
// the names a header may use. Amounts may be JSON numbers; their digits are
// taken as they are written, never as floats.
type object struct {
	Address *string         `json:"address"`
	Wallet  *string         `json:"wallet"`
	Account *string         `json:"account"`
	Amount  json.RawMessage `json:"amount"`
	Value   json.RawMessage `json:"value"`
	Index   json.RawMessage `json:"index"`
}

// readObject finds the cells of a JSON line.
func readObject(line []byte) (values cells, problem string) {
	var o object
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(&o); err != nil {
		return values, fmt.Sprintf("the line is no JSON object with an address and an amount: %v", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return values, "there is text after the JSON object: write one object per line"
	}
	for _, address := range []*string{o.Address, o.Wallet, o.Account} {
		switch {
		case address == nil:
		case values.address != nil:
			return values, "the address is there twice, as address, wallet or account: keep one"
		default:
			values.address = append([]byte{}, *address...)
		}
	}
	if o.Amount != nil && o.Value != nil {
		return values, "the amount is there twice, as amount and value: keep one"
	}
	for _, part := range []struct {
		raw  json.RawMessage
		cell *[]byte
		name string
	}{{o.Amount, &values.amount, "amount"}, {o.Value, &values.amount, "value"}, {o.Index, &values.index, "index"}} {
		if part.raw == nil {
			continue
		}
		text, ok := digitsOf(part.raw)
		if !ok {
			return values, fmt.Sprintf("%q is neither a number nor a string of digits", part.name)
		}
		*part.cell = text
	}
	return values, ""
}

// digitsOf takes the text of a JSON string or number.
func digitsOf(raw json.RawMessage) ([]byte, bool) {
	switch raw[0] {
	case '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, false
		}
		return append([]byte{}, text...), true
	case '{', '[', 't', 'f', 'n':
		return nil, false
	}
	return raw, true
}
