package seam

import (
	"errors"
)

// Idempotent says of a write that its module keeps the answer under the
// idempotency key, in the transaction of the effect (platform/idempotency). Such a
// write is sent once more, with the same key, when its answer was lost.
func Idempotent() Option {
	return func(d *description) error {
		if d.kind != KindWrite {
			return errors.New("only a write can be declared idempotent: a read always is")
		}
		d.idempotent = true
		return nil
	}
}

// Expensive says of an operation that it is much work for a short request: a
// client has few of them at a time, and each counts as many requests
// (httpserver.EnterExpensive).
func Expensive() Option {
	return func(d *description) error {
		d.expensive = true
		return nil
	}
}

// Ignore leaves a field of the answer, and all below it, out of comparisons: a
// time of computing, for instance. The path is that of the JSON without the
// places in lists (standings.score); * stands for every key of a map.
func Ignore(path string) Option {
	return func(d *description) error {
		if err := d.compared(); err != nil {
			return err
		}
		return d.rules.Ignore(d.answer, path)
	}
}

// compared fails for an operation whose answers are not compared.
func (d *description) compared() error {
	if !d.repeatable {
		return errors.New("only answers of reads without streams are compared")
	}
	return nil
}
