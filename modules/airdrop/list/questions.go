package list

import (
	"context"
	"io"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// Question is a line of a list of wallets to check.
type Question struct {
	Line    int            // from 1
	Address []byte         // as it was written; valid during the call only
	Wallet  wallet.Address // when Problem is ""
	Amount  uint256.Int    // when WithAmount
	// WithAmount says that the line asks whether the amount is right, too.
	WithAmount bool
	Problem    string // why the line is invalid, for people; "" when it is not
}

// Questions reads wallets, or wallet,amount: CSV or NDJSON as Read does, but a
// wrong line is an answer of its own and does not spoil the others. answer
// gets the lines of a piece of the text, from options.Workers goroutines at
// once; take gets its results in the order of the text, one at a time.
//
// It fails with fault.Invalid when the text cannot be read as a list at all, or
// asks nothing, with fault.TooLarge over a limit, and with what answer and take fail with.
func Questions[T any](ctx context.Context, in io.Reader, options Options,
	answer func([]Question) (T, error), take func(T) error,
) error {
	options, err := options.filled()
	if err != nil {
		return err
	}
	engine, err := keccak.Best()
	if err != nil {
		return fault.Wrap(err, fault.Invalid, err.Error())
	}
	options.walletsOnly = true
	spec := options.spec()
	spec.Objects = func([]byte) string { return "" } // a wrong one is the answer to this line alone
	report, err := table.Read(ctx, in, spec, options.table(), func(part *table.Part) (result T, err error) {
		questions, err := readQuestions(part, engine, options.Decimals)
		if err != nil {
			return result, err
		}
		return answer(questions)
	}, take)
	if err == nil && options.Seen != nil {
		options.Seen(report)
	}
	return err
}

// readQuestions reads all lines of a part.
func readQuestions(part *table.Part, engine keccak.Engine, decimals int) ([]Question, error) {
	questions := make([]Question, 0, estimateRows(part))
	c := columnsOf(part.Layout(), false)
	var checks checksums
	firstOf := map[int]int{} // line → question, of the addresses to check
	for part.Next() {
		q := Question{Line: part.Line, Address: part.Text}
		if q.read(c, part, decimals) {
			firstOf[part.Line] = len(questions)
			checks.add(q.Address, part.Line)
		}
		questions = append(questions, q)
	}
	err := checks.wrong(engine, func(line int) { questions[firstOf[line]].Problem = wrongChecksum })
	return questions, err
}

// read fills the question from the present line; mixed as parseAddress has it.
func (q *Question) read(c columns, part *table.Part, decimals int) (mixed bool) {
	values, _, problem := c.cut(part)
	if q.Problem = problem; problem != "" {
		return false
	}
	q.Address = values.address
	if mixed, problem = parseAddress(values.address, &q.Wallet); problem != "" {
		q.Problem = c.addressName() + ": " + problem
		return false
	}
	if len(values.amount) > 0 {
		q.WithAmount = true
		if problem := parseAmount(values.amount, decimals, &q.Amount); problem != "" {
			q.Problem = c.amountName() + ": " + problem
			return false
		}
	}
	return mixed
}
