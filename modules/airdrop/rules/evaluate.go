package rules

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Result is what rules say of the wallets of their sources.
type Result struct {
	Rules *Rules
	// Wallets are all that a source or an entry names, by address.
	Wallets []wallet.Address
	// Amounts are what they get, in base units; 0 = nothing.
	Amounts []uint256.Int
	Count   int // wallets that get something
	Total   uint256.Int

	tables  []*Table
	rows    [][]int32 // of each source: the row of each wallet, -1 = not there
	verdict []verdict
	parts   [][]uint256.Int // of each part: the amount of each wallet
	groups  [][]bool        // of each group: whether it holds; nil = not needed yet
}

// verdict says why a wallet is in or out.
type verdict struct {
	what  what
	entry int16 // of allow or deny
}

type what uint8

const (
	notEligible what = iota
	eligible
	allowed
	denied
)

// mostCells bounds the memory of an evaluation: parts × wallets.
const mostCells = 100_000_000

// Evaluate computes the result of the rules over their sources, which are in the
// order of Rules.Sources. It fails with fault.Invalid when nobody gets anything or
// something cannot be divided as the rules say, and with the context's error.
func (r *Rules) Evaluate(ctx context.Context, tables []*Table) (*Result, error) {
	if len(tables) != len(r.Sources) {
		return nil, fmt.Errorf("%d tables for %d sources", len(tables), len(r.Sources))
	}
	e := &Result{Rules: r, tables: tables, groups: make([][]bool, len(r.groups))}
	e.place()
	if cells := int64(len(e.Wallets)) * int64(len(r.parts)); cells > mostCells {
		return nil, fault.Newf(fault.TooLarge, "%d parts over %d wallets need too much memory: use fewer parts", len(r.parts), len(e.Wallets))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.judge()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.Amounts = make([]uint256.Int, len(e.Wallets))
	for i := range r.parts {
		amounts, err := e.allocate(ctx, &r.parts[i])
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, amounts)
		for k := range amounts {
			if _, over := e.Amounts[k].AddOverflow(&e.Amounts[k], &amounts[k]); over {
				return nil, fault.Newf(fault.Invalid, "%s would get more than 2^256-1 base units: lower what the parts of the allocation give", e.Wallets[k])
			}
		}
	}
	return e, e.finish()
}

// place finds all wallets, and the row of each in each source.
func (e *Result) place() {
	var named []wallet.Address
	for _, entries := range [][]entry{e.Rules.allow, e.Rules.deny} {
		for _, n := range entries {
			if n.source < 0 {
				named = append(named, n.wallet)
			}
		}
	}
	named = permuted(named, sorted(named))
	e.Wallets = union(nil, named)
	for _, t := range e.tables {
		e.Wallets = union(e.Wallets, t.Wallets)
	}
	for _, t := range e.tables {
		rows := make([]int32, len(e.Wallets))
		at := 0
		for i := range e.Wallets {
			if rows[i] = -1; at < len(t.Wallets) && t.Wallets[at] == e.Wallets[i] {
				rows[i] = int32(at)
				at++
			}
		}
		e.rows = append(e.rows, rows)
	}
}

// union merges two sorted lists, without duplicates.
func union(a, b []wallet.Address) []wallet.Address {
	if len(b) == 0 {
		return a
	}
	to := make([]wallet.Address, 0, max(len(a), len(b)))
	for len(a) > 0 || len(b) > 0 {
		var next wallet.Address
		switch {
		case len(b) == 0:
			next, a = a[0], a[1:]
		case len(a) == 0:
			next, b = b[0], b[1:]
		default:
			switch c := compareWallets(a[0], b[0]); {
			case c < 0:
				next, a = a[0], a[1:]
			case c > 0:
				next, b = b[0], b[1:]
			default:
				next, a, b = a[0], a[1:], b[1:]
			}
		}
		if n := len(to); n == 0 || to[n-1] != next {
			to = append(to, next)
		}
	}
	return to
}

// judge decides who is eligible.
func (e *Result) judge() {
	e.verdict = make([]verdict, len(e.Wallets))
	is := e.holds(e.Rules.eligible)
	for i := range e.Wallets {
		if is[i] {
			e.verdict[i].what = eligible
		}
	}
	if e.Rules.eligible == nil { // who is in a source that is not there to take wallets out
		for i := range e.Wallets {
			e.verdict[i].what = notEligible
			for s := range e.tables {
				if e.rows[s][i] >= 0 && !e.Rules.takesOut(s) {
					e.verdict[i].what = eligible
				}
			}
		}
	}
	e.enter(e.Rules.deny, denied)
	e.enter(e.Rules.allow, allowed)
}

// takesOut reports whether a source is used by deny.
func (r *Rules) takesOut(source int) bool {
	for _, d := range r.deny {
		if d.source == source {
			return true
		}
	}
	return r.Sources[source].Kind == Sybils || r.Sources[source].Name == r.Cumulative
}

// enter applies allow or deny; of several entries the first counts.
func (e *Result) enter(entries []entry, as what) {
	for n := len(entries) - 1; n >= 0; n-- {
		v := verdict{as, int16(n)}
		if s := entries[n].source; s >= 0 {
			for i, row := range e.rows[s] {
				if row >= 0 {
					e.verdict[i] = v
				}
			}
			continue
		}
		if i, found := e.find(entries[n].wallet); found {
			e.verdict[i] = v
		}
	}
}

// holds returns for each wallet whether a condition holds; nil holds of all.
func (e *Result) holds(c *condition) []bool {
	is := make([]bool, len(e.Wallets))
	switch {
	case c == nil:
		for i := range is {
			is[i] = true
		}
	case c.do == inSource:
		for i, row := range e.rows[c.source] {
			is[i] = row >= 0
		}
	case c.do == inGroup:
		if e.groups[c.group] == nil { // once: groups of groups would double with each level
			e.groups[c.group] = e.holds(e.Rules.groups[c.group].is)
		}
		return e.groups[c.group]
	case c.do == compare:
		column, number := e.tables[c.source].Columns[c.value], number256(c)
		for i, row := range e.rows[c.source] {
			is[i] = row >= 0 && c.compares(&column[row], number)
		}
	case c.do == notThis:
		for i, holds := range e.holds(c.of[0]) {
			is[i] = !holds
		}
	default:
		copy(is, e.holds(c.of[0]))
		for _, of := range c.of[1:] {
			for i, holds := range e.holds(of) {
				if c.do == anyOf {
					is[i] = is[i] || holds
				} else {
					is[i] = is[i] && holds
				}
			}
		}
	}
	return is
}

func (c *condition) compares(value, number *uint256.Int) bool {
	switch order := value.Cmp(number); c.sign {
	case ">=":
		return order >= 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case "<":
		return order < 0
	default:
		return order == 0
	}
}

// gets reports whether a wallet may get something.
func (e *Result) gets(i int) bool {
	return e.verdict[i].what == eligible || e.verdict[i].what == allowed
}

// finish adds what wallets had in the round before, counts and checks.
func (e *Result) finish() error {
	if name := e.Rules.Cumulative; name != "" {
		for s := range e.tables {
			if e.Rules.Sources[s].Name != name {
				continue
			}
			for i, row := range e.rows[s] {
				if row < 0 {
					continue
				}
				if _, over := e.Amounts[i].AddOverflow(&e.Amounts[i], &e.tables[s].Columns[0][row]); over {
					return fault.Newf(fault.Invalid, "%s would get more than 2^256-1 base units: lower what the parts of the allocation give", e.Wallets[i])
				}
			}
		}
	}
	for i := range e.Amounts {
		if e.Amounts[i].IsZero() {
			continue
		}
		e.Count++
		if _, over := e.Total.AddOverflow(&e.Total, &e.Amounts[i]); over {
			return fault.New(fault.Invalid, "the amounts add up to more than 2^256-1 base units: lower what the parts of the allocation give")
		}
	}
	if e.Count == 0 {
		return fault.Newf(fault.Invalid, "nobody gets anything: %s; change who is eligible, or the allocation", e.outs())
	}
	if limit := e.Rules.Limit; limit != nil && e.Total.ToBig().Cmp(limit) > 0 {
		return fault.Newf(fault.Invalid, "the amounts add up to %s, and the limit is %s: lower what the parts give, or raise limit in the rules", e.tokens(e.Total.ToBig()), e.tokens(limit))
	}
	return nil
}

func (e *Result) tokens(u *big.Int) string { return written(u, e.Rules.Decimals) }

// outs counts why wallets get nothing, for a message.
func (e *Result) outs() string {
	var texts []string
	for _, out := range e.LeftOut() {
		texts = append(texts, fmt.Sprintf("%d %s", out.Count, out.Reason))
	}
	if len(texts) == 0 {
		return "the sources have no wallets"
	}
	return strings.Join(texts, "; ")
}
