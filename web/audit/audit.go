// Package audit compares the log of a load with what the modules have, through their
// contracts. It shares no code with what made the load (package workload) or with what
// stored it: what a write must have left is said here a second time.
package audit

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/periodic"
	"banyan/platform/seam"
)

// Part makes the check of one module, over a route to it; nil = there is none.
type Part func(*seam.Route) load.Check

// name is what the writes of an entry are called together: those of one wallet about
// one thing.
type name struct{ wallet, about string }

// group puts the writes of an operation together by wallet and what they are about, in
// the order of the first of each.
func group(writes []load.Entry) (names []name, of map[name][]load.Entry) {
	of = make(map[name][]load.Entry)
	for _, e := range writes {
		n := name{e.Wallet, e.About}
		if of[n] == nil {
			names = append(names, n)
		}
		of[n] = append(of[n], e)
	}
	return names, of
}

// times reads ", 2 times".
func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", %d times", n)
}

// Questions that a busy server refused are asked again, as often.
const (
	tries = 30
	pause = 2 * time.Second
)

// ask does what is read again when the server has no capacity for it: an audit may ask
// for thousands of wallets.
func ask(ctx context.Context, read func() error) (err error) {
	for range tries {
		switch err = read(); fault.CodeOf(err) {
		case fault.RateLimited, fault.Busy, fault.Unavailable, fault.DeadlineExceeded:
		default:
			return err
		}
		if slept := periodic.Sleep(ctx, pause); slept != nil {
			return slept
		}
	}
	return err
}

// eachPage reads a list to its end. read returns the cursor of the next page, "" at
// the end.
func eachPage(ctx context.Context, read func(cursor string) (next string, err error)) error {
	for cursor := ""; ; {
		var next string
		err := ask(ctx, func() (err error) {
			next, err = read(cursor)
			return err
		})
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
}
