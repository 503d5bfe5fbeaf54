package service_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/config"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/requestctx"
	"banyan/platform/seam"
	"banyan/platform/telemetry"
	"banyan/platform/testenv/benchclock"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

const (
	benchRows    = 200_000
	benchCallers = 64
	benchWallets = 1000 // different wallets that are requested
)

// BenchmarkClaimOverHTTP requests claims over 64 connections, beside a bare chi
// handler that answers the same bodies from a table: once with the module's
// HTTP side alone, and once behind all that `banyan serve` does around a
// request except rate limiting and logging. The three take turns, so that all
// meet the same noise. The client is as thin as can be: what it costs is on
// each side and would hide the difference. What counts is the processors' time,
// for every side keeps all of them busy.
func BenchmarkClaimOverHTTP(b *testing.B) {
	w := open(b, service.Options{DB: databasetest.SQLite(b, airdrop.Name), Trees: filepath.Join(b.TempDir(), "trees")}, seamtest.InProcess)
	side := chi.NewRouter()
	side.Use(anonymous)
	w.way.Route.Mount(side, seam.MountOptions{Timeout: time.Minute})
	claims := httptest.NewServer(side)
	b.Cleanup(claims.Close)
	c := w.built(b, draft(merkle.OZ), numberedList(benchRows))
	requests := make([][]byte, benchWallets)
	answers := map[string][]byte{}
	for i := range requests {
		who := numbered(i * (benchRows / benchWallets)).String()
		path := "/api/v1/airdrop/campaigns/" + c.ID + "/claims/" + who
		requests[i] = []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		resp, err := http.Get(claims.URL + path)
		if err != nil {
			b.Fatal(err)
		}
		if answers[who], err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, err)
		}
		_ = resp.Body.Close()
	}
	bare := httptest.NewServer(bareHandler(answers))
	b.Cleanup(bare.Close)
	servers := []string{bare.URL, claims.URL, wholeServer(b, w.way.Route)}

	const turns = 40
	share := b.N/turns + 1
	var took [3]time.Duration
	var ratios [3][]float64 // of each turn
	b.ResetTimer()
	for range turns {
		var turn [3]time.Duration
		for i, url := range servers {
			turn[i] = load(b, url, requests, share)
			took[i] += turn[i]
			ratios[i] = append(ratios[i], 100*turn[0].Seconds()/turn[i].Seconds())
		}
	}
	for i, name := range [...]string{"bare", "claims", "served"} {
		b.ReportMetric(float64(share)*turns/took[i].Seconds(), name+"/cpu-s")
		slices.Sort(ratios[i])
	}
	b.ReportMetric(ratios[1][turns/2], "%ofbare") // medians: one turn that was disturbed does not count
	b.ReportMetric(ratios[2][turns/2], "%ofbare-served")
}

// anonymous looks for a token, as a module that runs alone does; nobody has one.
func anonymous(next http.Handler) http.Handler {
	return identity.BearerOnly(identity.NewVerifier(time.Now), airdrop.Name, requestctx.ID)(next)
}

// wholeServer serves the module as the whole program does, by default settings.
func wholeServer(b *testing.B, route *seam.Route) (url string) {
	b.Helper()
	defaults, err := os.ReadFile(filepath.Join("..", "..", "..", "config.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	var limits httpserver.Settings
	rest := map[string]any{}
	if _, err := config.Load(config.Options{Defaults: defaults, BuiltIn: true}, config.Section{Key: "http", Into: &limits}, config.Section{Into: &rest}); err != nil {
		b.Fatal(err)
	}
	limits.Rate = 0 // all callers have one address
	server, err := httpserver.New(httpserver.Options{
		Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1:8080", Limits: limits, Logger: slog.New(slog.DiscardHandler),
		Metrics:      telemetry.NewHTTPMetrics(telemetry.NewRegistry()),
		Authenticate: anonymous,
		Wallet:       func(ctx context.Context) string { return identity.From(ctx).Subject },
	})
	if err != nil {
		b.Fatal(err)
	}
	route.Mount(server.Router(), seam.MountOptions{Timeout: limits.WriteTimeout})
	if err := server.Listen(); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			b.Error(err)
		}
	})
	return "http://" + server.Addr()
}

func bareHandler(answers map[string][]byte) http.Handler {
	router := chi.NewRouter()
	router.Get("/api/v1/airdrop/campaigns/{id}/claims/{wallet}", func(w http.ResponseWriter, r *http.Request) {
		answer := answers[chi.URLParam(r, "wallet")]
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
	})
	return router
}

// load sends count requests over benchCallers connections and returns the
// processors' time, its own part included.
func load(b *testing.B, url string, requests [][]byte, count int) time.Duration {
	b.Helper()
	failed := make([]error, benchCallers)
	var all sync.WaitGroup
	start := benchclock.ProcessorTime(b)
	for caller := range benchCallers {
		all.Go(func() {
			from, to := count*caller/benchCallers, count*(caller+1)/benchCallers
			failed[caller] = ask(strings.TrimPrefix(url, "http://"), requests, from, to)
		})
	}
	all.Wait()
	took := benchclock.ProcessorTime(b) - start
	for _, err := range failed {
		if err != nil {
			b.Fatal(err)
		}
	}
	return took
}

func ask(address string, requests [][]byte, from, to int) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	for i := from; i < to; i++ {
		if _, err := conn.Write(requests[i*7919%len(requests)]); err != nil {
			return err
		}
		if err := skipAnswer(in); err != nil {
			return err
		}
	}
	return nil
}

// skipAnswer reads one answer with a Content-Length and discards it.
func skipAnswer(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(status, []byte(" 200 ")) {
		return fmt.Errorf("answered %s", status)
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			_, err = in.Discard(length)
			return err
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}

// BenchmarkClaim is a claim in process, through the route.
func BenchmarkClaim(b *testing.B) {
	w := open(b, service.Options{DB: databasetest.SQLite(b, airdrop.Name)}, seamtest.InProcess)
	c := w.built(b, draft(merkle.OZ), numberedList(benchRows))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(i * 7919 % benchRows)}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyWallets checks a million lines, half of them on the list, once
// in lower case and once with checksums.
func BenchmarkVerifyWallets(b *testing.B) {
	w := open(b, service.Options{DB: databasetest.SQLite(b, airdrop.Name)}, seamtest.InProcess)
	c := w.built(b, draft(merkle.OZ), numberedList(benchRows))
	const lines = 1_000_000
	var text bytes.Buffer
	for i := range lines {
		fmt.Fprintln(&text, numbered(i*7919%(2*benchRows)))
	}
	for name, sent := range map[string][]byte{"lower case": bytes.ToLower(text.Bytes()), "checksums": text.Bytes()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				stream := must(w.VerifyWallets(operator, airdrop.WalletsUpload{ID: c.ID, Body: bytes.NewReader(sent)}))(b)
				if err := stream.Write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkUploadList reads and stores a list, with its fsyncs.
func BenchmarkUploadList(b *testing.B) {
	w := open(b, service.Options{DB: databasetest.SQLite(b, airdrop.Name)}, seamtest.InProcess)
	c := w.drafted(b, draft(merkle.OZ))
	list := numberedList(benchRows)
	for b.Loop() {
		must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list)}))(b)
	}
	b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
