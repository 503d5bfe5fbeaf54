package ui

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// SecondFactorPath is the page of a person's own second factor.
const SecondFactorPath = "/second-factor"

// Outcome is what came of an operator's action, shown on the page it was
// started from.
type Outcome struct {
	Done  string       // a sentence; "" when it failed
	Fault *fault.Fault // with the lines that were wrong
}

// ShowOutcome shows the page from which an action was started, with its outcome.
type ShowOutcome func(rw http.ResponseWriter, r *http.Request, status int, done *Outcome) error

// Alarm is something that needs an operator, shown on each of their pages.
type Alarm struct {
	Text        string // a sentence
	Path, Label string // where to do something about it
	AtMS        int64  // since when; 0: not known
}

// OnlyOperators fails with fault.Forbidden for everybody else, and with
// fault.Unauthenticated for who has not signed in.
func OnlyOperators(r *http.Request) error {
	if identity.From(r.Context()).Role >= identity.Operator {
		return nil
	}
	if identity.From(r.Context()).IsAnonymous() {
		return fault.New(fault.Unauthenticated, "this page is for operators: sign in as one")
	}
	if ViewerOf(r).Withheld >= identity.Operator {
		return fault.New(fault.Forbidden, "this needs your second factor: give it at "+SecondFactorPath)
	}
	return fault.New(fault.Forbidden, "this page is for operators: ask one of them to make your wallet one (`banyan role set WALLET operator`); if there is none yet, `banyan setup link` prints the link that makes the first")
}

// ForOperators serves a page of operators: who has not signed in is led to the
// sign-in and back, who has not given the second factor to its page, and others are
// refused.
func (s *Site) ForOperators(page Handler) http.HandlerFunc { return s.Handle(s.OfOperators(page)) }

// OfOperators is ForOperators for Handle.
func (s *Site) OfOperators(page Handler) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		switch who := ViewerOf(r); {
		case !who.SignedIn:
			s.GoTo(rw, r, "/sign-in?next=", r.URL.Path)
			return nil
		case who.Withheld >= identity.Operator:
			s.GoTo(rw, r, SecondFactorPath, "?next=", r.URL.Path)
			return nil
		}
		if err := OnlyOperators(r); err != nil {
			return err
		}
		return page(rw, r)
	}
}

// Operate runs an operator's action. When it is done, the answer redirects to the
// page at this path, which says what was done; {name} in it is a part of the form's
// own path. An empty sentence without an error means that the action has answered
// already. A refusal is shown at once, on the page with what was typed.
func (s *Site) Operate(path string, action func(http.ResponseWriter, *http.Request) (done string, err error), show ShowOutcome) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := OnlyOperators(r); err != nil {
			return err
		}
		done, err := action(rw, r)
		return s.answer(rw, r, path, done, err, show)
	}
}

func (s *Site) answer(rw http.ResponseWriter, r *http.Request, path, done string, err error, show ShowOutcome) error {
	if err != nil {
		f := fault.From(err)
		if f.Code == fault.Internal || WantsJSON(r) {
			return err // its page has the request's id; a page's script shows what is wrong itself
		}
		return show(rw, r, StatusOf(err), &Outcome{Fault: f})
	}
	if done == "" {
		return nil
	}
	if !ViewerOf(r).SignedIn { // a program with a token: it has no next page
		return show(rw, r, http.StatusOK, &Outcome{Done: done})
	}
	s.Tell(rw, r, done)
	if WantsJSON(r) {
		return WriteJSON(rw, next{s.At(filled(r, path))})
	}
	s.GoTo(rw, r, filled(r, path))
	return nil
}

// next is where a page's script goes when what it sent was taken.
type next struct {
	Location string `json:"location"`
}

// filled puts the parts of the request's path into another.
func filled(r *http.Request, path string) string {
	for {
		from := strings.IndexByte(path, '{')
		if from < 0 {
			return path
		}
		to := from + strings.IndexByte(path[from:], '}')
		path = path[:from] + url.PathEscape(chi.URLParam(r, path[from+1:to])) + path[to+1:]
	}
}
