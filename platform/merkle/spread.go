package merkle

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// grain is the least work for a goroutine: about 30 µs of hashing.
const grain = 1024

// spread divides [0, n) into pieces and processes them with all workers.
func (b *builder) spread(ctx context.Context, n int, work func(low, high int) error) error {
	return spread(ctx, b.Workers, n, work)
}

func spread(ctx context.Context, workers, n int, work func(low, high int) error) error {
	return spreadBy(ctx, workers, n, grain, work)
}

// mostPiece bounds a piece, so that progress is reported and the end of ctx is
// noticed.
const mostPiece = 64 << 10

func spreadBy(ctx context.Context, workers, n, grain int, work func(low, high int) error) error {
	workers = max(min(workers, (n+grain-1)/grain), 1)
	// A few pieces for each worker, so that none waits long for the slowest.
	piece := max(grain, (min(n/(workers*4), mostPiece)+grain-1)/grain*grain)
	var next atomic.Int64
	pieces := func(ctx context.Context) error {
		for ctx.Err() == nil {
			low := int(next.Add(int64(piece))) - piece
			if low >= n {
				return nil
			}
			if err := work(low, min(low+piece, n)); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	if workers == 1 {
		return pieces(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error { return pieces(ctx) })
	}
	return group.Wait()
}
