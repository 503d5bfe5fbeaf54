package httpserver_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

// stopped is a clock that moves when the test says so.
type stopped struct{ at atomic.Int64 }

func (c *stopped) now() time.Time          { return time.Unix(1_800_000_000, c.at.Load()) }
func (c *stopped) advance(d time.Duration) { c.at.Add(int64(d)) }

func TestAClientThatAsksTooMuchIsToldWhenToComeBack(t *testing.T) {
	clock := &stopped{}
	s := start(t, func(o *httpserver.Options) {
		o.Now = clock.now
		o.Limits.TrustedProxies = []string{"1"}
		o.Limits.Rate, o.Limits.Burst = 0.5, 2
		o.Limits.StaticRate, o.Limits.StaticBurst = 0.5, 5
	}, func(r chi.Router) {
		r.Get("/api/x", text("x"))
		r.Get("/assets/x", text("x"))
	})
	from := func(ip, path string) answer {
		return do(t, request(t, "GET", s.url+path, "", "X-Forwarded-For", ip))
	}
	ok := func(ip, path string) {
		t.Helper()
		if a := from(ip, path); a.status != 200 {
			t.Errorf("%s %s: %d %s", ip, path, a.status, a.body)
		}
	}
	ok("203.0.113.1", "/api/x")
	ok("203.0.113.1", "/api/x")
	a := from("203.0.113.1", "/api/x")
	a.problem(t, 429, fault.RateLimited)
	if a.header.Get("Retry-After") != "2" { // one token in two seconds
		t.Errorf("Retry-After: %q, want 2", a.header.Get("Retry-After"))
	}
	ok("203.0.113.1", "/assets/x") // another class
	ok("203.0.113.2", "/api/x")    // another client
	clock.advance(1999 * time.Millisecond)
	from("203.0.113.1", "/api/x").problem(t, 429, fault.RateLimited)
	clock.advance(time.Millisecond)
	ok("203.0.113.1", "/api/x") // the refusals cost nothing
	from("203.0.113.1", "/api/x").problem(t, 429, fault.RateLimited)

	ok("2001:db8:1:1::1", "/api/x")
	ok("2001:db8:1:1:ffff::2", "/api/x") // the same /64
	from("2001:db8:1:1:abcd::3", "/api/x").problem(t, 429, fault.RateLimited)
	ok("2001:db8:1:2::1", "/api/x")
	for range 5 {
		ok("203.0.113.3", "/assets/x")
	}
	from("203.0.113.3", "/assets/x").problem(t, 429, fault.RateLimited)
}

// TestAProcessIsNotLimitedByItsAddress: behind it is a whole site. Whoever else
// comes from there is limited.
func TestAProcessIsNotLimitedByItsAddress(t *testing.T) {
	type processKey struct{}
	clock := &stopped{}
	s := start(t, func(o *httpserver.Options) {
		o.Now = clock.now
		o.Limits.Rate, o.Limits.Burst = 0.5, 2
		o.Authenticate = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), processKey{}, r.Header.Get("X-Proof"))))
			})
		}
		o.Process = func(ctx context.Context) string {
			name, _ := ctx.Value(processKey{}).(string)
			return name
		}
	}, func(r chi.Router) { r.Get("/api/x", text("x")) })
	ask := func(proof string) answer { return do(t, request(t, "GET", s.url+"/api/x", "", "X-Proof", proof)) }
	for range 20 {
		if a := ask("banyan"); a.status != 200 {
			t.Fatalf("a process: %d %s", a.status, a.body)
		}
	}
	for range 2 {
		if a := ask(""); a.status != 200 {
			t.Fatalf("anybody: %d %s", a.status, a.body)
		}
	}
	ask("").problem(t, 429, fault.RateLimited)
}

func TestAWalletHasOneLimitFromAllItsAddresses(t *testing.T) {
	clock := &stopped{}
	s := start(t, func(o *httpserver.Options) {
		o.Now = clock.now
		o.Limits.TrustedProxies = []string{"1"}
		o.Limits.WalletRate, o.Limits.WalletBurst = 1, 2
		type key struct{}
		o.Authenticate = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, r.Header.Get("Wallet"))))
			})
		}
		o.Wallet = func(ctx context.Context) string { return ctx.Value(key{}).(string) }
	}, func(r chi.Router) { r.Get("/api/x", text("x")) })
	for i := range 3 {
		a := do(t, request(t, "GET", s.url+"/api/x", "", "Wallet", "0xa", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i)))
		if i < 2 && a.status != 200 {
			t.Errorf("request %d: %s", i, a.body)
		}
		if i == 2 {
			a.problem(t, 429, fault.RateLimited)
		}
	}
	for n := range 5 { // nobody signed in, another wallet
		for _, wallet := range []string{"", "0xb"} {
			a := do(t, request(t, "GET", s.url+"/api/x", "", "Wallet", wallet))
			if wanted := wallet == "" || n < 2; (a.status == 200) != wanted {
				t.Errorf("request %d of wallet %q: %d %s", n, wallet, a.status, a.body)
			}
		}
	}
}

func readAll(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		fault.WriteProblem(w, err, w.Header().Get("X-Request-Id"))
		return
	}
	fmt.Fprint(w, n)
}

func TestABodyOverTheLimitIsRefusedAndAnUploadMayBeLarger(t *testing.T) {
	s := start(t, nil, func(r chi.Router) {
		r.Post("/api/small", readAll)
		r.Post("/api/upload", func(w http.ResponseWriter, r *http.Request) {
			requestctx.AllowUpload(r.Context())
			readAll(w, r)
		})
	})
	for _, c := range []struct {
		path string
		size int
		fits bool
	}{
		{"/api/small", 0, true},
		{"/api/small", 4 << 10, true},
		{"/api/small", 4<<10 + 1, false},
		{"/api/small", 1 << 20, false},
		{"/api/upload", 64 << 10, true},
		{"/api/upload", 64<<10 + 1, false},
	} {
		for _, chunked := range []bool{false, true} {
			r := request(t, "POST", s.url+c.path, strings.Repeat("x", c.size))
			if chunked {
				r.ContentLength = -1
			}
			a := do(t, r)
			if c.fits && (a.status != 200 || a.body != strconv.Itoa(c.size)) {
				t.Errorf("%s, %d bytes, chunked %t: %d %s", c.path, c.size, chunked, a.status, a.body)
			}
			if !c.fits {
				p := a.problem(t, 413, fault.TooLarge)
				if !strings.Contains(p.Detail, "KiB") {
					t.Errorf("the limit is not told: %s", p.Detail)
				}
			}
		}
	}
}

// A body that announces itself as too large is refused before it is sent.
func TestATooLargeBodyIsNotEvenInvited(t *testing.T) {
	s := start(t, nil, func(r chi.Router) { r.Post("/api/small", readAll) })
	conn := dial(t, s)
	fmt.Fprintf(conn, "POST /api/small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
	reply, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(reply, []byte("HTTP/1.1 413 ")) {
		t.Errorf("the server says %q", reply)
	}
}

func dial(t *testing.T, s *running) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestHeadersOverTheLimitAreRefused(t *testing.T) {
	s := start(t, nil, func(r chi.Router) { r.Get("/", text("ok")) })
	if a := do(t, request(t, "GET", s.url, "", "X-Filler", strings.Repeat("x", 4<<10))); a.status != 200 {
		t.Errorf("4 KiB of headers give %d", a.status)
	}
	if a := do(t, request(t, "GET", s.url, "", "X-Filler", strings.Repeat("x", 32<<10))); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB of headers give %d", a.status)
	}
}

// Slow clients must lose their connection; the time-outs are short here, and
// the test only waits for the server's end of it.
func TestASlowClientLosesItsConnection(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 1)
	s := start(t, func(o *httpserver.Options) {
		o.Limits.ReadTimeout = 100 * time.Millisecond
	}, func(r chi.Router) {
		r.Post("/api/body", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			gone <- err
			fault.WriteProblem(w, err, "x")
		})
	})
	t.Run("in the headers", func(t *testing.T) {
		conn := dial(t, start(t, func(o *httpserver.Options) { o.Limits.HeaderTimeout = 50 * time.Millisecond }, nil))
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("still connected: %v", err)
		}
	})
	t.Run("in the body", func(t *testing.T) {
		conn := dial(t, s)
		fmt.Fprint(conn, "POST /api/body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
		var timeout net.Error
		if err := <-gone; !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("the handler read on: %v", err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("still connected: %v", err)
		}
	})
	t.Run("between requests", func(t *testing.T) {
		idle := start(t, func(o *httpserver.Options) {
			o.Limits.IdleTimeout, o.Limits.ReadTimeout, o.Limits.HeaderTimeout = 50*time.Millisecond, time.Hour, time.Hour
		}, func(r chi.Router) { r.Get("/", text("ok")) })
		conn := dial(t, idle)
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if reply, err := io.ReadAll(conn); err != nil || !bytes.Contains(reply, []byte("ok")) {
			t.Errorf("%q, %v", reply, err)
		}
	})
}

// A handler may work for longer than its request took to arrive.
func TestTheTimeToSendARequestIsNotTheTimeToAnswerIt(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *httpserver.Options) {
		o.Limits.ReadTimeout = 200 * time.Millisecond
	}, func(r chi.Router) {
		work := func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/upload" {
				requestctx.AllowUpload(r.Context())
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = r.Body.Read(make([]byte, 1)) // decoders ask once more
			select {
			case <-r.Context().Done():
				fmt.Fprint(w, "taken for gone")
			case <-time.After(500 * time.Millisecond):
				fmt.Fprint(w, "worked")
			}
		}
		r.Get("/", work)
		r.Post("/", work)
		r.Post("/upload", work)
	})
	for _, r := range []*http.Request{
		request(t, "GET", s.url, ""), request(t, "POST", s.url, "x"), request(t, "POST", s.url+"/upload", "x"),
	} {
		if a := do(t, r); a.body != "worked" {
			t.Errorf("%s %s: %q", r.Method, r.URL.Path, a.body)
		}
	}
}

// An upload has its time again with every piece, an ordinary body has not; and
// no upload outlives its last moment.
func TestAnUploadMayTakeLongerThanARequestButNotForEver(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 2)
	s := start(t, func(o *httpserver.Options) {
		o.Limits.ReadTimeout, o.Limits.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
		o.Limits.UploadTimeout = 2 * time.Second
	}, func(r chi.Router) {
		r.Post("/api/ordinary", readAll)
		r.Post("/api/upload", func(w http.ResponseWriter, r *http.Request) {
			requestctx.AllowUpload(r.Context())
			n, err := io.Copy(io.Discard, r.Body)
			ended <- err
			fmt.Fprint(w, n)
		})
	})
	send := func(path string, pieces int) (string, error) {
		conn := dial(t, s)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", path, pieces)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range pieces {
			<-tick.C
			if _, err := conn.Write([]byte("x")); err != nil {
				break // the server has hung up: its answer is still to be read
			}
		}
		reply, err := io.ReadAll(conn)
		return string(reply), err
	}
	if reply, err := send("/api/upload", 8); err != nil || !strings.HasSuffix(reply, "\r\n8") { // longer than the read time-out
		t.Errorf("a moving upload was refused: %q, %v", reply, err)
	}
	if reply, _ := send("/api/ordinary", 8); strings.Contains(reply, " 200 ") {
		t.Errorf("an ordinary body took longer than allowed: %q", reply)
	}
	<-ended
	_, _ = send("/api/upload", 40)
	var timeout net.Error
	if err := <-ended; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("an upload outlived its last moment: %v", err)
	}
}

func TestAStreamGoesOnWhileItIsTakenAndItsPiecesArriveAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := start(t, func(o *httpserver.Options) {
		o.Limits.ReadTimeout, o.Limits.WriteTimeout = 400*time.Millisecond, 400*time.Millisecond
	}, func(r chi.Router) {
		r.Get("/api/stream", func(w http.ResponseWriter, r *http.Request) {
			requestctx.AllowStream(r.Context())
			w.Header().Set("Content-Type", "application/x-ndjson")
			for range 3 {
				fmt.Fprintln(w, `{"n":1}`)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-next:
				case <-r.Context().Done():
					fmt.Fprintln(w, "the context ended early")
					return
				}
			}
		})
		r.Get("/api/flood/{kind}", func(w http.ResponseWriter, r *http.Request) {
			if chi.URLParam(r, "kind") == "stream" {
				requestctx.AllowStream(r.Context())
			}
			chunk := make([]byte, 1<<20)
			_, _ = rand.Read(chunk)
			for {
				if _, err := w.Write(chunk); err != nil {
					next <- struct{}{}
					return
				}
			}
		})
	})
	conn := dial(t, s)
	fmt.Fprint(conn, "GET /api/stream HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
	var got strings.Builder
	buf := make([]byte, 4096)
	for n := range 3 {
		for strings.Count(got.String(), `{"n":1}`) <= n { // no piece is held back
			k, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("after %d pieces: %v: %s", n, err, &got)
			}
			got.Write(buf[:k])
		}
		<-time.After(160 * time.Millisecond) // together longer than every time-out
		next <- struct{}{}
	}
	rest, err := io.ReadAll(conn)
	if err != nil || strings.Contains(string(rest), "early") || !strings.HasSuffix(string(rest), "0\r\n\r\n") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	for _, kind := range []string{"stream", "ordinary"} {
		flood := dial(t, s)
		fmt.Fprintf(flood, "GET /api/flood/%s HTTP/1.1\r\nHost: x\r\n\r\n", kind)
		select { // nobody reads: the write must end
		case <-next:
		case <-time.After(20 * time.Second):
			t.Fatalf("an answer (%s) that nobody takes holds its handler", kind)
		}
	}
}
