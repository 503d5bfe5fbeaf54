package seam_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"banyan/platform/httpserver"
	"banyan/platform/seam"
)

// A client whose place is taken is told so at once: it need not send its body
// first, and the server does not wait for it.
func TestAnExpensiveOperationRefusesBeforeTheBodyArrives(t *testing.T) {
	weighing := seam.NewContract("scales", 1, "For tests.")
	measure := seam.Read[upload, measured](weighing, "measure", "POST /measure", seam.Public, "Measure an upload", seam.Expensive())
	began := make(chan struct{}, 8)
	local := weighing.Bind(measure.To(func(_ context.Context, m upload) (measured, error) {
		began <- struct{}{}
		n, err := io.Copy(io.Discard, m.Body)
		return measured{n}, err
	}))
	server, err := httpserver.New(httpserver.Options{
		Listen: "127.0.0.1:0", PublicURL: "http://banyan.test", Hosts: []string{"127.0.0.1", "x"}, Logger: slog.New(slog.DiscardHandler),
		Limits: httpserver.Settings{
			BodyLimit: 1 << 20, UploadLimit: 1 << 20, HeaderLimit: 8 << 10, ExpensivePerClient: 1, ExpensiveCost: 10,
			HeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, UploadTimeout: time.Hour,
			IdleTimeout: time.Minute, ShutdownGrace: time.Minute,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	seam.NewRoute(local).Mount(server.Router(), mountOptions)
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	begin := func(headers string) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // less than http.read_timeout
		if _, err := fmt.Fprintf(c, "POST /api/v1/scales/measure HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n%s\r\n12345", headers); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := begin("")
	<-began
	for name, headers := range map[string]string{"plain": "", "compressed": "Accept-Encoding: gzip\r\n"} {
		c := begin(headers)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: there is no answer before the body has ended: %v", name, err)
		}
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !resp.Close {
			t.Errorf("%s: status %d, Retry-After %q, closes %v", name, resp.StatusCode, resp.Header.Get("Retry-After"), resp.Close)
		}
		_ = resp.Body.Close()
		_ = c.Close()
	}
	if _, err := io.WriteString(first, "67890"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(first), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the first: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if len(began) > 0 {
		t.Error("a refused request reached the module")
	}
}
