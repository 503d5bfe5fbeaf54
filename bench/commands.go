package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"banyan/platform/merkle"
)

// memoryLimit is what a build of a million rows may take, in MiB.
const memoryLimit = 300

// commands measures whole commands, as a shell starts them.
func (b *bench) commands(ctx context.Context) error {
	program := b.banyan
	if program == "" {
		program = filepath.Join(b.folder, "banyan")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, ".") //nolint:gosec // our own program
		build.Dir, build.Stderr = "..", os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build banyan: %w", err)
		}
	}
	csv, err := writeCSV(b.list.List, b.rows, filepath.Join(b.folder, "list.csv"))
	if err != nil {
		return err
	}
	for _, e := range b.engines {
		if e.command == 0 {
			continue
		}
		if err := b.commandsWith(ctx, program, csv, e); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) commandsWith(ctx context.Context, program, csv string, e engine) error {
	tree := filepath.Join(b.folder, "list.tree")
	alone, err := b.best(func() error { _, err := b.build(ctx, e, 0); return err })
	if err != nil {
		return err
	}
	var built struct {
		Root merkle.Hash `json:"root"`
	}
	took, memory, err := b.command(ctx, e, &built, program, "airdrop", "build", "--in", csv, "--format", "oz", "--out", tree, "--json")
	if err != nil {
		return err
	}
	if again, err := b.build(ctx, e, 0); err != nil || again.Root() != built.Root {
		return fmt.Errorf("the command builds the root %s: %w", built.Root, err)
	}
	ratio := took.Seconds() / alone.Seconds()
	b.table.add(result{
		work: fmt.Sprintf("whole command: CSV to tree file, %d rows", b.rows), by: e.Name(), took: took,
		ratio: fmt.Sprintf("%.1f times the tree's own %s", ratio, short(alone)),
	}.atMost(ratio, e.command, "%.1f times"))
	b.table.add(result{
		work: fmt.Sprintf("memory of that command, %d rows", b.rows), by: e.Name(), ratio: fmt.Sprintf("%.0f MiB", memory),
	}.atMost(memory, memoryLimit*float64(b.rows)/1e6, "%.0f MiB"))

	var sum struct{ Checked, Eligible int }
	took, _, err = b.command(ctx, e, &sum, program, "airdrop", "verify", "--tree", tree, "--in", csv, "--json")
	if err != nil {
		return err
	}
	if sum.Checked != b.rows || sum.Eligible != b.rows {
		return fmt.Errorf("verify finds %d of %d rows eligible", sum.Eligible, sum.Checked)
	}
	// 0.6 s where the whole build takes 0.15 s.
	ratio = took.Seconds() / alone.Seconds()
	b.table.add(result{
		work: fmt.Sprintf("whole command: verify --in, %d rows", b.rows), by: e.Name(), took: took,
		ratio: fmt.Sprintf("%.1f times the tree's own %s", ratio, short(alone)),
	}.atMost(ratio, 4, "%.1f times"))
	return nil
}

// command runs a command several times: the best time, the most memory in
// MiB, and what it printed.
func (b *bench) command(ctx context.Context, e engine, printed any, program string, args ...string) (time.Duration, float64, error) {
	memory := 0.0
	var out bytes.Buffer
	took, err := b.best(func() error {
		out.Reset()
		c := exec.CommandContext(ctx, program, args...)
		c.Env = append(os.Environ(), "BANYAN_KECCAK="+e.Name())
		c.Stdout, c.Stderr = &out, os.Stderr
		if err := c.Start(); err != nil {
			return err
		}
		ended := make(chan struct{})
		seen := make(chan float64)
		go func() { seen <- mostMemory(c.Process.Pid, ended) }()
		err := c.Wait()
		close(ended)
		memory = max(memory, <-seen)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("%v: %w", args, err)
	}
	return took, memory, json.Unmarshal(out.Bytes(), printed)
}

// mostMemory watches a process until it has ended and gives the most memory it
// had, in MiB; 0 where there is no /proc. The system's own account of an ended
// process begins with the memory of who started it.
func mostMemory(pid int, ended <-chan struct{}) (most float64) {
	for {
		select {
		case <-ended:
			return most
		case <-time.After(2 * time.Millisecond):
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, after, found := strings.Cut(string(status), "VmHWM:")
		fields := strings.Fields(after)
		if !found || len(fields) == 0 {
			continue
		}
		if kib, err := strconv.ParseFloat(fields[0], 64); err == nil {
			most = max(most, kib/1024)
		}
	}
}
