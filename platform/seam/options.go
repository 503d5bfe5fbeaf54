package seam

import (
	"errors"
	"net/http"
	"reflect"
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

// AnyOrigin says of a public read that pages of any site may read its answers, and
// not only those of http.cors_origins (httpserver.Sharing).
func AnyOrigin() Option {
	return func(d *description) error {
		if !d.isShared() {
			return errors.New("only a public GET is read by pages of other sites")
		}
		d.anyOrigin = true
		return nil
	}
}

// isShared reports whether pages of other sites may read an operation's answers.
func (d *description) isShared() bool {
	return d.access == Public && d.kind == KindRead && d.method == http.MethodGet
}

// Shared returns the patterns of the routes whose answers pages of other sites may
// read, and whether those of any site may.
func (c *Contract) Shared() map[string]bool {
	shared := make(map[string]bool)
	for _, d := range c.operations {
		if d.isShared() {
			shared[basePath(c.Module)+d.path] = d.anyOrigin
		}
	}
	return shared
}

// Cached says of a public read that the answers of which permanent is true never
// change: clients and proxies keep them without asking. Of others they ask by the ETag
// whether one has changed.
func Cached[A any](permanent func(*A) bool) Option {
	return func(d *description) error {
		if !d.isShared() || d.streams || d.answer != reflect.TypeFor[A]() {
			return errors.New("only answers of a public GET, of the operation's type, are kept by clients")
		}
		d.permanent = func(answer any) bool { a, ok := answer.(*A); return ok && permanent(a) }
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
