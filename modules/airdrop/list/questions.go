package list

import (
	"context"
	"io"
	"sync/atomic"
	"unsafe"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet"
)

// Question is a line of a list of wallets to check. It is valid during the call
// that it is given to: its memory is used again.
type Question struct {
	Line    int            // from 1
	Address []byte         // as it was written
	Wallet  wallet.Address // when Problem is ""
	Amount  uint256.Int    // when WithAmount
	// WithAmount says that the line asks whether the amount is right, too.
	WithAmount bool
	Problem    string // why the line is invalid, for people; "" when it is not
}

// Questions reads wallets, or wallet,amount: CSV or NDJSON as Read does, but a
// wrong line is an answer of its own and does not spoil the others. answer
// gets a batch of lines of the text, at most questionsAtOnce, from
// options.Workers goroutines at once; take gets its results in the order of the
// text, one at a time.
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
	a := asking[T]{options: options, engine: engine, answer: answer, rooms: make(chan []Question, options.Workers)}
	return inOrder(ctx, in, options, a.work, func(results []T) error {
		for _, result := range results {
			if err := take(result); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	// questionsAtOnce is how many lines a batch has at most: as many as a chunk
	// of usual lines, and no more of one whose lines are a few bytes long.
	questionsAtOnce = 16 << 10
	// leastLine is the shortest line that is a question, in bytes.
	leastLine = 2
)

// asking is what the workers of a Questions share.
type asking[T any] struct {
	options Options
	engine  keccak.Engine
	answer  func([]Question) (T, error)
	rooms   chan []Question // memory of batches, one for each worker
	asked   atomic.Int64    // lines so far
}

// work answers all lines of a chunk, a batch at a time.
func (a *asking[T]) work(ctx context.Context, c chunk) (results []T, err error) {
	room, err := a.room(len(c.text))
	if err != nil {
		return nil, err
	}
	defer func() { a.rooms <- room }()
	b := batch{columns: c.columns, decimals: a.options.Decimals, suspect: suspicious(c.text), questions: room[:0]}
	flush := func() {
		var result T
		if result, err = a.one(ctx, &b); err == nil {
			results = append(results, result)
		}
		b.questions = b.questions[:0]
	}
	eachLine(c, func(line []byte, number int) bool {
		b.add(line, number)
		if len(b.questions) == cap(b.questions) {
			flush()
		}
		return err == nil
	})
	if err == nil && len(b.questions) > 0 {
		flush()
	}
	return results, err
}

// room is memory for the questions of a text.
func (a *asking[T]) room(length int) ([]Question, error) {
	var room []Question
	select {
	case room = <-a.rooms:
	default:
	}
	if need := min(length/leastLine+1, questionsAtOnce); need > cap(room) {
		if err := a.options.Limits.Take(int64(need-cap(room)) * int64(unsafe.Sizeof(Question{}))); err != nil {
			return nil, err
		}
		room = make([]Question, 0, need)
	}
	return room, nil
}

// one has a batch answered.
func (a *asking[T]) one(ctx context.Context, b *batch) (result T, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	if a.asked.Add(int64(len(b.questions))) > int64(a.options.MaxRows) {
		return result, fault.Newf(fault.TooLarge, "there are more than %d lines: send them in several parts", a.options.MaxRows)
	}
	if err := b.checkSums(a.engine); err != nil {
		return result, err
	}
	return a.answer(b.questions)
}

// batch is some lines of a chunk.
type batch struct {
	columns   columns
	decimals  int
	suspect   bool // the chunk has bytes that no list should have
	questions []Question
	checks    checksums
	fields    [][]byte
}

// add reads one more line.
func (b *batch) add(line []byte, number int) {
	q := Question{Line: number, Address: line}
	if b.suspect || len(line) > MaxLine {
		q.Problem = strangeBytes(line)
	}
	if q.Problem == "" {
		var mixed bool
		if b.fields, mixed = q.read(b.columns, b.fields, line, b.decimals); mixed {
			b.checks.add(q.Address, len(b.questions))
		}
	}
	b.questions = append(b.questions, q)
}

// checkSums marks the questions whose address has a wrong checksum.
func (b *batch) checkSums(engine keccak.Engine) error {
	err := b.checks.wrong(engine, func(at int) { b.questions[at].Problem = wrongChecksum })
	b.checks.clear()
	return err
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
