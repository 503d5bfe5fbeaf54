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

// BenchmarkColumnsThatMatter reads the same list of 500,000 rows without and with
// columns behind the amount, in turns: over-note is how much more of the
// processors' time a column takes that says what amounts mean, than one that
// says nothing, and over-plain than none, in percent.
func BenchmarkColumnsThatMatter(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	kinds := []struct{ header, cell string }{{"", ""}, {",note", ",18"}, {",decimals", ",18"}, {",token_address", ",0x0000000000085d4780b73119b644ae5ecd22b376"}}
	texts := make([]bytes.Buffer, len(kinds))
	for i := range texts {
		fmt.Fprintf(&texts[i], "address,amount%s\n", kinds[i].header)
	}
	for range 500_000 {
		row := fmt.Sprintf("0x%08x%016x%016x,%d", chance.Uint32(), chance.Uint64(), chance.Uint64(), 1+chance.Uint64()>>4)
		for i := range texts {
			fmt.Fprintf(&texts[i], "%s%s\n", row, kinds[i].cell)
		}
	}
	took := make([]time.Duration, len(kinds))
	for range b.N {
		for i := range texts {
			start := benchclock.ProcessorTime(b)
			if _, err := Read(context.Background(), bytes.NewReader(texts[i].Bytes()), Options{Decimals: 18}); err != nil {
				b.Fatal(err)
			}
			took[i] += benchclock.ProcessorTime(b) - start
		}
	}
	over := func(a, c int) float64 { return 100 * (float64(took[a])/float64(took[c]) - 1) }
	b.ReportMetric(over(2, 1), "decimals-over-note-%")
	b.ReportMetric(over(2, 0), "decimals-over-plain-%")
	b.ReportMetric(over(3, 0), "token-over-plain-%")
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
