package main

import (
	"fmt"
	"strconv"
)

// goal is one line of the table: a figure of each engine and its limit. The limits were set for lists of a million rows.
type goal struct {
	work, beside string
	unit         unit
	atMost       bool               // the limit is the most, and not the least
	limits       map[string]float64 // by engine
	judged       bool               // this run is large enough to judge them
}

// The goals, in the order of the table.
type goalID int

const (
	buildShare goalID = iota
	buildJavaScript
	buildCommand
	buildMemory
	verifyCommand
	verifyProofs
	postVerify
	claimsProcessor
	claimsRate
	buildGrowth
	goalCount
)

func goals(s settings) [goalCount]goal {
	on := func(avx512, avx2 float64) map[string]float64 {
		return map[string]float64{"avx512": avx512, "avx2": avx2}
	}
	large, long := s.rows >= 1_000_000, "a long list"
	if s.growth > 0 {
		long = count(s.growth) + " rows"
	}
	const own, ownOneCore, bare = "the tree's own build, all cores", "the tree's own build, one core", "bare chi, the same bytes"
	return [goalCount]goal{
		buildShare: {
			work: "build, " + count(s.rows) + " rows, one core", beside: "the permutation limit",
			unit: percent, limits: on(75, 85), judged: large,
		},
		buildJavaScript: {
			work: "build, " + count(s.peer) + " rows, all cores", beside: byPeer,
			unit: times, limits: on(600, 300), judged: s.peer >= 100_000,
		},
		buildCommand: {
			work: "airdrop build: CSV to tree file, " + count(s.rows), beside: own,
			unit: times, atMost: true, limits: on(4, 2.5), judged: large,
		},
		buildMemory: {
			work: "memory of that command", unit: mebibytes, atMost: true, limits: on(300, 300), judged: large,
		},
		verifyCommand: {
			work: "airdrop verify --in, " + count(s.rows) + " wallets", beside: ownOneCore,
			unit: times, atMost: true, limits: on(4, 4), judged: large, // 0.6 s where one core builds in 0.15 s
		},
		verifyProofs: {
			work: "verify " + count(s.rows) + " full proofs, one core", beside: "the scalar engine",
			unit: times, limits: on(6, 2.5), judged: large,
		},
		postVerify: {
			work: "POST …/verify, " + count(s.rows) + " wallets", beside: "airdrop verify --in --out",
			unit: percent, limits: on(60, 60), judged: large,
		},
		claimsProcessor: {
			work: "claims over HTTP, by processors' time", beside: bare,
			unit: percent, limits: on(80, 80), judged: large,
		},
		claimsRate: {
			work: "claims over HTTP, by requests a second", beside: bare,
			unit: percent, limits: on(80, 80), judged: large,
		},
		buildGrowth: {
			work: "build, " + long + ", one core", beside: count(s.rows) + " rows",
			unit: times, atMost: true, limits: on(12, 12), judged: large && s.growth == 10*s.rows,
		},
	}
}

// limit returns the limit for an engine as text; "" for an engine that has none.
func (g goal) limit(engine string) string {
	switch limit, set := g.limits[engine]; {
	case !set:
		return ""
	case g.atMost:
		return "≤ " + g.unit.round(limit)
	default:
		return "≥ " + g.unit.round(limit)
	}
}

// reached reports whether an engine's figure keeps the limit.
func (g goal) reached(engine string, figure float64) bool {
	if g.atMost {
		return figure <= g.limits[engine]
	}
	return figure >= g.limits[engine]
}

// unit is the unit of a figure.
type unit string

const (
	percent   unit = " %"
	times     unit = "×"
	mebibytes unit = " MiB"
)

// exact formats a figure with enough digits to distinguish it from its limit.
func (u unit) exact(figure float64) string {
	switch {
	case figure >= 100:
		return fmt.Sprintf("%.0f%s", figure, u)
	case u == percent || figure >= 10:
		return fmt.Sprintf("%.1f%s", figure, u)
	}
	return fmt.Sprintf("%.2f%s", figure, u)
}

func (u unit) round(limit float64) string { return strconv.FormatFloat(limit, 'f', -1, 64) + string(u) }

// count formats a number of rows: 20k, 1M.
func count(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return strconv.FormatFloat(float64(n)/1e6, 'f', -1, 64) + "M"
	case n >= 1000 && n%100 == 0:
		return strconv.FormatFloat(float64(n)/1e3, 'f', -1, 64) + "k"
	}
	return strconv.Itoa(n)
}
