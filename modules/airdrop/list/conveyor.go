package list

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

// job is a chunk on its way, and where its result will be.
type job[T any] struct {
	piece chunk
	done  chan T
}

// Lines hands the lines of a text (plain, gzip or zstd) to answer, a piece at a
// time with the number of its first line, from options.Workers goroutines at
// once; take gets its results in the order of the text. The lines hold during
// the call only, and empty ones are left out. Of the options, Limits, Workers and
// Progress count. It fails as Questions does.
func Lines[T any](ctx context.Context, in io.Reader, options Options,
	answer func(eachLine func(yield func(line []byte, number int) bool)) (T, error), take func(T) error,
) error {
	options, err := options.filled()
	if err != nil {
		return err
	}
	options.anyText = true
	return inOrder(ctx, in, options, func(_ context.Context, c chunk) (T, error) {
		return answer(func(yield func([]byte, int) bool) { eachLine(c, yield) })
	}, take)
}

// conveyor moves chunks from one reader through several workers to one taker.
// Its queues are bounded, so at most a few chunks for each worker are in
// memory: a slow taker holds up the reader.
type conveyor[T any] struct {
	waiting chan job[T] // for a worker
	ordered chan job[T] // for the taker, in the order of the text
	rooms   chan []byte // memory of chunks that are done with
}

// inOrder reads the text, lets options.Workers goroutines work on its chunks,
// and hands their results to take in the order of the text, one at a time.
// take ends the reading early, and without an error, by io.EOF.
func inOrder[T any](ctx context.Context, in io.Reader, options Options, work func(context.Context, chunk) (T, error), take func(T) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if options.Progress != nil {
		in = &progress{Reader: in, tell: options.Progress}
	}
	text, err := decompress.Open(ctx, in, options.Limits)
	if err != nil {
		return fmt.Errorf("read the list: %w", err)
	}
	defer text.Close()
	cut := &cutter{text: text, line: 1, limits: options.Limits, empty: true}
	piece, err := cut.begin(options)
	if err != nil {
		return err
	}
	belt := conveyor[T]{
		waiting: make(chan job[T], options.Workers),
		ordered: make(chan job[T], 2*options.Workers),
		rooms:   make(chan []byte, 2*options.Workers),
	}
	group, ctx := errgroup.WithContext(ctx)
	for range options.Workers {
		group.Go(func() error { return belt.work(ctx, work) })
	}
	group.Go(func() error { return belt.take(ctx, take) })
	group.Go(func() error { return belt.feed(ctx, cut, piece) })
	if err := group.Wait(); !atEnd(err) {
		return err
	}
	return nil
}

// progress tells how much was taken from the reader below it.
type progress struct {
	io.Reader
	read int64
	tell func(int64)
}

func (p *progress) Read(to []byte) (int, error) {
	n, err := p.Reader.Read(to)
	if p.read += int64(n); n > 0 {
		p.tell(p.read)
	}
	return n, err
}

// feed puts chunk after chunk on the belt, piece first.
func (b *conveyor[T]) feed(ctx context.Context, cut *cutter, piece chunk) error {
	defer close(b.waiting)
	defer close(b.ordered)
	for {
		j := job[T]{piece: piece, done: make(chan T, 1)}
		for _, queue := range []chan job[T]{b.ordered, b.waiting} {
			select {
			case queue <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var room []byte
		select {
		case room = <-b.rooms:
		default: // the cutter makes one
		}
		var err error
		if piece, err = cut.next(room); atEnd(err) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (b *conveyor[T]) work(ctx context.Context, work func(context.Context, chunk) (T, error)) error {
	for j := range b.waiting {
		if err := ctx.Err(); err != nil {
			return err
		}
		result, err := work(ctx, j.piece)
		if err != nil {
			return err
		}
		select {
		case b.rooms <- j.piece.room:
		default: // enough rooms are kept
		}
		j.done <- result
	}
	return nil
}

func (b *conveyor[T]) take(ctx context.Context, take func(T) error) error {
	for j := range b.ordered {
		select {
		case result := <-j.done:
			if err := take(result); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// atEnd tells the plain end of the text from a fault that an end caused.
func atEnd(err error) bool {
	var f *fault.Fault
	return errors.Is(err, io.EOF) && !errors.As(err, &f)
}
