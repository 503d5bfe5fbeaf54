package fault

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// statusOf is the one table between codes and HTTP.
var statusOf = map[Code]int{
	Invalid:          http.StatusBadRequest,
	Unauthenticated:  http.StatusUnauthorized,
	Forbidden:        http.StatusForbidden,
	NotFound:         http.StatusNotFound,
	Conflict:         http.StatusConflict,
	OtherData:        http.StatusMisdirectedRequest,
	TooLarge:         http.StatusRequestEntityTooLarge,
	Unsupported:      http.StatusUnsupportedMediaType,
	Misdirected:      http.StatusMisdirectedRequest,
	RateLimited:      http.StatusTooManyRequests,
	Canceled:         499,
	Internal:         http.StatusInternalServerError,
	Unavailable:      http.StatusServiceUnavailable,
	Busy:             http.StatusServiceUnavailable,
	DeadlineExceeded: http.StatusGatewayTimeout,
}

// MediaType is what a problem document is sent as (RFC 9457).
const MediaType = "application/problem+json"

// Problem is the RFC 9457 document. Its type is about:blank, so the title is
// the status text; code is what clients act on.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Code      Code    `json:"code"`
	Detail    string  `json:"detail"`
	Missing   string  `json:"missing,omitempty"` // with not_found: the kind of thing, as "campaign"
	Fields    []Field `json:"fields,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
}

// Status gives the HTTP status of a code; an unknown code is a 500.
func Status(code Code) int {
	if s, ok := statusOf[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// ToProblem describes err as a problem document, without its cause.
func ToProblem(err error, requestID string) Problem {
	f := From(err)
	status := Status(f.Code)
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	return Problem{
		Type: "about:blank", Title: title, Status: status,
		Code: f.Code, Detail: f.Message, Missing: f.Missing, Fields: f.Fields, RequestID: requestID,
	}
}

// WriteProblem answers with err as a problem document.
func WriteProblem(w http.ResponseWriter, err error, requestID string) {
	f := From(err)
	body, _ := json.Marshal(ToProblem(f, requestID)) // strings and ints only: cannot fail
	h := w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Encoding")
	h.Del("ETag")
	if f.RetryAfter > 0 {
		seconds := int64((f.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(Status(f.Code))
	_, _ = w.Write(body) // the caller may be gone; there is nobody left to tell
}

// Fault is what the problem document was made from, without its cause.
func (p Problem) Fault() *Fault {
	return &Fault{Code: p.Code, Message: p.Detail, Missing: p.Missing, Fields: p.Fields}
}

// maxProblem bounds what is read of somebody else's error.
const maxProblem = 256 << 10

// ReadProblem turns a failed answer back into the fault that made it, so that
// a not_found is a not_found on both sides. An answer that is no problem
// document (a proxy's page, say) becomes the nearest code to its status.
func ReadProblem(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	var p Problem
	if err == nil && json.Unmarshal(body, &p) == nil && p.Code != "" {
		f := p.Fault()
		if s, convErr := strconv.Atoi(resp.Header.Get("Retry-After")); convErr == nil && s > 0 {
			f.RetryAfter = time.Duration(s) * time.Second
		}
		return f
	}
	return Newf(codeOfStatus(resp.StatusCode), "the other side answered %d without saying why", resp.StatusCode)
}

// codeOfStatus is the way back for answers that carry no code of ours. A 503
// that does not say so is not taken for Busy: that needs something that works.
func codeOfStatus(status int) Code {
	switch status { // of codes with one status, the plain one
	case http.StatusMisdirectedRequest:
		return Misdirected
	case http.StatusServiceUnavailable:
		return Unavailable
	}
	for code, s := range statusOf {
		if s == status {
			return code
		}
	}
	switch {
	case status == http.StatusBadGateway:
		return Unavailable
	case status >= 400 && status < 500:
		return Invalid
	}
	return Internal
}
