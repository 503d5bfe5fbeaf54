package seam

import (
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"banyan/platform/identity"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Values of headers, made once; nobody changes them.
var (
	anyOrigin       = []string{"*"}
	crossOrigin     = []string{"cross-origin"}
	askAgain        = []string{"no-cache"}
	keptByAll       = []string{"public, max-age=31536000, immutable"}
	keptByItsClient = []string{"private, max-age=31536000, immutable"}
)

// shareWithAll lets pages of any site read the answer. It is set whoever asks,
// because an answer that is kept may be read by such a page later.
func shareWithAll(header http.Header) {
	header["Access-Control-Allow-Origin"] = anyOrigin
	header["Cross-Origin-Resource-Policy"] = crossOrigin
}

// isCurrent sets how long the answer may be kept, and reports whether the client has
// it already. The tag is weak, because the answer may be compressed on its way. It
// finds changes and proves nothing, so its sum is one that processors compute.
func (h handler) isCurrent(header http.Header, req *http.Request, answer any, body []byte) bool {
	var text [32]byte
	tag := append(text[:0], `W/"`...)
	tag = strconv.AppendUint(tag, uint64(crc32.Checksum(body, castagnoli)), 16)
	tag = append(tag, '-')
	tag = strconv.AppendInt(tag, int64(len(body)), 16)
	tag = append(tag, '"')
	header["Etag"] = []string{string(tag)}
	if header["Cache-Control"] == nil {
		switch {
		case !h.d.permanent(answer):
			header["Cache-Control"] = askAgain
		case identity.From(req.Context()).Role > identity.Anonymous:
			header["Cache-Control"] = keptByItsClient
		default:
			header["Cache-Control"] = keptByAll
		}
	}
	return matches(req.Header["If-None-Match"], string(tag))
}

// matches compares weakly (RFC 9110, 13.1.2).
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag[len("W/"):] {
				return true
			}
		}
	}
	return false
}
