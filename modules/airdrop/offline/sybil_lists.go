package offline

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"banyan/modules/airdrop/sybil"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// transfer is a row of the list of transfers.
type transfer struct {
	from, to wallet.Address
	at       int64 // seconds since 1970, or sybil.NoTime
}

// features is a row of the list of features.
type features struct {
	wallet wallet.Address
	sybil.Behaviour
}

func transferList() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{Name: "from", Synonyms: []string{"source", "src", "sender", "fromaddress", "funder"}, Required: true},
			{Name: "to", Synonyms: []string{"target", "dst", "receiver", "recipient", "toaddress"}, Required: true},
			{Name: "time", Synonyms: []string{"timestamp", "blocktime", "blocktimestamp", "date", "at"}, Trailing: true},
		},
		Row: startsWithWallet, Shape: "from,to[,time]", Ragged: true,
		Place: func(cells [][]byte) table.Placement {
			if len(cells) < 2 {
				return table.Placement{Problem: "has one cell, and a transfer is from,to[,time]"}
			}
			columns := []int{0, 1, 2}
			for len(columns) < len(cells) { // counts and amounts behind are not needed
				columns = append(columns, -1)
			}
			if len(cells) > 2 && !isTime(cells[2]) {
				columns[2] = -1
			}
			return table.Placement{Columns: columns[:len(cells)], Least: 2, Certain: startsWithWallet(cells)}
		},
	}
}

func walletList() table.Spec {
	return table.Spec{
		Columns: []table.Column{{Name: "address", Synonyms: []string{"wallet", "account", "user", "holder", "candidate", "holderaddress", "walletaddress"}, Required: true}},
		Row:     startsWithWallet, Shape: "address", Ragged: true,
		Place: func(cells [][]byte) table.Placement {
			columns := make([]int, len(cells))
			for i := 1; i < len(columns); i++ {
				columns[i] = -1
			}
			return table.Placement{Columns: columns, Least: 1, Certain: startsWithWallet(cells)}
		},
	}
}

func featureList() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{Name: "address", Synonyms: []string{"wallet", "account", "user"}, Required: true},
			{Name: "volume", Synonyms: []string{"volumeusd", "usd", "amount", "total", "value"}, Required: true},
			{Name: "first_transfer", Synonyms: []string{"firsttransfer", "first", "firstseen", "time", "timestamp", "date"}, Required: true},
		},
		Row: startsWithWallet, Shape: "address,volume,first_transfer", Ragged: true,
		Place: func(cells [][]byte) table.Placement {
			if len(cells) < 3 {
				return table.Placement{Problem: "has too few cells: a row is address,volume,first_transfer"}
			}
			columns := []int{0, 1, 2}
			for len(columns) < len(cells) {
				columns = append(columns, -1)
			}
			return table.Placement{Columns: columns, Least: 3, Certain: startsWithWallet(cells)}
		},
	}
}

// startsWithWallet reports whether a row begins with what could only be a wallet.
func startsWithWallet(cells [][]byte) bool {
	_, err := wallet.Parse(string(cells[0]))
	return err == nil
}

func isTime(cell []byte) bool { _, err := parseSeconds(cell); return err == nil && len(cell) > 0 }

// readRows reads a list: parse makes a row of its cells, or names the wrong column
// and why, and take gets the rows in their order. passed says what was not used.
func readRows[T any](ctx context.Context, r Runner, path, stage string, spec table.Spec, parse func(cells [][]byte) (row T, column string, err error), take func(T)) (passed string, err error) {
	in, size, err := r.open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // only read
	type parsed struct {
		rows   []T
		wrongs []fault.Field
	}
	work := func(_ context.Context, part *table.Part) (p parsed, _ error) {
		for part.Next() {
			cells, problem := part.Cells()
			if problem != "" {
				p.wrongs = append(p.wrongs, fault.Field{Line: part.Line, Message: problem})
			} else if row, column, err := parse(cells); err != nil {
				p.wrongs = append(p.wrongs, fault.Field{Name: column, Line: part.Line, Message: fault.From(err).Message})
			} else {
				p.rows = append(p.rows, row)
			}
			if len(p.wrongs) >= table.MaxProblems {
				break
			}
		}
		return p, nil
	}
	var wrongs []fault.Field
	report, err := table.Read(ctx, in, spec, table.Options{Limits: decompress.Files(), Progress: func(read int64) { r.progress(stage, read, size) }}, work, func(p parsed) error {
		if wrongs = append(wrongs, p.wrongs...); len(wrongs) >= table.MaxProblems {
			return io.EOF
		}
		for _, row := range p.rows {
			take(row)
		}
		return nil
	})
	if err == nil && len(wrongs) > 0 {
		err = table.Refuse(wrongs[:min(len(wrongs), table.MaxProblems)])
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return report.Passed(), nil
}

func parseTransfer(cells [][]byte) (t transfer, column string, err error) {
	if t.from, err = wallet.Parse(string(cells[0])); err != nil {
		return t, "from", err
	}
	if t.to, err = wallet.Parse(string(cells[1])); err != nil {
		return t, "to", err
	}
	if t.at = sybil.NoTime; len(cells[2]) > 0 {
		t.at, err = parseSeconds(cells[2])
	}
	return t, "time", err
}

func parseWallet(cells [][]byte) (w wallet.Address, column string, err error) {
	w, err = wallet.Parse(string(cells[0]))
	return w, "address", err
}

func parseFeatures(cells [][]byte) (f features, column string, err error) {
	if f.wallet, err = wallet.Parse(string(cells[0])); err != nil {
		return f, "address", err
	}
	f.Volume, err = strconv.ParseFloat(string(cells[1]), 64)
	if err != nil || math.IsNaN(f.Volume) || math.IsInf(f.Volume, 0) || f.Volume < 0 {
		return f, "volume", fault.Newf(fault.Invalid, "%q is not a volume: write a number of 0 or more", table.Short(cells[1]))
	}
	f.First, err = parseSeconds(cells[2])
	return f, "first_transfer", err
}

// parseSeconds reads a time: seconds or milliseconds since 1970, RFC 3339, or a date.
func parseSeconds(cell []byte) (int64, error) {
	const milliseconds = 1e11 // seconds of the year 5138
	text := string(cell)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		if n >= milliseconds {
			n /= 1000
		}
		return n, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Unix(), nil
		}
	}
	return 0, fault.Newf(fault.Invalid, "%q is not a time: write seconds since 1970, or 2026-11-29T12:00:00Z", table.Short(cell))
}
