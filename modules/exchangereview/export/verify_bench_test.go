package export_test

import (
	"bufio"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/wallet"
)

// listed is how many exchanges the reviews of the benchmark are of.
const listed = 50

// BenchmarkVerifyRanking verifies an export, and beside it, in the same run, only checks
// the signatures in it with libsecp256k1 on all processors: no program can be faster than
// that. BANYAN_BENCH_REVIEWS is how many reviews it has.
func BenchmarkVerifyRanking(b *testing.B) {
	n := 50_000
	if text := os.Getenv("BANYAN_BENCH_REVIEWS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < listed {
			b.Fatalf("BANYAN_BENCH_REVIEWS is %q, must be a number of reviews, from %d", text, listed)
		}
	}
	reviews := manySigned(b, n)
	path := writeRanking(b, reviews)
	var verifying, checking time.Duration
	for b.Loop() {
		start := time.Now()
		verifyFile(b, path, n)
		middle := time.Now()
		checkSignatures(b, reviews)
		verifying, checking = verifying+middle.Sub(start), checking+time.Since(middle)
	}
	all := float64(b.N) * float64(n)
	b.ReportMetric(0, "ns/op") // of both together, which is meaningless
	b.ReportMetric(all/verifying.Seconds(), "reviews/s")
	b.ReportMetric(all/checking.Seconds(), "bare-checks/s")
	b.ReportMetric(100*checking.Seconds()/verifying.Seconds(), "%-of-bare-checks")
}

// shared calls work with every number below n, from all processors.
func shared(n int, work func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < n; i += workers {
				work(i)
			}
		})
	}
	group.Wait()
}

// manySigned makes n reviews, each wallet's of all exchanges.
func manySigned(b *testing.B, n int) []export.Review {
	b.Helper()
	keys := make([]*ecdsa.PrivateKey, (n+listed-1)/listed)
	for i := range keys {
		var seed [32]byte
		binary.BigEndian.PutUint64(seed[24:], uint64(i)+1)
		key, err := crypto.ToECDSA(seed[:])
		if err != nil {
			b.Fatal(err)
		}
		keys[i] = key
	}
	all, digests := make([]export.Review, n), exchangereview.NewDigester("a.example")
	shared(n, func(i int) {
		key := keys[i/listed]
		s := exchangereview.SignedReview{
			Slug: slugOf(i % listed), Wallet: wallet.Address(crypto.PubkeyToAddress(key.PublicKey)), Overall: i%5 + 1,
			Text:      "Withdrawals came within the hour, support answered the next day. I have used it for two years.",
			Aspects:   exchangereview.Aspects[int]{Withdrawals: 1, Support: 2, Fees: 3, Execution: 4, Security: 5, Ease: i%5 + 1},
			CreatedMS: timeMS - int64(i%300)*86_400_000,
		}
		hash := digests.Hash(&s)
		made, err := crypto.Sign(hash[:], key)
		if err != nil {
			b.Error(err)
			return
		}
		all[i] = export.Review{
			Exchange: s.Slug, Wallet: s.Wallet, Site: "a.example", Stars: s.Stars(), Text: s.Text, CreatedMS: s.CreatedMS, Version: 1, Hash: hash,
			Signature: exchangereview.Signature(made), State: exchangereview.Counted, Group: "unproven", Weight: 20_000,
		}
	})
	return all
}

func slugOf(i int) string { return fmt.Sprintf("exchange-%02d", i) }

// writeRanking writes the export of a ranking by these reviews.
func writeRanking(b *testing.B, reviews []export.Review) (path string) {
	b.Helper()
	m := made{parameters: export.Parameters{
		Format: export.Format, Site: "a.example", Epoch: 7, TimeMS: timeMS, Day: ranking.DayOf(timeMS), Landmark: ranking.Landmark, Formula: ranking.Version,
	}}
	tallies := make([]*ranking.Tally, listed)
	for i := range tallies {
		tallies[i] = &ranking.Tally{}
	}
	for i := range reviews {
		r := &reviews[i]
		counted := ranking.Review{Day: ranking.DayOf(r.CreatedMS), Group: ranking.Unproven, Weight: r.Weight, Stars: r.Stars}
		tallies[i%listed].Add(&counted, ranking.Landmark)
	}
	m.parameters.Prior = ranking.PriorOf(tallies, ranking.Landmark, m.parameters.Day)
	at := ranking.Parameters{Landmark: ranking.Landmark, Day: m.parameters.Day, Prior: m.parameters.Prior}
	overall := make([]ranking.Score, listed)
	for i, tally := range tallies {
		e := export.Exchange{Slug: slugOf(i), Reviews: tally.Reviews()}
		for d := range e.Scores {
			e.Scores[d] = export.ScoreOf(at.Score(tally, d))
		}
		overall[i] = at.Score(tally, 0)
		m.exchanges = append(m.exchanges, e)
	}
	export.Rank(m.exchanges, overall)
	path = filepath.Join(b.TempDir(), "ranking.tar.zst")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }() // the error of the writer is the one that says something
	buffered := bufio.NewWriterSize(file, 1<<20)
	w, err := export.NewWriter(buffered, m.parameters)
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	fail(err)
	for i := range m.exchanges {
		fail(w.Exchange(&m.exchanges[i]))
	}
	for i := range reviews {
		fail(w.Review(&reviews[i]))
	}
	_, err = w.Close()
	fail(err)
	fail(buffered.Flush())
	return path
}

func verifyFile(b *testing.B, path string, reviews int) {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	report, err := export.Verify(b.Context(), file)
	if err != nil || !report.Valid || report.Signatures != reviews {
		b.Fatalf("%+v, %v", report, err)
	}
}

// checkSignatures recovers the key of every signature, and nothing else.
func checkSignatures(b *testing.B, reviews []export.Review) {
	b.Helper()
	shared(len(reviews), func(i int) {
		if _, err := crypto.Ecrecover(reviews[i].Hash[:], []byte(reviews[i].Signature)); err != nil {
			b.Error(err)
		}
	})
}
