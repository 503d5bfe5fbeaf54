package process_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
)

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("BANYAN_DATA", t.TempDir())
	if err := os.WriteFile("bad.csv", []byte("a,b,c\na,b,c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"version", exitOK, ""},
		{"--help", exitOK, ""},
		{"config", exitOK, ""},
		{"migrate up", exitOK, ""},
		{"events dead", exitOK, ""},
		{"frobnicate", exitUsage, "unknown command"},
		{"airdrop", exitOK, ""},
		{"airdrop biuld", exitUsage, "did you mean build?"},
		{"airdrop tree chek", exitUsage, "did you mean check?"},
		{"module frobnicate", exitUsage, "unknown command"},
		{"completion frobnicate", exitUsage, "unknown command"},
		{"completion bash zsh", exitUsage, "zsh"},
		{"reputation rank scores.csv", exitUsage, "scores.csv"},
		{"certs issue", exitUsage, `required flag(s) "name" not set`},
		{"certs issue --name airdrop --days 0", exitUsage, "--days: must be 1 or more"},
		{"serve --lsten x", exitUsage, "unknown flag"},
		{"airdrop build --decimals x", exitUsage, `invalid argument "x" for "--decimals" flag: see its help`},
		{"serve everything", exitUsage, `takes no argument "everything"`},
		{"reputation attestation verify x.json", exitUsage, `takes no argument "x.json": what it works on is named by flags`},
		{"serve --module airdrops", exitUsage, "there is no module \"airdrops\": choose"},
		{"--config nowhere.yaml config", exitFailure, "nowhere.yaml"},
		{"--config nowhere.yaml serve", exitFailure, "nowhere.yaml"},
		{"serve --listen nonsense", exitUsage, "listen"},
		{"token create", exitUsage, "role"},
		{"token create --role king", exitUsage, "choose one of member, moderator, operator"},
		{"events replay", exitUsage, "--all"},
		{"events replay 123", exitFailure, "are dead letters"},
		{"events dead --module market", exitUsage, "choose reputation"},
		{"events forget reputation", exitUsage, `required flag(s) "module" not set`},
		{"events forget --module exchange-review", exitUsage, "CONSUMER: name one"},
		{"events forget nobody --module exchange-review", exitFailure, `exchange-review has no consumer "nobody"`},
		{"reputation rank --trust bad.csv --out out.csv", exitUsage, "seeds"},
		{"reputation rank --trust bad.csv --uniform-pretrust --out out.csv", exitFailure, "line 2"},
		{"reputation rank --trust none.csv --uniform-pretrust --out out.csv", exitFailure, "none.csv"},
		{"airdrop build --in bad.csv --format ozz --out t.tree", exitUsage, "oz-indexed"},
		{"airdrop build --in bad.csv --format oz --out t.tree", exitFailure, "line"},
		{"airdrop build bad.csv", exitUsage, `"bad.csv" has no flag before it`},
		{"airdrop build --in bad.csv --format oz --out no/t.tree", exitFailure, "the folder no does not exist"},
		{"airdrop proof --tree none.tree", exitUsage, "ADDRESS: name one wallet"},
		{"airdrop tree info", exitUsage, "F.tree: name one"},
		{"airdrop proof --tree none.tree 0x52908400098527886E0F7030069857D2E4169EE7", exitFailure, "none.tree"},
	} {
		code, _, errOut := banyan(t, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(errOut, c.says) {
			t.Errorf("banyan %s: exit %d, want %d; said %q, want %q in it", c.line, code, c.code, errOut, c.says)
		}
	}
	for _, left := range []string{"out.csv", "t.tree"} {
		if _, err := os.Stat(left); err == nil {
			t.Errorf("a command that failed left %s behind", left)
		}
	}
}

// TestRankOfBitcoinOTC ranks real ratings by the command, and once more by a
// plain computation over maps that shares nothing with it.
func TestRankOfBitcoinOTC(t *testing.T) {
	list := testneeds.Data(t, "trust/bitcoin-otc.csv")
	folder := t.TempDir()
	seeds, out := filepath.Join(folder, "seeds.csv"), filepath.Join(folder, "scores.csv")
	if err := os.WriteFile(seeds, []byte("1\n35\n2028\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, errOut := banyan(t, "reputation", "rank", "--trust", list, "--seeds", seeds, "--method", "eigentrust", "--epsilon", "1e-13", "--out", out, "--json")
	if code != exitOK {
		t.Fatal(errOut)
	}
	var report struct{ Nodes, Edges, Seeds int }
	if err := json.Unmarshal([]byte(text), &report); err != nil || report.Nodes != 5881 || report.Edges != 35592 || report.Seeds != 3 {
		t.Errorf("report %s, %v", text, err)
	}
	want := plainEigenTrust(t, list, []string{"1", "35", "2028"})
	rows := readCSV(t, out)
	if len(rows) != len(want)+1 {
		t.Fatalf("%d rows of scores, want %d and a header", len(rows), len(want))
	}
	sum, last := 0.0, math.Inf(1)
	for _, row := range rows[1:] {
		got, err := strconv.ParseFloat(row[1], 64)
		if err != nil || math.Abs(got-want[row[0]]) > 1e-9*want[row[0]]+1e-15 {
			t.Errorf("%s has %v, the plain computation says %v (%v)", row[0], got, want[row[0]], err)
		}
		if got > last {
			t.Errorf("%s stands after somebody with less", row[0])
		}
		sum, last = sum+got, got
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the scores add up to %v", sum)
	}
}

// plainEigenTrust is the definition, t = (1−α)(Cᵀt + d·p) + α·p with α = 0.15,
// 200 times.
func plainEigenTrust(t *testing.T, list string, seeds []string) map[string]float64 {
	weights, total, nodes := map[[2]string]float64{}, map[string]float64{}, map[string]bool{}
	for _, row := range readCSV(t, list) {
		w, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		nodes[row[0]], nodes[row[1]] = true, true
		if w > 0 && row[0] != row[1] {
			weights[[2]string{row[0], row[1]}] += w
			total[row[0]] += w
		}
	}
	p, trust := map[string]float64{}, map[string]float64{}
	for _, s := range seeds {
		p[s] = 1 / float64(len(seeds))
		trust[s] = p[s]
	}
	for range 200 {
		next, dangling := map[string]float64{}, 0.0
		for n := range nodes {
			if total[n] == 0 {
				dangling += trust[n]
			}
		}
		for edge, w := range weights {
			next[edge[1]] += 0.85 * trust[edge[0]] * w / total[edge[0]]
		}
		for n := range nodes {
			next[n] += (0.85*dangling + 0.15) * p[n]
		}
		trust = next
	}
	return trust
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
