package rules_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop/rules"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// The airdrop of Hop: a base amount, times how early a wallet was, times a tier by
// its volume, in the doubles of the scripts that computed it.
const hop = `
version: 1
decimals: 18
sources:
  activity: {kind: list, values: {volume_usd: 18, first_transfer: 0}}
allocation:
  - name: activity
    each: 330.488318481192350341
    arithmetic: float64
    times:
      - line: {of: activity.first_transfer, points: [{at: 1623907245, times: 2}, {at: 1648771200, times: 1}]}
      - tiers: {of: activity.volume_usd, steps: [{from: 3000, times: 3}, {from: 2000, times: 2}, {from: 0, times: 1}]}
`

func TestTheRuleOfHopGivesWhatItPublished(t *testing.T) {
	result := evaluate(t, hop, testneeds.ReadData(t, "hop-airdrop/features.csv.zst"))
	exact := 0
	for _, row := range records(t, testneeds.ReadData(t, "hop-airdrop/allocation_dev.csv.zst"))[1:] {
		if row[3] != "exact" {
			continue
		}
		exact++
		i, found := result.Find(wallet.MustParse(row[0]))
		if !found || result.Amounts[i].Dec() != row[2] {
			t.Fatalf("%s gets %s, and %s was published: %s", row[0], result.Amounts[i].Dec(), row[2], result.Why(i))
		}
	}
	if exact != 13_355 {
		t.Errorf("%d rows are marked exact, want 13,355", exact)
	}
}

// Threshold paid in rounds: what a wallet may claim in all, which never falls. Each
// round is what the one before said plus what it adds.
func TestCumulativeRoundsOfThreshold(t *testing.T) {
	const text = `
version: 1
decimals: 18
sources:
  before: {kind: list, values: {amount: 18}}
  added:  {kind: list, values: {amount: 18}}
eligible: added
allocation:
  - {name: this round, each: 1, times: [{value: added}]}
cumulative: before
`
	type round map[string]string // account → cumulative, in base units
	rounds, dates := map[string]round{}, []string{}
	for _, row := range records(t, testneeds.ReadData(t, "threshold/rounds.csv.zst"))[1:] {
		if rounds[row[0]] == nil {
			rounds[row[0]], dates = round{}, append(dates, row[0])
		}
		rounds[row[0]][strings.ToLower(row[1])] = row[3]
	}
	for n := 1; n < len(dates); n++ {
		before, now := rounds[dates[n-1]], rounds[dates[n]]
		old, added := "address,amount\n", "address,amount\n"
		for account, amount := range before {
			old += account + "," + tokens(amount) + "\n"
		}
		for account, amount := range now {
			earlier := before[account]
			if earlier == "" {
				earlier = "0"
			}
			if more := difference(t, amount, earlier); more != "0" {
				added += account + "," + tokens(more) + "\n"
			}
		}
		result := evaluate(t, text, []byte(old), []byte(added))
		for account, amount := range now {
			if i, found := result.Find(wallet.MustParse(account)); !found || result.Amounts[i].Dec() != amount {
				t.Fatalf("%s: %s has %s, want %s: %s", dates[n], account, result.Amounts[i].Dec(), amount, result.Why(i))
			}
		}
	}
	if len(dates) != 28 {
		t.Errorf("%d rounds, want 28", len(dates))
	}
}

// evaluate reads the sources in the order of the rules, and evaluates them.
func evaluate(t testing.TB, text string, files ...[]byte) *rules.Result {
	t.Helper()
	result, err := tryEvaluate(text, files...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func tryEvaluate(text string, files ...[]byte) (*rules.Result, error) {
	parsed, err := rules.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	var tables []*rules.Table
	for i, s := range parsed.Sources {
		table, _, err := rules.ReadTable(context.Background(), bytes.NewReader(files[i]), s, rules.ReadOptions{})
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return parsed.Evaluate(context.Background(), tables)
}

// records are the rows of a CSV file, plain or packed with zstd.
func records(t testing.TB, file []byte) [][]string {
	t.Helper()
	in, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
