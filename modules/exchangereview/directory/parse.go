package directory

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
)

// object is an entry before its fields are checked, so that each wrong one is
// named and not only the first.
type object struct {
	ID        json.RawMessage `json:"id"`
	Name      json.RawMessage `json:"name"`
	Kind      json.RawMessage `json:"kind"`
	Website   json.RawMessage `json:"website"`
	Year      json.RawMessage `json:"year"`
	Countries json.RawMessage `json:"countries"`
	Chains    json.RawMessage `json:"chains"`
	MakerFee  json.RawMessage `json:"maker_fee"`
	TakerFee  json.RawMessage `json:"taker_fee"`

	Status       json.RawMessage `json:"status"`
	FormerNames  json.RawMessage `json:"former_names"`
	Licences     json.RawMessage `json:"licences"`
	FeesURL      json.RawMessage `json:"fees_url"`
	StatusSince  json.RawMessage `json:"status_since"`
	StatusSource json.RawMessage `json:"status_source"`
	Factories    json.RawMessage `json:"factories"`
	ByChain      json.RawMessage `json:"factories_by_chain"`
	Routers      json.RawMessage `json:"routers"`
	Wallets      json.RawMessage `json:"wallets"`
	WalletsBy    json.RawMessage `json:"wallets_by_chain"`
}

// parse reads one entry. Valid fields are filled in, so that its slug can name
// it beside the wrong ones.
func parse(raw json.RawMessage) (Entry, []fault.Field) {
	if !utf8.Valid(raw) { // encoding/json would put replacement characters
		return Entry{}, []fault.Field{{Message: "is not encoded in UTF-8"}}
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return Entry{}, []fault.Field{{Message: "is not a JSON object"}}
	}
	var e Entry
	var wrong []fault.Field
	read := func(name, message string) {
		if message != "" {
			wrong = append(wrong, fault.Field{Name: name, Message: message})
		}
	}
	read("id", readID(o.ID, &e.Slug))
	read("name", readName(o.Name, &e.Name))
	read("kind", readKind(o.Kind, &e.Kind))
	read("website", readWebsite(o.Website, &e.Website))
	read("year", readYear(o.Year, &e.Year))
	read("countries", readList(o.Countries, &e.Countries, country))
	read("chains", readList(o.Chains, &e.Chains, chain))
	read("maker_fee", readFee(o.MakerFee, &e.MakerFee))
	read("taker_fee", readFee(o.TakerFee, &e.TakerFee))
	read("status", readStatus(o.Status, &e.Status))
	read("former_names", readList(o.FormerNames, &e.FormerNames, shortText))
	read("licences", readList(o.Licences, &e.Licences, shortText))
	read("fees_url", readWebsite(first(o.FeesURL), &e.FeesURL))
	read("status_since", readDate(o.StatusSince, &e.StatusSince))
	read("status_source", readWebsite(o.StatusSource, &e.StatusSource))
	read("factories", readContracts(o.Factories, "", &e.Factories))
	read("factories_by_chain", readByChain(o.ByChain, &e.Factories))
	read("routers", readContracts(o.Routers, "", &e.Routers))
	read("wallets", readContracts(o.Wallets, "", &e.Wallets))
	read("wallets_by_chain", readByChain(o.WalletsBy, &e.Wallets))
	return e, wrong
}

// absent reports whether a field has no value.
func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}

func readText(raw json.RawMessage, most int, into *string) string {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "is not a text"
	}
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > most:
		return fmt.Sprintf("has more than %d characters", most)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "has control characters"
	}
	*into = text
	return ""
}

func readID(raw json.RawMessage, into *string) string {
	var id string
	if absent(raw) {
		return "is missing"
	}
	if message := readText(raw, maxSlug, &id); message != "" {
		return message
	}
	if *into = Slug(id); *into == "" {
		return "has no letters or digits (a–z, 0–9) for the exchange's address"
	}
	return ""
}

func readName(raw json.RawMessage, into *string) string {
	if absent(raw) {
		return "is missing"
	}
	if message := readText(raw, maxName, into); message != "" {
		return message
	}
	if *into == "" {
		return "is blank"
	}
	return ""
}

func readKind(raw json.RawMessage, into *string) string {
	var kind string
	if absent(raw) {
		return "is missing: cex or dex"
	}
	if json.Unmarshal(raw, &kind) != nil || (kind != Centralised && kind != Decentralised) {
		return "is neither cex nor dex"
	}
	*into = kind
	return ""
}

// readWebsite accepts only addresses that are safe to link to.
func readWebsite(raw json.RawMessage, into *string) string {
	var text string
	if absent(raw) {
		return ""
	}
	if message := readText(raw, maxWebsite, &text); message != "" {
		return message
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(text, " \"<>"):
		return "is not an address that begins with https:// or http://"
	case u.User != nil:
		return "has a user name in it, which misleads people: leave that out"
	}
	*into = text
	return ""
}

func readYear(raw json.RawMessage, into *int) string {
	if absent(raw) {
		return ""
	}
	var year int
	if json.Unmarshal(raw, &year) != nil || year < minYear || year > maxYear {
		return fmt.Sprintf("is not a year from %d to %d", minYear, maxYear)
	}
	*into = year
	return ""
}

func readFee(raw json.RawMessage, into **float64) string {
	if absent(raw) || raw[0] == '[' {
		return ""
	}
	var fee float64
	if json.Unmarshal(raw, &fee) != nil || math.Abs(fee) > maxFee {
		return fmt.Sprintf("is not a share of the trade from -%g to %g: 0.001 is 0.1 %%", maxFee, maxFee)
	}
	*into = &fee
	return ""
}

// readList reads texts, each normalised by clean, which returns "" for an
// invalid one.
func readList(raw json.RawMessage, into *[]string, clean func(string) string) string {
	if absent(raw) {
		return ""
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil {
		return "is not a list of texts"
	}
	if len(texts) > maxListed {
		return fmt.Sprintf("has more than %d items", maxListed)
	}
	var all []string
	for _, text := range texts {
		c := clean(text)
		if c == "" {
			return fmt.Sprintf("has %.40q, which is not valid there", text)
		}
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	*into = all
	return ""
}

var (
	countryCode = regexp.MustCompile(`^(?:[a-z]{2}-)?([A-Z]{2})$`)
	chainName   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// country reads a code. EU is reserved in ISO 3166-1 and used for companies of
// the Union; UK is a reserved second code of GB.
func country(text string) string {
	m := countryCode.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[1] == "UK":
		return "GB"
	}
	return m[1]
}

func chain(text string) string {
	if text = strings.ToLower(text); len(text) > maxChain || !chainName.MatchString(text) {
		return ""
	}
	return text
}
