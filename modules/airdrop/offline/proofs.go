package offline

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
	"banyan/platform/wallet"
)

// ProofsJob checks full proofs against a root, without the tree.
type ProofsJob struct {
	// Proofs are claims as Claim prints them or as other tools do: JSON objects, one
	// on each line, or one JSON value of all; "-" is standard input.
	Proofs  string
	Root    string // 0x and 64 hex digits
	Format  string
	Choices merkle.Choices // where no format has a name for the tree
	Out     string         // one JSON verdict on each line; "": none, "-": standard output
}

// Found says with which leaf, tree or change claims do lead to the root.
type Found struct {
	Claims   int           `json:"claims"` // how many of the ineligible ones
	Format   merkle.Format `json:"format,omitempty"`
	Leaf     string        `json:"leaf,omitempty"`
	Encoding string        `json:"encoding,omitempty"`
	Hash     string        `json:"hash,omitempty"`
	Pairs    string        `json:"pairs,omitempty"`
	Solidity string        `json:"solidity,omitempty"`
	Text     string        `json:"text"`
}

// FoundOf describes a finding.
func FoundOf(f published.Finding) Found {
	return Found{
		Claims: 1, Format: f.Format, Leaf: f.Choices.Leaf, Encoding: f.Choices.Encoding, Hash: f.Choices.Hash, Pairs: f.Choices.Pairs,
		Solidity: f.Solidity, Text: f.Text,
	}
}

// mostFound bounds the findings of a sum.
const mostFound = 20

// addFound counts findings by what they say.
func (v *Verified) addFound(all ...Found) {
	for _, f := range all {
		known := false
		for i := range v.Found {
			if v.Found[i].Text == f.Text {
				v.Found[i].Claims += f.Claims
				known = true
			}
		}
		if !known && len(v.Found) < mostFound {
			v.Found = append(v.Found, f)
		}
	}
}

// VerifyProofs gives each claim a verdict: eligible when its proof leads to the
// root, ineligible when it does not, and then with what it would, invalid when
// the line is not a claim.
func (r Runner) VerifyProofs(ctx context.Context, job ProofsJob) (sum Verified, err error) {
	start := r.Now()
	root, err := merkle.ParseHash(job.Root)
	if err != nil {
		return sum, fault.UsageOf("--root", fault.From(err).Message)
	}
	format, err := FormatOf(job.Format, job.Choices)
	if err != nil {
		return sum, err
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
	check := proofsCheck{format: format, root: root, wanted: out != nil, explainer: published.NewExplainer(format, root)}
	err = check.read(ctx, in, func(read int64) { r.progress("checking", read, size) }, func(v verdicts) error {
		sum.add(v.sum)
		sum.addFound(v.sum.Found...)
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
	sum.Solidity = format.Spec().Leaf.Solidity()
	sum.Seconds = r.since(start)
	return sum, err
}

// proofsCheck checks the claims of one file.
type proofsCheck struct {
	format    merkle.Format
	root      merkle.Hash
	wanted    bool // verdicts, not only their counts
	explainer *published.Explainer
}

// read reads the claims, one on each line or all in one JSON value.
func (p *proofsCheck) read(ctx context.Context, in io.Reader, progress func(int64), take func(verdicts) error) error {
	text, err := decompress.Open(ctx, &counted{Reader: in, report: progress}, decompress.Files())
	if err != nil {
		return err
	}
	defer text.Close()
	buffered := bufio.NewReaderSize(text, 256<<10)
	if !published.OnLines(buffered) {
		return p.readValue(ctx, buffered, take)
	}
	return list.Lines(ctx, buffered, list.Options{Limits: decompress.Files()}, func(eachLine func(func([]byte, int) bool)) (verdicts, error) {
		batch := p.batch()
		eachLine(batch.read)
		return batch.judge(ctx)
	}, take)
}

// counted reports how many bytes were read.
type counted struct {
	io.Reader
	read   int64
	report func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	c.report(c.read)
	return n, err
}

// entriesAtOnce is how many claims of one JSON value are checked at a time.
const entriesAtOnce = 1024

// readValue is read of one JSON value.
func (p *proofsCheck) readValue(ctx context.Context, in io.Reader, take func(verdicts) error) error {
	batch := p.batch()
	flush := func() error {
		v, err := batch.judge(ctx)
		if err != nil {
			return err
		}
		batch = p.batch()
		return take(v)
	}
	err := published.EachClaim(ctx, in, func(entry int, claims []published.Claim, problem error) error {
		if problem != nil {
			batch.lines = append(batch.lines, claimLine{Question: list.Question{Line: entry, Problem: "the entry is not a claim: " + fault.From(problem).Message}})
			return nil
		}
		for i := range claims {
			batch.add(&claims[i], entry)
		}
		if len(batch.lines) >= entriesAtOnce {
			return flush()
		}
		return nil
	})
	return errors.Join(err, flush())
}

func (p *proofsCheck) batch() *claimBatch {
	return &claimBatch{proofsCheck: p, verdicts: verdicts{wanted: p.wanted}}
}

// claimBatch holds the claims of a piece of the file.
type claimBatch struct {
	*proofsCheck
	verdicts
	claims []merkle.Claimed
	lines  []claimLine
}

// claimLine is a claim, or what is wrong with it.
type claimLine struct {
	list.Question
	text  []byte           // of a claim of the usual form, which is read again if it fails
	claim *published.Claim // of any other form
}

// usualClaim is a claim as Claim prints it. Amounts are decimal, as a string or a
// number, in base units. A root or leaf beside them is ignored.
type usualClaim struct {
	Address *wallet.Address `json:"address"` // as Claim prints it
	Wallet  *wallet.Address `json:"wallet"`  // as the API does
	Index   *uint64         `json:"index"`
	Amount  json.RawMessage `json:"amount"`
	Proof   []merkle.Hash   `json:"proof"`
	Claims  json.RawMessage `json:"claims"` // all of a wallet that has several
}

func (b *claimBatch) read(line []byte, number int) bool {
	if b.format.Plain() {
		if claim, ok := readUsual(line, b.format); ok {
			q := list.Question{Line: number, Wallet: claim.Entry.Wallet, Amount: claim.Entry.Amount}
			b.claims = append(b.claims, claim)
			b.lines = append(b.lines, claimLine{Question: q, text: line})
			return true
		}
	}
	claims, err := published.ParseClaims(line, "")
	if err != nil {
		b.refuse(number, explainClaim(line, err))
		return true
	}
	for i := range claims {
		b.add(&claims[i], number)
	}
	return true
}

func (b *claimBatch) refuse(line int, problem string) {
	b.lines = append(b.lines, claimLine{Question: list.Question{Line: line, Problem: "the line is not a claim: " + problem}})
}

// add takes a claim of any form.
func (b *claimBatch) add(c *published.Claim, number int) {
	claimed, err := c.Bind(b.format, nil)
	if err != nil {
		b.refuse(number, fault.From(err).Message)
		return
	}
	q := list.Question{Line: number, Wallet: claimed.Entry.Wallet, Amount: claimed.Entry.Amount}
	if c.Wallet != nil {
		q.Wallet = *c.Wallet
	}
	if !b.format.Plain() {
		if n, err := merkle.ParseNumber(c.Amount); err == nil {
			q.Amount = *n
		}
	}
	b.claims = append(b.claims, claimed)
	b.lines = append(b.lines, claimLine{Question: q, claim: c})
}

// readUsual reads a claim of the usual form quickly; ok is false for any other.
func readUsual(line []byte, format merkle.Format) (claim merkle.Claimed, ok bool) {
	var c usualClaim
	if err := json.Unmarshal(line, &c); err != nil || c.Claims != nil || format.Spec().Positional {
		return claim, false
	}
	if c.Address == nil {
		c.Address = c.Wallet
	} else if c.Wallet != nil && *c.Wallet != *c.Address {
		return claim, false
	}
	if c.Address == nil || c.Amount == nil || c.Proof == nil || c.Index == nil && format.Indexed() {
		return claim, false
	}
	if c.Index != nil {
		claim.Entry.Index = *c.Index
	}
	text := string(c.Amount)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	if claim.Entry.Amount.SetFromDecimal(text) != nil {
		return claim, false
	}
	claim.Entry.Wallet, claim.Proof = *c.Address, c.Proof
	return claim, true
}

// explainClaim returns what is wrong with a line.
func explainClaim(line []byte, err error) string {
	if !json.Valid(line) {
		return `it is not one JSON object like {"address":"0x…","amount":"1","proof":["0x…"]}`
	}
	return fault.From(err).Message
}

// judge verifies the claims and writes the verdicts.
func (b *claimBatch) judge(ctx context.Context) (verdicts, error) {
	ok, err := merkle.VerifyMany(ctx, b.format, b.root, b.claims, merkle.Options{Workers: 1})
	if err != nil {
		return verdicts{}, err
	}
	for i := range b.lines {
		l := &b.lines[i]
		b.sum.Checked++
		switch {
		case l.Problem != "":
			b.sum.Invalid++
			b.write(&l.Question, "invalid", nil, l.Problem)
			continue
		case ok[0]:
			b.sum.Eligible++
			b.name(l)
			b.write(&l.Question, "eligible", &l.Amount, "")
		default:
			b.sum.Ineligible++
			b.name(l)
			reason, solidity := b.reason(l)
			b.write(&l.Question, "ineligible", nil, reason)
			b.addSolidity(solidity)
		}
		ok = ok[1:]
	}
	return b.verdicts, nil
}

// reason says why a claim is not right, and what it does lead to.
func (b *claimBatch) reason(l *claimLine) (text, solidity string) {
	const plain = "the proof does not lead to the root"
	c := l.claim
	if c == nil {
		again, err := published.ParseClaims(l.text, "")
		if err != nil || len(again) == 0 {
			return plain, ""
		}
		c = &again[0]
	}
	f, found := b.explainer.Explain(c, uint64(max(l.Line-1, 0)))
	if !found {
		return plain + ", with no leaf that is known here: a value, a node or the root is another one", ""
	}
	b.sum.addFound(FoundOf(f))
	return plain + "; " + f.Text, f.Solidity
}

// name formats the address, which costs a hash, only when verdicts are written.
func (b *claimBatch) name(l *claimLine) {
	if !b.proofsCheck.wanted {
		return
	}
	switch {
	case l.claim != nil && l.claim.Wallet == nil:
		l.Address = []byte(l.claim.Name())
	default:
		l.Address = []byte(l.Wallet.String())
	}
}
