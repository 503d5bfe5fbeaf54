package progress_test

import (
	"testing"

	"banyan/platform/progress"
)

// Of works on one thing the one that began last is told, until it ends; the end of
// another does not end it.
func TestTheWorkThatBeganLastIsTold(t *testing.T) {
	var table progress.Table
	is := func(key string, want progress.Work) {
		t.Helper()
		if got := table.Of(key); got != want {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
	is("a", progress.Work{})
	first, endFirst := table.Begin("a")
	first(progress.Reading, 5, 0)
	is("a", progress.Work{Stage: progress.Reading, Done: 5})
	is("b", progress.Work{})
	second, endSecond := table.Begin("a")
	is("a", progress.Work{})
	second(progress.Storing, 1, 9)
	first(progress.Storing, 7, 9)
	is("a", progress.Work{Stage: progress.Storing, Done: 1, Total: 9})
	endFirst()
	is("a", progress.Work{Stage: progress.Storing, Done: 1, Total: 9})
	endSecond()
	is("a", progress.Work{})
	second(progress.Storing, 2, 9) // late
	is("a", progress.Work{})
}
