package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
)

// What the other side sends may be anything: a banner of another program, or a
// secret of one.
func TestTransportErrorsAreClassifiedAndNotQuoted(t *testing.T) {
	strange := func(banner string) string {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Write([]byte(banner))
				_ = conn.Close()
			}
		}()
		return listener.Addr().String()
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct {
		name, url, says string
		// The other side's bytes are there before the request is sent.
		early bool
	}{
		{name: "nobody", url: gone.URL, says: "nobody listens there"},
		{name: "another program", url: "http://" + strange("SSH-2.0-SecretVersion\r\n\r\n"), says: "does not speak HTTP"},
		{name: "another program, early", url: "http://" + strange("SSH-2.0-SecretVersion\r\n\r\n"), says: "does not speak HTTP", early: true},
		{name: "closes at once", url: "http://" + strange(""), says: "closed the connection"},
		{name: "closes at once, early", url: "http://" + strange(""), says: "closed the connection", early: true},
		{name: "no TLS", url: "https://" + strange("HTTP/1.1 400 SecretVersion\r\n\r\n"), says: "does not speak TLS"},
		{name: "a stranger's certificate", url: secure.URL, says: "its certificate is not trusted"},
		{name: "no such name", url: "http://nowhere.invalid:1", says: "its name cannot be looked up"},
	} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
		ctx := t.Context()
		if c.early {
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { time.Sleep(100 * time.Millisecond) }})
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: it answered %s", c.name, resp.Status)
			continue
		}
		text := describe(fault.Wrap(err, fault.Unavailable, "the module cannot be reached"))
		if !strings.HasPrefix(text, "the module cannot be reached (") || !strings.Contains(text, c.says) || strings.Contains(text, "SecretVersion") || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s: %q", c.name, text)
		}
	}
	if text := describe(fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "it was slow")); text != "it was slow (no answer in time)" {
		t.Errorf("slow: %q", text)
	}
	if text := describe(errors.New("a defect with a secret")); strings.Contains(text, "secret") {
		t.Errorf("a defect: %q", text)
	}
}
