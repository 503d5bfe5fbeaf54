package ui

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"banyan/platform/httpserver"
	"banyan/web/language"
)

// A page takes some milliseconds to ask for and to render, and what thousands ask for at
// once is the same for all who are not signed in. So a page that is asked for more often
// than hotAfter times in hotFor is kept for the rest of that time. Others are made for
// each visitor, as always: on a quiet site, and for who is signed in, nothing is old.
const (
	hotFor      = time.Second
	hotAfter    = 4
	hotMost     = 16 << 20 // bytes of all pages that are kept
	hotVisits   = 8192     // pages that are counted
	longestName = 2 << 10  // of what tells one page from another
)

// hotPages are the pages of one stretch of hotFor.
type hotPages struct {
	now func() time.Time // nil = time.Now

	mu     sync.Mutex
	begun  time.Time
	visits map[string]*hotPage
	bytes  int
}

// hotPage is a page that may be kept.
type hotPage struct {
	visits int
	made   chan struct{} // nil = nobody makes it to be kept; closed = that has ended
	header http.Header
	// parts are what stands between the nonces: each answer has a nonce of its own.
	parts [][]byte // nil = it is not kept
}

// Hot serves a page that is the same for all who are not signed in: see hotPages. An
// answer that sets a cookie, or is no page, is made for each visitor.
func (s *Site) Hot(h Handler) http.HandlerFunc {
	plain := s.Handle(h)
	return func(rw http.ResponseWriter, r *http.Request) {
		name := nameOfHot(r)
		if ViewerOf(r).SignedIn || httpserver.Nonce(r.Context()) == "" || len(name) > longestName {
			plain(rw, r)
			return
		}
		page, toMake := s.hot.visit(name)
		if toMake {
			s.hot.make(page, plain, rw, r).send()
			return
		}
		if page != nil {
			select {
			case <-page.made:
			case <-r.Context().Done():
			}
		}
		if page == nil || r.Context().Err() != nil || page.parts == nil {
			plain(rw, r)
			return
		}
		page.write(rw, r)
	}
}

// nameOfHot is all of a request that the page may depend on.
func nameOfHot(r *http.Request) string {
	h := r.Header
	return strings.Join([]string{
		r.Host, r.URL.RequestURI(), strings.Join(h["Cookie"], ";"), string(language.Of(r)), h.Get("Accept"),
		h.Get("HX-Request"), h.Get("HX-Target"), h.Get("HX-History-Restore-Request"), h.Get(waitHeader),
	}, "\n")
}

// visit counts a visit. It returns nil when the page is to be made for this visitor, or
// the page that is kept, or soon will be; or whether the caller is to make it.
func (p *hotPages) visit(name string) (page *hotPage, toMake bool) {
	now := time.Now()
	if p.now != nil {
		now = p.now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visits == nil || now.Sub(p.begun) >= hotFor {
		p.begun, p.visits, p.bytes = now, make(map[string]*hotPage), 0
	}
	page = p.visits[name]
	if page == nil {
		if len(p.visits) == hotVisits {
			return nil, false
		}
		page = new(hotPage)
		p.visits[name] = page
	}
	page.visits++
	switch {
	case page.visits <= hotAfter:
		return nil, false
	case page.made == nil:
		page.made = make(chan struct{})
		return page, true
	}
	return page, false
}

// keep keeps what was made for a page, unless it is nil or there is no room.
func (p *hotPages) keep(page *hotPage, made *recorded) {
	defer close(page.made)
	if made == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes+made.body.Len() > hotMost {
		return
	}
	p.bytes += made.body.Len()
	page.header, page.parts = made.header, bytes.Split(made.body.Bytes(), []byte(made.nonce))
}

// write answers with the page as it is kept.
func (p *hotPage) write(rw http.ResponseWriter, r *http.Request) {
	nonce := httpserver.Nonce(r.Context())
	h := rw.Header()
	for name, values := range p.header {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	body := bytes.Join(p.parts, []byte(nonce))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(http.StatusOK)
	_, _ = rw.Write(body) // the browser may be gone, and nobody is left to report it to
}

// recorded is an answer that has not been sent.
type recorded struct {
	http.ResponseWriter          // its header becomes the client's
	before              []string // values of Vary before the page was made
	status              int
	nonce               string
	header              http.Header // what the page has set
	body                bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (w *recorded) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *recorded) Write(b []byte) (int, error) { return w.body.Write(b) }

// send sends the answer to the client that it was made for.
func (w *recorded) send() {
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	_, _ = w.ResponseWriter.Write(w.body.Bytes()) // the browser may be gone, and nobody is left to report it to
}

// make makes a page and keeps it, if others may have it, too. Nothing is sent before: a
// client that reads slowly would hold up all who wait for the page.
func (p *hotPages) make(page *hotPage, serve http.HandlerFunc, rw http.ResponseWriter, r *http.Request) *recorded {
	w := &recorded{ResponseWriter: rw, before: slices.Clone(rw.Header()["Vary"]), nonce: httpserver.Nonce(r.Context())}
	var kept *recorded
	defer func() { p.keep(page, kept) }() // also when it panics: others wait
	serve(w, r)
	h := rw.Header()
	if w.status != http.StatusOK || h.Get("Set-Cookie") != "" || h.Get("Cache-Control") != sharedPage || r.Context().Err() != nil {
		return w
	}
	w.header = http.Header{}
	for _, name := range []string{"Content-Type", "Cache-Control", "Content-Language"} {
		if v := h.Values(name); len(v) > 0 {
			w.header[name] = slices.Clone(v)
		}
	}
	for _, v := range h["Vary"] {
		if !slices.Contains(w.before, v) {
			w.header.Add("Vary", v)
		}
	}
	kept = w
	return w
}
