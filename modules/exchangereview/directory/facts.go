package directory

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"banyan/platform/wallet"
)

// first returns the first of a list, and anything else as it is.
func first(raw json.RawMessage) json.RawMessage {
	var list []json.RawMessage
	switch err := json.Unmarshal(raw, &list); {
	case err != nil:
		return raw
	case len(list) == 0:
		return nil
	}
	return list[0]
}

func readStatus(raw json.RawMessage, into *string) string {
	if absent(raw) {
		return ""
	}
	var status string
	if json.Unmarshal(raw, &status) != nil || !slices.Contains([]string{Active, Halted, Dead, Incident}, status) {
		return "is not active, halted, dead or incident"
	}
	*into = status
	return ""
}

func readDate(raw json.RawMessage, into *string) string {
	if absent(raw) {
		return ""
	}
	var date string
	if json.Unmarshal(raw, &date) != nil {
		return "is not a date like 2026-01-31"
	}
	at, err := time.Parse(time.DateOnly, date)
	if err != nil || at.Year() < minYear || at.Year() > maxYear {
		return "is not a date like 2026-01-31"
	}
	*into = date
	return ""
}

// shortText cleans a former name or a licence.
func shortText(text string) string {
	if text = strings.TrimSpace(text); len(text) > 4*maxName || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// readContracts adds addresses of a chain.
func readContracts(raw json.RawMessage, chain string, into *[]Contract) string {
	if absent(raw) {
		return ""
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil {
		return "is not a list of texts"
	}
	if len(texts)+len(*into) > maxListed {
		return fmt.Sprintf("has more than %d items", maxListed)
	}
	for _, text := range texts {
		// Real lists have addresses whose capitals are no checksum: they are not taken
		// for one.
		address, err := wallet.Parse(strings.ToLower(text))
		if err != nil {
			return fmt.Sprintf("has %.50q, which is not an address", text)
		}
		if c := (Contract{chain, address}); !slices.Contains(*into, c) {
			*into = append(*into, c)
		}
	}
	return ""
}

// readByChain adds addresses by their chains, in the order of those.
func readByChain(raw json.RawMessage, into *[]Contract) string {
	if absent(raw) {
		return ""
	}
	var chains map[string]json.RawMessage
	if json.Unmarshal(raw, &chains) != nil {
		return "is not an object of chains and addresses"
	}
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		of, value := chain(name), chains[name]
		if of == "" {
			return fmt.Sprintf("has %.40q, which is not a chain", name)
		}
		if len(value) > 0 && value[0] == '"' {
			value = slices.Concat(json.RawMessage("["), value, json.RawMessage("]"))
		}
		if message := readContracts(value, of, into); message != "" {
			return message
		}
	}
	return ""
}

// Over returns the entry where it has values, and otherwise those of the entry that
// is stored.
func (e Entry) Over(stored Entry) Entry {
	e.Website = or(e.Website, stored.Website)
	e.FeesURL = or(e.FeesURL, stored.FeesURL)
	if e.Status == "" { // a status goes with its date and source
		e.Status, e.StatusSince, e.StatusSource = stored.Status, stored.StatusSince, stored.StatusSource
	}
	if e.Year == 0 {
		e.Year = stored.Year
	}
	e.Countries, e.Chains = orList(e.Countries, stored.Countries), orList(e.Chains, stored.Chains)
	e.FormerNames, e.Licences = orList(e.FormerNames, stored.FormerNames), orList(e.Licences, stored.Licences)
	e.Factories, e.Routers = orList(e.Factories, stored.Factories), orList(e.Routers, stored.Routers)
	e.Wallets = orList(e.Wallets, stored.Wallets)
	if e.MakerFee == nil {
		e.MakerFee = stored.MakerFee
	}
	if e.TakerFee == nil {
		e.TakerFee = stored.TakerFee
	}
	return e
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func orList[T any](a, b []T) []T {
	if len(a) == 0 {
		return b
	}
	return a
}

// Difference is a field that an import changes.
type Difference struct{ Field, From, To string }

// Differences returns what is different in an entry from the one that is stored.
func (e *Entry) Differences(stored *Entry) (all []Difference) {
	was, is := stored.fields(), e.fields()
	for i, f := range is {
		if f[1] != was[i][1] {
			all = append(all, Difference{f[0], was[i][1], f[1]})
		}
	}
	return all
}

// fields writes all fields as text.
func (e *Entry) fields() [][2]string {
	fee := func(f *float64) string {
		if f == nil {
			return ""
		}
		return fmt.Sprintf("%g", *f)
	}
	year := ""
	if e.Year > 0 {
		year = fmt.Sprint(e.Year)
	}
	contracts := func(list []Contract) string {
		texts := make([]string, len(list))
		for i, c := range list {
			texts[i] = strings.TrimSpace(c.Chain + " " + c.Address.String())
		}
		return strings.Join(texts, ", ")
	}
	return [][2]string{
		{"name", e.Name},
		{"kind", e.Kind},
		{"website", e.Website},
		{"year", year},
		{"countries", strings.Join(e.Countries, ", ")},
		{"chains", strings.Join(e.Chains, ", ")},
		{"maker_fee", fee(e.MakerFee)},
		{"taker_fee", fee(e.TakerFee)},
		{"status", or(e.Status, Active)},
		{"status_since", e.StatusSince},
		{"status_source", e.StatusSource},
		{"former_names", strings.Join(e.FormerNames, ", ")},
		{"licences", strings.Join(e.Licences, ", ")},
		{"fees_url", e.FeesURL},
		{"factories", contracts(e.Factories)},
		{"routers", contracts(e.Routers)},
		{"wallets", contracts(e.Wallets)},
	}
}
