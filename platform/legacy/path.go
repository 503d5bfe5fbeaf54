package legacy

import (
	"net/http"
	"net/url"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// place is whose a path is. It is decided on the path's normal form
// (httpserver.NormalPath), so that another spelling of a taken path does not lead
// around the take.
type place struct {
	normal string // escaped
	kept   bool   // is Banyan's for everybody
	take   *taken // is taken and served by Banyan, for a share of the clients
	other  string // "", or the path of Banyan's that a lenient server may read it as
}

func (l *Legacy) place(r *http.Request) place {
	path := r.URL.EscapedPath()        // within the site: what is kept and taken is
	if !strings.HasPrefix(path, "/") { // OPTIONS *
		return place{normal: path}
	}
	p := place{normal: httpserver.NormalPath(path)}
	p.kept, p.take = l.owner(r.Method, p.normal)
	if p.kept || p.take != nil {
		return p
	}
	if lenient := l.within(lenientPath(httpserver.AskedPath(r))); lenient != p.normal {
		if kept, take := l.owner(r.Method, lenient); kept || take != nil {
			p.take, p.other = take, lenient
		}
	}
	return p
}

// within cuts the site's path (public_url) from a path that may have it.
func (l *Legacy) within(path string) string {
	rest, found := strings.CutPrefix(path, l.o.Base)
	switch {
	case !found || rest != "" && rest[0] != '/':
		return path
	case rest == "":
		return "/"
	}
	return rest
}

// pathsOf are Path and RawPath of a URL with this escaped path.
func pathsOf(escaped string) (path, raw string) {
	path, err := url.PathUnescape(escaped)
	if err != nil { // net/http has unescaped it already
		return escaped, ""
	}
	return path, escaped
}

func (l *Legacy) owner(method, path string) (kept bool, take *taken) {
	if l.kept(path) {
		return true, nil
	}
	if take = l.takenBy(path); take == nil || !httpserver.Serves(l.routes(), method, path) {
		return false, nil
	}
	return false, take
}

func (l *Legacy) kept(path string) bool {
	for _, prefix := range l.o.Keep {
		if below(path, strings.TrimSuffix(prefix, "/")) {
			return true
		}
	}
	return false
}

// maxDecodings bounds how often an escaped percent sign is followed: a proxy and
// a server behind it may each decode a path.
const maxDecodings = 4

// lenientPath returns an escaped path as the most lenient of servers may read it,
// in normal form: everything decoded, also twice, backslashes as slashes, without
// the parameters of segments (";jsessionid=1"), without the spaces and dots that
// Windows drops from a name's end, and cut where a C string or a query would
// begin. Nothing is ever served by this form: it only finds the paths that the
// two systems could read in two ways.
func lenientPath(escaped string) string {
	path := escaped
	for range maxDecodings {
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			break
		}
		path = decoded
	}
	if end := strings.IndexAny(path, "\x00?#"); end >= 0 {
		path = path[:end]
	}
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")
	for i, segment := range segments {
		segment, _, _ = strings.Cut(segment, ";")
		segment = strings.TrimRight(segment, " ")
		if name := strings.TrimRight(segment, " ."); name != "" {
			segment = name
		}
		segments[i] = segment
	}
	return httpserver.NormalPath((&url.URL{Path: strings.Join(segments, "/")}).EscapedPath())
}

// ambiguous refuses a path that is not Banyan's as it is written, and that the
// legacy system may take for one of Banyan's.
func ambiguous(path string) error {
	return fault.Newf(fault.Invalid, "this address can be read in two ways, and one of them is %s: write that, if it is meant", path)
}
