package signin

import (
	"context"
	"crypto/subtle"
	"net/http"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// The form field and the header for the token of CSRFToken.
const (
	CSRFField  = "csrf"
	CSRFHeader = "X-CSRF-Token"
)

type sessionKey struct{}

// SessionFrom returns the session of a request that came with its cookie. A
// request with a bearer token has a caller and no session.
func SessionFrom(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Authenticate puts the caller into the context: of the bearer token if there
// is one, otherwise of the session cookie. A bad token is a 401, so that a
// program notices; a cookie of an ended session is cleared, and the person is
// anonymous.
//
// The audience of a token is the public API, or the module that the path belongs
// to: modules that run alone call those of the trunk here as well. A token for a
// module is accepted only when such a module signed it for itself. The trunk's own
// tokens for modules, which name people, are refused here: a module that received
// one could otherwise act as that person.
func (a *API) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := identity.Bearer(r); ok {
			check, err := a.o.Verifier.VerifyFor(r.Context(), token, identity.PublicAudience, identity.PathAudience(r.URL.Path))
			if err == nil && check.Audience != identity.PublicAudience && (check.Process == "" || check.Process == identity.TrunkIssuer) {
				err = fault.Newf(fault.Unauthenticated, "this token was made for a call of this process to the module %s and is valid there only: use a token for the public API", check.Audience)
			}
			identity.ServeAs(w, r, next, check, err, a.o.RequestID)
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
			identity.WriteProblem(w, r, err, a.o.RequestID)
			return
		default:
			ctx := identity.With(r.Context(), session.Caller())
			r = r.WithContext(context.WithValue(ctx, sessionKey{}, session))
		}
		next.ServeHTTP(w, r)
	})
}

// CheckCSRF refuses a request that changes something with a session but
// without the session's token, in the field CSRFField of a form or in the
// header CSRFHeader. Requests without a session pass: another site gains
// nothing by them. Fails with fault.Forbidden.
//
// It adds to net/http's CrossOriginProtection and the cookie's SameSite, for
// browsers and proxies that send neither Origin nor Sec-Fetch-Site. It reads the
// form, so the body's limit must be set before.
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
		return fault.New(fault.Forbidden, "this form is of another session or another site: reload the page and send the form again")
	}
	return nil
}
