package offline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// ProofsJob checks full proofs against a root, without the tree.
type ProofsJob struct {
	Proofs string // one claim as JSON on each line, as Claim prints it; "-" is standard input
	Root   string // 0x and 64 hex digits
	Format string
	Out    string // one JSON verdict on each line; "": none, "-": standard output
}

// claimLine is a line of a proofs file. Amounts are decimal, as a string or a
// number, in base units. A root or leaf beside them is ignored.
type claimLine struct {
	Address *wallet.Address `json:"address"` // as Claim prints it
	Wallet  *wallet.Address `json:"wallet"`  // as the API does
	Index   *uint64         `json:"index"`
	Amount  json.RawMessage `json:"amount"`
	Proof   []merkle.Hash   `json:"proof"`
}

// VerifyProofs gives each claim a verdict: eligible when its proof leads to the
// root, ineligible when it does not, invalid when the line is not a claim.
func (r Runner) VerifyProofs(ctx context.Context, job ProofsJob) (sum Verified, err error) {
	start := r.Now()
	root, err := merkle.ParseHash(job.Root)
	if err != nil {
		return sum, fault.UsageOf("--root", fault.From(err).Message)
	}
	format, err := merkle.ParseFormat(job.Format)
	if err != nil {
		return sum, fault.UsageOf("--format", fault.From(err).Message)
	}
	if err := refuseOverwriting(job.Out, job.Proofs); err != nil {
		return sum, err
	}
	in, size, err := r.open(job.Proofs)
	if err != nil {
		return sum, err
	}
	defer func() { _ = in.Close() }() // only read
	out := (*output)(nil)
	if job.Out != "" {
		if out, err = r.create(job.Out); err != nil {
			return sum, err
		}
	}
	options := list.Options{Limits: decompress.Files(), Progress: func(read int64) { r.progress("checking", read, size) }}
	answer := func(eachLine func(func([]byte, int) bool)) (verdicts, error) {
		batch := claimBatch{verdicts: verdicts{wanted: out != nil}, format: format}
		eachLine(batch.read)
		ok, err := merkle.VerifyMany(ctx, format, root, batch.claims, merkle.Options{Workers: 1})
		if err != nil {
			return verdicts{}, err
		}
		batch.judge(ok)
		return batch.verdicts, nil
	}
	err = list.Lines(ctx, in, options, answer, func(v verdicts) error {
		sum.add(v.sum)
		if out == nil {
			return nil
		}
		_, err := out.Write(v.text)
		return err
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", job.Proofs, err)
	}
	if out != nil {
		err = out.finish(err)
	}
	sum.Seconds = r.since(start)
	return sum, err
}

// claimBatch holds the claims of a piece of the file.
type claimBatch struct {
	verdicts
	format merkle.Format
	claims []merkle.Claimed
	lines  []list.Question // of every line, the invalid ones too
}

func (b *claimBatch) read(line []byte, number int) bool {
	q := list.Question{Line: number}
	claim, err := readClaim(line, b.format)
	if err != nil {
		q.Problem = "the line is not a claim: " + err.Error()
	} else {
		q.Wallet, q.Amount = claim.Entry.Wallet, claim.Entry.Amount
		b.claims = append(b.claims, claim)
	}
	b.lines = append(b.lines, q)
	return true
}

func readClaim(line []byte, format merkle.Format) (claim merkle.Claimed, err error) {
	var c claimLine
	if err := json.Unmarshal(line, &c); err != nil {
		return claim, explainClaim(err)
	}
	switch {
	case c.Address == nil:
		c.Address = c.Wallet
	case c.Wallet != nil && *c.Wallet != *c.Address:
		return claim, errors.New("its address and its wallet differ")
	}
	switch {
	case c.Address == nil:
		return claim, errors.New("it has no address")
	case c.Amount == nil:
		return claim, errors.New("it has no amount")
	case c.Proof == nil:
		return claim, errors.New("it has no proof")
	case c.Index != nil:
		claim.Entry.Index = *c.Index
	case format.Indexed():
		return claim, fmt.Errorf("it has no index, which the leaves of %s include", format)
	}
	text := string(c.Amount)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	if err := claim.Entry.Amount.SetFromDecimal(text); err != nil {
		return claim, fmt.Errorf("its amount %.80s is not a decimal number of base units, at most 2^256-1", text)
	}
	claim.Entry.Wallet, claim.Proof = *c.Address, c.Proof
	return claim, nil
}

// explainClaim returns what is wrong with a line, without the names of Go's
// types.
func explainClaim(err error) error {
	var kind *json.UnmarshalTypeError
	var known *fault.Fault
	switch {
	case errors.As(err, &known):
		return errors.New(known.Message)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("its %s is a JSON %s", kind.Field, kind.Value)
	}
	return errors.New(`it is not one JSON object like {"address":"0x…","amount":"1","proof":["0x…"]}`)
}

// judge writes the verdicts; ok has the results of the valid lines, in their
// order.
func (b *claimBatch) judge(ok []bool) {
	for i := range b.lines {
		q := &b.lines[i]
		b.sum.Checked++
		switch {
		case q.Problem != "":
			b.sum.Invalid++
			b.write(q, "invalid", nil, q.Problem)
			continue
		case ok[0]:
			b.sum.Eligible++
			b.name(q)
			b.write(q, "eligible", &q.Amount, "")
		default:
			b.sum.Ineligible++
			b.name(q)
			b.write(q, "ineligible", nil, "the proof does not lead to the root")
		}
		ok = ok[1:]
	}
}

// name formats the address, which costs a hash, only when verdicts are written.
func (b *claimBatch) name(q *list.Question) {
	if b.wanted {
		q.Address = []byte(q.Wallet.String())
	}
}
