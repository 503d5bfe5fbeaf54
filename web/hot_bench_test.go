package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"banyan/web/webtest"
)

// BenchmarkHotPage asks for an exchange's page as many do at the same time, beside a bare
// handler that writes the same bytes, and one visitor in a page's life, who has it made.
func BenchmarkHotPage(b *testing.B) {
	site := webtest.Full(b)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	ask := func(url string) []byte {
		resp, err := client.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("%d %v", resp.StatusCode, err)
		}
		return text
	}
	const path = "/exchanges/kestrel-exchange"
	page := ask(site.URL + path)
	bare := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write(page) // the benchmark is its only client
	}))
	defer bare.Close()
	for b.Loop() {
		ask(site.URL + path)
	}
	own := b.Elapsed() / time.Duration(b.N)
	each := func(n int, url func(int) string) time.Duration {
		begun := time.Now()
		for i := range n {
			ask(url(i))
		}
		return time.Since(begun) / time.Duration(n)
	}
	least := each(max(b.N, 100), func(int) string { return bare.URL })
	made := each(20, func(n int) string { return site.URL + path + "?x=" + string(rune('a'+n)) })
	b.ReportMetric(float64(least)/float64(own), "×bare")
	b.ReportMetric(float64(made)/float64(own), "×made")
	b.ReportMetric(float64(len(page)), "B/page")
}
