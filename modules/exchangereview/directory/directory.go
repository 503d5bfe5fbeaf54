// Package directory reads lists of exchanges and brings a starter list along.
//
// A list is a JSON array of objects. Of each, these fields are read; all others
// are left aside:
//
//	id         required; gives the slug, see Slug
//	name       required
//	kind       required; cex or dex
//	website    http or https
//	year       it opened
//	countries  ISO 3166-1 alpha-2 codes; a language tag counts as its region
//	chains     names such as ethereum
//	maker_fee  share of the trade: 0.001 is 0.1 %; a list of tiers is left aside
//	taker_fee  likewise
//
// A field that is absent, null or empty says nothing about the exchange.
package directory

import (
	"bytes"
	_ "embed" // for the starter list
	"fmt"
	"strings"
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
}

// The limits of a list, far above every directory there is.
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

// Starter gives well-known exchanges, for a directory that is empty.
func Starter() ([]Entry, error) {
	entries, err := Read(bytes.NewReader(starter))
	if err != nil {
		return nil, fmt.Errorf("read the starter directory: %w", err)
	}
	return entries, nil
}

// Slug makes an id fit for an address: small letters and digits, with a dash
// for every run of anything else. It may be empty.
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
