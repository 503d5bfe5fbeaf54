// Package webtest has three modules in memory for tests of the pages,
// and a site that serves the pages over them, behind the real HTTP server and
// the real sign-in. It is imported by tests only.
package webtest

import (
	"sync"

	"banyan/platform/fault"
)

// Down makes every call of a module fail as if its process were gone.
type Down struct {
	mu  sync.Mutex
	err error
}

// Fail sets what every call answers from now on; nil ends it.
func (d *Down) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *Down) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Gone is what a module answers whose process does not run.
func Gone(module string) error {
	return fault.Newf(fault.Unavailable, "the module %s does not answer: try again in a moment", module)
}
