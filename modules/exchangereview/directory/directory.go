// Package directory reads lists of exchanges and contains a starter list.
//
// A list is a JSON array of objects. Of each, these fields are read; all others
// are ignored:
//
//	id         required; the slug is made from it, see Slug
//	name       required
//	kind       required; cex or dex
//	website    http or https
//	year       it opened
//	countries  ISO 3166-1 alpha-2 codes; a language tag counts as its region
//	chains     names such as ethereum
//	maker_fee  share of the trade: 0.001 is 0.1 %; a list of tiers is ignored
//	taker_fee  likewise
//	former_names, licences        texts
//	fees_url                      http or https; of a list the first
//	status                        active, halted, dead or incident
//	status_since, status_source   a date like 2026-01-31, and where that is said (http or https)
//	factories, routers            addresses of contracts
//	factories_by_chain            an object of chain and address, or addresses
//	wallets, wallets_by_chain     likewise: those from which the exchange pays
//
// A field that is absent, null or empty leaves the exchange's value unknown.
package directory

import (
	"bytes"
	_ "embed" // for the starter list
	"fmt"
	"strings"

	"banyan/platform/wallet"
)

// The kinds of exchange.
const (
	Centralised   = "cex"
	Decentralised = "dex"
)

// Entry is an exchange as a list describes it; zero values are not known.
type Entry struct {
	Slug      string
	Name      string
	Kind      string
	Website   string
	Year      int
	Countries []string
	Chains    []string
	MakerFee  *float64 // share of the trade
	TakerFee  *float64
	Status    string
	Facts
}

// Facts are what is shown of an exchange and neither searched nor sorted by. They are
// stored as JSON.
type Facts struct {
	FormerNames  []string   `json:"former_names,omitempty"`
	Licences     []string   `json:"licences,omitempty"`
	FeesURL      string     `json:"fees_url,omitempty"`
	StatusSince  string     `json:"status_since,omitempty"` // YYYY-MM-DD
	StatusSource string     `json:"status_source,omitempty"`
	Factories    []Contract `json:"factories,omitempty"`
	Routers      []Contract `json:"routers,omitempty"`
	Wallets      []Contract `json:"wallets,omitempty"`
}

// Contract is a contract of an exchange on a chain, or a wallet of it.
type Contract struct {
	Chain   string         `json:"chain,omitempty"` // "" = not known
	Address wallet.Address `json:"address"`
}

// The states of an exchange.
const (
	Active   = "active"
	Halted   = "halted"   // trading or withdrawals are stopped
	Dead     = "dead"     // closed for good
	Incident = "incident" // something has happened of which people should know
)

// The limits of a list, far above every existing directory.
const (
	MaxEntries = 20_000
	MaxBytes   = 16 << 20
	maxSlug    = 64
	maxName    = 100
	maxWebsite = 300
	maxChain   = 40
	maxListed  = 200 // chains or countries of one exchange
	minYear    = 1970
	maxYear    = 2100
	maxFee     = 0.1 // 10 %, in both directions: a maker may be paid
)

//go:embed starter.json
var starter []byte

// Starter returns well-known exchanges, for an empty directory.
func Starter() ([]Entry, error) {
	entries, err := Read(bytes.NewReader(starter))
	if err != nil {
		return nil, fmt.Errorf("read the starter directory: %w", err)
	}
	return entries, nil
}

// Slug turns an id into the form of a URL's path: lower-case letters and
// digits, with a dash for every run of anything else. It may be empty.
func Slug(id string) string {
	var b strings.Builder
	dash := false
	for _, c := range strings.ToLower(id) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(c)
			continue
		}
		dash = true
	}
	return b.String()
}
