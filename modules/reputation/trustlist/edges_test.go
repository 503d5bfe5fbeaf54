package trustlist_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

func text(cell []byte) (string, error) {
	if len(cell) == 0 {
		return "", errors.New("is empty")
	}
	return string(cell), nil
}

// read gives the rows as text, one per line.
func read(list string) (string, error) { return readFrom(strings.NewReader(list)) }

func readFrom(r io.Reader) (string, error) {
	var out strings.Builder
	_, err := trustlist.Read(context.Background(), r, table.Options{Limits: decompress.Files()}, text, func(row trustlist.Row[string]) error {
		at := ""
		if row.Time != trust.NoTime {
			at = fmt.Sprintf("@%d", row.Time)
		}
		fmt.Fprintf(&out, "%d:%s>%s=%g%s\n", row.Line, row.Source, row.Target, row.Weight, at)
		return nil
	})
	return strings.TrimSuffix(out.String(), "\n"), err
}

func TestReadTakesEveryHonestShapeOfList(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"plain", "a,b,1\nb,c,-2.5\n", "1:a>b=1\n2:b>c=-2.5"},
		{"no line end at the end", "a,b,1", "1:a>b=1"},
		{"header and times", "source,target,weight,timestamp\n6,2,4,1289241911.72836\n", "2:6>2=4@1289241911728"},
		{"other words in the header", "From,To,Rating\na,b,1\n", "2:a>b=1"},
		{"ids that are header words, with a number", "source,target,1\n", "1:source>target=1"},
		{"RFC 3339", "a,b,1,2023-11-14T22:13:20.5Z\na,c,1,2023-11-14T23:13:20+01:00\n", "1:a>b=1@1700000000500\n2:a>c=1@1700000000000"},
		{"a time left out", "a,b,1,\na,c,1\na,d,1,0\n", "1:a>b=1\n2:a>c=1\n3:a>d=1@0"},
		{"byte order mark, CRLF, blank lines, spaces", "\xef\xbb\xbfa, b , 1\r\n\r\n  \r\nc,d,2\r\n", "1:a>b=1\n4:c>d=2"},
		{"quotes", "\"x, \"\"y\"\"\",\" b \",1\n\"\"\"\" , \"c\" , \"2\"\n", "1:x, \"y\"> b =1\n2:\">c=2"},
		{"exponents and signs", "a,b,1e3\nc,d,+.5\ne,f,0\n", "1:a>b=1000\n2:c>d=0.5\n3:e>f=0"},
		{"OpenRank's names", "i,j,v\na,b,30\n", "2:a>b=30"},
		{"two columns", "a,b\nb,c\n", "1:a>b=1\n2:b>c=1"},
		{"two columns with a header", "from,to\na,b\n", "2:a>b=1"},
		{"columns in another order, and more of them", "weight,note,Target,source\n2,x,b,a\n", "2:a>b=2"},
		{"columns without a use left out at the end", "source,target,weight,time,note\na,b,2\na,c,2,5\na,d,2,5,x\n", "2:a>b=2\n3:a>c=2@5000\n4:a>d=2@5000"},
		{"comments and tiers", "# who\ni,j,v\n\n# tier 1\na,b,1\n#a,x,9\n\"#c\",d,1\n", "5:a>b=1\n7:#c>d=1"},
		{"a header that is a comment", "# target source\n# target,source,weight\na,b,2\n", "3:b>a=2"},
		{"semicolons", "a;b;1\nc;d;-2\n", "1:a>b=1\n2:c>d=-2"},
		{"tabs", "a b\tc\t1\n", "1:a b>c=1"},
		{"CR line ends", "source,target,weight\ra,b,1\rc,d,2\r", "2:a>b=1\n3:c>d=2"},
		{"UTF-16", "\xff\xfea\x00,\x00b\x00,\x001\x00\n\x00", "1:a>b=1"},
		{"a day", "a,b,1,2023-11-14\n", "1:a>b=1@1699920000000"},
		{"rows of separators alone", "a,b,1\n,,\n\"\",,\nc,d,1\n", "1:a>b=1\n4:c>d=1"},
		{"not ASCII", "ženja,大家,1\n", "1:ženja>大家=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := read(c.list); err != nil || got != c.want {
				t.Errorf("read\n%s\n(%v), want\n%s", got, err, c.want)
			}
		})
	}
}

func TestReadNamesWhatIsWrongByLine(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"weight is a word", "a,b,1\na,b,ten\n", `line 2: weight: "ten" is not a finite decimal number`},
		{"first row is no header", "a,b,ten\n", `line 1: weight: "ten" is not`},
		{"NaN", "a,b,NaN\n", `line 1: weight: "NaN" is not a finite`},
		{"infinite", "a,b,-Inf\n", `line 1: weight: "-Inf" is not a finite`},
		{"hexadecimal", "a,b,0x10\n", `line 1: weight: "0x10" is not a finite`},
		{"below any float", "a,b,-1e400\n", `line 1: weight: "-1e400" is out of range`},
		{"too small", "a,b,1e-400\n", `line 1: weight: "1e-400" is out of range`},
		{"below the range", "a,b,-1e13\n", `line 1: weight: "-1e13" is out of range`},
		{"empty weight", "a,b,\n", `line 1: weight: "" is not`},
		{"empty id", "a,,1\n", `line 1: target: is empty`},
		{"two cells of three", "a,b,1\na,b\n", `line 2: the line has 2 columns and the first line has 3`},
		{"two cells below a header", "source,target,weight\na,b\n", `line 2: the line has 2 columns and the header has 3`},
		{"three cells of two", "a,b\na,b,1\n", `line 2: the line has 3 columns`},
		{"one cell", "a 1\n", `line 1: has 1 cells`},
		{"five cells", "a,b,1,2,3\n", `line 1: has 5 cells`},
		{"semicolons and decimal commas", "a;b;0,5\nc;d;0,7\n", `line 1: every line can be cut at its commas as well as at its semicolons`},
		{"a header with half of the names", "from,candidate,strength\na,b,1\n", `line 1: the header has no target column: name one of the columns target, to, dst, trustee or ratee; columns seen: from, candidate, strength`},
		{"a header with other names", "voter,candidate,strength\na,b,1\n", `line 1: weight: "strength" is not a finite decimal number; if this line is a header, call its columns source, target and weight`},
		{"two columns for one thing", "from,to,value,score\na,b,1,2\n", `line 1: two columns could be the weight, "value" and "score": keep one`},
		{"mixed line ends", "a,b,1\n" + strings.Repeat("c,d,1\n", 20_000) + "a,b,1\rc,d,1\n", `line 20002: the line has`},
		{"milliseconds", "a,b,1,1700000000000\n", `line 1: time: "1700000000000" is too late: times are seconds`},
		{"time before 1970", "a,b,1,-5\n", `line 1: time: "-5" is before 1970`},
		{"time is a word", "a,b,1,noon\n", `line 1: time: "noon" is neither`},
		{"an impossible day", "a,b,1,2023-02-31\n", `line 1: time: "2023-02-31" is neither`},
		{"quote without end", "\"a,b,1\n", `line 1: a quote is opened and not closed`},
		{"text after a quote", "\"a\"x,b,1\n", `line 1: there is text after a closing quote`},
		{"not UTF-8", "a,b,1\n\xff,b,1\n", `line 2: the line is not UTF-8`},
		{"zero byte", "a,\x00,1\n", `line 1: the line holds a NUL byte`},
		{"endless line", "a,b,1\n" + strings.Repeat("x", 2*table.MaxLine) + "\nc,d,ten\n", `line 2: the line is longer than`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.list)
			f := fault.From(err)
			if err == nil || f.Code != fault.Invalid || len(f.Fields) == 0 || !strings.HasPrefix(f.Fields[0].String(), c.want) {
				t.Errorf("got %v, want invalid with %q", err, c.want)
			}
		})
	}
	t.Run("nothing but blank lines, without an end", func(t *testing.T) {
		if _, err := readFrom(repeat("\n")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "blank lines") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		for list, says := range map[string]string{
			"": "the list is empty: write lines of source,target", "\n\n": "only blank lines", "# a,b\n": "only comments", ",,\n": "only blank lines",
			"source,target,weight\n": "only a header on line 1 (columns seen: source, target, weight)",
		} {
			if _, err := read(list); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
				t.Errorf("%q gave %v", list, err)
			}
		}
	})
}

func TestReadNamesAHundredFaultsAndStops(t *testing.T) {
	rows := 0
	endless := io.MultiReader(strings.NewReader("a,b,1\n"), repeat("a,b,x\n"))
	_, err := trustlist.Read(context.Background(), endless, table.Options{Limits: decompress.Files()}, text, func(trustlist.Row[string]) error { rows++; return nil })
	f := fault.From(err)
	if len(f.Fields) != table.MaxProblems || f.Fields[99].Line != 101 || !strings.HasPrefix(f.Message, "100 wrong lines of the list are named here") || rows != 1 {
		t.Errorf("endless wrong rows gave %d fields (%s) and %d rows to keep", len(f.Fields), f.Message, rows)
	}
}

// repeat is a reader that never ends.
type repeat string

func (s repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(s) <= len(p) {
		n += copy(p[n:], s)
	}
	return n, nil
}

func packed(t *testing.T, kind, list string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if kind == "zstd" {
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, list); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPackedListsAreReadAndBrokenOnesRefused(t *testing.T) {
	var list strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&list, "%x,%x,%d\n", i*i, i*7919, i%9+1)
	}
	want, err := read(list.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"gzip", "zstd"} {
		whole := packed(t, kind, list.String())
		if got, err := readFrom(bytes.NewReader(whole)); err != nil || got != want {
			t.Errorf("%s: read %d bytes of rows (%v), want %d", kind, len(got), err, len(want))
		}
		if _, err := readFrom(bytes.NewReader(whole[:len(whole)*2/3])); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("%s: a file cut off gave %v", kind, err)
		}
		spoilt := bytes.Clone(whole)
		spoilt[len(spoilt)/2] ^= 0x55
		if _, err := readFrom(bytes.NewReader(spoilt)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: a spoilt file gave %v", kind, err)
		}
	}
	for name, start := range map[string]string{"zip": "PK\x03\x04rest", "JSON": `[{"from":"a"}]`, "an object": `{"from":"a","to":"b"}`, "HTML": "<!DOCTYPE html>", "xls": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"} {
		if _, err := read(start); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

// failing gives its text and then its error.
type failing struct {
	text io.Reader
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	if n, err := f.text.Read(p); err == nil {
		return n, nil
	}
	return 0, f.err
}

func TestReadPassesOnWhyItStopped(t *testing.T) {
	disk, full := errors.New("disk on fire"), fault.New(fault.TooLarge, "too large")
	for _, c := range []struct {
		name string
		err  error
		is   func(error) bool
	}{
		{"an upload cut off", io.ErrUnexpectedEOF, func(err error) bool {
			return fault.Is(err, fault.Invalid) && fault.From(err).Fields[0].Line == 1
		}},
		{"a limit", full, func(err error) bool { return fault.Is(err, fault.TooLarge) }},
		{"a broken disk", disk, func(err error) bool { return errors.Is(err, disk) && fault.Is(err, fault.Internal) }},
	} {
		if _, err := readFrom(failing{strings.NewReader("a,b,1\nc,d,2"), c.err}); !c.is(err) {
			t.Errorf("%s gave %v", c.name, err)
		}
	}
	stop := errors.New("enough")
	_, err := trustlist.Read(context.Background(), repeat("a,b,1\n"), table.Options{Limits: decompress.Files()}, text, func(trustlist.Row[string]) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("the caller's own error became %v", err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = trustlist.Read(over, repeat("a,b,1\n"), table.Options{Limits: decompress.Files()}, text, func(trustlist.Row[string]) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

func TestIdsMayBeWallets(t *testing.T) {
	a, b := "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77"
	list := "source,target,weight\n" + a + "," + b + ",2\n"
	var got []trustlist.Row[wallet.Address]
	keep := func(r trustlist.Row[wallet.Address]) error { got = append(got, r); return nil }
	if report, err := trustlist.Read(context.Background(), strings.NewReader(list), table.Options{Limits: decompress.Files()}, trustlist.Wallet, keep); err != nil || report.Rows != 1 || got[0].Source != wallet.MustParse(a) || got[0].Target != wallet.MustParse(b) {
		t.Errorf("read %d rows (%v): %+v", report.Rows, err, got)
	}
	mistyped := strings.Replace(list, "52908400098527886E", "52908400098527886e", 1)
	_, err := trustlist.Read(context.Background(), strings.NewReader(mistyped), table.Options{Limits: decompress.Files()}, trustlist.Wallet, keep)
	if f := fault.From(err); !fault.Is(err, fault.Invalid) || f.Fields[0].Line != 2 || f.Fields[0].Name != "source" || !strings.Contains(f.Fields[0].Message, "checksum") {
		t.Errorf("a mistyped wallet gave %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b,1\n", "source,target,weight,time\na,b,1,5\n", "\"a\"\"\",b,1e3,2023-11-14T22:13:20Z", "\x1f\x8b", "(\xb5/\xfd", "a,b,\xff", "\"", ",,,"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		names := trust.NewInterner[string](0)
		edges := &trust.Edges{}
		_, err := trustlist.Read(context.Background(), bytes.NewReader(list), table.Options{Limits: decompress.Files()}, trustlist.Named(names), func(r trustlist.Row[uint32]) error {
			return edges.Add(trust.Edge{Source: r.Source, Target: r.Target, Weight: r.Weight, Time: r.Time})
		})
		if err != nil {
			if !slices.Contains([]fault.Code{fault.Invalid, fault.TooLarge, fault.Unsupported}, fault.CodeOf(err)) {
				t.Fatalf("%q gave %v", list, err)
			}
			return
		}
		if _, err := trust.NewGraph(names.Len(), edges, trust.Decay{}); err != nil {
			t.Fatalf("what was read makes no graph: %v", err)
		}
	})
}
