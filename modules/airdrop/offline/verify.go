package offline

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// VerifyJob checks a list of wallets against a tree file.
type VerifyJob struct {
	Tree string
	In   string // wallet or wallet,amount on each line; "-" is standard input
	Out  string // one JSON verdict on each line; "": none, "-": standard output
	// Decimals are those of the amounts on the lines; 0: in base units.
	Decimals int
	// Columns are chosen by their header or position; "" where the list's header says it.
	Columns list.Columns
	Chain   string // the one that the wallets are of, by its number or short name; "": not known
}

// Verified counts the verdicts.
type Verified struct {
	Checked    int     `json:"checked"`
	Eligible   int     `json:"eligible"`
	Ineligible int     `json:"ineligible"` // not on the list, or with another amount
	Invalid    int     `json:"invalid"`    // lines without a valid wallet
	Seconds    float64 `json:"seconds"`
	// PassedOver says in one sentence what of the list was not used; "" if nothing was.
	PassedOver string `json:"passed_over,omitempty"`
	// Solidity is the line of the leaf that proofs were checked with, and Found what
	// the ineligible ones do lead to the root with; both of proofs only.
	Solidity string  `json:"solidity,omitempty"`
	Found    []Found `json:"found,omitempty"`
}

func (v *Verified) add(o Verified) {
	v.Checked += o.Checked
	v.Eligible += o.Eligible
	v.Ineligible += o.Ineligible
	v.Invalid += o.Invalid
}

// Verify gives each line a verdict: eligible, ineligible or invalid. It fails
// when the tree or the list cannot be read, and then leaves no output.
func (r Runner) Verify(ctx context.Context, job VerifyJob) (sum Verified, err error) {
	start := r.Now()
	if job.Tree == "" {
		return sum, fault.UsageOf("--tree", "name the tree file")
	}
	if job.In == "" {
		return sum, fault.UsageOf("--in", "name the list of wallets, or - for standard input")
	}
	if job.Decimals < 0 || job.Decimals > list.MaxDecimals {
		return sum, fault.UsageOf("--decimals", fmt.Sprintf("decimals are 0 to %d", list.MaxDecimals))
	}
	chain, err := wallet.ParseChain(job.Chain)
	if err != nil {
		return sum, fault.UsageOf("--chain", fault.From(err).Message)
	}
	if err := refuseOverwriting(job.Out, job.Tree, job.In); err != nil {
		return sum, err
	}
	tree, err := merkle.Open(job.Tree)
	if err != nil {
		return sum, err
	}
	defer func() {
		if closeErr := tree.Close(); err == nil {
			err = closeErr
		}
	}()
	in, size, err := r.open(job.In)
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
	passed := ""
	options := list.Options{
		Decimals: job.Decimals, Columns: job.Columns, Flags: list.Flags{Address: columnFlags.Address, Amount: columnFlags.Amount},
		Chain: chain, Limits: decompress.Files(),
		Progress: func(read int64) { r.progress("checking", read, size) },
		Seen:     func(r airdrop.ListReport) { passed = r.PassedOver },
	}
	if sum, err = Check(ctx, tree, in, options, writer(out)); err != nil {
		err = fmt.Errorf("%s: %w", job.In, err)
	}
	if out != nil {
		err = out.finish(err)
	}
	sum.Seconds, sum.PassedOver = r.since(start), passed
	return sum, err
}

func writer(out *output) io.Writer {
	if out == nil {
		return nil
	}
	return out
}

// Check reads wallets, or wallet,amount, and writes one verdict a line to out
// (nil: only the counts are needed), in the order of the lines:
//
//	{"line":1,"address":"0x…","status":"eligible","amount":"400"}
//	{"line":2,"address":"0x…","status":"ineligible","reason":"the wallet is not on the list"}
//	{"line":3,"address":"0x12","status":"invalid","reason":"…"}
func Check(ctx context.Context, tree *merkle.Tree, in io.Reader, options list.Options, out io.Writer) (Verified, error) {
	var sum Verified
	answer := func(questions []list.Question) (verdicts, error) {
		v := verdicts{tree: tree, wanted: out != nil}
		if v.wanted {
			v.text = make([]byte, 0, len(questions)*128)
		}
		for i := range questions {
			if i%merkle.LookAhead == 0 {
				tree.ReadAhead(len(questions)-i, func(k int) *wallet.Address { return &questions[i+k].Wallet })
			}
			if err := v.judge(&questions[i]); err != nil {
				return v, err
			}
		}
		return v, nil
	}
	err := list.Questions(ctx, in, options, answer, func(v verdicts) error {
		sum.add(v.sum)
		if out == nil {
			return nil
		}
		_, err := out.Write(v.text)
		return err
	})
	return sum, err
}

// verdicts are the results of a batch of lines.
type verdicts struct {
	tree   *merkle.Tree
	wanted bool // text, not only the counts
	text   []byte
	sum    Verified
}

func (v *verdicts) judge(q *list.Question) error {
	v.sum.Checked++
	if q.Problem != "" {
		v.sum.Invalid++
		v.write(q, "invalid", nil, q.Problem)
		return nil
	}
	at, found, err := v.tree.Find(q.Wallet)
	if err != nil {
		return err
	}
	if !found {
		v.sum.Ineligible++
		v.write(q, "ineligible", nil, "the wallet is not on the list")
		return nil
	}
	if !q.WithAmount && !v.wanted {
		v.sum.Eligible++
		return nil
	}
	e, err := v.tree.At(at)
	if err != nil {
		return err
	}
	if q.WithAmount && e.Amount != q.Amount {
		_, rows, found, err := v.tree.FindAmount(q.Wallet, q.Amount)
		if err != nil {
			return err
		}
		switch {
		case found:
			e.Amount = q.Amount
		case rows > 1:
			v.sum.Ineligible++
			v.write(q, "ineligible", &e.Amount, fmt.Sprintf("the wallet has other amounts on its %d rows of the list", rows))
			return nil
		default:
			v.sum.Ineligible++
			v.write(q, "ineligible", &e.Amount, "the wallet has another amount on the list")
			return nil
		}
	}
	v.sum.Eligible++
	v.write(q, "eligible", &e.Amount, "")
	return nil
}

func (v *verdicts) write(q *list.Question, status string, amount *uint256.Int, reason string) {
	if !v.wanted {
		return
	}
	to := append(v.text, `{"line":`...)
	to = strconv.AppendInt(to, int64(q.Line), 10)
	to = append(to, `,"address":`...)
	to = appendText(to, q.Address[:min(len(q.Address), longestLine)])
	to = append(to, `,"status":"`...)
	to = append(to, status...)
	to = append(to, '"')
	if amount != nil {
		to = append(to, `,"amount":"`...)
		to = appendDecimal(to, amount)
		to = append(to, '"')
	}
	if reason != "" {
		to = append(to, `,"reason":`...)
		to = appendText(to, []byte(reason))
	}
	v.text = append(to, "}\n"...)
}

// addSolidity adds the line of a leaf to the verdict that was written last.
func (v *verdicts) addSolidity(line string) {
	if !v.wanted || line == "" {
		return
	}
	v.text = appendText(append(v.text[:len(v.text)-2], `,"solidity":`...), []byte(line))
	v.text = append(v.text, "}\n"...)
}

// appendDecimal writes an amount; most fit 64 bits or 128.
func appendDecimal(to []byte, amount *uint256.Int) []byte {
	if amount.IsUint64() {
		return strconv.AppendUint(to, amount.Uint64(), 10)
	}
	return append(to, amount.Dec()...)
}

// longestLine is how much of a malformed line is repeated in its verdict.
const longestLine = 256

// longestText is how much of a text is written in a verdict.
const longestText = 1024

// appendText writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendText(to, text []byte) []byte {
	text = text[:min(len(text), longestText)]
	to = append(to, '"')
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		switch {
		case c == '"' || c == '\\':
			to = append(to, '\\', byte(c))
		case c < 0x20:
			to = append(to, `\u00`...)
			to = append(to, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		case c == utf8.RuneError:
			to = append(to, `\ufffd`...)
		default:
			to = append(to, text[:size]...)
		}
		text = text[size:]
	}
	return append(to, '"')
}
