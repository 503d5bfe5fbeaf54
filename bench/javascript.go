package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
)

// peer is the output of peer.mjs for one list.
type peer struct {
	Root          merkle.Hash `json:"root"`
	BuildSeconds  float64     `json:"buildSeconds"`
	Proofs        int         `json:"proofs"`
	ProofSeconds  float64     `json:"proofSeconds"`
	VerifySeconds float64     `json:"verifySeconds"`
	OK            int         `json:"ok"`
	ProofsDigest  string      `json:"proofsDigest"`
	MemoryMiB     float64     `json:"memoryMiB"`
}

const byPeer = "@openzeppelin/merkle-tree"

// installed reports whether the peer can run here.
func installed() bool {
	_, err := os.Stat(filepath.Join("node_modules", byPeer, "package.json"))
	if err == nil {
		_, err = exec.LookPath("node")
	}
	return err == nil
}

// javaScript measures the peer, and compares its results with ours.
func (b *bench) javaScript(ctx context.Context) error {
	if !installed() {
		b.report.add(result{work: "the JavaScript peer is left out", by: byPeer, ratio: "needs node; make -C bench node_modules"})
		return nil
	}
	path, err := writeCSV(b.list.List, b.peer, b.path("peer.csv"))
	if err != nil {
		return err
	}
	node := exec.CommandContext(ctx, "node", "peer.mjs", "build", path, fmt.Sprint(b.proofs)) //nolint:gosec // our own script
	node.Stderr = os.Stderr
	text, err := node.Output()
	if err != nil {
		return fmt.Errorf("run the JavaScript peer: %w", err)
	}
	var js peer
	if err := json.Unmarshal(text, &js); err != nil {
		return fmt.Errorf("read what the JavaScript peer says: %w", err)
	}
	list := newMadeUp(b.peer, b.list.seed)
	for _, e := range b.engines {
		if err := b.besideJavaScript(ctx, e, list, js); err != nil {
			return err
		}
	}
	rows := count(b.peer)
	b.report.add(result{work: "build, " + rows + " rows", by: byPeer, took: duration(js.BuildSeconds), ratio: fmt.Sprintf("%.0f MiB", js.MemoryMiB)})
	b.report.add(result{work: fmt.Sprintf("%s proofs of %s rows", count(js.Proofs), rows), by: byPeer, took: duration(js.ProofSeconds)})
	b.report.add(result{work: fmt.Sprintf("verify %s proofs of %s rows", count(js.Proofs), rows), by: byPeer, took: duration(js.VerifySeconds)})
	return b.random(ctx)
}

func (b *bench) besideJavaScript(ctx context.Context, e engine, list madeUp, js peer) error {
	var tree *merkle.Tree
	took, err := b.best(func() (err error) {
		tree, err = merkle.Build(ctx, merkle.OZ, list.List, merkle.Options{Engine: e.Engine})
		return err
	})
	if err != nil {
		return err
	}
	if err := js.agree(tree); err != nil {
		return err
	}
	ratio := js.BuildSeconds / took.Seconds()
	b.report.reach(buildJavaScript, e, ratio)
	b.report.add(result{
		work: "build, " + count(b.peer) + " rows, all cores", by: e.Name(), took: took,
		ratio: fmt.Sprintf("%.0f times as fast as JavaScript", ratio),
	})
	return nil
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// agree compares the peer's root and proofs with ours.
func (p peer) agree(tree *merkle.Tree) error {
	if tree.Root() != p.Root {
		return fmt.Errorf("JavaScript's root is %s, ours %s", p.Root, tree.Root())
	}
	all := make([][]merkle.Hash, p.Proofs)
	for i := range all {
		var err error
		if all[i], err = tree.AppendProof([]merkle.Hash{}, i); err != nil {
			return err
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != p.ProofsDigest || p.OK != p.Proofs {
		return fmt.Errorf("JavaScript's %d proofs are not ours, or do not hold there (%d do)", p.Proofs, p.OK)
	}
	return nil
}

// random compares whole dumps of many small lists.
func (b *bench) random(ctx context.Context) error {
	lists, want, err := b.smallLists(ctx)
	if err != nil {
		return err
	}
	node := exec.CommandContext(ctx, "node", "peer.mjs", "dumps")
	node.Stdin, node.Stderr = &lists, os.Stderr
	text, err := node.Output()
	if err != nil {
		return fmt.Errorf("run the JavaScript peer: %w", err)
	}
	got := strings.Fields(string(text))
	if len(got) != len(want) {
		return fmt.Errorf("JavaScript answered for %d of %d lists", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("JavaScript's dump of random list %d is not ours", i)
		}
	}
	b.report.add(result{work: count(len(want)) + " random lists of 1 to 600 rows", by: byPeer, ratio: "every dump is equal, byte for byte"})
	return nil
}

// smallLists returns the lists as JSON, one a line, and the digests of our dumps.
func (b *bench) smallLists(ctx context.Context) (lines bytes.Buffer, digests []string, err error) {
	out := bufio.NewWriter(&lines)
	sizes := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a fixed seed
	for i := range b.lists {
		list := newMadeUp(1+sizes.IntN(600), uint64(1000+i))
		rows := make([][2]string, list.Len())
		for k := range rows {
			e := list.At(k)
			rows[k] = [2]string{e.Wallet.String(), e.Amount.Dec()}
		}
		if err := json.NewEncoder(out).Encode(rows); err != nil {
			return lines, nil, err
		}
		tree, err := merkle.Build(ctx, merkle.OZ, list.List, merkle.Options{Engine: b.engines[i%len(b.engines)].Engine})
		if err != nil {
			return lines, nil, err
		}
		sum := sha256.New()
		if err := published.WriteOpenZeppelin(ctx, sum, tree); err != nil {
			return lines, nil, err
		}
		digests = append(digests, hex.EncodeToString(sum.Sum(nil)))
	}
	return lines, digests, out.Flush()
}
