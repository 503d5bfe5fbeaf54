package service

import (
	"runtime"

	"banyan/modules/exchangereview"
)

// WaitForRequests waits until n callers wait for the next call of reputation.
func WaitForRequests(s exchangereview.Service, n int) {
	w := s.(*service).weigher
	for {
		w.mu.Lock()
		waiting := len(w.waiting)
		w.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}
