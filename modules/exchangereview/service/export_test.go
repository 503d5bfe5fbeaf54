package service

import (
	"runtime"

	"banyan/modules/exchangereview"
)

// WaitForQuestions waits until n callers wait for reputation to be asked.
func WaitForQuestions(s exchangereview.Service, n int) {
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
