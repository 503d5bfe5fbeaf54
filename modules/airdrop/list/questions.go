package list

import (
	"context"
	"io"
	"sync/atomic"
	"unsafe"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// Question is a line of a list of wallets to check. It is valid during the call
// that it is given to: its memory is used again.
type Question struct {
	Line    int            // from 1; of a document the number of the entry
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
// It fails with fault.Invalid when the text cannot be read as a list at all, or
// asks nothing, with fault.TooLarge over a limit, and with what answer and take fail with.
func Questions[T any](ctx context.Context, in io.Reader, options Options,
	answer func([]Question) (T, error), take func(T) error,
) error {
	options, err := options.filled()
	if err != nil {
		return err
	}
	cells, err := options.cells()
	if err != nil {
		return err
	}
	options.walletsOnly = true
	spec := options.spec()
	spec.Look = cells.look
	a := asking[T]{options: options, cells: cells, answer: answer, rooms: make(chan []Question, options.Workers)}
	report, err := table.Read(ctx, in, spec, options.table(), a.work, func(results []T) error {
		for _, result := range results {
			if err := take(result); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && options.Seen != nil {
		read := airdrop.ListReport{Rows: report.Rows, Numbers: cells.spelling.example()}
		describe(&read, report)
		options.Seen(read)
	}
	return err
}

const (
	// questionsAtOnce is how many lines a batch has at most: as many as a part of
	// usual lines, and no more of one whose lines are a few bytes long.
	questionsAtOnce = 16 << 10
	// leastLine is the shortest line that is a question, in bytes.
	leastLine = 2
)

// asking is what the workers of a Questions share.
type asking[T any] struct {
	options Options
	cells   *cellReader
	answer  func([]Question) (T, error)
	rooms   chan []Question // memory of batches, one for each worker
	asked   atomic.Int64    // lines so far
}

// work answers all lines of a part, a batch at a time.
func (a *asking[T]) work(ctx context.Context, part *table.Part) (results []T, err error) {
	room, err := a.room(part.Len())
	if err != nil {
		return nil, err
	}
	defer func() { a.rooms <- room }()
	b := batch{columns: a.cells.columnsOf(part.Layout()), cellReader: a.cells, questions: room[:0]}
	flush := func() {
		var result T
		if result, err = a.one(ctx, &b); err == nil {
			results = append(results, result)
		}
		b.questions = b.questions[:0]
	}
	for err == nil && part.Next() {
		b.add(part)
		if len(b.questions) == cap(b.questions) {
			flush()
		}
	}
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
		return result, fault.Newf(fault.TooLarge, "the list has more than %d rows: send it in several parts", a.options.MaxRows)
	}
	if err := b.checkSums(); err != nil {
		return result, err
	}
	return a.answer(b.questions)
}

// batch is some lines of a part.
type batch struct {
	*cellReader
	columns   columns
	questions []Question
	checks    checksums
}

// add reads the part's present line.
func (b *batch) add(part *table.Part) {
	q := Question{Line: part.Line, Address: part.Text}
	if part.Entry > 0 {
		q.Line = part.Entry
	}
	if b.read(&q, part) {
		b.checks.add(q.Address, len(b.questions))
	}
	b.questions = append(b.questions, q)
}

// checkSums marks the questions whose address has a wrong checksum.
func (b *batch) checkSums() error {
	err := b.checks.wrong(b.engine, b.chain, func(at int, problem string) { b.questions[at].Problem = b.columns.addressName() + ": " + problem })
	b.checks.clear()
	return err
}

// read fills a question from the present line; mixed as parseAddress has it.
func (b *batch) read(q *Question, part *table.Part) (mixed bool) {
	values, _, problem := b.columns.cut(part)
	if q.Problem = problem; problem != "" {
		return false
	}
	q.Address = values.address
	if mixed, _, problem = b.parseAddress(values.address, &q.Wallet); problem != "" {
		q.Problem = b.columns.addressName() + ": " + problem
		return false
	}
	if len(values.amount) > 0 {
		q.WithAmount = true
		if b.columns.JSON == table.NoJSON {
			problem = b.parseAmount(values.amount, &q.Amount)
		} else {
			problem = b.readAmount(&b.columns, part, values.amount, &q.Amount)
		}
		if problem != "" {
			q.Problem = b.columns.amountName() + ": " + problem
			return false
		}
	}
	return mixed
}
