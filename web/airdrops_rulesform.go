package web

import (
	"fmt"
	"net/http"
	"strings"
)

// rulesForm writes the usual rules; whoever needs more edits them.
type rulesForm struct {
	Chosen                           bool // the form was sent
	Members, Clusters                bool
	Score, Reviews, Vouches, Balance string // at least; "" = does not count
	Average, Calls                   string // at least, between the blocks From and Block
	Chain, Token, Contract           string // "" = the wallets are uploaded
	From, Block                      string
	Together                         string // any or all
	Share                            string // each or budget
	Amount, By, Floor, Cap           string // By: flat, value or sqrt of the balance
}

func rulesFormOf(r *http.Request) rulesForm {
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	return rulesForm{
		Chosen: field("compose") != "", Members: field("members") != "", Clusters: field("clusters") != "",
		Score: field("score"), Reviews: field("reviews"), Vouches: field("vouches"), Balance: field("balance"),
		Average: field("average"), Calls: field("calls"), Chain: field("chain"), Token: field("token"), Contract: field("contract"), From: field("from"), Block: field("block"),
		Together: field("together"), Share: field("share"), Amount: field("amount"), By: field("by"), Floor: field("floor"), Cap: field("cap"),
	}
}

// YAML returns the rules. What was typed stands in quotes: whatever it is, it is one
// value, and the module says what is wrong with it.
func (f rulesForm) YAML(decimals int) string {
	var sources, conditions []string
	add := func(on bool, source, condition string) {
		if on {
			sources, conditions = append(sources, source), append(conditions, condition)
		}
	}
	atLeast := func(name, value string) string { return quotedYAML(name + " >= " + value) }
	add(f.Members, "members: {kind: list, file: members.csv}", "members")
	add(f.Balance != "" || f.By != "flat", f.holders(), atLeast("holders", orZero(f.Balance)))
	add(f.Score != "", "trusted: {kind: reputation}", atLeast("trusted.score", f.Score))
	add(f.Reviews != "", "reviewers: {kind: reviews}", atLeast("reviewers", f.Reviews))
	add(f.Vouches != "", "vouched: {kind: attestations, of: vouch}", atLeast("vouched", f.Vouches))
	add(f.Average != "", f.between("held", "averages", "averages.csv", "token", f.Token), atLeast("held", f.Average))
	add(f.Calls != "", f.between("called", "callers", "callers.csv", "to", f.Contract), atLeast("called", f.Calls))
	if f.Clusters {
		sources = append(sources, "clusters: {kind: sybils, file: clusters.csv}")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndecimals: %d\nsources:\n", decimals)
	for _, s := range sources {
		b.WriteString("  " + s + "\n")
	}
	together := "any"
	if f.Together == "all" {
		together = "all"
	}
	if len(conditions) > 0 {
		fmt.Fprintf(&b, "eligible:\n  %s: [%s]\n", together, strings.Join(conditions, ", "))
	}
	if f.Clusters {
		b.WriteString("deny:\n  - {source: clusters, reason: probably one of many wallets of one person}\n")
	}
	share := "each"
	if f.Share == "budget" {
		share = "budget"
	}
	fmt.Fprintf(&b, "allocation:\n  - name: everybody\n    %s: %s\n", share, quotedYAML(f.Amount))
	switch f.By {
	case "value":
		b.WriteString("    times: [{value: holders}]\n")
	case "sqrt":
		b.WriteString("    times: [{sqrt: holders}]\n")
	}
	if f.Floor != "" {
		fmt.Fprintf(&b, "    floor: %s\n", quotedYAML(f.Floor))
	}
	if f.Cap != "" {
		fmt.Fprintf(&b, "    cap: %s\n", quotedYAML(f.Cap))
	}
	return b.String()
}

// holders is the source of balances: at a block of a chain, or of a file.
func (f rulesForm) holders() string {
	if f.Chain == "" || f.Token == "" || f.Block == "" {
		return "holders: {kind: holders, file: balances.csv}"
	}
	return fmt.Sprintf("holders: {kind: holders, chain: %s, token: %s, block: %s}", quotedYAML(f.Chain), quotedYAML(f.Token), quotedYAML(f.Block))
}

// between is a source that counts between two blocks of a chain, or is a file.
func (f rulesForm) between(name, kind, file, field, contract string) string {
	if f.Chain == "" || contract == "" {
		return fmt.Sprintf("%s: {kind: %s, file: %s}", name, kind, file)
	}
	return fmt.Sprintf("%s: {kind: %s, chain: %s, %s: %s, from: %s, block: %s}", name, kind, quotedYAML(f.Chain), field, quotedYAML(contract), quotedYAML(f.From), quotedYAML(f.Block))
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

// quotedYAML is a text as one value, whatever is in it.
func quotedYAML(text string) string {
	for _, c := range text {
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz._>= ", c) {
			return "'" + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "'", "''") + "'"
		}
	}
	if text == "" {
		return `""`
	}
	return text
}
