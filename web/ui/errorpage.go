package ui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

// errorPage is the data of the page that shows an error.
type errorPage struct {
	Meant []Entry // pages that a wrong address may have meant
	Again bool    // the page's script asks again
	Sent  bool    // a form was sent by who is not signed in any more, or not in that session
	Back  string  // path of the page that had the form; "" = not known

	Words     errorWords
	Fault     *fault.Fault
	Status    int
	RequestID string
}

// errorWords say what happened and what to do.
type errorWords struct{ Title, Advice string }

func wordsFor(code fault.Code) errorWords {
	switch code {
	case fault.NotFound:
		return errorWords{"There is nothing here", "The address may be mistyped, or what was here has moved. The pages below are good places to begin again."}
	case fault.Unauthenticated:
		return errorWords{"Please sign in first", "This page is for people who signed in with their wallet. Signing in costs nothing and shares only your address."}
	case fault.Forbidden:
		return errorWords{"This is not open to you", "You may need another role, or the form was made for another session: load the page again and retry."}
	case fault.Invalid, fault.Unsupported:
		return errorWords{"This could not be understood", "Something in the address or the form was not as expected. Go back, correct it, and send it again."}
	case fault.Misdirected:
		return errorWords{"This site has another name", "What you asked for is not served under the name in your browser's address bar. Open this site by its own address."}
	case fault.Conflict:
		return errorWords{"This was changed in the meantime", "Somebody or something changed it after you loaded the page. Load it again, look at the present state, then decide."}
	case fault.TooLarge:
		return errorWords{"This is too large", "Send less at once, or ask an operator to raise the limit."}
	case fault.RateLimited:
		return errorWords{"Too many requests", "Many requests came from your address in a short time. Wait a moment, then go on."}
	case fault.Unavailable, fault.OtherData:
		return errorWords{"A part of Banyan is not answering", "Nothing of yours is lost. The other pages work; try this one again in a minute."}
	case fault.Busy:
		return errorWords{"Many are asking for this just now", "Nothing is broken, and nothing of yours was kept or lost. Try again in a moment."}
	case fault.DeadlineExceeded:
		return errorWords{"That took too long", "The answer did not come in time. Try again; if it stays like this, send an operator the request's id."}
	case fault.Canceled:
		return errorWords{"The request was cancelled", "The connection ended before the answer was ready. Load the page again."}
	}
	return errorWords{"Something went wrong on our side", "This is our mistake, not yours. Try again; if it happens again, send an operator the request's id below."}
}

// fail answers with an error: a problem document for a page's script, a page
// for a person.
func (s *Site) fail(rw http.ResponseWriter, r *http.Request, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		err = fault.Wrap(err, fault.TooLarge, "this is more than can be sent at once: shorten it and send it again")
	}
	requestctx.NoteError(r.Context(), err)
	f := fault.From(err)
	if WantsJSON(r) {
		fault.WriteProblem(rw, inWords(r, f), requestctx.ID(r.Context()))
		return
	}
	if f.RetryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())+1))
	}
	s.Page(rw, r, fault.Status(f.Code), err)
}

// Page shows an error to a person in plain words, with the request's id. It is
// also the page renderer of the HTTP server.
func (s *Site) Page(rw http.ResponseWriter, r *http.Request, status int, err error) {
	if to := s.spelled(r, status); to != "" {
		s.GoTo(rw, r, to)
		return
	}
	f, id := fault.From(err), requestctx.ID(r.Context())
	words := wordsFor(f.Code)
	late, again := isLate(r.Context(), err)
	if late {
		words = errorWords{"This takes longer than usual", "The part of Banyan that has this page is slow just now. Nothing is lost, and nothing of yours was changed."}
	}
	p := Page{Title: words.Title, Data: errorPage{Again: again, Words: words, Fault: f, Status: status, RequestID: id}}
	if r.Method == http.MethodPost && (f.Code == fault.Unauthenticated || f.Code == fault.Forbidden) {
		p.Data = errorPage{Sent: true, Back: s.cameFrom(r), Words: words, Fault: f, Status: status, RequestID: id}
	}
	if status == http.StatusNotFound && s.suggest != nil && r.Method == http.MethodGet {
		p.Data = errorPage{Meant: s.suggest(r), Words: words, Fault: f, Status: status, RequestID: id}
	}
	if err := s.Show(rw, r, status, "error/page", p); err != nil {
		// The template of errors itself is broken: plain text is left.
		requestctx.NoteError(r.Context(), err)
		http.Error(rw, words.Title+". "+f.Message+" (request "+id+")", status)
	}
}

// cameFrom returns the path of the page of ours from which a form was sent, "" when
// the browser does not say.
func (s *Site) cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host == "" || !httpserver.IsNamed(r, from.Host) {
		return ""
	}
	path, below := strings.CutPrefix(from.RequestURI(), s.base)
	if !below || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return ""
	}
	return path
}

// spelled returns the usual spelling of a page of the menu, or below one, whose
// address has a slash at its end or capital letters; "" when it has none.
func (s *Site) spelled(r *http.Request, status int) string {
	if status != http.StatusNotFound || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
	}
	asked := s.Plain(r)
	usual := strings.TrimRight(strings.ToLower(asked), "/")
	if usual == asked || usual == "" || strings.Contains(usual, "//") {
		return ""
	}
	for _, e := range s.menu {
		if usual == e.Path || strings.HasPrefix(usual, e.Path+"/") {
			return usual
		}
	}
	return ""
}

// StatusOf is a page's status when its main part failed but the page is shown.
func StatusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return fault.Status(fault.CodeOf(err))
}

// WrongField returns the sentence for people from an invalid fault.
func WrongField(err error) string {
	f := fault.From(err)
	if len(f.Fields) == 0 {
		return f.Message
	}
	texts := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		texts[i] = field.String()
	}
	return strings.Join(texts, "; ")
}

// Missing says which part of a page is not there, and why.
type Missing struct {
	Part  string // "Reputation"
	What  string // what cannot be seen: "scores and ranks"
	Fault *fault.Fault
	Late  bool // it was not there in the page's time
	Again bool // the page's script asks for it again
}

// Part notes that a part of a page failed while the rest can be shown; nil
// when it did not fail. The log has every such error.
func Part(ctx context.Context, err error, name, what string) *Missing {
	if err == nil {
		return nil
	}
	requestctx.NoteError(ctx, err)
	late, again := isLate(ctx, err)
	return &Missing{name, what, fault.From(err), late, again}
}

// Together runs the questions of one page at the same time and waits for all:
// with remote modules a page takes as long as the slowest, not their sum.
func Together(questions ...func()) {
	var all sync.WaitGroup
	for _, ask := range questions {
		all.Go(ask)
	}
	all.Wait()
}
