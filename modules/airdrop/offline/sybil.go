package offline

import (
	"bufio"
	"context"
	"strconv"

	"banyan/modules/airdrop/sybil"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// SybilJob judges which wallets of a list probably belong to somebody who has many.
// All but Edges, Candidates and Out may be "".
type SybilJob struct {
	Edges      string // transfers: from,to[,…][,time]
	Candidates string // the wallets to judge
	Exclude    string // wallets that tie nobody to anybody, and are not judged
	Features   string // address,volume,first_transfer of candidates
	Out        string // address,cluster,score,flagged,reason; replaced as a whole
}

// SybilReport counts what a SybilJob did.
type SybilReport struct {
	Transfers  int     `json:"transfers"`
	Timed      bool    `json:"timed"` // the transfers have times, so first funders and last receivers counted
	Candidates int     `json:"candidates"`
	Excluded   int     `json:"excluded"` // candidates on the exclusion list
	Featured   int     `json:"featured"` // candidates with features
	Clusters   int     `json:"clusters"`
	Flagged    int     `json:"flagged"`
	Review     int     `json:"review"` // below the threshold of a flag, and worth a look
	Threshold  float64 `json:"threshold"`
	Seconds    float64 `json:"seconds"`
	Out        string  `json:"out"`
	// PassedOver says of each list what was not used.
	PassedOver []string `json:"passed_over,omitempty"`
}

// Sybil does the job. It fails with fault.Invalid naming the wrong lines, and then
// writes nothing.
func (r Runner) Sybil(ctx context.Context, job SybilJob) (report SybilReport, err error) {
	start := r.Now()
	if err := job.check(); err != nil {
		return report, err
	}
	report = SybilReport{Threshold: sybil.Threshold, Out: job.Out}
	in, err := r.readSybil(ctx, job, &report)
	if err != nil {
		return report, err
	}
	r.progress("judging", 0, 0)
	judged, err := sybil.Judge(ctx, in)
	if err != nil {
		return report, err
	}
	report.count(judged, in)
	out, err := r.create(job.Out)
	if err != nil {
		return report, err
	}
	if err := out.finish(writeJudgements(out.Writer, judged)); err != nil {
		return report, err
	}
	report.Seconds = r.since(start)
	return report, nil
}

func (j SybilJob) check() error {
	switch {
	case j.Edges == "":
		return fault.UsageOf("--edges", "name the transfers: a CSV file of from,to[,time], or - for standard input")
	case j.Candidates == "":
		return fault.UsageOf("--candidates", "name the wallets to judge: a file with one on each line, or - for standard input")
	case j.Out == "":
		return fault.UsageOf("--out", "name the file to write the judgements to, or - for standard output")
	}
	fromStdin := 0
	for _, path := range []string{j.Edges, j.Candidates, j.Exclude, j.Features} {
		if path == Stdio {
			fromStdin++
		}
	}
	if fromStdin > 1 {
		return fault.UsageOf("--edges", "only one of the lists can come from standard input")
	}
	return refuseOverwriting(j.Out, j.Edges, j.Candidates, j.Exclude, j.Features)
}

// readSybil reads the lists.
func (r Runner) readSybil(ctx context.Context, job SybilJob, report *SybilReport) (in sybil.Input, err error) {
	note := func(path, passed string) {
		if passed != "" {
			report.PassedOver = append(report.PassedOver, path+": "+passed)
		}
	}
	in.Transfers = new(sybil.Transfers)
	passed, err := readRows(ctx, r, job.Edges, "reading transfers", transferList(), parseTransfer, func(t transfer) { in.Transfers.Add(t.from, t.to, t.at) })
	if err != nil {
		return in, err
	}
	note(job.Edges, passed)
	report.Transfers, report.Timed = in.Transfers.Len(), in.Transfers.Timed()
	passed, err = readRows(ctx, r, job.Candidates, "reading candidates", walletList(), parseWallet, func(w wallet.Address) { in.Candidates = append(in.Candidates, w) })
	if err != nil {
		return in, err
	}
	note(job.Candidates, passed)
	if job.Exclude != "" {
		in.Excluded = make(map[wallet.Address]bool)
		passed, err = readRows(ctx, r, job.Exclude, "reading the exclusion list", walletList(), parseWallet, func(w wallet.Address) { in.Excluded[w] = true })
		if err != nil {
			return in, err
		}
		note(job.Exclude, passed)
	}
	if job.Features != "" {
		in.Features = make(map[wallet.Address]sybil.Behaviour)
		passed, err = readRows(ctx, r, job.Features, "reading features", featureList(), parseFeatures, func(f features) { in.Features[f.wallet] = f.Behaviour })
		if err != nil {
			return in, err
		}
		note(job.Features, passed)
	}
	return in, nil
}

// count sums the judgements up.
func (s *SybilReport) count(judged []sybil.Judgement, in sybil.Input) {
	s.Candidates = len(judged)
	for _, j := range judged {
		s.Clusters = max(s.Clusters, j.Cluster)
		if in.Excluded[j.Wallet] {
			s.Excluded++
		}
		if _, ok := in.Features[j.Wallet]; ok {
			s.Featured++
		}
		switch {
		case j.Flagged:
			s.Flagged++
		case j.Score >= sybil.ReviewThreshold:
			s.Review++
		}
	}
}

// writeJudgements writes one line for each candidate, in the order of the addresses.
func writeJudgements(out *bufio.Writer, judged []sybil.Judgement) error {
	if _, err := out.WriteString("address,cluster,score,flagged,reason\n"); err != nil {
		return err
	}
	line := make([]byte, 0, 512)
	for _, j := range judged {
		line = append(line[:0], j.Wallet.String()...)
		line = append(line, ',')
		if j.Cluster > 0 {
			line = strconv.AppendInt(line, int64(j.Cluster), 10)
		}
		line = append(line, ',')
		line = strconv.AppendFloat(line, j.Score, 'f', 4, 64)
		line = append(line, ',')
		line = strconv.AppendBool(line, j.Flagged)
		line = append(line, ',')
		line = append(line, j.Reason...)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
