package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"banyan/platform/attestation"
)

const byEthers = "ethers"

// madeByEthers is how many attestations are checked.
const madeByEthers = 200

// attestations has the program check attestations that ethers made: each must be
// valid, with the UID, the signer and the level that went into it.
func (b *bench) attestations(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join("node_modules", byEthers, "package.json")); err != nil || !installed() {
		b.report.add(result{work: "attestations of ethers are left out", by: byEthers, ratio: "needs node; make -C bench node_modules"})
		return nil
	}
	schema, _ := attestation.SchemaOf(attestation.Trust)
	start := time.Now()
	node := exec.CommandContext(ctx, "node", "attest.mjs", fmt.Sprint(madeByEthers), schema.UID().String()) //nolint:gosec // our own script
	node.Stderr = os.Stderr
	made, err := node.Output()
	if err != nil {
		return fmt.Errorf("make attestations with ethers: %w", err)
	}
	took := time.Since(start)
	path := b.path("attestations.ndjson")
	if err := os.WriteFile(path, made, 0o600); err != nil {
		return err
	}
	start = time.Now()
	verify := b.program.command(ctx, b.engines[0], nil, "reputation", "attestation", "verify", "--in", path, "--json")
	said, err := verify.Output()
	if err != nil {
		return fmt.Errorf("verify attestations of ethers: %w\n%s", err, said)
	}
	verified := time.Since(start)
	if err := compareAttestations(made, said); err != nil {
		return err
	}
	work := count(madeByEthers) + " attestations"
	b.report.add(result{work: "sign " + work, by: byEthers, took: took})
	b.report.add(result{work: "verify " + work + ", all equal", by: "banyan", took: verified})
	return nil
}

// compareAttestations compares what went in with what the program says, by line.
func compareAttestations(made, said []byte) error {
	answers := bufio.NewScanner(bytes.NewReader(said))
	for i, line := range bytes.Split(bytes.TrimSpace(made), []byte("\n")) {
		p, err := attestation.Parse(line)
		if err != nil {
			return fmt.Errorf("read attestation %d: %w", i+1, err)
		}
		var got struct {
			Valid  bool             `json:"valid"`
			Signer string           `json:"signer"`
			UID    attestation.Hash `json:"uid"`
			Level  int              `json:"level"`
		}
		if !answers.Scan() {
			return fmt.Errorf("the program says nothing of attestation %d", i+1)
		}
		if err := json.Unmarshal(answers.Bytes(), &got); err != nil {
			return fmt.Errorf("read what the program says of attestation %d: %w", i+1, err)
		}
		if want := i%21 - 10; !got.Valid || got.Signer != p.Signer.String() || got.UID != p.Sig.UID || got.Level != want {
			return fmt.Errorf("attestation %d of ethers is %+v, want level %d of %s", i+1, got, want, p.Signer)
		}
	}
	return nil
}
