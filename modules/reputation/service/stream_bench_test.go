package service_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

// BenchmarkScoreStream asks for 100,000 standings over HTTP, on SQLite, beside a bare
// handler that reads the same request and streams the same bytes.
func BenchmarkScoreStream(b *testing.B) {
	o := options(databasetest.SQLite(b, reputation.Name))
	o.MaxRows = 0
	running(b, o)
	s := service.New(o)
	var list, asked strings.Builder
	list.WriteString("source,target,weight\n")
	for n := range uint32(reputation.MaxStream) {
		var w wallet.Address
		binary.BigEndian.PutUint32(w[:], n+1)
		fmt.Fprintf(&list, "%s,%s,1\n", person(int(n%2)), w)
		fmt.Fprintf(&asked, "%s\n", w)
	}
	if _, err := importText(s, list.String()); err != nil {
		b.Fatal(err)
	}
	if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil {
		b.Fatal(err)
	}
	for {
		if e, err := s.CurrentEpoch(nobody, reputation.EpochQuery{}); err == nil && e.Number == 1 {
			break
		}
	}
	router := chi.NewRouter()
	seam.NewRoute(reputation.Bind(s)).Mount(router, seam.MountOptions{Timeout: time.Minute})
	var answer []byte
	router.Post("/bare", func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for rest := answer; len(rest) > 0; {
			n := min(len(rest), 1<<16)
			_, _ = rw.Write(rest[:n])
			rest = rest[n:]
		}
	})
	server := httptest.NewServer(router)
	defer server.Close()
	ask := func(path string) []byte {
		resp, err := http.Post(server.URL+path, "text/csv", strings.NewReader(asked.String()))
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			b.Fatalf("%d %.200s %v", resp.StatusCode, text, err)
		}
		return text
	}
	const path = "/api/v1/reputation/scores/stream"
	answer = ask(path)
	ask(path) // now the table is in memory
	for b.Loop() {
		ask(path)
	}
	own := b.Elapsed() / time.Duration(b.N)
	start := time.Now()
	for range 5 {
		ask("/bare")
	}
	bare := time.Since(start) / 5
	b.ReportMetric(float64(len(answer))/1e6/own.Seconds(), "MB/s")
	b.ReportMetric(float64(bare)/float64(own), "×bare")
	b.ReportMetric(reputation.MaxStream/own.Seconds(), "wallets/s")
}
