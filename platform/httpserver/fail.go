package httpserver

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
)

// Fail answers with an error: a problem document below /api and for clients
// that ask for JSON, Options.Page for everybody else. The cause goes into this
// request's log line, never into the answer.
func (s *Server) Fail(w http.ResponseWriter, r *http.Request, err error) {
	requestctx.NoteError(r.Context(), err)
	if s.options.Page == nil || wantsProblem(r) {
		fault.WriteProblem(w, err, requestctx.ID(r.Context()))
		return
	}
	f := fault.From(err)
	if seconds := retryAfter(f); seconds != "" {
		w.Header().Set("Retry-After", seconds)
	}
	w.Header().Set("Cache-Control", "no-store")
	s.options.Page(w, r, fault.Status(f.Code), err)
}

func retryAfter(f *fault.Fault) string {
	if f.RetryAfter <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((f.RetryAfter+999_999_999)/1_000_000_000), 10)
}

// wantsProblem reports whether the client is a program and not a person's browser.
func wantsProblem(r *http.Request) bool {
	if isAPI(r) {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	if s.redirectToNormal(w, r) {
		return
	}
	message := "there is nothing at this address: check it, or start at " + s.base + s.options.PagePrefix + "/"
	if isAPI(r) {
		message = "the API has nothing at this address: see " + s.base + s.options.PagePrefix + "/docs for its operations"
	}
	s.Fail(w, r, fault.New(fault.NotFound, message))
}

// routable are the methods that routes are made for.
var routable = [...]string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// methodNotAllowed answers OPTIONS with the methods of the path, and every other
// method with a 405 that lists them.
func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, method := range routable {
		match := method
		if method == http.MethodHead {
			match = http.MethodGet // see headAsGet
		}
		if routes.Match(chi.NewRouteContext(), match, routePath(r)) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 { // an unknown method on an unknown path
		s.notFound(w, r)
		return
	}
	allow := strings.Join(append(allowed, http.MethodOptions), ", ")
	w.Header().Set("Allow", allow)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	err := fault.Newf(fault.Invalid, "this address does not support this method: use %s", allow)
	requestctx.NoteError(r.Context(), err)
	if s.options.Page != nil && !wantsProblem(r) {
		s.options.Page(w, r, http.StatusMethodNotAllowed, err)
		return
	}
	// No fault has the status 405: it is about HTTP, and modules are independent of it.
	problem := fault.ToProblem(err, requestctx.ID(r.Context()))
	problem.Status, problem.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	body, _ := json.Marshal(problem) // strings and ints only: cannot fail
	w.Header().Set("Content-Type", fault.MediaType)
	w.WriteHeader(http.StatusMethodNotAllowed)
	_, _ = w.Write(body) // the client may have disconnected
}

func (s *Server) denyOrigin(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, fault.New(fault.Forbidden,
		"this request was sent by a page of another site, which may not change anything here: open this site itself and try again"))
}
