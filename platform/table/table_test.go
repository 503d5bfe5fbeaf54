package table_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"banyan/platform/fault"
	"banyan/platform/table"
)

// scores is the table of these tests: name, score and maybe a note.
func scores() table.Spec {
	number := func(cell []byte) bool { return len(cell) > 0 && len(bytes.Trim(cell, "0123456789.")) == 0 }
	return table.Spec{
		Columns: []table.Column{
			{Name: "name", Synonyms: []string{"who", "playername"}, Required: true, Flag: "--name-column"},
			{Name: "score", Synonyms: []string{"points", "value"}, Required: true, Flag: "--score-column"},
			{Name: "note", Trailing: true},
		},
		Row: func(cells [][]byte) bool { return slices.ContainsFunc(cells, number) },
		Place: func(cells [][]byte) table.Placement {
			if len(cells) < 2 || len(cells) > 3 {
				return table.Placement{Problem: fmt.Sprintf("has %d cells and not name,score[,note]", len(cells))}
			}
			return table.Placement{Columns: []int{0, 1, 2}, Least: 2, Certain: number(cells[1])}
		},
		Shape: "name,score[,note]", Ragged: true,
	}
}

// read returns the rows as text, "line: name=score(note)", and wrong lines as "line! problem".
func read(text string, change func(*table.Spec, *table.Options)) (string, table.Report, error) {
	return readFrom(strings.NewReader(text), change)
}

func readFrom(in io.Reader, change func(*table.Spec, *table.Options)) (string, table.Report, error) {
	spec, options := scores(), table.Options{Workers: 3}
	if change != nil {
		change(&spec, &options)
	}
	var rows []string
	work := func(_ context.Context, part *table.Part) (lines []string, err error) {
		for part.Next() {
			cells, problem := part.Cells()
			switch {
			case problem != "":
				lines = append(lines, fmt.Sprintf("%d! %s", part.Line, problem))
			case cells[2] == nil:
				lines = append(lines, fmt.Sprintf("%d: %s=%s", part.Line, cells[0], cells[1]))
			default:
				lines = append(lines, fmt.Sprintf("%d: %s=%s(%s)", part.Line, cells[0], cells[1], cells[2]))
			}
		}
		return lines, nil
	}
	report, err := table.Read(context.Background(), in, spec, options, work, func(lines []string) error { rows = append(rows, lines...); return nil })
	return strings.Join(rows, "\n"), report, err
}

func TestTablesAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "ann,1\nbob,2\n", "1: ann=1\n2: bob=2"},
		{"no line end at the end", "ann,1\nbob,2", "1: ann=1\n2: bob=2"},
		{"header", "name,score\nann,1\n", "2: ann=1"},
		{"synonyms in another order and spelling", "POINTS,Rank,Player Name\n1,9,ann\n", "2: ann=1"},
		{"snake case", "player_name,points\nann,1\n", "2: ann=1"},
		{"pipes where every line agrees", "name|score\n# c\nann|1\n\n|\nbob | 2\n", "3: ann=1\n6: bob=2"},
		{"pipes without a header", "ann|1|a, b; c\nbob|2|\n", "1: ann=1(a, b; c)\n2: bob=2()"},
		{"a pipe in some cells", "a|n,1\nbob,2\n", "1: a|n=1\n2: bob=2"},
		{"blank lines and rows of separators", "\n \nname,score,\n\n,,\n\"\",\"\"\nann,1,\n , ,\n", "7: ann=1"},
		{"blanks around cells", " ann ,\t1 \n", "1: ann=1"},
		{"quotes", "\"ann, \"\"a\"\"\" , \"1\"\nbob,2,\" x \"\n", "1: ann, \"a\"=1\n2: bob=2( x )"},
		{"a quoted cell that is a quote", "\"\"\"\",1\n", "1: \"=1"},
		{"a title above the header", "Scores of 2024\n,,\nRound,,\nname,score\nann,1\n", "5: ann=1"},
		{"comments", "# a\nname,score\n#b\nann,1\n# c,3\n\"#d\",4\n", "4: ann=1\n6: #d=4"},
		{"a comment that is the header", "# all of it\n#score,name\n1,ann\n", "3: ann=1"},
		{"a comment that is no header, below a row", "ann,1\n# score,name\nbob,2\n", "1: ann=1\n3: bob=2"},
		{"cells left out at the end", "name,score,note\nann,1\nbob,2,x\n", "2: ann=1\n3: bob=2(x)"},
		{"columns without a name", "name,score,,\nann,1,,\nbob,2\n", "2: ann=1\n3: bob=2"},
		{"a row too long", "ann,1,x\nbob,2,x,y\ncid,3,z,\n", "1: ann=1(x)\n2! the line has 4 columns and the first line has 3: a column is missing, or a comma is too many\n3: cid=3(z)"},
		{"a row too short", "name,rank,score\nann,1\n", "2! the line has 2 columns and the header has 3: a column is missing, or a comma is too many"},
		{"semicolons", "name;score\nann;1\n", "2: ann=1"},
		{"semicolons and decimal commas", "name;score;note\nann;1;0,5\nbob;2;0,7\n", "2: ann=1(0,5)\n3: bob=2(0,7)"},
		{"tabs", "ann\t1\t\n\nbob b\t2\n", "1: ann=1()\n3: bob b=2"},
		{"an empty cell before a tab", "score\tname\n\tann\n", "2: ann="},
		{"commas in quotes among semicolons", "\"a,b\";1\n\"c,d\";2\n", "1: a,b=1\n2: c,d=2"},
		{"CRLF", "name,score\r\nann,1\r\n", "2: ann=1"},
		{"CR", "name,score\rann,1\rbob,2", "2: ann=1\n3: bob=2"},
		{"CR, and LF at the end", "ann,1\rbob,2\n", "1: ann=1\n2: bob=2"},
		{"all line ends", "name,score\rann,1\r\nbob,2\ncid,3\r\rdan,4", "2: ann=1\n3: bob=2\n4: cid=3\n6: dan=4"},
		{"not UTF-8", "ann,1\nb\xff,2\n", "1: ann=1\n2! the line is not UTF-8, and may be Windows-1252: save the list as UTF-8 (CSV UTF-8 in spreadsheets)"},
		{"NUL", "ann,1\nb\x00,2\n", "1: ann=1\n2! the line holds a NUL byte: this is not a text file, or it is damaged"},
		{"an open quote", "ann,1\n\"b,2\nc,3\n", "1: ann=1\n2! a quote is opened and not closed on this line\n3: c=3"},
		{"half a letter of UTF-16", "\xff\xfea\x00,\x001\x00\n\x00b\x00,\x00\x00\xd8\n\x00", "1: a=1\n2! the line holds bytes that are not UTF-16LE: save the list as UTF-8 (CSV UTF-8 in spreadsheets)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := read(c.text, nil)
			if err != nil || got != c.want {
				t.Errorf("read\n%s\n(%v), want\n%s", got, err, c.want)
			}
		})
	}
}

// encoded writes a text as other programs do.
func encoded(text, encoding, lineEnd string) string {
	text = strings.ReplaceAll(text, "\n", lineEnd)
	var order binary.AppendByteOrder = binary.LittleEndian
	switch encoding {
	case "UTF-8":
		return text
	case "UTF-8 with a mark":
		return "\ufeff" + text
	case "UTF-16BE", "UTF-16BE without a mark":
		order = binary.BigEndian
	}
	if !strings.Contains(encoding, "without") {
		text = "\ufeff" + text
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

var encodings = []string{"UTF-8", "UTF-8 with a mark", "UTF-16LE", "UTF-16BE", "UTF-16LE without a mark", "UTF-16BE without a mark"}

// Rows that say their own number, over many chunks, whatever they are written in.
func TestEveryRowOfALongTableKeepsItsPlaceInEveryEncoding(t *testing.T) {
	var text, want strings.Builder
	text.WriteString("a list of what is wanted\nscore;who\n")
	line := 3
	for i := range 90_000 {
		if i%7 == 0 {
			text.WriteString("\n")
			line++
		}
		fmt.Fprintf(&text, "%d;ünï %sy\n", i, strings.Repeat("x", i%23))
		fmt.Fprintf(&want, "%d: ünï %sy=%d\n", line, strings.Repeat("x", i%23), i)
		line++
	}
	for _, encoding := range encodings {
		for name, end := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
			got, report, err := read(encoded(text.String(), encoding, end), nil)
			if err != nil || got != strings.TrimSuffix(want.String(), "\n") {
				t.Errorf("%s with %s: %d bytes of rows (%v), want %d", encoding, name, len(got), err, want.Len())
				continue
			}
			l := report.Layout
			if report.Rows != 90_000 || report.Titles != 1 || l.HeaderLine != 2 || l.Separator != ';' || l.LineEnds != name || !strings.HasPrefix(encoding, l.Encoding) {
				t.Errorf("%s with %s: reported %+v, %+v", encoding, name, report, l)
			}
		}
	}
}

func TestWhatIsNoTableIsNamed(t *testing.T) {
	for _, c := range []struct {
		text string
		code fault.Code
		says string
	}{
		{"", fault.Invalid, "the list is empty: write lines of name,score[,note]"},
		{"\ufeff", fault.Invalid, "the list is empty"},
		{"\n \r\n,,,\n", fault.Invalid, "only blank lines"},
		{"# name,score\n", fault.Invalid, "only comments"},
		{"name,score,rank\n\n,,\n", fault.Invalid, "the list has no rows, only a header on line 1 (columns seen: name, score, rank)"},
		{"player,result\nann,x\n", fault.Invalid, "the header has no name column: name one of the columns name, who or playername, or choose it with --name-column; columns seen: player, result"},
		{"name;result\nann;1\n", fault.Invalid, "the header has no score column: name one of the columns score, points or value, or choose it with --score-column; columns seen: name, result"},
		{"name,points,value\nann,1,2\n", fault.Invalid, `two columns could be the score, "points" and "value": choose one with --score-column`},
		{"ann;1;0,5\nbob;2;0,7\n", fault.Invalid, "every line can be cut at its commas as well as at its semicolons"},
		{"PK\x03\x04", fault.Unsupported, "a spreadsheet"},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", fault.Unsupported, "an old spreadsheet (xls)"},
		{"%PDF-1.7\n", fault.Unsupported, "a PDF document"},
		{"\n<!doctype html>\n", fault.Unsupported, "HTML"},
		{"<?xml version=\"1.0\"?>\n", fault.Unsupported, "XML"},
		{"[\n{\"name\":\"ann\"}]", fault.Unsupported, "JSON"},
		{"{\"name\":\"ann\",\"score\":1}\n", fault.Unsupported, "JSON"},
		{strings.Repeat("x", 2*table.MaxLine) + "\n", fault.Invalid, "longer than 65536 bytes"},
	} {
		strict := func(s *table.Spec, _ *table.Options) { s.Strict = true }
		if got, _, err := read(c.text, strict); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || got != "" {
			t.Errorf("%.40q: %q, %v, want %s", c.text, got, err, c.says)
		}
	}
}

func TestColumnsAreChosen(t *testing.T) {
	const two = "name,points,value\nann,1,2\n"
	for _, c := range []struct{ text, name, score, want string }{
		{two, "", "value", "2: ann=2"},
		{two, "", "POINTS", "2: ann=1"},
		{two, "", "3", "2: ann=2"},
		{two, "value", "name", "2: 2=ann"},
		{two, "", "total", `there is no column "total" (--score-column); columns seen: name, points, value`},
		{two, "2", "points", "--name-column and --score-column choose the same column"},
		{"joueur;résultat\nann;1\n", "Joueur", "Résultat", "2: ann=1"},
		{"joueur;résultat\nann;1\n", "1", "2", "2: ann=1"},
		{"3,ann,1\n", "2", "3", "1: ann=1"},
		{"3,ann,1\n", "2", "4", "there is no column 4 (--score-column): the line has 3"},
		{"3,ann,1\n", "2", "", "choose the score column, too, with --score-column"},
		{"3,ann,1\n", "who", "3", `there is no column "who" (--name-column)`},
		{"name,2,1\nann,5,6\n", "", "1", "2: ann=6"}, // a header that is a number comes before a position
	} {
		got, _, err := read(c.text, func(s *table.Spec, _ *table.Options) {
			s.Columns[0].Chosen, s.Columns[1].Chosen = c.name, c.score
			s.Row = func(cells [][]byte) bool { return len(cells) > 2 && string(cells[0]) == "3" }
		})
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%q with %q and %q: %s, want %s", c.text, c.name, c.score, got, c.want)
		}
	}
}

func TestWhatWasPassedOverIsReported(t *testing.T) {
	_, report, err := read("Scores\n# by hand\nRank,name,Percentage,,score\n#\n1,ann,50%,,7\n", nil)
	if got, want := report.Passed(), "not used: Rank, Percentage, column 4 (no name); passed over: 1 line above the header; passed over: 2 comments"; err != nil || got != want {
		t.Errorf("reported %q (%v), want %q", got, err, want)
	}
	if _, report, _ = read("name,score\nann,1\n", nil); report.Passed() != "" {
		t.Errorf("reported %q of a table that is used as a whole", report.Passed())
	}
}

// endless repeats its text without an end.
type endless string

func (s endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(s) <= len(p) {
		n += copy(p[n:], s)
	}
	return n, nil
}

func TestEverythingHasABound(t *testing.T) {
	limit := func(rows int, size int64) func(*table.Spec, *table.Options) {
		return func(_ *table.Spec, o *table.Options) { o.MaxRows, o.Limits.Max = rows, size }
	}
	for _, c := range []struct {
		name   string
		in     io.Reader
		change func(*table.Spec, *table.Options)
		code   fault.Code
		says   string
	}{
		{"rows", endless("ann,1\n"), limit(1000, 0), fault.TooLarge, "more than 1000 rows"},
		{"bytes", endless("ann,1\n"), limit(0, 5000), fault.TooLarge, "more than 5000 bytes"},
		{"blank lines", endless("\n"), nil, fault.Invalid, "more than 64 MiB of blank lines"},
		{"rows of separators below a row", io.MultiReader(strings.NewReader("ann,1\n"), endless(",,\n")), nil, fault.Invalid, "more than 64 MiB of blank lines"},
		{"a line", io.MultiReader(strings.NewReader("ann,1\n"), endless("x")), nil, fault.Invalid, "line 2: the line is longer than 65536 bytes"},
		{"bytes of a line in UTF-16", io.MultiReader(strings.NewReader("\xff\xfe"), endless("x\x00")), nil, fault.Invalid, "longer than"},
	} {
		if _, _, err := readFrom(c.in, c.change); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	got, _, err := read("ann,1\nbob,2"+strings.Repeat(",", table.MaxColumns)+"\n", nil)
	if err != nil || got != "1: ann=1\n2! the line has more than 1024 columns" {
		t.Errorf("columns: %s (%v)", got, err)
	}
	if got, _, err = read("ann,1\nbob,2\n", limit(2, 12)); err != nil || got != "1: ann=1\n2: bob=2" {
		t.Errorf("within the limits: %s (%v)", got, err)
	}
}

func TestAPartThatIsReadWhereItIsTakenIsBoundedToo(t *testing.T) {
	rows := 0
	_, err := table.Read(context.Background(), endless("ann,1\n"), scores(), table.Options{MaxRows: 1000},
		func(_ context.Context, part *table.Part) (*table.Part, error) { return part, nil },
		func(part *table.Part) error {
			for part.Next() {
				rows++
			}
			return nil
		})
	if !fault.Is(err, fault.TooLarge) || rows > 200_000 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestReadingStopsAndSaysWhy(t *testing.T) {
	stop := errors.New("the disk is full")
	one := func(_ context.Context, part *table.Part) (int, error) { return 1, nil }
	nothing := func(int) error { return nil }
	for name, c := range map[string]struct {
		in   io.Reader
		work func(context.Context, *table.Part) (int, error)
		take func(int) error
		is   func(error) bool
	}{
		"work fails":       {endless("ann,1\n"), func(context.Context, *table.Part) (int, error) { return 0, stop }, nothing, func(err error) bool { return errors.Is(err, stop) }},
		"take fails":       {endless("ann,1\n"), one, func(int) error { return stop }, func(err error) bool { return errors.Is(err, stop) }},
		"take has enough":  {endless("ann,1\n"), one, func(int) error { return io.EOF }, func(err error) bool { return err == nil }},
		"the reader fails": {io.MultiReader(strings.NewReader("ann,1\nbob"), failing{stop}), one, nothing, func(err error) bool { return errors.Is(err, stop) && strings.Contains(err.Error(), "after line 1") }},
		"an upload is cut off": {io.MultiReader(strings.NewReader("ann,1\nbob"), failing{io.ErrUnexpectedEOF}), one, nothing, func(err error) bool {
			return fault.Is(err, fault.Invalid) && fault.From(err).Fields[0].Line == 1
		}},
		"the reader fails at once": {failing{stop}, one, nothing, func(err error) bool { return errors.Is(err, stop) }},
	} {
		if _, err := table.Read(context.Background(), c.in, scores(), table.Options{Workers: 2}, c.work, c.take); !c.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err := table.Read(ctx, endless("ann,1\n"), scores(), table.Options{}, one, func(int) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in between: %v", err)
	}
	if _, err = table.Read(ctx, strings.NewReader("ann,1\n"), scores(), table.Options{}, one, nothing); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLinesAreTheConsumersOwn(t *testing.T) {
	var got []string
	err := table.Lines(context.Background(), strings.NewReader("\ufeff {\"a\":1} \r\n\n# b\n,,\n"), table.Options{},
		func(_ context.Context, part *table.Part) (lines []string, err error) {
			for part.Next() {
				lines = append(lines, fmt.Sprintf("%d: %s", part.Line, part.Text))
			}
			return lines, nil
		}, func(lines []string) error { got = append(got, lines...); return nil })
	if want := []string{`1: {"a":1}`, "3: # b", "4: ,,"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func TestProgressIsOfTheBytesTaken(t *testing.T) {
	text := strings.Repeat("ann,1\n", 200_000)
	var last int64
	_, _, err := read(text, func(_ *table.Spec, o *table.Options) {
		o.Progress = func(read int64) {
			if read <= last {
				t.Errorf("%d bytes were read after %d", read, last)
			}
			last = read
		}
	})
	if err != nil || last != int64(len(text)) {
		t.Errorf("%d bytes of %d, %v", last, len(text), err)
	}
}

func TestARefusalCountsLinesAndKeepsTheirOrder(t *testing.T) {
	problems := []fault.Field{{Line: 7, Message: "b"}, {Line: 2, Name: "x", Message: "a"}, {Line: 7, Message: "c"}}
	f := fault.From(table.Refuse(problems))
	if !strings.HasPrefix(f.Message, "2 lines of the list are wrong") || f.Fields[0].Line != 2 || f.Fields[1].Message != "b" || f.Fields[2].Message != "c" {
		t.Errorf("refused with %v", f)
	}
	if f = fault.From(table.Refuse(problems[:1])); !strings.HasPrefix(f.Message, "1 line of the list is wrong") {
		t.Errorf("refused with %v", f)
	}
}
