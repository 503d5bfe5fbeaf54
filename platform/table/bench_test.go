package table_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"banyan/platform/table"
	"banyan/platform/testenv/benchclock"
)

// BenchmarkReadersOfRows cuts the same million rows with encoding/csv and with
// this package, one after the other in each round: x-csv is how many times the
// processors' time of this package encoding/csv takes.
func BenchmarkReadersOfRows(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	var claims, edges bytes.Buffer
	for range 1_000_000 {
		fmt.Fprintf(&claims, "0x%08x%016x%016x,%d\n", chance.Uint32(), chance.Uint64(), chance.Uint64(), 1+chance.Uint64()>>4)
		fmt.Fprintf(&edges, "%d,%d,%d\n", chance.IntN(1e6), chance.IntN(1e6), 1+chance.IntN(10))
	}
	for name, text := range map[string][]byte{"claims": claims.Bytes(), "edges": edges.Bytes()} {
		b.Run(name, func(b *testing.B) {
			var theirs, ours time.Duration
			for range b.N {
				start := benchclock.ProcessorTime(b)
				want := cellsByCSV(b, text)
				between := benchclock.ProcessorTime(b)
				got := cellsByTable(b, text)
				theirs, ours = theirs+between-start, ours+benchclock.ProcessorTime(b)-between
				if got != want {
					b.Fatalf("%d bytes of cells, and encoding/csv finds %d", got, want)
				}
			}
			size := float64(b.N * len(text))
			b.ReportMetric(float64(theirs.Nanoseconds())/size, "csv-ns/B")
			b.ReportMetric(float64(ours.Nanoseconds())/size, "table-ns/B")
			b.ReportMetric(float64(theirs)/float64(ours), "x-csv")
		})
	}
}

func cellsByCSV(b *testing.B, text []byte) (size int) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.ReuseRecord = true
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return size
		}
		if err != nil {
			b.Fatal(err)
		}
		for _, cell := range record {
			size += len(cell)
		}
	}
}

func cellsByTable(b *testing.B, text []byte) (size int) {
	work := func(_ context.Context, part *table.Part) (size int, err error) {
		for part.Next() {
			cells, problem := part.Cells()
			if problem != "" {
				return 0, errors.New(problem)
			}
			for _, cell := range cells {
				size += len(cell)
			}
		}
		return size, nil
	}
	_, err := table.Read(context.Background(), bytes.NewReader(text), scores(), table.Options{}, work, func(n int) error { size += n; return nil })
	if err != nil {
		b.Fatal(err)
	}
	return size
}
