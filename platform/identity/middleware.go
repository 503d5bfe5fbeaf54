package identity

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"banyan/platform/fault"
)

// Where a page's form, or its script, puts the token of CSRFToken.
const (
	CSRFField  = "csrf"
	CSRFHeader = "X-CSRF-Token"
)

// RequestID names a request in problem documents and logs.
type RequestID func(context.Context) string

type sessionKey struct{}

// SessionFrom gives the session of a request that came with its cookie. A
// request with a bearer token has a caller and no session.
func SessionFrom(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Bearer gives the token of an Authorization header; false without one.
func Bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// BearerOnly puts the caller of a bearer token into the context, for a process
// without sessions: a module that runs alone. The audience is the module's
// name. A bad token is a 401, none is the anonymous caller.
func BearerOnly(v *Verifier, audience string, id RequestID) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := Bearer(r)
			if !ok {
				next.ServeHTTP(w, r)
				return
			}
			caller, err := v.Verify(r.Context(), token, audience)
			serveCaller(w, r, next, caller, err, id)
		})
	}
}

// serveCaller goes on as this caller, or says why the token was not taken.
func serveCaller(w http.ResponseWriter, r *http.Request, next http.Handler, caller Caller, err error, id RequestID) {
	if err == nil {
		next.ServeHTTP(w, r.WithContext(With(r.Context(), caller)))
		return
	}
	if fault.Is(err, fault.Unauthenticated) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750, 3
	}
	problem(w, r, err, id)
}

// pathAudience is the module that a path of the API belongs to.
func pathAudience(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return PublicAudience
	}
	module, _, _ := strings.Cut(rest, "/")
	return module
}

func problem(w http.ResponseWriter, r *http.Request, err error, id RequestID) {
	name := ""
	if id != nil {
		name = id(r.Context())
	}
	fault.WriteProblem(w, err, name)
}

// Authenticate puts the caller into the context: of the bearer token if there
// is one, otherwise of the session cookie. A bad token is a 401, because a
// program must learn that it was not taken; a cookie that is over is cleared,
// and the person is anonymous.
//
// Tokens are made out to the public API, or to the module that the path
// belongs to: modules that run alone call those of the trunk here as well.
func (a *API) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := Bearer(r); ok {
			caller, err := a.o.Verifier.verify(r.Context(), token, PublicAudience, pathAudience(r.URL.Path))
			serveCaller(w, r, next, caller, err, a.o.RequestID)
			return
		}
		sessions := a.sessionsAt(r)
		secret := cookie(r, sessions.cookieName())
		if secret == "" {
			next.ServeHTTP(w, r)
			return
		}
		session, err := sessions.Lookup(r.Context(), secret)
		switch {
		case fault.Is(err, fault.Unauthenticated):
			sessions.clearSession(w)
		case err != nil:
			problem(w, r, err, a.o.RequestID)
			return
		default:
			ctx := With(r.Context(), session.Caller())
			r = r.WithContext(context.WithValue(ctx, sessionKey{}, session))
		}
		next.ServeHTTP(w, r)
	})
}

// CheckCSRF refuses a request that changes something with a session but
// without the session's token, in the field CSRFField of a form or in the
// header CSRFHeader. Requests without a session pass: they have no power that
// another site could borrow. Fails with fault.Forbidden.
//
// It stands behind net/http's CrossOriginProtection and the cookie's SameSite,
// for browsers and proxies that send neither Origin nor Sec-Fetch-Site. It
// reads the form, so the body's limit must be set before.
func CheckCSRF(r *http.Request) error {
	session, ok := SessionFrom(r.Context())
	if !ok || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return nil
	}
	given := r.Header.Get(CSRFHeader)
	if given == "" {
		given = r.PostFormValue(CSRFField)
	}
	if session.csrf == "" || subtle.ConstantTimeCompare([]byte(given), []byte(session.csrf)) != 1 {
		return fault.New(fault.Forbidden, "this form is from another session or another site: load the page again and send it from there")
	}
	return nil
}
