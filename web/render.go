package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/requestctx"
	"banyan/platform/wallet"
)

// page is what a handler gives to be shown.
type page struct {
	Title       string
	Description string // for search engines and previews
	Nav         string // the entry of the menu it belongs to
	Data        any    // of the template of the same name
}

// viewer is who looks at a page.
type viewer struct {
	SignedIn bool
	Wallet   wallet.Address
	Operator bool
	Session  string // id
	CSRF     string
}

// view is what every template sees.
type view struct {
	page
	Viewer    viewer
	Nonce     string // every script element carries it
	Home      bool
	Path      string // with the query
	Canonical string
	Demo      bool
}

func viewerOf(r *http.Request) viewer {
	session, ok := signin.SessionFrom(r.Context())
	if !ok {
		return viewer{}
	}
	return viewer{
		SignedIn: true, Wallet: session.Wallet, Operator: session.Role >= identity.Operator,
		Session: session.ID, CSRF: signin.CSRFToken(session),
	}
}

func (w *Web) loadTemplates() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(w.functions()).ParseFS(embedded, "templates/layout.html", "templates/parts.html", "templates/drawings.html")
	if err != nil {
		return nil, fmt.Errorf("read the shared templates: %w", err)
	}
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list the templates: %w", err)
	}
	all := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		t, err := shared.Clone()
		if err == nil {
			t, err = t.ParseFS(embedded, file)
		}
		if err != nil {
			return nil, fmt.Errorf("read the template %s: %w", name, err)
		}
		all[name] = t
	}
	return all, nil
}

// show renders a whole page.
func (w *Web) show(rw http.ResponseWriter, r *http.Request, status int, name string, p page) error {
	return w.render(rw, r, status, name, "layout", p)
}

// fragment renders a named part of a page, for htmx.
func (w *Web) fragment(rw http.ResponseWriter, r *http.Request, name, part string, p page) error {
	return w.render(rw, r, http.StatusOK, name, part, p)
}

// render runs the template into memory first, so that a defect gives a whole
// error page and not half of another.
//
// Pages have no ETag: each carries a nonce that only its own
// Content-Security-Policy admits, and a 304 would join an old body to a new
// policy. What is personal is not stored at all.
func (w *Web) render(rw http.ResponseWriter, r *http.Request, status int, name, entry string, p page) error {
	v := view{
		page: p, Viewer: viewerOf(r), Nonce: httpserver.Nonce(r.Context()), Home: w.plain(r) == "/", Path: r.URL.RequestURI(),
		Canonical: w.canonical(r), Demo: w.o.Demo != nil,
	}
	var out bytes.Buffer
	if err := w.templates[name].ExecuteTemplate(&out, entry, v); err != nil {
		return fault.Wrap(fmt.Errorf("render %s: %w", name, err), fault.Internal,
			"this page could not be drawn: the log has the reason under this request's id")
	}
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	h.Add("Vary", "Cookie, HX-Request")
	h.Set("Cache-Control", "no-cache, private")
	if v.Viewer.SignedIn || status != http.StatusOK {
		h.Set("Cache-Control", "no-store")
	}
	rw.WriteHeader(status)
	_, _ = out.WriteTo(rw) // the browser may be gone; there is nobody left to tell
	return nil
}

// wantsFragment tells whether htmx asks for this part of the page only. When it
// restores its history it needs the whole page.
func wantsFragment(r *http.Request, target string) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Target") == target &&
		r.Header.Get("HX-History-Restore-Request") != "true"
}

// wantsJSON tells scripts of a page from people.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// fail answers with an error: a problem document for a page's script, a page
// for a person.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		err = fault.Wrap(err, fault.TooLarge, "this is more than can be sent at once: shorten it and send it again")
	}
	requestctx.NoteError(r.Context(), err)
	f := fault.From(err)
	if wantsJSON(r) {
		fault.WriteProblem(rw, f, requestctx.ID(r.Context()))
		return
	}
	if f.RetryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())+1))
	}
	w.Page(rw, r, fault.Status(f.Code), err)
}

// Page shows an error to a person in plain words, with the request's id. It is
// also the page renderer of the HTTP server.
func (w *Web) Page(rw http.ResponseWriter, r *http.Request, status int, err error) {
	f, id := fault.From(err), requestctx.ID(r.Context())
	words := troubleWords(f.Code)
	p := page{Title: words.Title, Data: trouble{Words: words, Fault: f, Status: status, RequestID: id}}
	if err := w.show(rw, r, status, "error", p); err != nil {
		// The template of errors itself is broken: plain text is left.
		requestctx.NoteError(r.Context(), err)
		http.Error(rw, words.Title+". "+f.Message+" (request "+id+")", status)
	}
}
