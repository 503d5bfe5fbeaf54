package certificates_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/certificates"
)

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last time.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// TestWatch goes through a renewal, a broken one and its repair, and up to the
// end of the certificate. The bubble's clock starts in 2000.
func TestWatch(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs")
	synctest.Test(t, func(t *testing.T) {
		if _, err := certificates.Init(folder, time.Now()); err != nil {
			t.Fatal(err)
		}
		files := issue(t, folder, "reputation", time.Now())
		log := &lines{}
		source, err := certificates.Open(files, certificates.Options{Name: "reputation", Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- source.Watch(ctx) }()
		after := func(wait time.Duration) string {
			time.Sleep(wait)
			synctest.Wait()
			return log.take()
		}
		if text := after(time.Minute); text != "" {
			t.Errorf("nothing happened, and the log has %s", text)
		}
		first := source.Expires()
		issue(t, folder, "reputation", time.Now())
		if text := after(3 * time.Second); !strings.Contains(text, "new certificate files are in force") {
			t.Errorf("after a renewal: %q", text)
		}
		if !source.Expires().After(first) {
			t.Error("the renewed certificate is not in force")
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(certificates.Collector(source))
		metrics, err := registry.Gather()
		if err != nil || len(metrics) != 1 || metrics[0].GetMetric()[0].GetGauge().GetValue() != float64(source.Expires().Unix()) {
			t.Errorf("the metric is %v, %v", metrics, err)
		}

		good := readFile(t, files.Cert)
		writeFile(t, files.Cert, good[:len(good)/2])
		if text := after(2 * time.Second); text != "" { // it may be half of a renewal
			t.Errorf("logged at the first check: %s", text)
		}
		if text := after(2 * time.Second); strings.Count(text, "the previous ones stay in force") != 1 || !strings.Contains(text, files.Cert) {
			t.Errorf("a broken file: %q", text)
		}
		if text := after(time.Minute); text != "" {
			t.Errorf("logged again: %s", text)
		}
		if changed, err := source.Reload(); changed || err == nil {
			t.Errorf("a broken file was accepted: %v, %v", changed, err)
		}
		here, there := net.Pipe() // sockets would stop the bubble's clock
		served := make(chan error)
		go func() { served <- tls.Server(there, source.ServerConfig()).HandshakeContext(ctx) }()
		err = tls.Client(here, source.ClientConfig("reputation")).HandshakeContext(ctx)
		if err := errors.Join(err, <-served); err != nil {
			t.Errorf("the previous certificate is not in use: %v", err)
		}
		writeFile(t, files.Cert, good)
		if text := after(3 * time.Second); text != "" {
			t.Errorf("repaired, and the log has %q", text)
		}
		writeFile(t, files.Cert, nil)
		if text := after(5 * time.Second); strings.Count(text, "the previous ones stay in force") != 1 {
			t.Errorf("broken a second time: %q", text)
		}
		writeFile(t, files.Cert, good)

		if _, err := certificates.Issue(folder, certificates.Request{Name: "reputation", Life: 30*day + time.Hour}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if text := after(30 * time.Minute); strings.Contains(text, "ends soon") {
			t.Errorf("more than a month before the end: %s", text)
		}
		if text := after(25 * time.Hour); strings.Count(text, "ends soon") != 2 {
			t.Errorf("the last month is not logged once a day: %q", text)
		}
		issue(t, folder, "reputation", time.Now())
		if text := after(2 * time.Hour); strings.Contains(text, "ends soon") {
			t.Errorf("renewed, and the log has %s", text)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
