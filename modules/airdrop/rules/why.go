package rules

import (
	"fmt"
	"strings"

	"banyan/platform/wallet"
)

// LeftOut is a reason for which wallets get nothing, and how many.
type LeftOut struct {
	Reason string
	Count  int
}

// LeftOut counts the reasons for which wallets get nothing, in the order of the
// rules.
func (e *Result) LeftOut() (all []LeftOut) {
	denied1 := make([]int, len(e.Rules.deny))
	outside, nothing := 0, 0
	for i := range e.Wallets {
		if !e.Amounts[i].IsZero() {
			continue
		}
		switch v := e.verdict[i]; v.what {
		case denied:
			denied1[v.entry]++
		case notEligible:
			outside++
		default:
			nothing++
		}
	}
	for n, count := range denied1 {
		if count > 0 {
			all = append(all, LeftOut{e.Rules.deny[n].reason, count})
		}
	}
	if outside > 0 {
		all = append(all, LeftOut{"not eligible", outside})
	}
	if nothing > 0 {
		all = append(all, LeftOut{"eligible and with an amount of zero", nothing})
	}
	return all
}

// find returns the place of a wallet.
func (e *Result) find(w wallet.Address) (int, bool) {
	low, high := 0, len(e.Wallets)
	for low < high {
		middle := (low + high) / 2
		if compareWallets(e.Wallets[middle], w) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(e.Wallets) && e.Wallets[low] == w
}

// Find returns the place of a wallet among Wallets; found is false when no source
// has it.
func (e *Result) Find(w wallet.Address) (i int, found bool) { return e.find(w) }

// UnknownWallet says why a wallet that no source has gets nothing.
const UnknownWallet = "it is in none of the lists that the rules use"

// maxReason bounds a wallet's reasons, in bytes.
const maxReason = 2000

// Why says in one sentence after the other why a wallet gets what it gets.
func (e *Result) Why(i int) string {
	var b strings.Builder
	add := func(format string, args ...any) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, format, args...)
	}
	v := e.verdict[i]
	switch v.what {
	case denied:
		e.because(&e.Rules.deny[v.entry], "taken out: ", i, add)
	case allowed:
		e.because(&e.Rules.allow[v.entry], "taken in: ", i, add)
	case notEligible:
		if e.Rules.eligible == nil {
			add("not eligible: it is in no list that makes wallets eligible")
		} else {
			_, text := e.explain(e.Rules.eligible, i, 0)
			add("not eligible: %s", text)
		}
	case eligible:
		if e.Rules.eligible != nil {
			_, text := e.explain(e.Rules.eligible, i, 0)
			add("eligible: %s", text)
		}
	}
	if e.gets(i) {
		for k := range e.Rules.parts {
			if p := &e.Rules.parts[k]; p.to == nil || !e.parts[k][i].IsZero() {
				add("%s: %s%s", p.name, e.tokens(e.parts[k][i].ToBig()), e.made(p, i))
			} else if holds, text := e.explain(p.to, i, 0); !holds {
				add("%s: nothing, %s", p.name, text)
			} else {
				add("%s: nothing%s", p.name, e.made(p, i))
			}
		}
	}
	for s := range e.tables {
		if row := e.rows[s][i]; row >= 0 && e.Rules.Sources[s].Name == e.Rules.Cumulative {
			add("it had %s in the round before", e.tokens(e.tables[s].Columns[0][row].ToBig()))
		}
	}
	for _, text := range e.evidence(i) {
		add("%s", text)
	}
	if b.Len() > maxReason {
		return strings.ToValidUTF8(b.String()[:maxReason], "") + "…"
	}
	return b.String()
}

// maxExplained is how deep groups are explained.
const maxExplained = 4

// because adds the reason of an entry, and the evidence that its source has.
func (e *Result) because(n *entry, before string, i int, add func(string, ...any)) {
	text := n.reason
	if n.source >= 0 {
		if t := e.tables[n.source]; t.Reasons != nil && t.Reasons[e.rows[n.source][i]] != "" {
			text += " (" + t.Reasons[e.rows[n.source][i]] + ")"
		}
	}
	add("%s%s", before, text)
}

// evidence is what lists that make wallets eligible say of one.
func (e *Result) evidence(i int) (all []string) {
	for s, t := range e.tables {
		if row := e.rows[s][i]; row >= 0 && t.Reasons != nil && t.Reasons[row] != "" && e.Rules.Sources[s].Kind == List && !e.Rules.takesOut(s) {
			all = append(all, e.Rules.Sources[s].Name+" says "+t.Reasons[row])
		}
	}
	return all
}

// made says what an amount is made of.
func (e *Result) made(p *part, i int) string {
	if len(p.factors) == 0 {
		return ""
	}
	var texts []string
	for k := range p.factors {
		f := &p.factors[k]
		value, ok := e.value(f, i)
		if !ok {
			return " (it is not in " + e.Rules.Sources[f.source].Name + ")"
		}
		shown := written(value, e.decimals(f))
		switch f.kind {
		case linear:
			texts = append(texts, f.text+" "+shown)
		case squareRoot:
			texts = append(texts, "the square root of "+f.text+" "+shown)
		case tiers:
			texts = append(texts, fmt.Sprintf("%s for %s %s", written(f.tier(value).times, timesDecimals), f.text, shown))
		case line:
			texts = append(texts, fmt.Sprintf("a factor by %s %s", f.text, shown))
		}
	}
	return " (" + strings.Join(texts, " × ") + ")"
}

// explain says whether a condition holds of a wallet, and why.
func (e *Result) explain(c *condition, i, depth int) (holds bool, text string) {
	switch c.do {
	case inSource:
		if e.rows[c.source][i] >= 0 {
			return true, "in " + c.text
		}
		return false, "not in " + c.text
	case inGroup:
		is := e.Rules.groups[c.group].is
		if depth > maxExplained { // conditions of groups of groups: their names say enough
			return e.holdsOf(is, i), c.text
		}
		holds, text = e.explain(is, i, depth+maxExplained/2)
		return holds, c.text + " (" + text + ")"
	case compare:
		row := e.rows[c.source][i]
		s := &e.Rules.Sources[c.source]
		if row < 0 {
			return false, "not in " + s.Name
		}
		value := &e.tables[c.source].Columns[c.value][row]
		number := c.number.String()
		if of := s.Values[c.value]; of.Decimals > 0 {
			number = written(c.number, of.Decimals)
		}
		holds = e.holdsOf(c, i)
		is := "which is"
		if !holds {
			is = "which is not"
		}
		return holds, fmt.Sprintf("%s.%s is %s, %s %s %s", s.Name, s.Values[c.value].Name, written(value.ToBig(), s.Values[c.value].Decimals), is, c.sign, number)
	case notThis:
		holds, text = e.explain(c.of[0], i, depth+1)
		return !holds, text
	}
	return e.explainMany(c, i, depth)
}

// explainMany names those that decided: of any that holds the first, of all that does
// not hold the first that does not.
func (e *Result) explainMany(c *condition, i, depth int) (bool, string) {
	var texts []string
	length := 0
	for _, of := range c.of {
		holds, text := e.explain(of, i, depth+1)
		if holds == (c.do == anyOf) {
			return holds, text
		}
		if length += len(text) + 1; length > maxReason {
			return e.holdsOf(c, i), strings.Join(texts, ", ")
		}
		texts = append(texts, text)
	}
	return c.do == allOf, strings.Join(texts, ", ")
}

// holdsOf reports whether a condition holds of one wallet.
func (e *Result) holdsOf(c *condition, i int) bool {
	switch c.do {
	case inSource:
		return e.rows[c.source][i] >= 0
	case inGroup:
		return e.holds(c)[i]
	case compare:
		row := e.rows[c.source][i]
		return row >= 0 && c.compares(&e.tables[c.source].Columns[c.value][row], number256(c))
	case notThis:
		return !e.holdsOf(c.of[0], i)
	}
	for _, of := range c.of {
		if e.holdsOf(of, i) == (c.do == anyOf) {
			return c.do == anyOf
		}
	}
	return c.do == allOf
}
