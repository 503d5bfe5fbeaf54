package service_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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
	// By turns, and by the median: one turn that was disturbed does not count.
	var own, bare []time.Duration
	timed := func(path string) time.Duration {
		start := time.Now()
		ask(path)
		return time.Since(start)
	}
	for b.Loop() {
		own, bare = append(own, timed(path)), append(bare, timed("/bare"))
	}
	slices.Sort(own)
	slices.Sort(bare)
	median := own[len(own)/2]
	b.ReportMetric(float64(len(answer))/1e6/median.Seconds(), "MB/s")
	b.ReportMetric(float64(bare[len(bare)/2])/float64(median), "×bare")
	b.ReportMetric(reputation.MaxStream/median.Seconds(), "wallets/s")
}
