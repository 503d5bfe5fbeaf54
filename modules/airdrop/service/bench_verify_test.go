package service_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/offline"
	"banyan/modules/airdrop/service"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

// BenchmarkVerifyOverHTTP checks a million wallets by POST …/verify, beside what
// the command does with the same text and the same tree file: both read a file
// and write one verdict a line to a file. The two take turns, so that both meet
// the same noise. The client is in the same process and takes its share of it.
func BenchmarkVerifyOverHTTP(b *testing.B) {
	const rows = 1_000_000
	o := service.Options{DB: databasetest.SQLite(b, airdrop.Name), Trees: filepath.Join(b.TempDir(), "trees")}
	w := open(b, o, seamtest.InProcess)
	c := w.built(b, draft(merkle.OZ), numberedList(rows))
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler { // anybody may not ask for as many
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(identity.With(r.Context(), identity.Caller{Wallet: numbered(7), Role: identity.Member})))
		})
	})
	seam.NewRoute(airdrop.Bind(service.New(o))).Mount(router, seam.MountOptions{Timeout: time.Minute})
	server := httptest.NewServer(router)
	b.Cleanup(server.Close)
	url := server.URL + "/api/v1/airdrop/campaigns/" + c.ID + "/verify"
	var text bytes.Buffer
	for i := range rows {
		fmt.Fprintln(&text, numbered(i*7919%(2*rows)))
	}
	for name, sent := range map[string][]byte{"lower case": bytes.ToLower(text.Bytes()), "checksums": text.Bytes()} {
		b.Run(name, func(b *testing.B) {
			folder := b.TempDir()
			in := filepath.Join(folder, "in.csv")
			if err := os.WriteFile(in, sent, 0o644); err != nil {
				b.Fatal(err)
			}
			var ours, theirs time.Duration
			for b.Loop() {
				start := time.Now()
				runner := offline.Runner{Now: time.Now}
				sum, err := runner.Verify(b.Context(), offline.VerifyJob{
					Tree: w.treeFile(b, c), In: in, Out: filepath.Join(folder, "command"),
				})
				if err != nil || sum.Checked != rows {
					b.Fatal(sum, err)
				}
				turn := time.Now()
				lines := postTo(b, url, in, filepath.Join(folder, "http"))
				theirs, ours = theirs+turn.Sub(start), ours+time.Since(turn)
				if lines != rows {
					b.Fatal(lines, " verdicts")
				}
			}
			lines := float64(rows * b.N)
			b.ReportMetric(lines/ours.Seconds(), "lines/s")
			b.ReportMetric(lines/theirs.Seconds(), "command-lines/s")
			b.ReportMetric(100*theirs.Seconds()/ours.Seconds(), "%ofcommand")
		})
	}
}

// postTo sends a file, writes the answer to another, and counts its lines.
func postTo(b *testing.B, url, in, out string) (lines int) {
	b.Helper()
	body, err := os.Open(in)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.Post(url, "text/csv", body)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		b.Fatalf("%s: %s", resp.Status, text)
	}
	to, err := os.Create(out)
	if err != nil {
		b.Fatal(err)
	}
	defer to.Close()
	room := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(room)
		lines += bytes.Count(room[:n], []byte{'\n'})
		if _, err := to.Write(room[:n]); err != nil {
			b.Fatal(err)
		}
		if err == io.EOF {
			return lines
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
