package trust

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls work(0) … work(n−1), each once, on up to workers goroutines
// (0 = one per core), and waits for all. Which goroutine does what is not
// fixed: work must write only to places of its own number.
func inParallel(workers, n int, work func(i int)) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			work(i)
		}
		return
	}
	var next atomic.Int64
	take := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			work(i)
		}
	}
	var done sync.WaitGroup
	for range workers - 1 {
		done.Go(take)
	}
	take()
	done.Wait()
}
