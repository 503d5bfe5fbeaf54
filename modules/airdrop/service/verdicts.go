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
	// sendSize is how much of the answer is sent at a time, in bytes: the write
	// deadline of a slow reader starts again with each.
	sendSize = 64 << 10
	// bytesPerVerdict is the length of most lines of the answer, and a little
	// more, for each byte of their findings.
	bytesPerVerdict = 5
)

// verdicts are the pieces of an answer: several goroutines format them, one
// sends them in order. At most two pieces for each formatting goroutine are in
// memory.
type verdicts struct {
	tree     *served
	findings []findings
	texts    []chan []byte // one for each piece
	slots    chan struct{} // taken for a piece before it is formatted, until it is sent
	buffers  chan []byte   // buffers of pieces that are sent
	next     atomic.Int64  // the next piece to format
}

// writeVerdicts writes a line of JSON for each finding.
func (t *served) writeVerdicts(ctx context.Context, w io.Writer, all []findings) error {
	workers := min(runtime.GOMAXPROCS(0), checkWorkers, len(all))
	v := verdicts{
		tree: t, findings: all, texts: make([]chan []byte, len(all)),
		slots: make(chan struct{}, 2*workers), buffers: make(chan []byte, 2*workers),
	}
	for i := range v.texts {
		v.texts[i] = make(chan []byte, 1)
	}
	working, stop := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			if err := v.format(working); err != nil {
				stop(err)
			}
		})
	}
	err := v.send(working, w)
	stop(err)
	group.Wait() // they read the tree, which the caller leaves after this
	return err
}

// format formats pieces until there are no more or ctx ends.
func (v *verdicts) format(ctx context.Context) error {
	for {
		select {
		case v.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		i := int(v.next.Add(1)) - 1
		if i >= len(v.findings) {
			return nil
		}
		var room []byte
		select {
		case room = <-v.buffers:
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
			return endError(ctx)
		}
		for rest := text; len(rest) > 0; {
			if ctx.Err() != nil {
				return endError(ctx)
			}
			n := min(sendSize, len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		v.buffers <- text[:0] // has room for the buffers of all pieces in memory
		<-v.slots
	}
	return nil
}

// endError returns why ctx ended: a piece could not be formatted, or the caller
// has gone.
func endError(ctx context.Context) error {
	if cause := context.Cause(ctx); !isCancellation(cause) {
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
