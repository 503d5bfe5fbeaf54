package service

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/database"
	"banyan/platform/jobs"
	"banyan/platform/wallet"
)

// flaggedPerStep keeps a write short.
const flaggedPerStep = 500

// reviewedName is the name under which the file of a source is kept with the decisions
// about suspects in it. No source can have such a name.
func reviewedName(source string) string { return source + "/reviewed" }

// reviewSuspects notes whom the sources of the kind sybils flag, and writes the decisions
// about them into files of their own, which the list is computed from.
func (s *service) reviewSuspects(ctx context.Context, j *jobs.Job, q courseJob, parsed *rules.Rules) error {
	inputs, err := s.store.inputs(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	var decided []suspectRow
	first, any := true, false
	for _, source := range parsed.Sources {
		in, there := inputs[source.Name]
		if source.Kind != rules.Sybils || !there {
			continue
		}
		table, _, err := rules.ReadTable(ctx, s.files.open(ctx, in.FileID), source, s.reading())
		if err != nil {
			return err
		}
		if err := s.noteFlagged(ctx, j, q, table); err != nil {
			return err
		}
		if first { // what nobody flags any more, and was decided, stands in one file alone
			if decided, err = s.store.decidedSuspects(ctx, q.Campaign); err != nil {
				return err
			}
		}
		if err := s.keepReviewed(ctx, j, q, source, in, table, decided, first); err != nil {
			return err
		}
		first, any = false, true
	}
	if !any {
		return nil
	}
	return j.Step(ctx, jobs.Progress{Stage: "noting who is flagged"}, func(tx *database.Tx) error {
		return s.store.unflag(ctx, tx, q.Campaign, q.Run)
	})
}

// noteFlagged stores whom a source flags, as suspects.
func (s *service) noteFlagged(ctx context.Context, j *jobs.Job, q courseJob, table *rules.Table) error {
	for begin := 0; begin < len(table.Wallets); begin += flaggedPerStep {
		end := min(begin+flaggedPerStep, len(table.Wallets))
		p := jobs.Progress{Stage: "noting who is flagged", Done: int64(begin), Work: int64(len(table.Wallets))}
		err := j.Step(ctx, p, func(tx *database.Tx) error {
			for i := begin; i < end; i++ {
				if err := s.store.flag(ctx, tx, flaggedRow(q, table, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maxEvidence bounds what is kept of the evidence against a wallet, in bytes.
const maxEvidence = 2000

func flaggedRow(q courseJob, table *rules.Table, i int) suspectRow {
	r := suspectRow{Campaign: q.Campaign, Wallet: table.Wallets[i], Run: q.Run, Cluster: table.Columns[0][i].Dec(), Score: millionths(table.Columns[1][i].Uint64())}
	if table.Columns[0][i].IsZero() {
		r.Cluster = ""
	}
	if table.Reasons != nil {
		r.Evidence = table.Reasons[i]
	}
	if len(r.Evidence) > maxEvidence {
		r.Evidence = strings.ToValidUTF8(r.Evidence[:maxEvidence], "") + "…"
	}
	return r
}

// millionths writes a number of them as a decimal.
func millionths(n uint64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", n/1_000_000, n%1_000_000), "0"), ".")
}

// keepReviewed stores the file of a source with the decisions in it: who is paid is not
// in it, and who is left out stands in it with the reason. Without decisions the file
// stays as it was uploaded.
func (s *service) keepReviewed(ctx context.Context, j *jobs.Job, q courseJob, source rules.Source, in inputRow, table *rules.Table, decided []suspectRow, all bool) error {
	name := reviewedName(source.Name)
	if len(decided) == 0 {
		return j.Step(ctx, jobs.Progress{Stage: "noting who is flagged"}, func(tx *database.Tx) error {
			return s.store.dropInputs(ctx, tx, q.Campaign, name)
		})
	}
	kept, err := s.keepWritten(ctx, func(w io.Writer) error { return writeReviewed(w, table, decided, all) })
	if err != nil {
		return err
	}
	reviewed := inputRow{Campaign: q.Campaign, Source: name, FileID: kept.id, Name: "reviewed-" + in.Name, SHA256: kept.sha256, Bytes: kept.bytes, Run: q.Run}
	again, _, err := rules.ReadTable(ctx, s.files.open(ctx, kept.id), source, s.reading())
	if err != nil {
		return err
	}
	reviewed.Rows = again.Rows
	return j.Step(ctx, jobs.Progress{Stage: "noting who is flagged"}, func(tx *database.Tx) error { return s.store.setInput(ctx, tx, reviewed) })
}

// writeReviewed writes who is left out, by address; with all, also those whom the table
// does not have.
func writeReviewed(w io.Writer, table *rules.Table, decided []suspectRow, all bool) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"address", "cluster", "score", "flagged", "reason"}); err != nil {
		return err
	}
	write := func(r suspectRow) error {
		if r.Score == "" {
			r.Score = "0"
		}
		return out.Write([]string{r.Wallet.String(), r.Cluster, r.Score, "true", r.Evidence})
	}
	for i := range table.Wallets {
		r := flaggedRow(courseJob{}, table, i)
		if at, found := slices.BinarySearchFunc(decided, r.Wallet, byWallet); found {
			if decided[at].Decision == airdrop.Paid {
				continue
			}
			r.Evidence = decided[at].Reason + "; " + r.Evidence
		}
		if err := write(r); err != nil {
			return err
		}
	}
	for _, d := range decided {
		if _, found := slices.BinarySearchFunc(table.Wallets, d.Wallet, func(a, b wallet.Address) int { return slices.Compare(a[:], b[:]) }); !all || found || d.Decision == airdrop.Paid {
			continue
		}
		d.Evidence = d.Reason
		if err := write(d); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func byWallet(r suspectRow, w wallet.Address) int { return slices.Compare(r.Wallet[:], w[:]) }

// used is the file that a source is read from: the one with the decisions, if a run has
// made one.
func used(inputs map[string]inputRow, source string) inputRow {
	if in, reviewed := inputs[reviewedName(source)]; reviewed {
		return in
	}
	return inputs[source]
}
