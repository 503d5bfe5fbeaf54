package legacy

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/requestctx"
)

const (
	hostPrefix = "__Host-"
	// securePrefix is that of our cookies for a path (RFC 6265bis, 4.1.3.1).
	securePrefix = "__Secure-"
	requestID    = "X-Request-Id"
	strict       = "Strict-Transport-Security"
	// bearerType is the typ of Banyan's tokens (platform/identity).
	bearerType     = "banyan+jwt" //nolint:gosec // a type, no credential
	internalPrefix = "Banyan-"
	// maxHops bounds the chain of proxies: a circle through proxies that change
	// Via ends here.
	maxHops = 20
)

// pageHeaders are what Banyan's server puts on answers for its own pages.
var pageHeaders = []string{
	"Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy",
	"X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
}

// takeOwn takes Banyan's page headers off an answer, giveOwn puts them back.
func takeOwn(h http.Header) http.Header {
	own := make(http.Header, len(pageHeaders))
	for _, name := range pageHeaders {
		if values := h[name]; values != nil {
			own[name] = values
			delete(h, name)
		}
	}
	return own
}

func giveOwn(h, own http.Header) {
	for name, values := range own {
		h[name] = values
	}
}

// outHeaders makes the headers of the request that goes out.
func (l *Legacy) outHeaders(in *http.Request, h http.Header) {
	l.dropClaims(h)
	if !upgrading(in) {
		h.Del("Upgrade")
		h.Del("Connection")
	}
	h.Set("X-Forwarded-For", clientIP(in))
	h.Set("X-Forwarded-Host", in.Host)
	h.Set("X-Forwarded-Proto", l.public.Scheme)
	h.Add("Via", "1.1 "+l.name)
	if id := requestctx.ID(in.Context()); id != "" {
		h.Set(requestID, id)
	}
	if trace.SpanContextFromContext(in.Context()).IsValid() {
		otel.GetTextMapPropagator().Inject(in.Context(), propagation.HeaderCarrier(h))
	}
	h["Cookie"] = foreign(h["Cookie"])
	if len(h["Cookie"]) == 0 {
		delete(h, "Cookie")
	}
	if isOurs(h.Get("Authorization")) {
		h.Del("Authorization")
	}
	dropInternal(h)
}

// dropInternal takes off what only Banyan's own processes say to each other
// (platform/seam): the legacy system must neither be told it nor say it. Many
// systems read a hyphen and an underscore in a name as the same.
func dropInternal(h http.Header) {
	for name := range h {
		if len(name) >= len(internalPrefix) && strings.EqualFold(strings.ReplaceAll(name[:len(internalPrefix)], "_", "-"), internalPrefix) {
			delete(h, name)
		}
	}
}

// circles tells whether the request has been here before.
func (l *Legacy) circles(r *http.Request) bool {
	hops := 0
	for _, line := range r.Header["Via"] {
		for hop := range strings.SplitSeq(line, ",") {
			hops++
			if fields := strings.Fields(hop); len(fields) > 1 && strings.EqualFold(fields[1], l.name) {
				return true
			}
		}
	}
	return hops > maxHops
}

// ourCookie tells Banyan's cookies by their names.
func ourCookie(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(name), hostPrefix), securePrefix)
	return name == "banyan" || strings.HasPrefix(name, "banyan-")
}

// foreign leaves Banyan's cookies out of Cookie lines; the others stay byte for
// byte as they are.
func foreign(lines []string) []string {
	var left []string
	for _, line := range lines {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			if name, _, _ := strings.Cut(pair, "="); !ourCookie(name) && strings.TrimSpace(pair) != "" {
				kept = append(kept, strings.TrimSpace(pair))
			}
		}
		if len(kept) > 0 {
			left = append(left, strings.Join(kept, "; "))
		}
	}
	return left
}

// isOurs tells a token that Banyan made, by the type in its header. Its
// signature does not matter: a token that only looks like ours is no use to
// anybody either.
func isOurs(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	head, _, found := strings.Cut(strings.TrimSpace(token), ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if !found || err != nil {
		return false
	}
	var header struct {
		Type string `json:"typ"`
	}
	return json.Unmarshal(text, &header) == nil && strings.EqualFold(header.Type, bearerType)
}

// inHeaders makes the answer's headers fit to be sent as this server's.
func (l *Legacy) inHeaders(resp *http.Response) {
	h := resp.Header
	h.Del(requestID) // the answer carries ours
	dropInternal(h)
	if l.public.Scheme == "https" {
		h.Del(strict) // as does this
	}
	if lines := h["Set-Cookie"]; len(lines) > 0 {
		h["Set-Cookie"] = slices.DeleteFunc(lines, func(line string) bool {
			name, _, _ := strings.Cut(line, "=")
			return ourCookie(name)
		})
	}
	dropOriginWide(h)
	for _, name := range [...]string{"Location", "Content-Location"} {
		if place := h.Get(name); place != "" {
			h.Set(name, l.seenFrom(place))
		}
	}
}

// seenFrom returns an address of the legacy system as people reach it: one at
// which it believes to be is at public_url. All others stay byte for byte as they
// are, also those of the legacy system at another port or scheme, which Banyan
// does not stand before.
func (l *Legacy) seenFrom(place string) string {
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return place
	}
	scheme := u.Scheme
	if scheme == "" { // "//host/path": the scheme that it is asked by
		scheme = l.target.Scheme
	}
	seen := &url.URL{Scheme: scheme, Host: u.Host}
	if isLoopback(u.Hostname()) && isLoopback(l.target.Hostname()) && portOf(seen) == portOf(l.target) {
		seen.Host = l.target.Host // this machine, by another of its names
	}
	if !sameOrigin(seen, l.target) && (l.o.Host == "" || !strings.EqualFold(u.Host, l.o.Host)) {
		return place
	}
	_, rest, _ := strings.Cut(place, "//")
	if !strings.HasPrefix(rest, u.Host) { // written with escapes
		return place
	}
	return l.public.Scheme + "://" + l.public.Host + rest[len(u.Host):]
}
