package signin

import (
	"context"
	"crypto/subtle"
	"mime"
	"net/http"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
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
// anonymous. What a caller may do is looked up for each request.
//
// The audience of a token is the public API, or the module that the path belongs
// to: modules that run alone call those of the trunk here as well. A token for a
// module is accepted only when such a module signed it for itself. The trunk's own
// tokens for modules, which name people, are refused here: a module that received
// one could otherwise act as that person.
func (a *API) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := identity.Bearer(r); ok {
			check, err := a.verify(r, token)
			if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
				a.o.Events.Refused(r.Context(), securitylog.Event{What: securitylog.TokenUsed, Whom: r.URL.Path, Detail: fault.From(err).Message})
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
		if fault.Is(err, fault.Unauthenticated) {
			sessions.clearSession(w)
			next.ServeHTTP(w, r)
			return
		}
		if err == nil {
			ctx := identity.With(r.Context(), session.Caller())
			r = r.WithContext(context.WithValue(ctx, sessionKey{}, session))
			err = checkAPIWrite(r)
		}
		if err != nil {
			identity.WriteProblem(w, r, err, a.o.RequestID)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// verify returns for whom a token calls, with the role of this moment.
func (a *API) verify(r *http.Request, token string) (identity.Verified, error) {
	check, err := a.o.Verifier.VerifyFor(r.Context(), token, identity.PublicAudience, identity.PathAudience(r.URL.Path))
	if err != nil {
		return check, err
	}
	if check.Audience != identity.PublicAudience {
		if check.Process == "" || check.Process == identity.TrunkIssuer || check.Caller.Service == "" {
			return check, fault.Newf(fault.Unauthenticated, "this token was made for a call of this process to the module %s and is valid there only: use a token for the public API", check.Audience)
		}
		return check, nil
	}
	if check.Process != "" || check.Caller.Service != "" {
		return check, fault.New(fault.Unauthenticated, "this token is for the public API and names one of Banyan's processes, which have tokens of their own: use one of `banyan token create`")
	}
	if check.Caller, err = a.o.Tokens.Use(r.Context(), check); err != nil {
		return check, err
	}
	if check.Caller.Scope != "" && !isAPI(r.URL.Path) {
		return check, fault.Newf(fault.Forbidden, "this token is for %s of the API, and not for pages: use one for the whole API, or sign in", check.Caller.Scope)
	}
	return check, nil
}

func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

// checkAPIWrite refuses a request to the API that changes something, or could, with
// a cookie and without proof that a page of this site made it: the session's CSRF
// token, and a media type that no form has. A page's own forms are checked by
// CheckCSRF, where the field can be read. The two calls of a sign-in are for people
// who have no session yet.
func checkAPIWrite(r *http.Request) error {
	if !isAPI(r.URL.Path) || isSafe(r.Method) || r.URL.Path == noncePath || r.URL.Path == signInPath {
		return nil
	}
	session, _ := SessionFrom(r.Context())
	if !session.made(r.Header.Get(CSRFHeader)) {
		return fault.New(fault.Forbidden, "a call with a session's cookie needs the session's token in the header "+CSRFHeader+" (it is the csrf of GET /api/v1/identity/me); programs use a token in the Authorization header")
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return fault.New(fault.Unsupported, "this body has no media type: name it in the header Content-Type")
	case media == "text/plain", media == "application/x-www-form-urlencoded", strings.HasPrefix(media, "multipart/"):
		return fault.Newf(fault.Unsupported, "%s is a form's media type, and no call of the API takes a form: see /api/openapi.json", media)
	}
	return nil
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// made reports whether a value is this session's CSRF token.
func (s Session) made(token string) bool {
	return s.csrf != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.csrf)) == 1
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
	if !ok || isSafe(r.Method) {
		return nil
	}
	given := r.Header.Get(CSRFHeader)
	if given == "" {
		given = r.PostFormValue(CSRFField)
	}
	if !session.made(given) {
		return fault.New(fault.Forbidden, "this form is of another session or another site: reload the page and send the form again")
	}
	return nil
}
