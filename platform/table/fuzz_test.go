package table_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// FuzzRead holds the reader to what it promises whatever it is given: one of
// the faults that it names, or rows whose cells are those that encoding/csv
// cuts of the same line, each line of the text once and in order.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "ann,1\n", "name;score\r\nann;1", "# x\nScores\n\nname\tscore\n\t5\n", "\"a\"\"\",1,\"x\"\n", "\ufeffann,1\rbob,2", "\xff\xfea\x00,\x001\x00",
		"\x1f\x8b", "(\xb5/\xfd", "a,\xff\n", ",,,\n\"\",1", "{\"name\":1}", "a;1,2\nb;2,3", "name,points,value\n",
	} {
		f.Add([]byte(seed), "", "")
	}
	f.Add([]byte("a,b,c\nx,1,y\n"), "2", "b")
	f.Fuzz(func(t *testing.T, data []byte, name, score string) {
		spec := scores()
		spec.Columns[0].Chosen, spec.Columns[1].Chosen = name, score
		before := 0
		check := func(part *table.Part) error {
			l := part.Layout()
			for part.Next() {
				if part.Line <= before {
					t.Fatalf("line %d comes after line %d", part.Line, before)
				}
				before = part.Line
				cells, problem := part.Cells()
				if problem == "" {
					sameAsCSV(t, l, string(part.Text), cells)
				}
			}
			return nil
		}
		options := table.Options{Workers: 1, Limits: decompress.Limits{Max: 1 << 20}, MaxRows: 10_000}
		report, err := table.Read(context.Background(), bytes.NewReader(data), spec, options, func(_ context.Context, part *table.Part) (*table.Part, error) { return part, nil }, check)
		switch {
		case err != nil && !slices.Contains([]fault.Code{fault.Invalid, fault.TooLarge, fault.Unsupported}, fault.CodeOf(err)):
			t.Fatalf("%q gave %v", data, err)
		case err == nil && report.Rows == 0:
			t.Fatalf("%q was read without a row", data)
		}
	})
}

// sameAsCSV compares the cells with what encoding/csv makes of the line, where
// it reads it: it knows no blanks before quotes at the end of a cell.
func sameAsCSV(t *testing.T, l *table.Layout, line string, cells [][]byte) {
	t.Helper()
	if l.JSON != table.NoJSON || l.Separator == ' ' { // of which several are one
		return
	}
	reader := csv.NewReader(strings.NewReader(line))
	reader.Comma = rune(l.Separator)
	reader.TrimLeadingSpace = l.Separator != '\t'
	want, err := reader.Read()
	if err != nil || strings.ContainsAny(line, "\v\f\u00a0\u0085\u2028") { // it trims what Unicode calls a space
		return
	}
	for column, at := range l.Columns {
		got, wanted := "", ""
		if at >= 0 {
			got = strings.Trim(string(cells[column]), " \t")
		}
		if at >= 0 && at < len(want) {
			wanted = strings.Trim(want[at], " \t")
		}
		if got != wanted {
			t.Fatalf("cell %d of %q is %q, and encoding/csv's %q", at, line, got, wanted)
		}
	}
}

// FuzzEncodings reads a text in every encoding and with every line end: the
// rows are the same, or the refusal is.
func FuzzEncodings(f *testing.F) {
	for _, seed := range []string{"name,score\nann,1\n", "ann;1\nb\u00fcb;2\n", "# x\n\n\"a\",1", "a\tb", "x", "大家,1\n,,\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' || r == '\ufffd' || r == '\ufeff' || r > 0x7e && len(text)%3 == 0 {
				return -1
			}
			return r
		}, text), "")
		if ascii := strings.Trim(text, "\x7f"); len(ascii) < 4 || strings.HasPrefix(text, "PK\x03\x04") {
			return // without a mark, UTF-16 is known by its first letters
		}
		want, _, wantErr := read(text, nil)
		for _, encoding := range encodings {
			if strings.Contains(encoding, "without") && strings.ContainsFunc(text[:min(len(text), 128)], func(r rune) bool { return r > 0x7e }) {
				continue
			}
			for _, end := range []string{"\n", "\r\n", "\r"} {
				got, _, err := read(encoded(text, encoding, end), nil)
				if got != want || fault.CodeOf(err) != fault.CodeOf(wantErr) {
					t.Fatalf("%q in %s with %q at line ends: %q (%v), want %q (%v)", text, encoding, end, got, err, want, wantErr)
				}
			}
		}
	})
}
