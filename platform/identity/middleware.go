package identity

import (
	"context"
	"net/http"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
)

// RequestID returns the id of a request for problem documents and logs.
type RequestID func(context.Context) string

// Bearer returns the token of an Authorization header; false without one.
func Bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// BearerOnly is middleware that puts the caller of a bearer token into the context,
// for a process without sessions: a module that runs alone. The audience is the
// module's name. An invalid token is a 401, none is the anonymous caller.
func BearerOnly(v *Verifier, audience string, id RequestID) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := Bearer(r)
			if !ok {
				next.ServeHTTP(w, r)
				return
			}
			check, err := v.VerifyFor(r.Context(), token, audience, audience)
			ServeAs(w, r, next, check, err, id)
		})
	}
}

// ServeAs calls next with this caller, or answers why the token was refused.
func ServeAs(w http.ResponseWriter, r *http.Request, next http.Handler, check Verified, err error, id RequestID) {
	if err == nil {
		next.ServeHTTP(w, r.WithContext(WithProcess(r.Context(), check.Caller, check.Process)))
		return
	}
	if fault.Is(err, fault.Unauthenticated) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750, 3
	}
	WriteProblem(w, r, err, id)
}

// PathAudience returns the module that a path of the API belongs to, "" for none.
func PathAudience(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return PublicAudience
	}
	module, _, _ := strings.Cut(rest, "/")
	return module
}

// WriteProblem answers with err as a problem document.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error, id RequestID) {
	requestctx.NoteError(r.Context(), err) // its line in the log has the cause
	name := ""
	if id != nil {
		name = id(r.Context())
	}
	fault.WriteProblem(w, err, name)
}
