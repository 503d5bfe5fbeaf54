package service_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
	"banyan/platform/testenv/benchclock"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

const (
	callers     = 64
	perWriter   = 10 // reviews of each wallet, of ten exchanges
	reviewsPath = "/api/v1/exchange-review/exchanges/"
)

// BenchmarkPublishOverHTTP posts signed reviews from 64 callers, each answered
// when it is on disk: signature, row, sums and event. Beside it, in turns and
// with the same client and bodies, a bare chi handler that stores the body as
// one row with the same group commit. Both are served by one process that also
// holds the client, on SQLite with synchronous=FULL. BANYAN_BENCH_PEER may be where
// another program takes the same JSON as a row of its own, as PocketBase does at
// /api/collections/NAME/records.
func BenchmarkPublishOverHTTP(b *testing.B) {
	w := open(b, databasetest.SQLite(b, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(b.Context(), w.options))(b)
	w.reputation.set(1, nil)
	router := chi.NewRouter()
	seam.NewRoute(exchangereview.Bind(w.service)).Mount(router, seam.MountOptions{Timeout: time.Minute})
	ours := httptest.NewServer(router)
	defer ours.Close()
	bare := httptest.NewServer(bareRows(b))
	defer bare.Close()
	client := &http.Client{Transport: client.NewTransport()}
	posts := signedPosts(b, w, b.N)

	var oursTook, bareTook, peerTook time.Duration
	peer := os.Getenv("BANYAN_BENCH_PEER")
	b.ResetTimer()
	for from := 0; from < b.N; from += 2048 {
		part := posts[from:min(from+2048, b.N)]
		oursTook += postAll(b, client, ours.URL, part)
		bareTook += postAll(b, client, bare.URL, part)
		if peer != "" {
			same := slices.Clone(part)
			for i := range same {
				same[i].path = ""
			}
			peerTook += postAll(b, client, peer, same)
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op") // of both together, which is meaningless
	b.ReportMetric(float64(b.N)/oursTook.Seconds(), "reviews/s")
	b.ReportMetric(float64(b.N)/bareTook.Seconds(), "bare-rows/s")
	b.ReportMetric(bareTook.Seconds()/oursTook.Seconds(), "×bare")
	if peer != "" {
		b.ReportMetric(float64(b.N)/peerTook.Seconds(), "peer-rows/s")
		b.ReportMetric(peerTook.Seconds()/oursTook.Seconds(), "×peer")
	}
	stats := w.db.Stats()
	b.ReportMetric(float64(stats.Written)/float64(stats.Groups), "reviews/commit")
	if got := w.rows(b); got[0] != b.N || got[2] != b.N {
		b.Errorf("%d reviews and %d events of %d posts", got[0], got[2], b.N)
	}
	if err := service.VerifySums(b.Context(), w.db); err != nil {
		b.Error(err)
	}
}

// BenchmarkPublishWithKeys posts reviews with an idempotency key on each, in
// turns with reviews that have none.
func BenchmarkPublishWithKeys(b *testing.B) {
	w := open(b, databasetest.SQLite(b, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(b.Context(), w.options))(b)
	w.reputation.set(1, nil)
	router := chi.NewRouter()
	seam.NewRoute(exchangereview.Bind(w.service)).Mount(router, seam.MountOptions{Timeout: time.Minute})
	server := httptest.NewServer(router)
	defer server.Close()
	client := &http.Client{Transport: client.NewTransport()}
	posts := signedPosts(b, w, 2*b.N)
	plain, keyed := posts[:b.N], posts[b.N:]
	for i := range keyed {
		keyed[i].key = fmt.Sprintf("key-%08d", i)
	}
	var plainTook, keyedTook, plainBusy, keyedBusy time.Duration
	b.ResetTimer()
	for from := 0; from < b.N; from += 512 {
		to, start := min(from+512, b.N), benchclock.ProcessorTime(b)
		plainTook += postAll(b, client, server.URL, plain[from:to])
		middle := benchclock.ProcessorTime(b)
		keyedTook += postAll(b, client, server.URL, keyed[from:to])
		plainBusy, keyedBusy = plainBusy+middle-start, keyedBusy+benchclock.ProcessorTime(b)-middle
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op") // of both together, which is meaningless
	b.ReportMetric(float64(b.N)/plainTook.Seconds(), "plain-reviews/s")
	b.ReportMetric(float64(b.N)/keyedTook.Seconds(), "keyed-reviews/s")
	b.ReportMetric(100*plainTook.Seconds()/keyedTook.Seconds(), "%-of-plain")
	b.ReportMetric(100*plainBusy.Seconds()/keyedBusy.Seconds(), "%-of-plain-by-CPU") // when others use the machine, too
}

type post struct {
	path string
	body []byte
	key  string // "" = without
}

// signedPosts signs n first reviews in advance, as n/10 wallets would.
func signedPosts(b *testing.B, w *fixture, n int) []post {
	b.Helper()
	list := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{}))(b).Exchanges
	posts := make([]post, n)
	var group sync.WaitGroup
	for worker := range callers {
		group.Go(func() {
			for i := worker; i < n; i += callers {
				a := numbered(b, i/perWriter)
				slug := list[(i/perWriter+i%perWriter)%len(list)].Slug
				d := a.draft(slug, i%5+1)
				d.Text = "Withdrawals came within the hour, support answered the next day. I have used it for two years."
				body, err := json.Marshal(a.sign(b, exchangereview.SignedReview{
					Slug: slug, Wallet: a.wallet, Overall: d.Overall, Aspects: d.Aspects, Text: d.Text, CreatedMS: w.clock.Now().UnixMilli(),
				}))
				if err != nil {
					b.Error(err)
					return
				}
				posts[i] = post{path: reviewsPath + slug + "/reviews", body: body}
			}
		})
	}
	group.Wait()
	return posts
}

// postAll sends the posts from 64 callers and returns how long that took.
func postAll(b *testing.B, client *http.Client, url string, posts []post) time.Duration {
	b.Helper()
	next := make(chan post, callers)
	var group sync.WaitGroup
	start := time.Now()
	for range callers {
		group.Go(func() {
			for p := range next {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+p.path, bytes.NewReader(p.body))
				if err != nil {
					b.Error(err)
					continue
				}
				req.Header.Set("Content-Type", "application/json")
				if p.key != "" {
					req.Header.Set("Idempotency-Key", p.key)
				}
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					continue
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("%d %s %v", resp.StatusCode, text, err)
				}
			}
		})
	}
	for _, p := range posts {
		next <- p
	}
	close(next)
	group.Wait()
	return time.Since(start)
}

// bareRows is the least that a durable POST can be: decode, one row, encode.
func bareRows(b *testing.B) http.Handler {
	b.Helper()
	db := databasetest.Open(b, database.Options{
		Module: "bare", URL: "sqlite:" + b.TempDir(), Sets: []string{"bare"},
		Migrations: fstest.MapFS{"bare/sqlite/00001_bare.sql": {Data: []byte(
			"-- +goose Up\nCREATE TABLE bare (id INTEGER PRIMARY KEY, slug TEXT NOT NULL, body TEXT NOT NULL) STRICT;\n")}},
	})
	router := chi.NewRouter()
	router.Post(reviewsPath+"{slug}/reviews", func(w http.ResponseWriter, r *http.Request) {
		var review exchangereview.SignedReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			fault.WriteProblem(w, err, "")
			return
		}
		text := review.Text + hex.EncodeToString([]byte(review.Signature))
		err := db.Write(r.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(r.Context(), `INSERT INTO bare (slug, body) VALUES (?, ?)`, chi.URLParam(r, "slug"), text)
			return err
		})
		if err != nil {
			fault.WriteProblem(w, err, "")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	})
	return router
}

// BenchmarkLists reads a page of the directory and of reviews from a directory
// of 1,400 exchanges.
func BenchmarkLists(b *testing.B) {
	w := open(b, databasetest.SQLite(b, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(b.Context(), w.options))(b)
	must(w.ImportExchanges(operator, upload(manyExchanges(1360))))(b)
	w.reputation.set(1, nil)
	for i := range 120 {
		w.publish(b, numbered(b, i), []string{"kraken", "okx", "uniswap"}[i%3], i%5+1)
	}
	for name, q := range map[string]exchangereview.ExchangesQuery{
		"rating": {}, "reviews": {Sort: exchangereview.ByReviews}, "name": {Sort: exchangereview.ByName}, "chain": {Chain: "b"}, "search": {Q: "krakn"}, "proof": {Proof: exchangereview.ProofAny}, "search and proof": {Q: "krakn", Proof: exchangereview.ProofSwap},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				must(w.Exchanges(anybody, q))(b)
			}
		})
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(b)
		}
	})
	b.Run("its reviews", func(b *testing.B) {
		for b.Loop() {
			must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(b)
		}
	})
}
