package reviewlist_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"

	"banyan/modules/exchangereview/reviewlist"
	"banyan/platform/testenv/testneeds"
)

// What a flood of five-star reviews buys on real reviews: at most a quarter of a
// star, of the mean and of what exchanges are ranked by.
func TestQualityUnderFloods(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(testneeds.ReadData(t, "reviews/app_reviews_binance_kucoin.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, r := range rows[1:] {
		last = max(last, r[3])
	}
	for _, world := range []struct {
		name   string
		weight func(reviewer string) string
	}{
		{"day one: nobody has standing", func(string) string { return "" }},
		{"half have standing", weightOf},
	} {
		honest := &strings.Builder{}
		for _, r := range rows[1:] {
			fmt.Fprintf(honest, "%s,%s,%s,%s,%s\n", r[0], r[3], r[4], r[5], world.weight(r[5]))
		}
		before := ranked(t, honest.String())
		for _, exchange := range []string{"binance", "kucoin"} {
			for _, attack := range []struct {
				name   string
				n      int
				weight func(i int) string
			}{
				{"10,000 strangers", 10_000, func(int) string { return "" }},
				{"5,000 sybils behind 10 edges", 5_000, sybil},
				{"a ring of 10,000", 10_000, func(int) string { return "0" }},
			} {
				list := &strings.Builder{}
				list.WriteString(honest.String())
				for i := range attack.n {
					fmt.Fprintf(list, "%s,%s,5,fake%d,%s\n", exchange, last, i, attack.weight(i))
				}
				after := ranked(t, list.String())
				was, is := before[exchange], after[exchange]
				t.Logf("%-28s %-8s %-28s mean %.3f → %.3f, key %.3f → %.3f", world.name, exchange, attack.name, was.mean, is.mean, was.key, is.key)
				if is.mean-was.mean > 0.25 || is.key-was.key > 0.25 {
					t.Errorf("%s, %s, %s: over 0.25", world.name, exchange, attack.name)
				}
			}
		}
	}
}

// weightOf is 0.3 to 1 for half of the reviewers, by their hash.
func weightOf(reviewer string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(reviewer))
	x := h.Sum32() % 1400
	if x < 700 {
		return ""
	}
	return strconv.FormatFloat(float64(x-400)/1000, 'f', 3, 64)
}

// sybil is what trust is left of ten edges: .16 % of all on average, a little for
// the ten and nothing for the others.
func sybil(i int) string {
	if i < 10 {
		return "0.2"
	}
	return "0"
}

type score struct {
	rank      int
	mean, key float64
	n         int
	evidence  string
}

func ranked(t *testing.T, text string) map[string]score {
	t.Helper()
	var out bytes.Buffer
	job := reviewlist.Job{Reviews: reviewlist.Stdio, Out: reviewlist.Stdio, At: reviewlist.Latest, In: strings.NewReader(text), Stdout: &out}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return parse(t, out.String())
}

func parse(t *testing.T, text string) map[string]score {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "rank,exchange,key,mean,low,high,n,n_eff,evidence" {
		t.Fatalf("%v in\n%s", err, text)
	}
	scores := map[string]score{}
	for _, r := range rows[1:] {
		var s score
		if _, err := fmt.Sscan(strings.Join([]string{r[0], r[3], r[2], r[6]}, " "), &s.rank, &s.mean, &s.key, &s.n); err != nil {
			t.Fatal(err)
		}
		s.evidence = r[8]
		scores[r[1]] = s
	}
	return scores
}
