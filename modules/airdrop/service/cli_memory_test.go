package service_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

// little is a --memory that holds an eighth of the Uniswap airdrop.
const little = "5"

func TestAListOverMemoryBuildsTheSameFile(t *testing.T) {
	list := testneeds.Data(t, "uni/uni_claims.csv.zst")
	folder := t.TempDir()
	var inMemory, onDisk offline.Built
	commandJSON(t, &inMemory, "build", "--in", list, "--format", "uniswap", "--out", filepath.Join(folder, "in-memory.tree"))
	sorted := filepath.Join(folder, "sorted")
	if err := os.Mkdir(sorted, 0o700); err != nil {
		t.Fatal(err)
	}
	commandJSON(t, &onDisk, "build", "--in", list, "--format", "uniswap", "--out", sorted, "--memory", little)
	if onDisk.Root != inMemory.Root || onDisk.Tree != filepath.Join(sorted, inMemory.Root.String()+".tree") {
		t.Errorf("on disk %+v, in memory %+v", onDisk, inMemory)
	}
	a, errA := os.ReadFile(inMemory.Tree)
	b, errB := os.ReadFile(onDisk.Tree)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the files differ (%v, %v)", errA, errB)
	}
	if left, err := os.ReadDir(sorted); err != nil || len(left) != 1 {
		t.Errorf("beside the file there is %v (%v)", left, err)
	}
	var about offline.Description
	commandJSON(t, &about, "tree", "check", onDisk.Tree, "--memory", little)
	if about.Count != inMemory.Count {
		t.Errorf("checked %+v", about)
	}
}

func TestRepeatsOnAListOverMemory(t *testing.T) {
	const rows = 40_000
	text := numberedList(rows)
	first := bytes.SplitN([]byte(text), []byte("\n"), 2)[0]
	list := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(list, append([]byte(text), first...), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(t.TempDir(), "some.tree")
	build := []string{"build", "--in", list, "--format", "oz", "--out", tree, "--memory", little}

	_, err := command(t, "", build...)
	var refused *fault.Fault
	if !errors.As(err, &refused) || len(refused.Fields) != 1 || refused.Fields[0].Line != rows+1 {
		t.Errorf("a list with a repeated line: got error %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(tree)); err != nil || len(left) != 0 {
		t.Errorf("a refused list leaves %v (%v)", left, err)
	}
	for _, choice := range []string{"sum", "first"} {
		var small, large offline.Built
		commandJSON(t, &small, append(build, "--on-duplicate", choice)...)
		commandJSON(t, &large, append(build, "--on-duplicate", choice, "--memory", "1000")...)
		if small.Root != large.Root || small.Total != large.Total || small.Count != rows {
			t.Errorf("%s: %+v on disk, %+v in memory", choice, small, large)
		}
	}
	if _, err := command(t, "", append(build, "--memory", "-1")...); !fault.Is(err, fault.Invalid) {
		t.Errorf("--memory -1: got error %v", err)
	}
}
