package list

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

	"banyan/platform/merkle"
	"banyan/platform/testenv/benchclock"
)

// BenchmarkListBesideEncodingCSV reads the same list of a million rows with
// encoding/csv, whose cells the parsers of this package read, and as Read does,
// one after the other in each round: x-csv is how many times the processors'
// time of Read the other takes.
func BenchmarkListBesideEncodingCSV(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	text := bytes.NewBufferString("address,amount\n")
	for range 1_000_000 {
		fmt.Fprintf(text, "0x%08x%016x%016x,%d\n", chance.Uint32(), chance.Uint64(), chance.Uint64(), 1+chance.Uint64()>>4)
	}
	var theirs, ours time.Duration
	for range b.N {
		start := benchclock.ProcessorTime(b)
		want := readByCSV(b, text.Bytes())
		between := benchclock.ProcessorTime(b)
		got, err := Read(context.Background(), bytes.NewReader(text.Bytes()), Options{})
		if err != nil {
			b.Fatal(err)
		}
		theirs, ours = theirs+between-start, ours+benchclock.ProcessorTime(b)-between
		if got.Len() != want.Len() || got.Total() != want.Total() {
			b.Fatalf("%d rows, and encoding/csv finds %d", got.Len(), want.Len())
		}
	}
	b.ReportMetric(float64(theirs.Milliseconds())/float64(b.N), "csv-ms")
	b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "list-ms")
	b.ReportMetric(float64(theirs)/float64(ours), "x-csv")
}

func readByCSV(b *testing.B, text []byte) *List {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.ReuseRecord = true
	rows := merkle.NewList()
	cells := cellReader{spelling: plainSpelling}
	for line := 1; ; line++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			b.Fatal(err)
		}
		if line == 1 {
			continue // the header
		}
		var e merkle.Entry
		_, _, wrongAddress := cells.parseAddress([]byte(record[0]), &e.Wallet)
		if wrongAmount := cells.parseAmount([]byte(record[1]), &e.Amount); wrongAddress+wrongAmount != "" {
			b.Fatal(wrongAddress, wrongAmount)
		}
		if err := rows.Append(e.Wallet, e.Amount); err != nil {
			b.Fatal(err)
		}
	}
}
