package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// comparison is a case of compare.mjs: files, and what commands on them must say.
type comparison struct {
	Suite string            `json:"suite"`
	Name  string            `json:"name"`
	Files map[string]string `json:"files"`
	Steps []step            `json:"steps"`
}

// step is a command of banyan airdrop. It succeeds, unless Fails is there.
type step struct {
	Args  []string `json:"args"`
	Says  []string `json:"says"`  // texts that it prints
	Exact string   `json:"exact"` // all that it prints; "" for any text
	Fails []string `json:"fails"` // texts of its error
	// Proofs are those that the folder of shards, which it writes, must have, by wallet.
	Proofs map[string]proven `json:"proofs"`
}

// proven is a wallet's proof; Sides only where pairs are not sorted.
type proven struct {
	Proof []string `json:"proof"`
	Sides []string `json:"sides"`
}

// outcome counts the cases of a suite.
type outcome struct {
	suite        string
	equal, cases int
}

// compare runs every case of compare.mjs on the program, prints a row for each
// suite, and fails if one differs.
func (b *bench) compare(ctx context.Context) error {
	if !installed() {
		return errors.New("the comparisons need node and its packages: make -C bench node_modules")
	}
	node := exec.CommandContext(ctx, "node", "compare.mjs")
	node.Stderr = os.Stderr
	text, err := node.Output()
	if err != nil {
		return fmt.Errorf("ask the JavaScript tools: %w", err)
	}
	var all []outcome
	differ := 0
	lines := json.NewDecoder(bufio.NewReader(bytes.NewReader(text)))
	for i := 0; lines.More(); i++ {
		var c comparison
		if err := lines.Decode(&c); err != nil {
			return fmt.Errorf("read the case: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].suite != c.Suite {
			all = append(all, outcome{suite: c.Suite})
		}
		o := &all[len(all)-1]
		o.cases++
		switch err := b.compareOne(ctx, c, b.engines[i%len(b.engines)]); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			differ++
			fmt.Printf("%s: %s: %v\n", c.Suite, c.Name, err)
		default:
			o.equal++
		}
	}
	w := table.NewWriter()
	w.SetOutputMirror(os.Stdout)
	w.SetStyle(table.StyleLight)
	for _, o := range all {
		w.AppendRow(table.Row{o.suite, fmt.Sprintf("%d of %d", o.equal, o.cases)})
	}
	w.Render()
	if differ > 0 {
		return fmt.Errorf("%d cases differ", differ)
	}
	return nil
}

// compareOne runs the steps of a case in a folder of its own.
func (b *bench) compareOne(ctx context.Context, c comparison, e engine) error {
	folder, err := os.MkdirTemp(b.folder, "case")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // the folder above is removed, too
	for name, text := range c.Files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, s := range c.Steps {
		if err := s.run(ctx, program{path: b.program.path, folder: folder}, e); err != nil {
			return fmt.Errorf("airdrop %s: %w", strings.Join(s.Args, " "), err)
		}
	}
	return nil
}

// run runs a step, and says how it differs.
func (s step) run(ctx context.Context, p program, e engine) error {
	var out, errs bytes.Buffer
	command := p.command(ctx, e, nil, append([]string{"airdrop"}, s.Args...)...)
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	switch {
	case err != nil && s.Fails == nil:
		return fmt.Errorf("it is refused: %s", strings.TrimSpace(errs.String()))
	case err == nil && s.Fails != nil:
		return fmt.Errorf("it is not refused, and prints %s", short200(out.String()))
	}
	said, wanted := out.String(), s.Says
	if s.Fails != nil {
		said, wanted = errs.String(), s.Fails
	}
	for _, want := range wanted {
		if !strings.Contains(said, want) {
			return fmt.Errorf("it says %q without %q", short200(said), short200(want))
		}
	}
	if s.Exact != "" && said != s.Exact {
		at := 0
		for at < min(len(said), len(s.Exact)) && said[at] == s.Exact[at] {
			at++
		}
		return fmt.Errorf("from byte %d on it prints %q instead of %q", at, short200(said[at:]), short200(s.Exact[at:]))
	}
	if s.Proofs == nil {
		return nil
	}
	got, err := shardsIn(filepath.Join(p.folder, s.Args[len(s.Args)-1]))
	if err == nil && !reflect.DeepEqual(got, s.Proofs) {
		err = differentProofs(got, s.Proofs)
	}
	return err
}

// shardsIn reads the proofs of a folder of shards.
func shardsIn(folder string) (map[string]proven, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]proven{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var shard struct {
			Claims map[string]proven `json:"claims"`
		}
		if err := json.Unmarshal(text, &shard); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		maps.Copy(all, shard.Claims)
	}
	return all, nil
}

// differentProofs names the first wallet whose proof differs.
func differentProofs(got, want map[string]proven) error {
	for _, who := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[who], want[who]) {
			return fmt.Errorf("the proof of %s is %v instead of %v", who, got[who], want[who])
		}
	}
	return fmt.Errorf("%d wallets have proofs instead of %d", len(got), len(want))
}

func short200(text string) string {
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}
