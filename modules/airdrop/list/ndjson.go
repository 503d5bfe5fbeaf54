package list

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// object is a line of an NDJSON list: {"address":"0x…","amount":"123"}, with
// the names a header may use. Amounts may be JSON numbers; their digits are
// taken as they are written, never as floats.
type object struct {
	Address value `json:"address"`
	Wallet  value `json:"wallet"`
	Account value `json:"account"`
	Amount  value `json:"amount"`
	Value   value `json:"value"`
	Index   value `json:"index"`
}

// value is what stands behind a name. JSON lets a name be there twice, in other
// case even, and leaves it to the reader which one counts: here none does.
type value []byte

// UnmarshalJSON is called for each time that the name is there.
func (v *value) UnmarshalJSON(raw []byte) error {
	if *v != nil {
		return errors.New("a name is there twice")
	}
	*v = bytes.Clone(raw)
	return nil
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
	for _, part := range []struct {
		raw  value
		cell *[]byte
		name string
	}{
		{o.Address, &values.address, "address"},
		{o.Wallet, &values.address, "wallet"},
		{o.Account, &values.address, "account"},
		{o.Amount, &values.amount, "amount"},
		{o.Value, &values.amount, "value"},
		{o.Index, &values.index, "index"},
	} {
		if part.raw == nil {
			continue
		}
		if *part.cell != nil {
			return values, fmt.Sprintf("%q says what another name says, so it is there twice: keep one", part.name)
		}
		text, ok := textOf(part.raw)
		if !ok {
			return values, fmt.Sprintf("%q is neither a string nor a number", part.name)
		}
		*part.cell = text
	}
	if values.address == nil {
		return values, `the JSON object has no address: write {"address":"0x…","amount":"…"} on each line`
	}
	return values, ""
}

// textOf takes the text of a JSON string or number.
func textOf(raw []byte) ([]byte, bool) {
	switch raw[0] {
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 { // as nearly all are
			return raw[1 : len(raw)-1], true
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, false
		}
		return []byte(text), true
	case '{', '[', 't', 'f', 'n':
		return nil, false
	}
	return raw, true
}
