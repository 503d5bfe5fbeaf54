package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// connected calls a test with both ends of a connection, the server's once as the
// system has it and once as ours: what holds for the one must hold for the other.
func connected(t *testing.T, test func(t *testing.T, server, client net.Conn)) {
	for name, wrap := range map[string]func(net.Listener) net.Listener{
		"plain": func(l net.Listener) net.Listener { return l },
		"lazy":  func(l net.Listener) net.Listener { return lazyListener{l} },
	} {
		t.Run(name, func(t *testing.T) {
			plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listener := wrap(plain)
			defer listener.Close()
			client, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			test(t, server, client)
		})
	}
}

const (
	soon  = 30 * time.Millisecond
	never = time.Hour
)

// outcome is how a read or a write ended.
type outcome struct {
	n   int
	err error
}

func later[T any](work func() T) <-chan T {
	done := make(chan T, 1)
	go func() { done <- work() }()
	return done
}

func readOf(c net.Conn, size int) <-chan outcome {
	return later(func() outcome {
		n, err := c.Read(make([]byte, size))
		return outcome{n, err}
	})
}

func wantTimeout(t *testing.T, what string, o outcome) {
	t.Helper()
	var timeout net.Error
	if !errors.As(o.err, &timeout) || !timeout.Timeout() || !errors.Is(o.err, os.ErrDeadlineExceeded) || o.n != 0 {
		t.Errorf("%s: %d bytes, %v, want a timeout", what, o.n, o.err)
	}
}

func TestReadDeadlines(t *testing.T) {
	for _, size := range []int{1, 4096} {
		connected(t, func(t *testing.T, server, client net.Conn) {
			set := func(d time.Duration) {
				t.Helper()
				if err := server.SetReadDeadline(time.Now().Add(d)); err != nil {
					t.Fatal(err)
				}
			}
			set(never)
			set(soon)
			wantTimeout(t, "an earlier deadline", <-readOf(server, size))
			wantTimeout(t, "the same again", <-readOf(server, size))
			set(-time.Second)
			wantTimeout(t, "one that has passed", <-readOf(server, size))
			if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			wantTimeout(t, "one long ago", <-readOf(server, size))

			set(soon)
			set(never)
			reader := readOf(server, size)
			select {
			case o := <-reader:
				t.Errorf("a deadline that was put off ended a read: %+v", o)
			case <-time.After(4 * soon):
			}
			set(soon) // while it reads
			wantTimeout(t, "a deadline under way", <-reader)

			set(soon)
			if err := server.SetDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			reader = readOf(server, size)
			<-time.After(4 * soon)
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if o := <-reader; o.n != 1 || o.err != nil {
				t.Errorf("a read after a deadline that was lifted: %+v", o)
			}
		})
	}
}

// TestInterruptedReads: what net/http does after every handler, at every moment
// of the read.
func TestInterruptedReads(t *testing.T) {
	for _, size := range []int{1, 4096} {
		connected(t, func(t *testing.T, server, client net.Conn) {
			for _, after := range []time.Duration{0, time.Microsecond, lookAfter / 2, 3 * lookAfter} {
				for range 8 {
					reader := readOf(server, size)
					<-time.After(after)
					if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
						t.Fatal(err)
					}
					wantTimeout(t, "interrupted", <-reader)
					if err := server.SetReadDeadline(time.Time{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if o := <-readOf(server, size); o.n != 1 || o.err != nil {
				t.Errorf("a read after all that: %+v", o)
			}
		})
	}
}

func TestTheOtherEndLeaves(t *testing.T) {
	for _, size := range []int{1, 4096} {
		connected(t, func(t *testing.T, server, client net.Conn) {
			reader := readOf(server, size)
			if err := client.Close(); err != nil {
				t.Fatal(err)
			}
			if o := <-reader; !errors.Is(o.err, io.EOF) {
				t.Errorf("the client closed: %+v", o)
			}
		})
		connected(t, func(t *testing.T, server, _ net.Conn) {
			for _, after := range []time.Duration{0, lookAfter / 2, 3 * lookAfter} {
				reader := readOf(server, size)
				<-time.After(after)
				_ = server.Close() // twice is an error, which is not the point
				if o := <-reader; !errors.Is(o.err, net.ErrClosed) {
					t.Errorf("we closed: %+v", o)
				}
			}
		})
	}
}

func TestWriteDeadlines(t *testing.T) {
	connected(t, func(t *testing.T, server, client net.Conn) {
		much := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than the system takes
		write := func() <-chan outcome {
			return later(func() outcome {
				n, err := server.Write(much)
				return outcome{n, err}
			})
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		var o outcome
		for wait := soon; o.n == 0; wait *= 2 { // on a busy machine a write may start after its deadline
			must(server.SetWriteDeadline(time.Now().Add(wait)))
			if o = <-write(); !errors.Is(o.err, os.ErrDeadlineExceeded) || o.n == len(much) {
				t.Fatalf("nobody reads: %d bytes, %v", o.n, o.err)
			}
		}
		must(server.SetWriteDeadline(time.Now().Add(soon)))
		must(server.SetWriteDeadline(time.Now().Add(never)))
		writer := write()
		<-time.After(4 * soon)
		read, err := io.ReadFull(client, make([]byte, o.n+len(much)))
		if err != nil {
			t.Errorf("after %d bytes: %v", read, err)
		}
		if o := <-writer; o.n != len(much) || o.err != nil {
			t.Errorf("a write whose deadline was put off: %+v", o)
		}
	})
}

func TestFilesAndDeadlines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	much := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	if err := os.WriteFile(name, much, 0o600); err != nil {
		t.Fatal(err)
	}
	connected(t, func(t *testing.T, server, client net.Conn) {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := errors.Join(server.SetWriteDeadline(time.Now().Add(soon)), server.SetWriteDeadline(time.Now().Add(never))); err != nil {
			t.Fatal(err)
		}
		sent := later(func() error {
			n, err := io.Copy(server, file)
			if err == nil && n != int64(len(much)) {
				err = io.ErrShortWrite
			}
			return errors.Join(err, server.(interface{ CloseWrite() error }).CloseWrite())
		})
		<-time.After(4 * soon)
		if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, much) {
			t.Errorf("%d bytes arrived, %v", len(got), err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}

		// The other way, as one who took the connection over would copy it.
		if err := errors.Join(server.SetReadDeadline(time.Now().Add(soon)), server.SetReadDeadline(time.Time{})); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		copied := later(func() error { _, err := io.Copy(&got, server); return err })
		<-time.After(4 * soon)
		if _, err := client.Write(much); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(client.(*net.TCPConn).CloseWrite(), <-copied); err != nil || !bytes.Equal(got.Bytes(), much) {
			t.Errorf("%d bytes were copied, %v", got.Len(), err)
		}
	})
}

// TestAnInterruptedCopy: who took the connection over ends its copying so.
func TestAnInterruptedCopy(t *testing.T) {
	connected(t, func(t *testing.T, server, _ net.Conn) {
		copied := later(func() outcome {
			n, err := io.Copy(io.Discard, server)
			return outcome{int(n), err}
		})
		<-time.After(soon)
		if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		wantTimeout(t, "a copy", <-copied)
	})
}

// TestManyRequestsAtOnce sends requests ahead of their answers, and one byte at a
// time: what net/http's look-out finds is the beginning of the next request.
func TestManyRequestsAtOnce(t *testing.T) {
	const count = 200
	connected(t, func(t *testing.T, server, client net.Conn) {
		served := &http.Server{
			ReadHeaderTimeout: never, ReadTimeout: never, WriteTimeout: never, IdleTimeout: never,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					<-time.After(2 * lookAfter)
				}
				_, _ = io.WriteString(w, r.URL.Path)
			}),
		}
		defer served.Close()
		one := &oneListener{conns: make(chan net.Conn, 1), addr: server.LocalAddr()}
		one.conns <- server
		go func() { _ = served.Serve(one) }()
		request := "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + strings.Repeat("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n", count-1)
		for _, piece := range []int{1, len(request)} {
			for rest := request; rest != ""; rest = rest[min(piece, len(rest)):] {
				if _, err := io.WriteString(client, rest[:min(piece, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
		}
		want, got := 2*count, 0
		var all bytes.Buffer
		for buffer := make([]byte, 64<<10); got < want; {
			n, err := client.Read(buffer)
			if err != nil {
				t.Fatalf("after %d answers: %v", got, err)
			}
			all.Write(buffer[:n])
			got = bytes.Count(all.Bytes(), []byte("HTTP/1.1 200 OK"))
		}
	})
}

// oneListener hands connections to a server that were accepted already.
type oneListener struct {
	conns chan net.Conn
	addr  net.Addr
}

func (l *oneListener) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *oneListener) Close() error {
	close(l.conns)
	return nil
}

func (l *oneListener) Addr() net.Addr { return l.addr }
