package service_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/decompress"
	"banyan/platform/testenv/testneeds"
)

// rowsBy returns the rows of a packed CSV by their first column, each with the header.
func rowsBy(t *testing.T, file string) map[string]string {
	t.Helper()
	in, err := os.Open(testneeds.Data(t, file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }() // only read
	text, err := decompress.Open(t.Context(), in, decompress.Files())
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	all, header := map[string]*strings.Builder{}, ""
	for lines := bufio.NewScanner(text); lines.Scan(); {
		line := lines.Text() + "\n"
		if header == "" {
			header = line
			continue
		}
		first, _, _ := strings.Cut(line, ",")
		if all[first] == nil {
			all[first] = &strings.Builder{}
			all[first].WriteString(header)
		}
		all[first].WriteString(line)
	}
	texts := map[string]string{}
	for first, text := range all {
		texts[first] = text.String()
	}
	return texts
}

// The roots of airdrops that were really given, from their lists.
func TestListsOfRealAirdropsHaveTheirRoots(t *testing.T) {
	folder := t.TempDir()
	build := func(name, text, root string, args ...string) {
		t.Helper()
		list := filepath.Join(folder, "list.csv")
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := command(t, "", append([]string{"build", "--in", list, "--out", filepath.Join(folder, "x.tree"), "--json"}, args...)...)
		if err != nil || !strings.Contains(out, `"root":"`+root+`"`) {
			t.Errorf("%s: %v, %.200s; want the root %s", name, err, out, root)
		}
	}
	var intervals map[string]struct{ Root string }
	if err := json.Unmarshal(testneeds.ReadData(t, "rocketpool/intervals.json"), &intervals); err != nil {
		t.Fatal(err)
	}
	rewards := rowsBy(t, "rocketpool/rewards.csv.zst")
	if len(rewards) != len(intervals) {
		t.Fatalf("%d intervals, and roots of %d", len(rewards), len(intervals))
	}
	for interval, text := range rewards {
		build("Rocket Pool, interval "+interval, text, intervals[interval].Root,
			"--leaf", "address account,uint256 network,uint256 rpl,uint256 eth", "--encoding", "packed", "--hash", "1", "--tree", "padded")
	}
	rounds := rowsBy(t, "threshold/rounds.csv.zst")
	roots := strings.Split(strings.TrimSpace(string(testneeds.ReadData(t, "threshold/roots.csv"))), "\n")[1:]
	if len(rounds) != len(roots) {
		t.Fatalf("%d rounds, and roots of %d", len(rounds), len(roots))
	}
	for _, line := range roots {
		cells := strings.Split(line, ",")
		build("Threshold, "+cells[0], rounds[cells[0]], cells[1],
			"--leaf", "address account,address beneficiary,uint256 cumulative", "--encoding", "packed", "--hash", "1", "--tree", "promoted")
	}
}

// Files of real airdrops, as they are.
func TestFilesOfRealAirdropsAreReadAsTheyAre(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		args string
		want []string
	}{
		{"build --format uniswap --in pooltogether/pool_claims.csv.zst", []string{"0xd0efdfaf3f46b5aad83e628951bf1dc7f60c95f8ef00c6b867c88917246b44dd", `"total":"1499999991454000000000000"`, "not used: reasons"}},
		{"build --format oz --in safe-vesting/user_airdrop.csv.zst", []string{`"count":43575`, "not used: startDate"}},
		{"build --format oz --in safe-vesting/investor_vestings.csv.zst", []string{`"count":70`, "not used: vestingId, startDate, duration"}},
		{"build --leaf bytes32 --hash 0 --tree empty --leaves listed --in safe-vesting/investor_vestings.csv.zst", []string{`"count":70`, "not used: owner, amount, startDate, duration"}},
		{"import --in rocketpool/rp-rewards-mainnet-0.json.zst", []string{"0xb839fa0f5842bf3c8f19091361889fb0f1cb399d64b8da476d372b7de7a93463", `"count":1352`, "tree=padded"}},
		{
			"verify --proofs rocketpool/rp-rewards-mainnet-0.json.zst --root 0xb839fa0f5842bf3c8f19091361889fb0f1cb399d64b8da476d372b7de7a93463 --leaf address,uint256,uint256,uint256 --encoding packed --hash 1",
			[]string{`"eligible":1352,`},
		},
	} {
		words := strings.Fields(c.args)
		for i := 1; i < len(words); i++ {
			if words[i-1] == "--in" || words[i-1] == "--proofs" {
				words[i] = testneeds.Data(t, words[i])
			}
		}
		if words[0] != "verify" {
			words = append(words, "--out", filepath.Join(folder, "x.tree"))
		}
		out, err := command(t, "", append(words, "--json")...)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %s in %.500s", c.args, want, out)
			}
		}
	}
}
