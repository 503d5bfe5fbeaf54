package service_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// servedScores imports a list into a server of its own and returns the scores by wallet.
func servedScores(t *testing.T, list string, change func(*service.Options), seeds ...wallet.Address) func(wallet.Address) reputation.Score {
	t.Helper()
	o := options(databasetest.SQLite(t, reputation.Name))
	o.Seeds = seeds
	change(&o)
	running(t, o)
	s := service.New(o)
	imported(t, s, list)
	computed(t, s)
	return func(of wallet.Address) reputation.Score {
		t.Helper()
		score, err := s.Score(nobody, reputation.ScoreQuery{Wallet: of})
		if err != nil {
			t.Fatal(err)
		}
		return score
	}
}

// Of two rows for one pair the later counts in the server, as in the command.
func TestServedScoresOfAPairThatIsNamedTwice(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(string(testneeds.ReadData(t, "cases/trust/10-same-pair-twice/wallets.csv"))), "\n")
	var lines []string
	for _, row := range rows {
		if !strings.HasSuffix(row, ",0") {
			lines = append(lines, row)
		}
	}
	cells := strings.Split(lines[0], ",")
	seed, twice := wallet.MustParse(cells[0]), wallet.MustParse(cells[1])
	once := servedScores(t, strings.Join(lines[1:], "\n"), func(*service.Options) {}, seed)
	both := servedScores(t, strings.Join(lines, "\n"), func(*service.Options) {}, seed)
	if a, b := once(twice), both(twice); a.Value != b.Value || a.Share != b.Share || a.Value == 0 {
		t.Errorf("named once it has %g, and twice %g", a.Value, b.Value)
	}
}

// The server knows distrust and, where a half-life is set, age.
func TestServedScoresKnowDistrustAndAge(t *testing.T) {
	text := string(testneeds.ReadData(t, "cases/trust/14-served-scores-without-distrust-and-age/trust.csv"))
	of := func(name string) wallet.Address { return person(int(name[0])) }
	var list bytes.Buffer
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		fmt.Fprintf(&list, "%s,%s,%s,%s\n", of(cells[0]), of(cells[1]), cells[2], cells[3])
	}
	fresh := servedScores(t, list.String(), func(*service.Options) {}, of("A"))
	if x, y := fresh(of("X")), fresh(of("Y")); y.Value >= x.Value || y.Standing.Standing == reputation.Trusted && y.Standing.Score >= x.Standing.Score {
		t.Errorf("the distrusted has %g, its twin %g", y.Value, x.Value)
	}
	if p, q := fresh(of("P")), fresh(of("Q")); p.Value != q.Value {
		t.Errorf("without a half-life an old statement counts %g, a new one %g", p.Value, q.Value)
	}
	aging := servedScores(t, list.String(), func(o *service.Options) { o.HalfLife = 365 * 24 * time.Hour }, of("A"))
	if p, q := aging(of("P")), aging(of("Q")); p.Value >= q.Value {
		t.Errorf("with a half-life an old statement counts %g, a new one %g", p.Value, q.Value)
	}
}

// What a list may not say is refused with the line and the way out, and what it may say
// in an unusual way has a defined result.
func TestServedListsThatAreWrongOrOdd(t *testing.T) {
	o := options(databasetest.SQLite(t, reputation.Name))
	running(t, o)
	s := service.New(o)
	for row, says := range map[string]string{
		says(0, 2, 1) + "\n" + person(2).String() + "," + person(3).String() + ",NaN": "line 2",
		person(2).String() + "," + person(3).String() + ",Inf":                        "not a finite decimal number",
		person(2).String() + "," + person(3).String() + ",25000000000000000000000":    "divide all by one number, as amounts in wei by 1e18",
		person(2).String() + "," + person(3).String() + ",1e-30":                      "out of range",
		"0x12," + person(3).String() + ",1":                                           "line 1",
	} {
		_, err := importText(s, row+"\n")
		if !fault.Is(err, fault.Invalid) || !strings.Contains(describe(err), says) {
			t.Errorf("%q: %s, want %q", row, describe(err), says)
		}
	}
	// A column of another name is left aside, and named.
	odd, err := importText(s, "truster,trustee,strength\n"+says(0, 2, 7)+"\n")
	if err != nil || odd.PassedOver != "not used: strength; no column of weights: each edge counts 1" {
		t.Errorf("an unknown column: %+v, %v", odd, err)
	}
	// Oneself, twice the same, and a part that the seeds do not reach.
	imported(t, s, says(0, 2, 5), says(0, 0, 9), says(2, 2, 9), says(0, 2, 5), says(70, 71, 9), says(71, 70, 9))
	epoch := computed(t, s)
	if epoch.Edges != 3 || epoch.Ranked != 4 { // three seeds, and whom one of them trusts
		t.Errorf("the epoch is %+v", epoch)
	}
	if far, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(70)}); err != nil || far.Standing.Standing != reputation.NoStanding || far.Rank != 0 || far.Percentile != 0 {
		t.Errorf("whom no seed reaches: %+v, %v", far, err)
	}
}
