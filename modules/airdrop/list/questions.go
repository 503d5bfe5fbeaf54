package list

import (
	"context"
	"io"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
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
// It fails with fault.Invalid when the text cannot be read as a list at all,
// with fault.TooLarge over a limit, and with what answer and take fail with.
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
	rows := 0
	work := func(c chunk) (counted[T], error) {
		questions, err := readQuestions(c, engine, options.Decimals)
		if err != nil {
			return counted[T]{}, err
		}
		result, err := answer(questions)
		return counted[T]{result: result, rows: len(questions)}, err
	}
	return inOrder(ctx, in, options, work, func(c counted[T]) error {
		if rows += c.rows; rows > options.MaxRows {
			return fault.Newf(fault.TooLarge, "there are more than %d lines: send them in several parts", options.MaxRows)
		}
		return take(c.result)
	})
}

type counted[T any] struct {
	result T
	rows   int
}

// readQuestions reads all lines of a chunk.
func readQuestions(c chunk, engine keccak.Engine, decimals int) ([]Question, error) {
	questions := make([]Question, 0, estimateRows(c.text))
	suspect := suspicious(c.text)
	var checks checksums
	var fields [][]byte
	firstOf := map[int]int{} // line → question, of the addresses to check
	eachLine(c, func(line []byte, number int) bool {
		q := Question{Line: number, Address: line}
		if suspect || len(line) > MaxLine {
			q.Problem = strangeBytes(line)
		}
		if q.Problem == "" {
			var mixed bool
			if fields, mixed = q.read(c.columns, fields, line, decimals); mixed {
				firstOf[number] = len(questions)
				checks.add(q.Address, number)
			}
		}
		questions = append(questions, q)
		return true
	})
	err := checks.wrong(engine, func(line int) { questions[firstOf[line]].Problem = wrongChecksum })
	return questions, err
}

// read fills the question from its line; mixed as parseAddress has it.
func (q *Question) read(c columns, fields [][]byte, line []byte, decimals int) (room [][]byte, mixed bool) {
	values, fields, problem := c.cut(fields, line)
	q.Problem = problem
	if q.Problem != "" {
		return fields, false
	}
	q.Address = values.address
	if mixed, problem = parseAddress(values.address, &q.Wallet); problem != "" {
		q.Problem = c.addressName() + ": " + problem
		return fields, false
	}
	if len(values.amount) > 0 {
		q.WithAmount = true
		if problem := parseAmount(values.amount, decimals, &q.Amount); problem != "" {
			q.Problem = c.amountName() + ": " + problem
			return fields, false
		}
	}
	return fields, mixed
}
