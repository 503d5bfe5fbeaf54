package ui

import (
	"net/http"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// Outcome is what came of an operator's action, shown on the page it was
// started from.
type Outcome struct {
	Done  string       // a sentence; "" when it failed
	Fault *fault.Fault // with the lines that were wrong
}

// ShowOutcome shows the page from which an action was started, with its outcome.
type ShowOutcome func(rw http.ResponseWriter, r *http.Request, status int, done *Outcome) error

// OnlyOperators fails with fault.Forbidden for everybody else, and with
// fault.Unauthenticated for who has not signed in.
func OnlyOperators(r *http.Request) error {
	if identity.From(r.Context()).Role >= identity.Operator {
		return nil
	}
	if identity.From(r.Context()).IsAnonymous() {
		return fault.New(fault.Unauthenticated, "this page is for operators: sign in as one")
	}
	return fault.New(fault.Forbidden, "this page is for operators: ask one of them to make your wallet one (`banyan role set WALLET operator`); if there is none yet, `banyan setup link` prints the link that makes the first")
}

// Operate runs an operator's action and shows what came of it: the action
// redirects when there is a page to see, and otherwise returns what it did. An
// empty sentence without an error means that the action has answered already.
func Operate(action func(http.ResponseWriter, *http.Request) (done string, err error), show ShowOutcome) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := OnlyOperators(r); err != nil {
			return err
		}
		done, err := action(rw, r)
		return answer(rw, r, done, err, show)
	}
}

func answer(rw http.ResponseWriter, r *http.Request, done string, err error, show ShowOutcome) error {
	if done == "" && err == nil {
		return nil
	}
	result, status := &Outcome{Done: done}, http.StatusOK
	if err != nil {
		result.Fault, status = fault.From(err), StatusOf(err)
		if result.Fault.Code == fault.Internal {
			return err // its page has the request's id
		}
	}
	return show(rw, r, status, result)
}
