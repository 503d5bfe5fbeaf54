package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// verified is the summary of a check, as `banyan airdrop verify --json` prints it.
type verified struct{ Checked, Eligible, Ineligible, Invalid int }

// writeQuestions writes as many lines as the main list has, and returns the expected
// summary: every other wallet is on the list; some have a wrong amount, and some are
// not wallets.
func (b *bench) writeQuestions(path string) (_ string, want verified, err error) {
	file, err := os.Create(path)
	if err != nil {
		return "", want, err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	strangers := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // a fixed seed
	for i := range b.rows {
		e := b.list.At(i)
		want.Checked++
		switch {
		case i%1000 == 1:
			fmt.Fprintf(out, "0x%x\n", e.Wallet[:10])
			want.Invalid++
		case i%1000 == 2:
			fmt.Fprintf(out, "0x%x,%s1\n", e.Wallet[:], e.Amount.Dec())
			want.Ineligible++
		case i%2 == 1:
			who, _ := randomRow(strangers)
			fmt.Fprintf(out, "0x%x\n", who[:])
			want.Ineligible++
		default:
			fmt.Fprintf(out, "0x%x\n", e.Wallet[:])
			want.Eligible++
		}
	}
	return path, want, errors.Join(out.Flush(), file.Close())
}

// posting sends wallets to the server and to the command, alternately. Both read
// them from a file and write a verdict for each to another, from the same tree.
func (b *bench) posting(ctx context.Context, e engine, s *server, questions string, want verified) error {
	byCommand, byServer := b.path("verdicts-command"), b.path("verdicts-server")
	var sum verified
	var command, server usages
	taken, err := turns(b.rounds, wall, func() error {
		u, err := b.program.run(ctx, e, &sum, "airdrop", "verify", "--tree", s.tree, "--in", questions, "--out", byCommand, "--json")
		command = append(command, u)
		return err
	}, func() error {
		before, _ := processTime(s.pid) // 0 if unknown
		err := s.verify(ctx, questions, byServer)
		after, _ := processTime(s.pid)
		server = append(server, usage{used: after - before})
		return err
	}, func() error { // not measured
		return errors.Join(sameVerdicts(byCommand, byServer), os.Remove(byCommand), os.Remove(byServer))
	})
	if err != nil {
		return err
	}
	if sum != want {
		return fmt.Errorf("banyan airdrop verify says %+v, and right is %+v", sum, want)
	}
	ratios := make([]float64, len(taken))
	for i, turn := range taken {
		ratios[i] = 100 * turn[0].Seconds() / turn[1].Seconds()
	}
	b.report.reach(postVerify, e, median(ratios))
	words := fmt.Sprintf("%.0f %% of that rate", median(ratios))
	if used := server.least(); used > 0 {
		words += fmt.Sprintf("; in processors' time %.0f %%", 100*command.least().Seconds()/used.Seconds())
	}
	g := b.report.goals[postVerify]
	b.report.add(result{work: g.beside, by: e.Name(), took: shortest(taken, 0)})
	b.report.add(result{work: g.work, by: e.Name(), took: shortest(taken, 1), ratio: words})
	return nil
}

// verify posts a file of wallets and writes the verdicts to another.
func (s *server) verify(ctx context.Context, in, out string) error {
	body, err := os.Open(in)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // only read
	resp, err := s.open(ctx, "POST", s.campaign+"/verify", body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, resp.Body, make([]byte, 256<<10))
	return errors.Join(err, to.Close())
}

// sameVerdicts compares the verdicts of two ways for the same lines, but for the text
// of the reasons.
func sameVerdicts(ours, theirs string) error {
	one, err := os.ReadFile(ours)
	if err != nil {
		return err
	}
	other, err := os.ReadFile(theirs)
	if err != nil || bytes.Equal(one, other) {
		return err
	}
	for n := 1; len(one) > 0 || len(other) > 0; n++ {
		var ours, theirs []byte
		ours, one, _ = bytes.Cut(one, []byte("\n"))
		theirs, other, _ = bytes.Cut(other, []byte("\n"))
		if !bytes.Equal(withoutReason(ours), withoutReason(theirs)) {
			return fmt.Errorf("the verdicts of line %d differ: the command says %s, the server %s", n, ours, theirs)
		}
	}
	return nil
}

func withoutReason(verdict []byte) []byte {
	rest, _, _ := bytes.Cut(verdict, []byte(`,"reason":`))
	return bytes.TrimSuffix(rest, []byte("}"))
}
