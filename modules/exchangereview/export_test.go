package exchangereview

import "runtime"

// WaitForQuestions waits until n callers wait for reputation to be asked.
func WaitForQuestions(s Service, n int) {
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
