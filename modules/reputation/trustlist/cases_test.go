package trustlist_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"path"
	"strconv"
	"strings"
	"testing"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

// Lists like those of other people's tools load as they are, and the scores are
// those that the cases give.
func TestListsOfOtherPeoplesTools(t *testing.T) {
	for _, c := range []struct {
		folder, seeds string
		scores        func(expected []byte) map[string]float64
	}{
		{"01-openrank-ijv", "seeds.csv", func(text []byte) map[string]float64 {
			var e struct{ Scores map[string]float64 }
			if err := json.Unmarshal(text, &e); err != nil {
				t.Fatal(err)
			}
			return e.Scores
		}},
		{"03-seed-file-with-tiers", "seeds.csv", nil},
		{"03-seed-file-with-tiers", "s2.csv", nil},
		{"05-dangling-personalised", "seeds.csv", numbers(t)},
		{"09-inactive-peer", "seeds.csv", numbers(t)},
		{"34-out-through-a-link", "seeds.csv", nil},
	} {
		var file struct{ Expected json.RawMessage }
		if err := json.Unmarshal(testneeds.ReadData(t, path.Join("cases/trust", c.folder, "expected.json")), &file); err != nil {
			t.Fatal(err)
		}
		j := job(t, "", "")
		j.Trust, j.Seeds = testneeds.Data(t, path.Join("cases/trust", c.folder, "trust.csv")), testneeds.Data(t, path.Join("cases/trust", c.folder, c.seeds))
		j.Options.Epsilon = 1e-13
		out, report := ranked(t, j)
		if c.folder[:2] == "03" && (report.Seeds != 3 || len(report.Passed) != 1 || !strings.HasSuffix(report.Passed[0], "passed over: 2 comments")) {
			t.Errorf("%s reported %+v", c.folder, report)
		}
		if c.scores == nil {
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := c.scores(file.Expected)
		found := 0
		for _, row := range rows {
			if score, ok := want[row[0]]; ok {
				found++
				if got, err := strconv.ParseFloat(row[1], 64); err != nil || math.Abs(got-score) > 1e-9 {
					t.Errorf("%s: %s has %s, want %g", c.folder, row[0], row[1], score)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: none of %v is in\n%s", c.folder, want, out)
		}
	}
}

func numbers(t *testing.T) func([]byte) map[string]float64 {
	return func(text []byte) (scores map[string]float64) {
		if err := json.Unmarshal(text, &scores); err != nil {
			t.Fatal(err)
		}
		return scores
	}
}

func TestSeedsOfOtherPeoplesBugReportsAreRefused(t *testing.T) {
	for folder, says := range map[string]string{"06-seed-not-in-graph": "none of the 1 seeds", "07-bad-personalisation": "line 2: weight: a seed's weight is over 0"} {
		j := job(t, "", "")
		j.Trust, j.Seeds = testneeds.Data(t, path.Join("cases/trust", folder, "trust.csv")), testneeds.Data(t, path.Join("cases/trust", folder, "seeds.csv"))
		if _, err := j.Run(t.Context()); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestAListWithoutWeightsSaysSo(t *testing.T) {
	for list, want := range map[string]string{
		"from,to,count\na,b,7\n": "not used: count; no column of weights: each edge counts 1", "a,b\n": "no column of weights: each edge counts 1",
	} {
		j := job(t, list, "a\n")
		if _, report := ranked(t, j); len(report.Passed) != 1 || report.Passed[0] != j.Trust+": "+want {
			t.Errorf("%q reported %q", list, report.Passed)
		}
	}
	if _, report := ranked(t, job(t, "a,b,1\n", "a\n")); len(report.Passed) != 0 {
		t.Errorf("a list with weights reported %q", report.Passed)
	}
}

func TestSeedListsHaveTheShapesOfTrustLists(t *testing.T) {
	const list = "ann,bob,1\nbob,cid,1\n\"#x\",ann,1\n"
	for _, c := range []struct {
		seeds string
		known int
		says  string // of a refusal, or of what was passed over
	}{
		{"peer_id,value\nann,1\nbob,.5\n", 2, ""},
		{"i;v\nann;1\n", 1, ""},
		{"ann\nbob,2\n", 2, ""},
		{"weight,tier,id\n2,a,ann\n1,b,bob\n", 2, "not used: tier"},
		{"\"#x\"\n#ann\n", 1, "passed over: 1 comment"},
		{"id\n", 0, "the list has no rows, only a header"},
		{"ann,likes\n", 0, `"likes" is not a finite decimal number, and a row is id[,weight]`},
		{"ann,1,2\n", 0, "has 3 cells, and a row is id[,weight]"},
		{"[\"ann\"]\n", 0, "this seems to be JSON"},
	} {
		j := job(t, list, c.seeds)
		j.Parameters.Method = trust.MethodEigenTrust
		report, err := j.Run(t.Context())
		said := strings.Join(report.Passed, "")
		if err != nil {
			said = err.Error()
		}
		if report.Seeds != c.known || !strings.Contains(said, c.says) || c.known > 0 && err != nil {
			t.Errorf("%q: %d seeds, %s", c.seeds, report.Seeds, said)
		}
	}
}
