package service_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/airdrop/offline"
)

// farm is 12 candidates that pass money on, and two others; the exchange ties
// everybody.
func farm() (edges, candidates string) {
	var e, c strings.Builder
	e.WriteString("from;to;count\n")
	c.WriteString("wallet\n")
	for i := range 12 {
		fmt.Fprintf(&e, "0x%040x;0x%040X;1\n", 0xa0+i, 0xa1+i)
		fmt.Fprintf(&e, "0x%040x;0x%040x;1\n", 0xeeee, 0xa0+i)
		fmt.Fprintf(&c, "0x%040x\n", 0xa0+i)
	}
	for _, other := range []int{0xbb, 0xcc} {
		fmt.Fprintf(&e, "0x%040x;0x%040x;5\n", 0xeeee, other)
		fmt.Fprintf(&c, "0x%040x\n", other)
	}
	return e.String(), c.String()
}

func TestSybilJudgesEveryCandidate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	edgeText, candidateText := farm()
	edges, candidates := write("edges.csv", edgeText), write("candidates.csv", candidateText)
	exclude, out := write("exchanges.txt", fmt.Sprintf("0x%040x\n", 0xeeee)), filepath.Join(dir, "out.csv")
	said, err := command(t, "", "sybil", "--edges", edges, "--candidates", candidates, "--exclude", exclude, "--out", out, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var report offline.SybilReport
	if err := json.Unmarshal([]byte(said), &report); err != nil {
		t.Fatal(err, said)
	}
	if report.Candidates != 14 || report.Flagged != 12 || report.Clusters != 1 || report.Transfers != 26 || report.Timed || len(report.PassedOver) != 1 || !strings.HasSuffix(report.PassedOver[0], "edges.csv: not used: count") {
		t.Errorf("the report is %+v", report)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 15 || lines[0] != "address,cluster,score,flagged,reason" {
		t.Fatalf("the judgements are %s", text)
	}
	for i, line := range lines[1:] {
		cells := strings.Split(line, ",")
		if flagged := fmt.Sprint(i < 12); len(cells) != 5 || cells[3] != flagged || flagged == "true" && cells[1] != "1" {
			t.Errorf("line %d: %s", i+2, line)
		}
	}

	for name, c := range map[string]struct {
		edges, want string
	}{
		"a wrong wallet": {"from,to\n0x12,0x34\n", "line 2"},
		"a wrong time":   {"from,to,time\n" + fmt.Sprintf("0x%040x,0x%040x,yesterday\n", 1, 2), `"yesterday" is not a time`},
		"one column":     {"from\n" + fmt.Sprintf("0x%040x\n", 1), "to"},
		"nothing":        {"", "is empty"},
	} {
		before, _ := os.ReadFile(out)
		_, err := command(t, "", "sybil", "--edges", write("wrong.csv", c.edges), "--candidates", candidates, "--out", out)
		if after, _ := os.ReadFile(out); err == nil || !strings.Contains(fmt.Sprint(err), c.want) || string(before) != string(after) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, args := range map[string][]string{
		"--edges":      {"--candidates", candidates, "--out", out},
		"--candidates": {"--edges", edges, "--out", out},
		"--out":        {"--edges", edges, "--candidates", candidates},
	} {
		if _, err := command(t, "", append([]string{"sybil"}, args...)...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := command(t, "", "sybil", "--edges", edges, "--candidates", candidates, "--out", candidates); err == nil || !strings.Contains(err.Error(), "is also the input") {
		t.Errorf("the input as output: %v", err)
	}
}
