package rules_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"banyan/modules/airdrop/rules"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// numbered returns the wallet with this number, spread as real ones are.
func numbered(n int) wallet.Address {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(n))
	sum := sha256.Sum256(number[:])
	return wallet.Address(sum[:20])
}

// file is a CSV of a header and, for each wallet, what rest says of it.
func file(header string, n int, rest func(i int) string) []byte {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(numbered(i).String() + rest(i) + "\n")
	}
	return []byte(b.String())
}

func tokens(units string) string {
	for len(units) < 19 {
		units = "0" + units
	}
	return units[:len(units)-18] + "." + units[len(units)-18:]
}

func difference(t testing.TB, a, b string) string {
	t.Helper()
	x, ok1 := new(big.Int).SetString(a, 10)
	y, ok2 := new(big.Int).SetString(b, 10)
	if !ok1 || !ok2 {
		t.Fatalf("%q or %q is no number", a, b)
	}
	return x.Sub(x, y).String()
}

const small = `
version: 1
decimals: 2
sources:
  members:  {kind: list, file: members.csv}
  holders:  {kind: holders, file: balances.csv, decimals: 1}
  trusted:  {kind: reputation, epoch: 12}
  clusters: {kind: sybils, file: clusters.csv}
groups:
  people: {any: [members, trusted.score >= 500]}
eligible: {all: [people, holders >= 10]}
deny:
  - {source: clusters, reason: one of many wallets of one person}
  - {wallet: WALLET5, reason: works for us}
allow:
  - {wallet: WALLET7, reason: the appeal was granted}
allocation:
  - {name: everybody, each: 1.5}
  - {name: holders, to: holders, budget: 100, times: [{value: holders}]}
`

func smallFiles() [][]byte {
	return [][]byte{
		file("address", 6, func(int) string { return "" }),                                                             // 0–5 are members
		file("address,balance", 10, func(i int) string { return fmt.Sprintf(",%d.5", 5*i) }),                           // 0.5, 5.5, 10.5 …
		file("id,score,rank,percentile,weight", 8, func(i int) string { return fmt.Sprintf(",%d,1,0.5,0.25", 100*i) }), // 0–700
		file("address,cluster,score,flagged,reason", 8, func(i int) string {
			return fmt.Sprintf(",1,0.9,%t,transfers tie 8 candidates together", i == 4 || i == 7)
		}),
	}
}

func smallRules() string {
	return strings.NewReplacer("WALLET5", numbered(5).String(), "WALLET7", numbered(7).String()).Replace(small)
}

func TestWhoGetsWhatAndWhy(t *testing.T) {
	result := evaluate(t, smallRules(), smallFiles()...)
	// 2 and 3 are members who hold enough, 6 is trusted, and 7 was taken in again.
	// The budget of 100.00 goes by balances 10.5, 15.5, 30.5 and 35.5 (of 92).
	want := map[int]string{2: "1291", 3: "1835", 6: "3465", 7: "4009"}
	for i := range 10 {
		at, found := result.Find(numbered(i))
		if !found {
			t.Fatalf("wallet %d is not there", i)
		}
		amount := want[i]
		if amount == "" {
			amount = "0"
		}
		if got := result.Amounts[at].Dec(); got != amount {
			t.Errorf("wallet %d gets %s, want %s: %s", i, got, amount, result.Why(at))
		}
	}
	if result.Count != 4 || result.Total.Dec() != "10600" {
		t.Errorf("%d wallets get %s, want 4 and 10600: the budget is not divided to the last unit", result.Count, result.Total.Dec())
	}
	for i, why := range map[int]string{
		1: "not eligible: holders.balance is 5.5, which is not >= 10",
		2: "eligible: people (in members), holders.balance is 10.5, which is >= 10; everybody: 1.5; holders: 11.41 (holders 10.5)",
		4: "taken out: one of many wallets of one person (transfers tie 8 candidates together)",
		5: "taken out: works for us",
		7: "taken in: the appeal was granted; everybody: 1.5; holders: 38.59 (holders 35.5)",
		8: "not eligible: people (not in members, not in trusted)",
	} {
		at, _ := result.Find(numbered(i))
		if got := result.Why(at); got != why {
			t.Errorf("wallet %d:\n got %s\nwant %s", i, got, why)
		}
	}
	var outs []string
	for _, o := range result.LeftOut() {
		outs = append(outs, fmt.Sprintf("%d %s", o.Count, o.Reason))
	}
	if got := strings.Join(outs, "; "); got != "1 one of many wallets of one person; 1 works for us; 4 not eligible" {
		t.Errorf("left out: %s", got)
	}
}

func TestWhatIsWrongIsNamedByLine(t *testing.T) {
	head := "version: 1\ndecimals: 18\nsources:\n  members: {kind: list, file: m.csv, values: {points: 0}}\n"
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"empty", "", 1, "the file is empty"},
		{"no YAML", "version: 1\n  decimals: [", 2, "is not YAML"},
		{"two documents", head + "allocation: [{each: 1}]\n---\nversion: 1\n", 6, "second document"},
		{"an alias that contains itself", "version: &a [*a]\n", 1, "anchors and aliases"},
		{"no version", "decimals: 18\nsources: {m: {kind: list}}\nallocation: [{each: 1}]\n", 1, "version: 1"},
		{"another version", "version: 2\ndecimals: 18\nsources: {m: {kind: list}}\nallocation: [{each: 1}]\n", 1, "is 1 here"},
		{"an unknown field", head + "eligble: members\n", 5, "is eligible meant?"},
		{"an unknown kind", "version: 1\ndecimals: 18\nsources:\n  m: {kind: lists}\nallocation: [{each: 1}]\n", 4, "is list meant?"},
		{"a field of another kind", "version: 1\ndecimals: 18\nsources:\n  m: {kind: list, epoch: 3}\nallocation: [{each: 1}]\n", 4, `no field "epoch"`},
		{"an unknown source", head + "eligible: membres\nallocation: [{each: 1}]\n", 5, "is members meant?"},
		{"an unknown value", head + "eligible: members.pionts > 3\nallocation: [{each: 1}]\n", 5, "is points meant?"},
		{"a loop", head + "groups:\n  a: {any: [members, b]}\n  b: {not: a}\nallocation: [{each: 1}]\n", 6, "a needs itself: a → b → a"},
		{"a group that is its own", head + "groups:\n  a: a\nallocation: [{each: 1}]\n", 6, "a → a"},
		{"1e77", head + "allocation:\n  - each: 1e77\n", 6, "write its digits out"},
		{"too many digits", head + "allocation:\n  - each: 1" + strings.Repeat("0", 77) + "\n", 6, "larger than 2^256-1"},
		{"too precise", head + "allocation:\n  - each: 0.0000000000000000001\n", 6, "more than 18 decimals"},
		{"negative", head + "allocation:\n  - each: -5\n", 6, "is not a number"},
		{"both each and budget", head + "allocation:\n  - {each: 1, budget: 2}\n", 6, "one of them"},
		{"nothing to give", head + "allocation: []\n", 5, "has no parts"},
		{"a cap below the floor", head + "allocation:\n  - {each: 1, floor: 3, cap: 2}\n", 6, "below the floor"},
		{"a reason is missing", head + "allocation: [{each: 1}]\ndeny:\n  - {source: members}\n", 7, "has no reason"},
		{"in and out", head + "allocation: [{each: 1}]\nallow:\n  - {wallet: " + numbered(1).String() + ", reason: a}\ndeny:\n  - {wallet: " + numbered(1).String() + ", reason: b}\n", 9, "is in allow, too (line 7)"},
		{"no wallet", head + "allocation: [{each: 1}]\nallow:\n  - {wallet: 0x12, reason: a}\n", 7, "digits"},
		{"twice", head + "allocation: [{each: 1}]\nallocation: [{each: 2}]\n", 6, "is there twice"},
		{"no list", head + "allocation: 5\n", 5, "is a list"},
		{"empty any", head + "eligible: {any: []}\nallocation: [{each: 1}]\n", 5, "has no conditions"},
		{"any and all", head + "eligible: {any: [members], all: [members]}\nallocation: [{each: 1}]\n", 5, "one of any, all and not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := rules.Parse([]byte(c.text))
			f := fault.From(err)
			if f == nil || f.Code != fault.Invalid || len(f.Fields) == 0 {
				t.Fatalf("got %v", err)
			}
			for _, field := range f.Fields {
				if field.Line == c.line && strings.Contains(field.String(), c.says) {
					return
				}
			}
			t.Errorf("no field says %q on line %d: %v", c.says, c.line, f.Fields)
		})
	}
}

func TestNothingIsDividedThatCannotBe(t *testing.T) {
	list := file("address,points", 4, func(i int) string { return fmt.Sprintf(",%d", i) })
	head := "version: 1\ndecimals: 0\nsources:\n  members: {kind: list, values: {points: 0}}\n"
	for says, text := range map[string]string{
		"nobody gets anything":    "eligible: members > 9\nallocation: [{each: 1}]\n",
		"nobody is eligible":      "eligible: members > 9\nallocation: [{budget: 1}]\n",
		"the floor of 4 wallets":  "allocation: [{budget: 10, floor: 3}]\n",
		"the cap of 4 wallets":    "allocation: [{budget: 10, cap: 2}]\n",
		"all are zero":            "allocation: [{budget: 10, times: [{tiers: {of: members, steps: [{from: 9, times: 1}]}}]}]\n",
		"the limit is 3":          "allocation: [{each: 1}]\nlimit: 3\n",
		"could get more":          "allocation: [{budget: 12, times: [{tiers: {of: members, steps: [{from: 1, times: 1}]}}], cap: 3}]\n",
		"more than 2^256-1":       "allocation: [{each: 1" + strings.Repeat("0", 77) + ", times: [{value: members}]}]\n",
		"add up to more than 2^2": "allocation: [{each: 1" + strings.Repeat("0", 77) + "}]\n",
	} {
		if _, err := tryEvaluate(head+text, list); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want it to say %q", text, err, says)
		}
	}
}

func TestWrongRowsOfASourceAreNamed(t *testing.T) {
	head := "version: 1\ndecimals: 0\nsources:\n  members: {kind: list, values: {points: 2}}\nallocation: [{each: 1}]\n"
	a, b := numbered(1).String(), numbered(2).String()
	for says, list := range map[string]string{
		"line 3: address: " + a + " is on line 2, too": "address,points\n" + a + ",1\n" + a + ",2\n",
		"line 2: points: \"1.234\" has more than 2":    "address,points\n" + a + ",1.234\n",
		"line 3: points: \"x\" is not a number":        "address,points\n" + a + ",1\n" + b + ",x\n",
		"line 2: points: \"1e99\" is larger":           "address,points\n" + a + ",1e99\n",
		"line 2: address":                              "address,points\n0x123,1\n",
	} {
		if _, err := tryEvaluate(head, []byte(list)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %q", err, says)
		}
	}
}

// A budget is given to the last unit, between floor and cap, more for more weight, and
// nobody is further than a unit from the exact share.
func TestABudgetIsDividedExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		weights := rapid.SliceOfN(rapid.IntRange(0, 1000), n, n).Draw(t, "weights")
		weights[0]++ // so that somebody can get something
		floor := rapid.IntRange(0, 20).Draw(t, "floor")
		most := floor + rapid.IntRange(1, 500).Draw(t, "cap")
		budget := rapid.IntRange(max(1, n*floor), n*most).Draw(t, "budget")
		text := fmt.Sprintf("version: 1\ndecimals: 0\nsources:\n  m: {kind: list, values: {points: 0}}\nallocation: [{budget: %d, floor: %d, cap: %d, times: [{value: m}]}]\n", budget, floor, most)
		result, err := tryEvaluate(text, file("address,points", n, func(i int) string { return fmt.Sprintf(",%d", weights[i]) }))
		if err != nil {
			if strings.Contains(err.Error(), "could get more") { // who weighs nothing gets the floor and not more
				return
			}
			t.Fatal(err)
		}
		if got := result.Total.Uint64(); got != uint64(budget) {
			t.Fatalf("%d were given of %d", got, budget)
		}
		amounts := make([]int, n)
		for i := range amounts {
			at, _ := result.Find(numbered(i))
			if amounts[i] = int(result.Amounts[at].Uint64()); amounts[i] < floor || amounts[i] > most {
				t.Fatalf("%d is not between %d and %d", amounts[i], floor, most)
			}
		}
		for i, a := range amounts {
			for k, b := range amounts {
				if weights[i] < weights[k] && a > b+1 {
					t.Fatalf("a weight of %d gets %d, and %d gets %d", weights[i], a, weights[k], b)
				}
				// Of two who are at no bound, both have their weight's share but for a unit.
				if free := func(x int) bool { return x > floor+1 && x < most-1 }; free(a) && free(b) && (a-1)*weights[k] > (b+1)*weights[i] {
					t.Fatalf("weights of %d and %d get %d and %d", weights[i], weights[k], a, b)
				}
			}
		}
	})
}

func TestTheOrderOfRowsDoesNotCount(t *testing.T) {
	text := "version: 1\ndecimals: 0\nsources:\n  m: {kind: list, values: {points: 0}}\nallocation: [{budget: 1000, times: [{sqrt: m}]}]\n"
	list := strings.Split(strings.TrimSpace(string(file("address,points", 50, func(i int) string { return fmt.Sprintf(",%d", i*i) }))), "\n")
	first := evaluate(t, text, []byte(strings.Join(list, "\n")))
	for i, k := 1, len(list)-1; i < k; i, k = i+1, k-1 {
		list[i], list[k] = list[k], list[i]
	}
	second := evaluate(t, text, []byte(strings.Join(list, "\n")))
	for i := range first.Wallets {
		if first.Wallets[i] != second.Wallets[i] || first.Amounts[i] != second.Amounts[i] {
			t.Fatalf("%s gets %s and %s", first.Wallets[i], first.Amounts[i].Dec(), second.Amounts[i].Dec())
		}
	}
}

func TestFactors(t *testing.T) {
	list := file("address,points", 5, func(i int) string { return fmt.Sprintf(",%d", i*4) }) // 0, 4, 8, 12, 16
	for factor, want := range map[string][]string{
		"value: m": {"0", "400", "800", "1200", "1600"},
		"sqrt: m":  {"0", "200", "282", "346", "400"},
		"tiers: {of: m, steps: [{from: 4, times: 0.5}, {from: 12, times: 3}]}": {"0", "50", "50", "300", "300"},
		"line: {of: m, points: [{at: 4, times: 1}, {at: 12, times: 2}]}":       {"100", "100", "150", "200", "200"},
		"line: {of: m, points: [{at: 12, times: 0}, {at: 4, times: 1}]}":       {"100", "100", "50", "0", "0"},
	} {
		for _, arithmetic := range []string{"exact", "float64"} {
			text := "version: 1\ndecimals: 2\nsources:\n  m: {kind: list, values: {points: 0}}\nallocation: [{each: 1, arithmetic: " + arithmetic + ", times: [{" + factor + "}]}]\n"
			result := evaluate(t, text, list)
			for i := range want {
				at, _ := result.Find(numbered(i))
				if got := result.Amounts[at].Dec(); got != want[i] {
					t.Errorf("%s (%s) of %d is %s, want %s", factor, arithmetic, 4*i, got, want[i])
				}
			}
		}
	}
}

func TestSendersAreCountedByWhomTheySentTo(t *testing.T) {
	to, other := numbered(100).String(), numbered(101).String()
	transfers := "from,to,value\n"
	for i := range 4 {
		transfers += numbered(i).String() + "," + to + ",1\n"
		transfers += numbered(1).String() + "," + other + ",1\n"
	}
	transfers += numbered(2).String() + "," + to + ",5\n"
	text := "version: 1\ndecimals: 0\nsources:\n  s: {kind: senders, to: \"" + to + "\"}\nallocation: [{each: 1, times: [{value: s}]}]\n"
	result := evaluate(t, text, []byte(transfers))
	for i, want := range []string{"1", "1", "2", "1"} {
		at, found := result.Find(numbered(i))
		if !found || result.Amounts[at].Dec() != want {
			t.Errorf("sender %d: %t, %s, want %s", i, found, result.Amounts[at].Dec(), want)
		}
	}
}

// Nobody may have written a review yet; a list that somebody sends has rows.
func TestASourceThatIsCollectedMayBeEmpty(t *testing.T) {
	text := "version: 1\ndecimals: 0\nsources:\n  m: {kind: list}\n  r: {kind: reviews}\n  v: {kind: attestations}\nallocation: [{each: 1}, {to: r, each: 5}]\n"
	result := evaluate(t, text, file("address", 3, func(int) string { return "" }), []byte("address,reviews\n"), []byte("address,attesters\n"))
	if result.Count != 3 || result.Total.Dec() != "3" {
		t.Errorf("%d wallets get %s", result.Count, result.Total.Dec())
	}
	if _, err := tryEvaluate(text, []byte("address\n"), []byte("address,reviews\n"), []byte("address,attesters\n")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "no rows") {
		t.Errorf("a list without rows: %v", err)
	}
}
