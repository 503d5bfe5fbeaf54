package fault

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// statusOf maps codes to HTTP statuses.
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

// MediaType is the media type of a problem document (RFC 9457).
const MediaType = "application/problem+json"

// Problem is the RFC 9457 document. Its type is about:blank, so the title is
// the status text; code is for programs.
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

// Status returns the HTTP status of a code; an unknown code is a 500.
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
	if f.Code == Unauthenticated && h["Www-Authenticate"] == nil {
		h.Set("Www-Authenticate", "Bearer") // RFC 9110, 15.5.2
	}
	if f.RetryAfter > 0 {
		seconds := int64((f.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(Status(f.Code))
	_, _ = w.Write(body) // the client may have disconnected
}

// Fault returns the fault that the document was made from, without its cause.
func (p Problem) Fault() *Fault {
	return &Fault{Code: p.Code, Message: p.Detail, Missing: p.Missing, Fields: p.Fields}
}

// maxProblem bounds the bytes read of an error answer.
const maxProblem = 256 << 10

// ReadProblem returns the fault of a failed answer, so that a not_found is a
// not_found on both sides. An answer that is not a problem document (a proxy's page,
// for example) becomes the code nearest to its status.
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
	return Newf(codeOfStatus(resp.StatusCode), "the server answered with status %d and no explanation", resp.StatusCode)
}

// codeOfStatus returns the code for an answer without one. A 503 is never Busy, which
// means that the process works.
func codeOfStatus(status int) Code {
	switch status { // of several codes with one status, the general one
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
