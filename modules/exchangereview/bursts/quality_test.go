package bursts_test

import (
	"bytes"
	"encoding/csv"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"banyan/modules/exchangereview/bursts"
	"banyan/platform/testenv/testneeds"
)

// reference is what the two rules do elsewhere, on more real reviews of the same
// exchanges: natural alarm days of all days, and the share of attacks found.
var reference = map[string]string{
	"binance": "reference: warn on 6 of 2313 days, k=40 found .87; hold on 0, k=80 found .98",
	"kucoin":  "reference: warn on 2 of 1095 days, k=40 found .98; hold on 2, k=80 found 1.00",
}

// TestQualityOfBurstRules counts the alarms that real reviews raise by themselves, and
// the share of attacks found when k one-star reviews come within 48 hours. The
// thresholds were chosen on the earlier half of the days.
func TestQualityOfBurstRules(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(testneeds.ReadData(t, "reviews/app_reviews_binance_kucoin.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	perDay := map[string]map[int][5]int{}
	for _, row := range rows[1:] {
		at, err := time.Parse(time.RFC3339, row[3])
		if err != nil {
			t.Fatal(err)
		}
		if perDay[row[0]] == nil {
			perDay[row[0]] = map[int][5]int{}
		}
		day := int(at.Unix() / 86_400)
		c := perDay[row[0]][day]
		c[row[4][0]-'1']++
		perDay[row[0]][day] = c
	}
	for _, exchange := range slices.Sorted(maps.Keys(perDay)) {
		days := perDay[exchange]
		all := slices.Sorted(maps.Keys(days))
		first, last := all[0]+bursts.Kept, all[len(all)-1]
		middle := (first + last) / 2
		t.Log(exchange, reference[exchange])
		for _, half := range []struct {
			name     string
			from, to int
		}{{"earlier half", first, middle}, {"later half", middle, last + 1}} {
			warned, held := 0, 0
			for day := half.from; day < half.to; day++ {
				f := findOn(days, nil, day)
				warned += map[bool]int{true: 1}[f.Warn]
				held += map[bool]int{true: 1}[f.Hold]
			}
			n := half.to - half.from
			t.Logf("%-8s %-12s natural alarms on %d days: warn %d, hold %d", exchange, half.name, n, warned, held)
			if warned > n/100 || held > n/400 {
				t.Errorf("%s, %s: too many natural alarms", exchange, half.name)
			}
			for _, k := range []int{20, 40, 80} {
				warn, hold := found(days, half.from, half.to, k)
				t.Logf("%-8s %-12s k = %d in 48 h: warn %.2f, hold %.2f", exchange, half.name, k, warn, hold)
				if k == 40 && warn < 0.82 || k == 80 && (warn < 0.95 || hold < 0.93) {
					t.Errorf("%s, %s: too few attacks of %d are found", exchange, half.name, k)
				}
			}
		}
	}
}

// found returns the share of attacks at which the rules give an alarm.
func found(days map[int][5]int, from, to, k int) (warn, hold float64) {
	const attacks = 500
	r := rand.New(rand.NewPCG(uint64(from), uint64(k)))
	for n := 0; n < attacks; {
		start := float64(from) + r.Float64()*float64(to-from)
		if quiet(days, int(start)) { // after four weeks without a review nothing is usual, and there is no rule
			continue
		}
		n++
		added := map[int]int{}
		for range k {
			added[int(start+2*r.Float64())]++
		}
		warned, held := false, false
		for day := range added {
			f := findOn(days, added, day)
			warned, held = warned || f.Warn, held || f.Hold
		}
		warn += map[bool]float64{true: 1. / attacks}[warned]
		hold += map[bool]float64{true: 1. / attacks}[held]
	}
	return warn, hold
}

// quiet reports whether no review came in the four weeks before.
func quiet(days map[int][5]int, day int) bool {
	for back := range bursts.Kept - 2 {
		if _, some := days[day-1-back]; some {
			return false
		}
	}
	return true
}

// findOn applies the rules to a day, with one-star reviews added.
func findOn(days map[int][5]int, added map[int]int, day int) bursts.Finding {
	d := bursts.Days{Newest: day}
	for back := range bursts.Kept {
		for k, n := range days[day-back] {
			d.Add(day-back, k+1, n)
		}
		d.Add(day-back, 1, added[day-back])
	}
	return d.Find(day)
}
