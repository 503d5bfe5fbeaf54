package service_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
	"banyan/platform/testenv/benchclock"
	"banyan/platform/testenv/databasetest"
)

// BenchmarkAttestOverHTTP posts signed attestations from 64 callers, each answered
// when it is on disk, on SQLite with synchronous=FULL. The baseline is
// BenchmarkPublishOverHTTP of exchange-review, which does the same with reviews.
func BenchmarkAttestOverHTTP(b *testing.B) {
	const callers = 64
	db := databasetest.SQLite(b, reputation.Name)
	router := chi.NewRouter()
	seam.NewRoute(reputation.Bind(service.New(options(db)))).Mount(router, seam.MountOptions{Timeout: time.Minute})
	server := httptest.NewServer(router)
	defer server.Close()
	bodies := make([][]byte, b.N)
	for i := range bodies {
		text, err := json.Marshal(keyed(b, i/50).attest(b, statement{subject: person(i), level: 1 + i%10}))
		if err != nil {
			b.Fatal(err)
		}
		bodies[i] = text
	}
	http := &http.Client{Transport: client.NewTransport()}
	var group sync.WaitGroup
	next := make(chan []byte, callers)
	b.ResetTimer()
	busy, start := benchclock.ProcessorTime(b), time.Now()
	for range callers {
		group.Go(func() {
			for body := range next {
				resp, err := http.Post(server.URL+"/api/v1/reputation/attestations", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					continue
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					b.Errorf("%d %s %v", resp.StatusCode, text, err)
				}
			}
		})
	}
	for _, body := range bodies {
		next <- body
	}
	close(next)
	group.Wait()
	took, spent := time.Since(start), benchclock.ProcessorTime(b)-busy
	b.StopTimer()
	b.ReportMetric(float64(b.N)/took.Seconds(), "attestations/s")
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "CPU-µs/attestation") // when others use the machine, too
	stats := db.Stats()
	b.ReportMetric(float64(stats.Written)/float64(stats.Groups), "attestations/commit")
}
