package list

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"banyan/platform/table"
)

// The columns of a list, by their place in spec.Columns.
const (
	addressColumn = iota
	amountColumn
	indexColumn
)

// Columns are headers, or positions from 1, that a person chose; "" where the
// list's header says it.
type Columns struct{ Address, Amount, Index string }

// Flags are how a person chooses each of Columns, and Leaf a tree of addresses
// alone; "" where that is not possible.
type Flags struct{ Address, Amount, Index, Leaf string }

// allowlist is what to do with a list without amounts.
func (f Flags) allowlist() string {
	if f.Leaf == "" {
		return ""
	}
	return "a list of addresses without amounts makes a tree with " + f.Leaf
}

// addressNames and the others are what airdrop tools, block explorers and
// spreadsheets write, in some languages, too.
//
//nolint:misspell // they are not misspelled where they are from
var (
	addressNames = []string{
		"wallet", "account", "receiver", "recipient", "to", "user", "holder", "holderaddress", "beneficiary", "claimer",
		"claimant", "owner", "walletaddress", "useraddress", "recipientaddress", "receiveraddress", "accountaddress",
		"beneficiaryaddress", "owneraddress", "claimeraddress", "claimantaddress", "toaddress", "ethaddress", "evmaddress",
		"ethereumaddress", "evmwallet", "ethwallet", "recipientwallet", "userwallet", "addr", "payee", "addresses",
		"adresse", "empfänger", "destinataire", "bénéficiaire", "dirección", "direccion", "destinatario", "beneficiario",
		"endereço", "endereco", "indirizzo", "adres", "адрес", "кошелек", "地址", "钱包地址", "钱包", "アドレス", "주소",
	}
	amountNames = []string{
		"value", "balance", "quantity", "units", "tokens", "allocation", "earnings", "weight", "maxclaimable", "reward",
		"rewards", "claimable", "tokenamount", "amounts", "tokenbalance", "tokenquantity", "rewardamount", "claimableamount",
		"claimamount", "airdropamount", "allocationamount", "totalallocation", "totalamount", "totalrewards", "amt", "qty",
		"betrag", "menge", "anzahl", "montant", "quantité", "quantite", "cantidad", "monto", "importe", "quantidade", "valor",
		"importo", "quantità", "bedrag", "ilość", "сумма", "количество", "数量", "金额", "수량",
	}
	indexNames = []string{"accountindex"}
)

// spec is what a list looks like; questions need no amount.
func (o *Options) spec() table.Spec {
	s := table.Spec{
		Columns: []table.Column{
			{Name: "address", Synonyms: addressNames, Required: true, Chosen: o.Columns.Address, Flag: o.Flags.Address},
			{Name: "amount", Synonyms: amountNames, Required: !o.walletsOnly, Chosen: o.Columns.Amount, Flag: o.Flags.Amount, Without: o.Flags.allowlist()},
			{Name: "index", Synonyms: indexNames, Chosen: o.Columns.Index, Flag: o.Flags.Index},
		},
		Row: isRow, Strict: true, Place: place, Shape: "address,amount", JSON: &inJSON,
	}
	if o.walletsOnly {
		s.Strict = false // a line that makes no sense is the answer to itself
		s.Place, s.Shape = placeWallets, "address or address,amount"
		return s
	}
	addMeaning(&s, nil)
	s.Place = func(cells [][]byte) table.Placement {
		p := place(cells)
		if advice := o.Flags.allowlist(); len(cells) == 1 && advice != "" && looksLikeAddress(cells[0]) {
			p.Problem, p.Without = "the first row is an address without an amount: "+advice, true
		}
		return p
	}
	return s
}

// inJSON is how lists stand in JSON: a map from wallets to amounts, or the
// transactions of Safe, which have what they pay among the arguments of a call.
var inJSON = table.JSON{
	Key: addressColumn, Value: amountColumn, Foreign: publishedKind,
	Nested: "contractInputsValues", Renamed: map[string]string{"to": "tokenAddress"},
}

// publishedKind names the file of a finished tree, by the names of its object or
// the first element of its array.
func publishedKind(names []string, first []byte) string {
	has := func(name string) bool { return slices.Contains(names, name) }
	const advice = ", a finished tree and not a list (banyan airdrop import reads those that it knows)"
	switch {
	case has("merkleRoot") && has("claims"):
		return "the result of Uniswap's merkle-distributor" + advice
	case has("leafEncoding") || has("format") && has("tree"):
		return "a dump of OpenZeppelin's merkle-tree" + advice
	case has("layers") || has("leaves") && !has("leaves_count") || has("options") && has("root"):
		return "a dump of merkletreejs" + advice
	case has("root") && has("proofs"), has("root") && has("proof"):
		return "a file of proofs" + advice
	case len(first) == len(`"0x`)+64+1 && bytes.HasPrefix(first, []byte(`"0x`)) && onlyHex(first[3:67]):
		return "a list of hashed leaves, as of merkletreejs, and not of wallets" + advice
	}
	return ""
}

// isRow reports whether one of the cells is an address or a number, which no
// header has.
func isRow(cells [][]byte) bool {
	for _, cell := range cells {
		if looksLikeAddress(cell) || looksLikeNumber(cell) {
			return true
		}
	}
	return false
}

// looksLikeAddress also knows an address with a mistake in it.
func looksLikeAddress(cell []byte) bool {
	return bytes.HasPrefix(cell, []byte("0x")) || bytes.HasPrefix(cell, []byte("0X")) || len(cell) == hexDigits && onlyHex(cell)
}

func looksLikeNumber(cell []byte) bool {
	cell = bytes.TrimLeft(cell, "+-")
	return len(cell) > 0 && isDigit(cell[0]) && len(bytes.Trim(cell, "0123456789.,'_ ")) == 0
}

// place takes a row without a header to be address,amount or
// index,address,amount. Empty cells behind these are a spreadsheet's.
func place(cells [][]byte) table.Placement {
	seen := len(cells)
	for len(cells) > 2 && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	switch {
	case len(cells) == 2:
		return certain(cells, addressColumn, amountColumn)
	case len(cells) == 3 && !looksLikeAddress(cells[0]):
		return certain(cells, indexColumn, addressColumn, amountColumn)
	case len(cells) == 1:
		return table.Placement{Problem: "a line without a header is address,amount; this one is a single cell: separate the cells by commas, semicolons or tabs"}
	}
	return table.Placement{Problem: fmt.Sprintf(
		"a line without a header is address,amount or index,address,amount; this one has %d columns: add a header that names them", seen)}
}

// placeWallets takes a row without a header to be an address, and maybe an amount.
func placeWallets(cells [][]byte) table.Placement {
	if len(cells) <= 2 {
		p := certain(cells, addressColumn, amountColumn)
		p.Least = 1
		return p
	}
	return place(cells)
}

func certain(cells [][]byte, columns ...int) table.Placement {
	p := table.Placement{Columns: columns}
	for at, column := range columns {
		if column == addressColumn && at < len(cells) {
			p.Certain = len(cells[at]) == addressLength && looksLikeAddress(cells[at])
		}
	}
	return p
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// totals are words of a row of sums that a spreadsheet puts below a list.
var totals = []string{
	"total", "totals", "sum", "subtotal", "grandtotal", "average", "count", "summe", "gesamt", "gesamtsumme", "zwischensumme",
	"somme", "suma", "soma", "totale", "totaal", "всего", "итого", "合计", "总计", "合計", "합계", "=sum(", "sum(", "=summe(", "=subtotal(",
}

// looksLikeTotal reports whether a cell stands where an address should in a row of sums.
func looksLikeTotal(cell []byte) bool {
	text := strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == ':' {
			return -1
		}
		return r
	}, string(cell)))
	for _, word := range totals {
		if text == word || strings.HasSuffix(word, "(") && strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}
