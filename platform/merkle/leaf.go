package merkle

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet"
)

// maxFields is the most values of a leaf: Solidity's stack has space for fewer.
const maxFields = 16

// Field is one value of a leaf. Name is its name in a list's header and in the
// contract; it may be "".
type Field struct {
	Name string
	Type Type
}

// Leaf is the content of leaves: the values, how they are put together to a
// message, and how often that is hashed.
type Leaf struct {
	Fields []Field
	Packed bool // abi.encodePacked; otherwise abi.encode
	// Hashes is 1 or 2. 0 is only for a single bytes32, which is the leaf
	// itself.
	Hashes int
}

// parseFields reads "address,uint256" or, as Solidity writes parameters,
// "address account,uint256 amount".
func parseFields(text string) ([]Field, error) {
	var fields []Field
	names := map[string]bool{}
	for _, part := range strings.Split(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			return nil, fault.New(fault.Invalid, "the leaf's types are a list like address,uint256, or with names like \"address account,uint256 amount\"")
		}
		kind, err := ParseType(words[0])
		if err != nil {
			return nil, err
		}
		name := strings.Join(words[1:], " ")
		if strings.ContainsAny(name, ";=\"'\\") || len(name) > 64 {
			return nil, fault.Newf(fault.Invalid, "%.80q cannot be the name of a value: use letters and digits, at most 64", name)
		}
		if name != "" && names[strings.ToLower(name)] {
			return nil, fault.Newf(fault.Invalid, "the name %q stands for two values of the leaf: name each once", name)
		}
		names[strings.ToLower(name)] = true
		fields = append(fields, Field{Name: name, Type: kind})
	}
	if len(fields) > maxFields {
		return nil, fault.Newf(fault.Invalid, "a leaf has at most %d values, not %d", maxFields, len(fields))
	}
	return fields, nil
}

// Types returns the types as ABIs write them: "address,uint256".
func (l Leaf) Types() []string {
	types := make([]string, len(l.Fields))
	for i, f := range l.Fields {
		types[i] = f.Type.String()
	}
	return types
}

// fieldsText returns the types with their names, which parseFields reads.
func (l Leaf) fieldsText() string {
	parts := make([]string, len(l.Fields))
	for i, f := range l.Fields {
		parts[i] = strings.TrimSpace(f.Type.String() + " " + f.Name)
	}
	return strings.Join(parts, ",")
}

// Check refuses a leaf that no description can have.
func (l Leaf) Check() error {
	again, err := parseFields(l.fieldsText())
	if err != nil {
		return err
	}
	if !slices.Equal(again, l.Fields) {
		return fault.New(fault.Invalid, "the names of the leaf's values cannot be written in its description")
	}
	return l.check()
}

// check refuses what cannot be hashed.
func (l Leaf) check() error {
	raw := len(l.Fields) == 1 && l.Fields[0].Type == bytes32Type
	switch {
	case l.Hashes < 0 || l.Hashes > 2:
		return fault.Newf(fault.Invalid, "a leaf is hashed once or twice, not %d times", l.Hashes)
	case l.Hashes == 0 && !raw:
		return fault.New(fault.Invalid, "only a single bytes32 can be a leaf without being hashed: hash the leaf 1 or 2 times")
	}
	return nil
}

// Named reports whether any value has a name.
func (l Leaf) Named() bool {
	return slices.ContainsFunc(l.Fields, func(f Field) bool { return f.Name != "" })
}

// plain reports whether rows of a wallet, an amount and maybe an index are all
// that such a leaf has.
func (l Leaf) plain() (plain, indexed bool) {
	if l.Named() || l.Hashes == 0 {
		return false, false
	}
	types := make([]Type, len(l.Fields))
	for i, f := range l.Fields {
		types[i] = f.Type
	}
	switch {
	case slices.Equal(types, []Type{addressType, uint256Type}):
		return true, false
	case slices.Equal(types, []Type{uint256Type, addressType, uint256Type}):
		return true, true
	}
	return false, false
}

// The names by which the wallet and the amount of a leaf are known among its
// values, and those of numbers that are no amounts; letters and digits only.
var (
	walletNames = []string{"address", "account", "wallet", "user", "recipient", "receiver", "to", "owner", "claimer", "claimant", "holder", "beneficiary"}
	amountNames = []string{"amount", "value", "balance", "quantity", "reward", "rewards", "claimable", "cumulative", "cumulativeamount", "earnings", "allocation", "units", "tokens"}
)

// Roles returns which value is the wallet that looks its claim up, and which the
// amount of it; -1 where there is none. A name decides; without names the first
// address is the wallet, and the first unsigned number after it, or else before
// it, the amount.
func (l Leaf) Roles() (who, amount int) {
	who, amount = l.named(KindAddress, walletNames), l.named(KindUint, amountNames)
	if who < 0 {
		who = slices.IndexFunc(l.Fields, func(f Field) bool { return f.Type.Kind == KindAddress })
	}
	if amount >= 0 || l.Named() {
		return who, amount
	}
	for i, f := range l.Fields {
		if f.Type.Kind == KindUint && (amount < 0 || amount < who) && (i > who || amount < 0) {
			amount = i
		}
	}
	return who, amount
}

func (l Leaf) named(kind Kind, names []string) int {
	for _, name := range names {
		for i, f := range l.Fields {
			if f.Type.Kind == kind && simpleName(f.Name) == name {
				return i
			}
		}
	}
	return -1
}

// simpleName returns the letters and digits of a name, in lower case.
func simpleName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r | 0x20
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, name)
}

// AppendRecord appends the binary form of a row: the values one after the other
// (Type.AppendValue).
func (l Leaf) AppendRecord(to []byte, values []string) ([]byte, error) {
	if len(values) != len(l.Fields) {
		return to, fault.Newf(fault.Invalid, "there are %d values, and a leaf of (%s) has %d", len(values), strings.Join(l.Types(), ", "), len(l.Fields))
	}
	for i, f := range l.Fields {
		var err error
		if to, err = f.Type.AppendValue(to, values[i]); err != nil {
			return to, fmt.Errorf("%s: %w", f.label(i), err)
		}
	}
	return to, nil
}

// label names a value in messages.
func (f Field) label(i int) string {
	if f.Name != "" {
		return f.Name
	}
	return fmt.Sprintf("value %d (%s)", i+1, f.Type)
}

// Values returns the values of a row's binary form as text.
func (l Leaf) Values(record []byte) ([]string, error) {
	values := make([]string, 0, len(l.Fields))
	for _, f := range l.Fields {
		value, rest, ok := f.Type.cut(record)
		if !ok {
			return nil, errRecord()
		}
		values, record = append(values, f.Type.text(value)), rest
	}
	if len(record) > 0 {
		return nil, errRecord()
	}
	return values, nil
}

func errRecord() error {
	return fault.New(fault.Invalid, "the values of a row do not have the form of the leaf's types: the list is damaged")
}

// entry returns the wallet and the amount among the values of a row.
func (l Leaf) entry(record []byte, who, amount int) (e Entry, err error) {
	for i, f := range l.Fields {
		value, rest, ok := f.Type.cut(record)
		if !ok {
			return e, errRecord()
		}
		switch i {
		case who:
			e.Wallet = wallet.Address(value)
		case amount:
			e.Amount.SetBytes(value)
		}
		record = rest
	}
	if len(record) > 0 {
		return e, errRecord()
	}
	return e, nil
}

// width returns the length of every record in bytes, 0 when they differ.
func (l Leaf) width() int {
	total := 0
	for _, f := range l.Fields {
		if f.Type.dynamic() {
			return 0
		}
		total += f.Type.Size
	}
	return total
}

// Message returns what is hashed of a row's binary form: abi.encode or
// abi.encodePacked of its values.
func (l Leaf) Message(record []byte) []byte { return l.appendMessage(nil, record) }

func (l Leaf) appendMessage(to, record []byte) []byte {
	if l.Packed {
		for _, f := range l.Fields {
			value, rest, _ := f.Type.cut(record)
			to, record = append(to, value...), rest
		}
		return to
	}
	start := len(to)
	tail := len(l.Fields) * wordSize
	to = slices.Grow(to, tail)[:start+tail]
	clear(to[start:])
	for i, f := range l.Fields {
		value, rest, _ := f.Type.cut(record)
		record = rest
		head := to[start+i*wordSize : start+(i+1)*wordSize]
		if !f.Type.dynamic() {
			f.Type.pad(head, value)
			continue
		}
		putWord(head, len(to)-start)
		length := len(to)
		size := wordSize + (len(value)+wordSize-1)/wordSize*wordSize
		to = slices.Grow(to, size)[:length+size]
		clear(to[length:])
		putWord(to[length:length+wordSize], len(value))
		copy(to[length+wordSize:], value)
	}
	return to
}

// pad writes a value into its word of abi.encode, which is zero.
func (t Type) pad(word, value []byte) {
	if t.Kind == KindFixed {
		copy(word, value)
		return
	}
	if t.Kind == KindInt && value[0] >= 0x80 {
		for i := range wordSize - len(value) {
			word[i] = 0xff
		}
	}
	copy(word[wordSize-len(value):], value)
}

// putWord writes a number into a word, which is zero.
func putWord(word []byte, n int) { binary.BigEndian.PutUint64(word[wordSize-8:], uint64(n)) }

// Hash returns the leaf of a row's binary form.
func (l Leaf) Hash(record []byte) Hash {
	message := l.Message(record)
	if l.Hashes == 0 {
		return Hash(message)
	}
	leaf := keccak.Sum256(message)
	if l.Hashes == 2 {
		leaf = keccak.Sum256(leaf[:])
	}
	return leaf
}

// Solidity returns the expression that computes the leaf in a contract.
func (l Leaf) Solidity() string {
	names := make([]string, len(l.Fields))
	who, amount := l.Roles()
	for i, f := range l.Fields {
		names[i] = solidityName(f.Name)
		if names[i] != "" {
			continue
		}
		switch {
		case i == who:
			names[i] = "account"
		case i == amount:
			names[i] = "amount"
		case f.Type.Kind == KindUint && i == 0 && len(l.Fields) > 1:
			names[i] = "index"
		default:
			names[i] = fmt.Sprintf("value%d", i+1)
		}
	}
	call := "abi.encode"
	if l.Packed {
		call = "abi.encodePacked"
	}
	if l.Hashes == 0 {
		return "bytes32 leaf = " + names[0] + ";"
	}
	text := "keccak256(" + call + "(" + strings.Join(names, ", ") + "))"
	if l.Hashes == 2 {
		text = "keccak256(bytes.concat(" + text + "))"
	}
	return "bytes32 leaf = " + text + "; // " + strings.Join(l.declared(names), ", ")
}

func (l Leaf) declared(names []string) []string {
	all := make([]string, len(names))
	for i, f := range l.Fields {
		all[i] = f.Type.String() + " " + names[i]
	}
	return all
}

// solidityName returns a name as an identifier.
func solidityName(name string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r == ' ' || r == '-':
			return '_'
		}
		return -1
	}, name)
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		text = "_" + text
	}
	if text == "address" { // a word of Solidity
		text = "account"
	}
	return text
}
