package table

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"banyan/platform/fault"
)

// pipeline moves chunks from one reader through several workers to one taker.
// Its queues are bounded, so at most a few chunks for each worker are in
// memory: a slow taker holds up the reader.
type pipeline[T any] struct {
	options Options
	work    func(context.Context, *Part) (T, error)
	take    func(T) error
	report  *Report
	waiting chan job[T] // for a worker
	ordered chan job[T] // for the taker, in the order of the text
	buffers chan []byte // memory of chunks that are done with
}

// job is a part on its way, and where its result will be.
type job[T any] struct {
	part *Part
	done chan T
}

func newPipeline[T any](options Options, work func(context.Context, *Part) (T, error), take func(T) error, report *Report) *pipeline[T] {
	return &pipeline[T]{
		options: options, work: work, take: take, report: report,
		waiting: make(chan job[T], options.Workers),
		ordered: make(chan job[T], 2*options.Workers),
		buffers: make(chan []byte, 2*options.Workers),
	}
}

// run moves the whole text, of which first is the first part. stopped says that
// take ended it before.
func (p *pipeline[T]) run(ctx context.Context, chunks *chunker, first *Part) (stopped bool, err error) {
	group, ctx := errgroup.WithContext(ctx)
	for range p.options.Workers {
		group.Go(func() error { return p.parse(ctx) })
	}
	group.Go(func() error { return p.collect(ctx) })
	group.Go(func() error { return p.feed(ctx, chunks, first) })
	if err = group.Wait(); errors.Is(err, io.EOF) && !isFault(err) {
		return true, nil
	}
	return false, err
}

// feed puts part after part on the way, the given one first.
func (p *pipeline[T]) feed(ctx context.Context, chunks *chunker, part *Part) error {
	defer close(p.waiting)
	defer close(p.ordered)
	for {
		j := job[T]{part: part, done: make(chan T, 1)}
		for _, queue := range []chan job[T]{p.ordered, p.waiting} {
			select {
			case queue <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var buffer []byte
		select {
		case buffer = <-p.buffers:
		default: // the chunker makes one
		}
		piece, err := chunks.next(buffer)
		if errors.Is(err, io.EOF) && !isFault(err) {
			return nil
		}
		if err != nil {
			return err
		}
		part = &Part{chunk: piece, layout: part.layout, whole: piece.text}
	}
}

func (p *pipeline[T]) parse(ctx context.Context) error {
	for j := range p.waiting {
		if err := ctx.Err(); err != nil {
			return err
		}
		j.part.prepare()
		result, err := p.work(ctx, j.part)
		if err != nil {
			return err
		}
		j.done <- result
	}
	return nil
}

// collect takes the results in order, and counts.
func (p *pipeline[T]) collect(ctx context.Context) error {
	for j := range p.ordered {
		select {
		case result := <-j.done:
			if err := p.deliver(j.part, result); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *pipeline[T]) deliver(part *Part, result T) error {
	if err := p.checkRows(part); err != nil { // take gets no row over the limit
		return err
	}
	if err := p.take(result); err != nil {
		return err
	}
	if err := p.checkRows(part); err != nil { // take may have read the part itself
		return err
	}
	p.report.Rows += part.rows
	p.report.Comments += part.comments
	for _, name := range part.unused {
		if l := p.report.Layout; !slices.Contains(l.Unused, name) && len(l.Unused) < MaxColumns {
			l.Unused = append(l.Unused, name)
		}
	}
	select {
	case p.buffers <- part.whole[:0]:
	default: // enough buffers are kept
	}
	return nil
}

func (p *pipeline[T]) checkRows(part *Part) error {
	if most := p.options.MaxRows; most > 0 && p.report.Rows+part.rows > most {
		return fault.Newf(fault.TooLarge, "the list has more than %d rows: split it, or raise the limit", most)
	}
	return nil
}
