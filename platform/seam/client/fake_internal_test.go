package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var target = Target{Module: "fake", Path: "/api/v1/fake", Version: 1}

// answered is what a process answers.
type answered struct {
	From int `json:"from"`
}

const idempotent = true

func callRead(ctx context.Context, r *Client) (answered, error) {
	return call(ctx, r, &Request{Method: http.MethodGet, Target: "/read"})
}

func callWrite(ctx context.Context, r *Client, idempotent bool) (answered, error) {
	return call(ctx, r, &Request{
		Method: http.MethodPost, Target: "/write", Body: bytes.NewReader([]byte(`{"text":"x"}`)), Write: true, Idempotent: idempotent,
	})
}

func callUpload(ctx context.Context, r *Client, body io.Reader) (answered, error) {
	return call(ctx, r, &Request{Method: http.MethodPut, Target: "/upload", Body: body, Media: "text/plain", Write: true, Idempotent: true})
}

func call(ctx context.Context, r *Client, q *Request) (answer answered, err error) {
	got, err := r.Do(ctx, q)
	if err != nil {
		return answer, err
	}
	defer got.Release()
	return answer, json.Unmarshal(got.Text(), &answer)
}

// process is an endpoint's other side without a network: what it answers is up
// to the test.
type process struct {
	number int
	calls  atomic.Int64
	mu     sync.Mutex
	keys   []string                                        // of the writes
	answer func(req *http.Request) (*http.Response, error) // nil = 200
}

func (p *process) RoundTrip(req *http.Request) (*http.Response, error) {
	p.calls.Add(1)
	if req.Method != http.MethodGet {
		for name, values := range req.Header {
			if http.CanonicalHeaderKey(name) == HeaderIdempotency {
				p.mu.Lock()
				p.keys = append(p.keys, values...)
				p.mu.Unlock()
			}
		}
	}
	if p.answer != nil {
		return p.answer(req)
	}
	return reply200(p.number), nil
}

func reply200(from int) *http.Response {
	return response(http.StatusOK, fmt.Sprintf(`{"from":%d}`, from))
}

func response(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{HeaderContract: {"1"}, "Content-Type": {MediaJSON}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func refusesConnection(*http.Request) (*http.Response, error) {
	return nil, dialError{errors.New("connection refused")}
}

func breaksConnection(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection reset by peer")
}

func answers(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		resp := response(code, "")
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// newClient makes a client with n endpoints that are processes of the test.
func newClient(t *testing.T, n int, o Balance) (*Client, []*process) {
	t.Helper()
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://192.0.2.%d:80", i+1))
	}
	if o.Random == nil {
		o.Random = rand.New(rand.NewPCG(1, 2)).Float64
	}
	r, err := New(target, Options{URLs: urls, Balance: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	processes := make([]*process, n)
	for i, e := range *r.endpoints.Load() {
		processes[i] = &process{number: i}
		e.transport = processes[i]
	}
	return r, processes
}

func sum(processes []*process) (n int64) {
	for _, p := range processes {
		n += p.calls.Load()
	}
	return n
}

func neverAnswers(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errors.New("unexpected EOF") }

// readsBody reads the request's body before it answers.
func readsBody(answer func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return nil, err
			}
		}
		return answer(req)
	}
}
