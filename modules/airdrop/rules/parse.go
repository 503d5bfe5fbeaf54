package rules

import (
	"fmt"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v3"

	"banyan/platform/wallet"
)

// Parse reads a file of rules. It fails with fault.Invalid, whose fields name what is
// wrong by line.
func Parse(text []byte) (*Rules, error) {
	var r reader
	root := r.document(text)
	if root == nil {
		return nil, r.err()
	}
	fields := r.mapping(root, "", "version", "decimals", "sources", "groups", "eligible", "allow", "deny", "allocation", "cumulative", "limit")
	if len(r.problems) > 0 {
		return nil, r.err()
	}
	p := parser{reader: &r, rules: &Rules{}}
	p.head(root, fields)
	p.sources(fields["sources"], root.Line)
	p.groups(fields["groups"])
	if n := fields["eligible"]; n != nil {
		p.rules.eligible = p.condition(n, 0)
	}
	p.rules.allow = p.entries(fields["allow"], "allow")
	p.rules.deny = p.entries(fields["deny"], "deny")
	p.oneSide()
	p.parts(fields["allocation"], root.Line)
	p.cumulative(fields["cumulative"])
	p.loops()
	if err := r.err(); err != nil {
		return nil, err
	}
	return p.rules, nil
}

type parser struct {
	*reader
	rules *Rules
}

func (p *parser) head(root *yaml.Node, fields map[string]*yaml.Node) {
	switch n := fields["version"]; {
	case n == nil:
		p.wrong(root.Line, "version", "is missing: rules begin with version: 1")
	case p.text(n, "version") != "1":
		p.wrong(n.Line, "version", "is 1 here; this program knows no other")
	}
	p.rules.Decimals = int(p.whole(fields["decimals"], "decimals", maxDecimals))
	if n := fields["decimals"]; n == nil {
		p.wrong(root.Line, "decimals", "is missing: how many decimals the token has, as in decimals: 18")
	}
	if n := fields["limit"]; n != nil {
		p.rules.Limit = p.amount(n, "limit")
	}
}

func (p *parser) sources(n *yaml.Node, at int) {
	if n == nil {
		p.wrong(at, "sources", "is missing: name the lists of wallets that the rules use")
		return
	}
	names, values := p.named(n, "sources", maxSources)
	for i, key := range names {
		if s, ok := p.source(key, values[i]); ok {
			p.rules.Sources = append(p.rules.Sources, s)
		}
	}
	if len(names) == 0 {
		p.wrong(n.Line, "sources", "has none: name a list of wallets")
	}
}

// fieldsOf are the fields of a source beside kind, file, sha256 and duplicates.
func fieldsOf(kind string) []string {
	switch kind {
	case List:
		return []string{"values"}
	case Holders:
		return []string{"decimals", "chain", "token", "block"}
	case Averages:
		return []string{"decimals", "chain", "token", "from", "block"}
	case Callers:
		return []string{"to", "method", "chain", "from", "block"}
	case Senders:
		return []string{"to", "chain", "block"}
	case Reputation:
		return []string{"epoch"}
	case Attestations:
		return []string{"of"}
	}
	return nil
}

var kinds = []string{List, Holders, Averages, Senders, Callers, Reputation, Reviews, Attestations, Sybils}

func (p *parser) source(key, n *yaml.Node) (s Source, ok bool) {
	s = Source{Name: key.Value, Line: key.Line, Duplicates: "error"}
	of := "sources." + key.Value
	if n.Kind != yaml.MappingNode {
		p.wrong(n.Line, of, "is a kind and a file, as in {kind: list, file: members.csv}")
		return s, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" {
			s.Kind = p.text(n.Content[i+1], of+".kind")
		}
	}
	switch {
	case s.Kind == "":
		p.wrong(n.Line, of, "has no kind; it is one of %s", strings.Join(kinds, ", "))
		return s, false
	case !contains(kinds, s.Kind):
		p.wrong(n.Line, of+".kind", "is one of %s, not %q%s", strings.Join(kinds, ", "), short(s.Kind), meant(s.Kind, kinds))
		return s, false
	}
	fields := p.mapping(n, of, append([]string{"kind", "file", "sha256", "duplicates"}, fieldsOf(s.Kind)...)...)
	s.File = p.text(fields["file"], of+".file")
	s.SHA256 = strings.ToLower(p.text(fields["sha256"], of+".sha256"))
	if s.SHA256 != "" && (len(s.SHA256) != 64 || strings.Trim(s.SHA256, "0123456789abcdef") != "") {
		p.wrong(fields["sha256"].Line, of+".sha256", "is 64 hex digits")
	}
	if d := p.text(fields["duplicates"], of+".duplicates"); d != "" {
		if s.Duplicates = d; d != "error" && d != "sum" {
			p.wrong(fields["duplicates"].Line, of+".duplicates", "is error or sum, not %q", short(d))
		}
	}
	p.place(&s, fields, of)
	p.values(&s, fields, of)
	return s, true
}

// place reads where a source is from.
func (p *parser) place(s *Source, fields map[string]*yaml.Node, of string) {
	s.Block = uint64(p.whole(fields["block"], of+".block", 1<<53))
	s.From = uint64(p.whole(fields["from"], of+".from", 1<<53))
	s.Epoch = p.whole(fields["epoch"], of+".epoch", 1<<53)
	if n := fields["chain"]; n != nil {
		chain, err := wallet.ParseChain(p.text(n, of+".chain"))
		if err != nil {
			p.wrong(n.Line, of+".chain", "%s", err)
		}
		s.Chain = chain
	}
	s.Token = p.wallet(fields["token"], of+".token")
	s.To = p.wallet(fields["to"], of+".to")
	if n := fields["method"]; n != nil {
		s.Method = strings.ToLower(p.text(n, of+".method"))
		if digits, ok := strings.CutPrefix(s.Method, "0x"); !ok || len(digits) != 8 || strings.Trim(digits, "0123456789abcdef") != "" {
			p.wrong(n.Line, of+".method", "is 0x and 8 hex digits, the first four bytes of a call, not %q", short(s.Method))
		}
	}
	p.span(s, fields, of)
	if n := fields["of"]; n != nil {
		if s.Of = p.text(n, of+".of"); !contains([]string{"trust", "vouch", "report"}, s.Of) {
			p.wrong(n.Line, of+".of", "is trust, vouch or report, not %q", short(s.Of))
		}
	}
}

// span reads from which block to which a source counts.
func (p *parser) span(s *Source, fields map[string]*yaml.Node, of string) {
	if s.Kind != Averages && s.Kind != Callers || fields["from"] == nil && fields["block"] == nil {
		return
	}
	first := s.From
	if s.Kind == Averages { // of one block there is no average
		first++
	}
	switch {
	case s.From == 0 || s.Block == 0:
		p.wrong(s.Line, of, "counts between two blocks: write from and block, the first and the last")
	case s.Block < first:
		p.wrong(fields["block"].Line, of+".block", "is the last block that counts, and comes after from (%d), not %d", s.From, s.Block)
	case s.Kind == Callers && s.Block-s.From >= MaxBlocks:
		p.wrong(fields["block"].Line, of+".block", "is %d blocks after from: all transactions of up to %d blocks are read; divide them among several sources", s.Block-s.From, MaxBlocks)
	}
}

func (p *parser) wallet(n *yaml.Node, name string) *wallet.Address {
	if n == nil {
		return nil
	}
	w, err := wallet.Parse(p.text(n, name))
	if err != nil {
		p.wrong(n.Line, name, "%s", wallet.Explain([]byte(n.Value)))
		return nil
	}
	return &w
}

// values says what columns a source has.
func (p *parser) values(s *Source, fields map[string]*yaml.Node, of string) {
	switch s.Kind {
	case Holders, Averages:
		name := "balance"
		if s.Kind == Averages {
			name = "average"
		}
		s.Values = []Value{{Name: name, Decimals: int(p.whole(fields["decimals"], of+".decimals", maxDecimals))}}
		if fields["decimals"] == nil {
			s.Values[0].Decimals = p.rules.Decimals
		}
	case Senders:
		s.Values = []Value{{Name: "transfers"}}
	case Callers:
		s.Values = []Value{{Name: "calls"}}
	case Reputation:
		s.Values = []Value{{"score", 18, true}, {"rank", 0, false}, {"percentile", 6, true}, {"weight", 6, true}}
	case Reviews:
		s.Values = []Value{{Name: "reviews"}}
	case Attestations:
		s.Values = []Value{{Name: "attesters"}}
	case Sybils:
		s.Values = []Value{{"cluster", 0, false}, {"score", 6, true}}
	case List:
		names, values := p.named(fields["values"], of+".values", maxValues)
		for i, key := range names {
			s.Values = append(s.Values, Value{Name: key.Value, Decimals: int(p.whole(values[i], of+".values."+key.Value, maxDecimals))})
		}
	}
}

func (p *parser) groups(n *yaml.Node) {
	names, values := p.named(n, "groups", maxGroups)
	for _, key := range names { // first all names, as one may use a later one
		if p.rules.Source(key.Value) != nil {
			p.wrong(key.Line, "groups", "%s is a source already: choose another name", key.Value)
		}
		p.rules.groups = append(p.rules.groups, group{name: key.Value, line: key.Line})
	}
	for i := range names {
		p.rules.groups[i].is = p.condition(values[i], 0)
	}
}

// entries reads allow or deny.
func (p *parser) entries(n *yaml.Node, of string) (all []entry) {
	for _, item := range p.items(n, of, maxEntries) {
		fields := p.mapping(item, of, "wallet", "source", "reason")
		if fields == nil {
			continue
		}
		e := entry{line: item.Line, source: -1, reason: strings.Join(strings.Fields(p.text(fields["reason"], of+".reason")), " ")}
		switch {
		case e.reason == "":
			p.wrong(item.Line, of, "has no reason: whoever asks why is shown it")
		case len(e.reason) > 500:
			p.wrong(item.Line, of, "has a reason of more than 500 bytes: shorten it")
		}
		switch {
		case (fields["wallet"] == nil) == (fields["source"] == nil):
			p.wrong(item.Line, of, "names a wallet or a source, one of them")
		case fields["wallet"] != nil:
			if w := p.wallet(fields["wallet"], of+".wallet"); w != nil {
				e.wallet = *w
			}
		default:
			e.source = p.sourceOf(fields["source"].Line, of, p.text(fields["source"], of+".source"))
		}
		all = append(all, e)
	}
	return all
}

// oneSide refuses wallets that are taken in and out by name.
func (p *parser) oneSide() {
	allowed := make(map[wallet.Address]int)
	for _, e := range p.rules.allow {
		if e.source < 0 {
			allowed[e.wallet] = e.line
		}
	}
	for _, e := range p.rules.deny {
		if line := allowed[e.wallet]; e.source < 0 && line > 0 {
			p.wrong(e.line, "deny", "%s is in allow, too (line %d): which is meant?", e.wallet, line)
		}
	}
}

// sourceOf returns the index of a source; it is 0 when there is none, which is wrong.
func (p *parser) sourceOf(line int, of, name string) int {
	known := make([]string, len(p.rules.Sources))
	for i, s := range p.rules.Sources {
		if s.Name == name {
			return i
		}
		known[i] = s.Name
	}
	p.wrong(line, of, "there is no source %q%s", short(name), meant(name, known))
	return 0
}

// valueOf returns the source and value that a text names: holders.balance, or holders
// where that has one value.
func (p *parser) valueOf(line int, of, text string) (source, value int, ok bool) {
	name, column, _ := strings.Cut(text, ".")
	before := len(p.problems)
	source = p.sourceOf(line, of, name)
	if len(p.problems) > before || len(p.rules.Sources) == 0 {
		return 0, 0, false
	}
	s := &p.rules.Sources[source]
	if column == "" && len(s.Values) == 1 {
		return source, 0, true
	}
	known := make([]string, len(s.Values))
	for i, v := range s.Values {
		if v.Name == column {
			return source, i, true
		}
		known[i] = v.Name
	}
	switch {
	case len(known) == 0:
		p.wrong(line, of, "the source %s has no values: name its columns, as in values: {points: 0}", name)
	case column == "":
		p.wrong(line, of, "the source %s has several values: write %s.%s, or another of %s", name, name, known[0], strings.Join(known, ", "))
	default:
		p.wrong(line, of, "the source %s has no value %q%s; it has %s", name, short(column), meant(column, known), strings.Join(known, ", "))
	}
	return 0, 0, false
}

func (p *parser) cumulative(n *yaml.Node) {
	if n == nil {
		return
	}
	text := p.text(n, "cumulative")
	source, value, ok := p.valueOf(n.Line, "cumulative", text)
	if !ok {
		return
	}
	s := &p.rules.Sources[source]
	if s.Values[value].Decimals != p.rules.Decimals {
		p.wrong(n.Line, "cumulative", "the value of %s has %d decimals, and the token has %d: correct one of them", text, s.Values[value].Decimals, p.rules.Decimals)
	}
	if len(s.Values) > 1 {
		p.wrong(n.Line, "cumulative", "the source %s has other values, too: the amounts of the round before are alone, so take the others out", s.Name)
	}
	p.rules.Cumulative = s.Name
}

// amount reads tokens as base units.
func (p *parser) amount(n *yaml.Node, name string) *big.Int {
	return p.number(n, name, p.rules.Decimals, "the token")
}

// number reads a number of the rules, which has no exponent: 1e77 is easily misread.
func (p *parser) number(n *yaml.Node, name string, decimals int, of string) *big.Int {
	text := p.text(n, name)
	if text == "" {
		return big.NewInt(0)
	}
	value, err := plainNumber(text, decimals)
	if err != nil {
		p.wrong(n.Line, name, "%q %s (%s has %d decimals)", short(text), err, of, decimals)
		return big.NewInt(0)
	}
	return value
}

func plainNumber(text string, decimals int) (*big.Int, error) {
	if strings.ContainsAny(text, "eE") && strings.Trim(text, "0123456789._eE+-") == "" {
		return nil, fmt.Errorf("is written with an exponent: write its digits out")
	}
	u, err := units(strings.ReplaceAll(text, "_", ""), decimals, false)
	if err != nil {
		return nil, err
	}
	return u.ToBig(), nil
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}
