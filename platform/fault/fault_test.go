package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
)

// statuses is the contract with clients, written a second time on purpose.
var statuses = map[fault.Code]int{
	fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
	fault.Conflict: 409, fault.TooLarge: 413, fault.Unsupported: 415, fault.Misdirected: 421, fault.OtherData: 421, fault.RateLimited: 429,
	fault.Canceled: 499, fault.Internal: 500, fault.Unavailable: 503, fault.Busy: 503, fault.DeadlineExceeded: 504,
}

// overHTTP sends failure through a real server and returns what the other side reads.
func overHTTP(t *testing.T, failure error) (resp *http.Response, body string, got error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip") // what a handler may have begun with
		w.Header().Set("ETag", `"old"`)
		fault.WriteProblem(w, failure, "req-1")
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err = http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(strings.NewReader(string(raw)))
	return resp, string(raw), fault.ReadProblem(resp)
}

func TestEveryCodeIsTheSameOnTheOtherSide(t *testing.T) {
	for code, status := range statuses {
		f := fault.New(code, "what to do about "+string(code)).With(
			fault.Field{Name: "amount", Line: 3, Message: "is zero"}, fault.Field{Message: "and more"})
		f.RetryAfter = 1500 * time.Millisecond
		resp, body, got := overHTTP(t, fmt.Errorf("on the way up: %w", f))
		back := fault.From(got)
		if back.Code != code || back.Message != f.Message || !reflect.DeepEqual(back.Fields, f.Fields) {
			t.Errorf("%s came back as %+v", code, back)
		}
		if back.RetryAfter != 2*time.Second { // whole seconds, rounded up
			t.Errorf("%s: come back after %s, want 2s", code, back.RetryAfter)
		}
		if resp.StatusCode != status || fault.Status(code) != status {
			t.Errorf("%s has the status %d, want %d", code, resp.StatusCode, status)
		}
		h := resp.Header
		if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Encoding") != "" || h.Get("ETag") != "" {
			t.Errorf("%s has the headers %v", code, h)
		}
		var p fault.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Type != "about:blank" || p.Title == "" || p.Status != status || p.RequestID != "req-1" {
			t.Errorf("%s: %v: %s", code, err, body)
		}
	}
}

func TestNoCauseLeavesTheProcess(t *testing.T) {
	cause := errors.New("dial postgres://me:hunter2@db failed")
	for name, err := range map[string]error{
		"a plain error":    cause,
		"wrapped":          fmt.Errorf("score 0x1: %w", cause),
		"a fault's cause":  fault.Wrap(cause, fault.Unavailable, "the database is away: try again"),
		"around a fault":   fmt.Errorf("hunter2: %w", fault.Wrap(cause, fault.Conflict, "read again")),
		"joined":           errors.Join(cause, errors.New("x")),
		"a context's end":  fmt.Errorf("hunter2: %w", context.DeadlineExceeded),
		"a caller's leave": fmt.Errorf("hunter2: %w", context.Canceled),
	} {
		resp, body, got := overHTTP(t, err)
		if strings.Contains(body+fmt.Sprint(resp.Header, got), "hunter2") {
			t.Errorf("%s: the cause shows: %s", name, body)
		}
		if !strings.Contains(fault.From(err).Error()+err.Error(), "hunter2") {
			t.Errorf("%s: the log would not have the cause: %v", name, fault.From(err))
		}
	}
}

func TestTheCauseStaysForTheProcessItself(t *testing.T) {
	f := fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "the upload was cut off").With(
		fault.Field{Name: "file", Line: 7, Message: "ends early"}, fault.Field{Message: "x"})
	if !errors.Is(f, io.ErrUnexpectedEOF) {
		t.Error("With lost the cause")
	}
	if got, want := f.Error(), "invalid: the upload was cut off (line 7: file: ends early, and 1 more): unexpected EOF"; got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
}

func TestWithLeavesTheFirstFaultAlone(t *testing.T) {
	base := fault.New(fault.Invalid, "x").With(fault.Field{Message: "a"})
	one, two := base.With(fault.Field{Message: "b"}), base.With(fault.Field{Message: "c"})
	if len(base.Fields) != 1 || one.Fields[1].Message != "b" || two.Fields[1].Message != "c" {
		t.Errorf("%v %v %v", base.Fields, one.Fields, two.Fields)
	}
}

func TestCodesOfWhatIsNoFault(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{nil, ""},
		{errors.New("x"), fault.Internal},
		{context.Canceled, fault.Canceled},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), fault.DeadlineExceeded},
		{fmt.Errorf("x: %w", fault.New(fault.NotFound, "y")), fault.NotFound},
		{errors.Join(errors.New("x"), fault.New(fault.Conflict, "y")), fault.Conflict},
	} {
		if got := fault.CodeOf(c.err); got != c.want || (c.err != nil && !fault.Is(c.err, c.want)) {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
	if fault.Is(nil, "") || fault.From(nil) != nil {
		t.Error("nil is an error")
	}
}

func TestAnswersOfOthersBecomeTheNearestCode(t *testing.T) {
	for status, want := range map[int]fault.Code{
		404: fault.NotFound, 418: fault.Invalid, 421: fault.Misdirected, 429: fault.RateLimited, 500: fault.Internal,
		502: fault.Unavailable, 503: fault.Unavailable, 504: fault.DeadlineExceeded, 507: fault.Internal,
	} {
		for _, body := range []string{"", "<h1>Bad gateway</h1>", `{"status":404}`, `"text"`, strings.Repeat("x", 1<<20)} {
			resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
			if err := fault.ReadProblem(resp); fault.CodeOf(err) != want || !strings.Contains(err.Error(), fmt.Sprint(status)) {
				t.Errorf("%d %.20q is %v, want %s", status, body, err, want)
			}
		}
	}
}

func TestAnUnknownCodeIsA500(t *testing.T) {
	if got := fault.Status("brand_new"); got != 500 {
		t.Errorf("status %d", got)
	}
}

func TestTheKindOfThingThatIsMissingCrosses(t *testing.T) {
	w := httptest.NewRecorder()
	fault.WriteProblem(w, fmt.Errorf("look up: %w", fault.NoSuch("campaign", "no campaign has the id %d", 7)), "")
	got := fault.From(fault.ReadProblem(w.Result()))
	if got.Code != fault.NotFound || got.Missing != "campaign" || got.Message != "no campaign has the id 7" {
		t.Errorf("on the other side it is %+v", got)
	}
	if with := got.With(fault.Field{Name: "id"}); with.Missing != "campaign" {
		t.Errorf("with a field it is %+v", with)
	}
}
