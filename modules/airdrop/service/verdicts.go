package service

import (
	"context"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"banyan/platform/fault"
)

const (
	// sentAtOnce is how much of the answer is sent at a time, in bytes: a slow
	// reader gets its time anew for each.
	sentAtOnce = 64 << 10
	// bytesPerVerdict is the length of most lines of the answer, and a little
	// more, for each byte of their findings.
	bytesPerVerdict = 5
)

// verdicts are the pieces of an answer on their way: several goroutines write
// them out, one sends them in order. At most two for each of the former are
// in memory.
type verdicts struct {
	tree     *served
	findings []findings
	texts    []chan []byte // one for each piece
	places   chan struct{} // taken for a piece before it is written out, until it is sent
	rooms    chan []byte   // memory of pieces that are sent
	next     atomic.Int64  // the piece to write out
}

// writeVerdicts writes a line of JSON for each finding.
func (t *served) writeVerdicts(ctx context.Context, w io.Writer, all []findings) error {
	workers := min(runtime.GOMAXPROCS(0), checkWorkers, len(all))
	v := verdicts{
		tree: t, findings: all, texts: make([]chan []byte, len(all)),
		places: make(chan struct{}, 2*workers), rooms: make(chan []byte, 2*workers),
	}
	for i := range v.texts {
		v.texts[i] = make(chan []byte, 1)
	}
	working, stop := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			if err := v.writeOut(working); err != nil {
				stop(err)
			}
		})
	}
	err := v.send(working, w)
	stop(err)
	group.Wait() // the tree must not be left before
	return err
}

// writeOut writes piece after piece, until there are no more or ctx ends.
func (v *verdicts) writeOut(ctx context.Context) error {
	for {
		select {
		case v.places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		i := int(v.next.Add(1)) - 1
		if i >= len(v.findings) {
			return nil
		}
		var room []byte
		select {
		case room = <-v.rooms:
		default:
			room = make([]byte, 0, bytesPerVerdict*len(v.findings[i]))
		}
		text, err := v.tree.appendVerdicts(room, v.findings[i])
		if err != nil {
			return err
		}
		v.texts[i] <- text
	}
}

// send writes the pieces to w in their order.
func (v *verdicts) send(ctx context.Context, w io.Writer) error {
	for _, piece := range v.texts {
		var text []byte
		select {
		case text = <-piece:
		case <-ctx.Done():
			return over(ctx)
		}
		for rest := text; len(rest) > 0; {
			if ctx.Err() != nil {
				return over(ctx)
			}
			n := min(sentAtOnce, len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		v.rooms <- text[:0] // has room for all that are on their way
		<-v.places
	}
	return nil
}

// over says why ctx ended: a piece could not be written out, or the caller went.
func over(ctx context.Context) error {
	if cause := context.Cause(ctx); !gaveUp(cause) {
		return cause
	}
	return fault.From(ctx.Err())
}

// appendVerdicts writes a line for each finding of a piece.
func (t *served) appendVerdicts(to []byte, piece findings) ([]byte, error) {
	line := 0
	for len(piece) > 0 {
		var f finding
		f, piece = piece.next(line)
		line = f.line
		var err error
		if to, err = t.appendVerdict(to, f); err != nil {
			return nil, err
		}
	}
	return to, nil
}
