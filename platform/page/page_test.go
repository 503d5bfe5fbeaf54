package page_test

import (
	"encoding/base64"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/page"
)

type place struct {
	Score int64  `json:"score"`
	Slug  string `json:"slug"`
}

func encoded(document string) string { return base64.RawURLEncoding.EncodeToString([]byte(document)) }

func refused(t *testing.T, what string, err error) {
	t.Helper()
	f := fault.From(err)
	if f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "cursor" {
		t.Errorf("%s: %v, want invalid with the field cursor", what, err)
	}
}

func TestACursorComesBackAsThePlaceItWasMadeOf(t *testing.T) {
	for _, want := range []place{
		{},
		{math.MaxInt64, "kraken"},
		{math.MinInt64, strings.Repeat("é", 1000)},
		{-1, `quotes " and \u0000 spelled out, <tags> & slashes / ? # = +`},
		{1, "\n\t\u2028 ~"},
	} {
		list := page.NewList[place]("exchanges", "rating", `a "filter" & more`)
		cursor := list.Cursor(want)
		if url.QueryEscape(cursor) != cursor {
			t.Errorf("%q has to be escaped in a URL", cursor)
		}
		if got, err := list.After(cursor, place{7, "first"}); err != nil || got != want {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
}

func TestNoCursorIsTheFirstPage(t *testing.T) {
	if got, err := page.NewList[int64]("reviews").After("", math.MaxInt64); err != nil || got != math.MaxInt64 {
		t.Errorf("before the first page stands %d, %v", got, err)
	}
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	list := page.NewList[place]("exchanges", "rating", "dex")
	for name, other := range map[string]page.List[place]{
		"another list":         page.NewList[place]("campaigns", "rating", "dex"),
		"another order":        page.NewList[place]("exchanges", "name", "dex"),
		"another filter":       page.NewList[place]("exchanges", "rating", "cex"),
		"one filter less":      page.NewList[place]("exchanges", "rating"),
		"one filter more":      page.NewList[place]("exchanges", "rating", "dex", ""),
		"filters run together": page.NewList[place]("exchanges", "ratingdex"),
	} {
		_, err := list.After(other.Cursor(place{1, "a"}), place{})
		refused(t, name, err)
	}
	_, err := page.NewList[int64]("exchanges", "rating", "dex").After(list.Cursor(place{1, "a"}), 0)
	refused(t, "a place of another kind", err)
}

func TestWhatIsNoCursorIsRefused(t *testing.T) {
	list := page.NewList[place]("exchanges")
	right := encoded(`[["exchanges"],{"score":1,"slug":"a"}]`)
	if got, err := list.After(right, place{}); err != nil || got != (place{1, "a"}) {
		t.Fatalf("the cursor that the others are changed from: %+v, %v", got, err)
	}
	for name, cursor := range map[string]string{
		"not base64":                 "!!!",
		"not JSON":                   encoded("nonsense"),
		"padded":                     right + "=",
		"with a line's end":          right[:4] + "\n" + right[4:], // which the decoder leaves out
		"cut":                        right[:len(right)-4],
		"another document":           encoded(`{}`),
		"null":                       encoded(`null`),
		"no place":                   encoded(`[["exchanges"]]`),
		"a place of null":            encoded(`[["exchanges"],null]`),
		"a part too many":            encoded(`[["exchanges"],{"score":1,"slug":"a"},1]`),
		"a field missing":            encoded(`[["exchanges"],{"score":1}]`),
		"a field more":               encoded(`[["exchanges"],{"score":1,"slug":"a","x":1}]`),
		"a field twice":              encoded(`[["exchanges"],{"score":2,"score":1,"slug":"a"}]`),
		"another spelling":           encoded(`[["exchanges"],{"Score":1,"slug":"a"}]`),
		"a number out of range":      encoded(`[["exchanges"],{"score":9223372036854775808,"slug":"a"}]`),
		"a number as text":           encoded(`[["exchanges"],{"score":"1","slug":"a"}]`),
		"spaces":                     encoded(`[["exchanges"], {"score":1,"slug":"a"}]`),
		"a zero byte":                encoded(`[["exchanges"],{"score":1,"slug":"a\u0000"}]`),
		"invalid UTF-8":              encoded("[[\"exchanges\"],{\"score\":1,\"slug\":\"\xff\"}]"),
		"longer than any cursor":     list.Cursor(place{1, strings.Repeat("a", 8<<10)}),
		"a cursor and something":     right + encoded(" "),
		"a list that is not a list":  encoded(`["exchanges",{"score":1,"slug":"a"}]`),
		"a list with a second name":  encoded(`[["exchanges","x"],{"score":1,"slug":"a"}]`),
		"standard base64's alphabet": strings.ReplaceAll(list.Cursor(place{1, "~~~???"}), "_", "/"),
	} {
		if got, err := list.After(cursor, place{}); err == nil {
			t.Errorf("%s: %q is read as %+v", name, cursor, got)
		} else {
			refused(t, name, err)
		}
	}
}

// A text that is not a multiple of three bytes leaves bits of the last letter
// without a meaning: only one of the letters is ours.
func TestACursorIsSpelledInOneWay(t *testing.T) {
	list := page.NewList[place]("exchanges")
	right := list.Cursor(place{1, "abc"})
	want, _ := base64.RawURLEncoding.DecodeString(right)
	others := 0
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		other := right[:len(right)-1] + string(last)
		if got, _ := base64.RawURLEncoding.DecodeString(other); other == right || string(got) != string(want) {
			continue
		}
		others++
		_, err := list.After(other, place{})
		refused(t, other, err)
	}
	if others == 0 {
		t.Fatal("every letter has a meaning here: choose a place of another length")
	}
}

func FuzzCursor(f *testing.F) {
	list := page.NewList[place]("exchanges", "rating")
	f.Add("")
	f.Add(list.Cursor(place{1, "kraken"}))
	f.Add(page.NewList[place]("exchanges").Cursor(place{1, "kraken"}))
	f.Fuzz(func(t *testing.T, cursor string) {
		got, err := list.After(cursor, place{})
		switch {
		case err != nil:
			refused(t, cursor, err)
		case cursor != "" && list.Cursor(got) != cursor:
			t.Errorf("%q is read as %+v, whose cursor is another", cursor, got)
		case strings.Contains(got.Slug, "\x00"):
			t.Errorf("%q has a zero byte", cursor)
		}
	})
}

func TestAPageIsCutWhereTheNextBegins(t *testing.T) {
	list := page.NewList[int]("numbers")
	itself := func(n int) int { return n }
	for _, c := range []struct {
		rows, want []int
		after      int // the next page begins after it; 0 = there is none
	}{
		{nil, nil, 0},
		{[]int{1}, []int{1}, 0},
		{[]int{1, 2}, []int{1, 2}, 0},
		{[]int{1, 2, 3}, []int{1, 2}, 2},
		{[]int{1, 2, 3, 4, 5}, []int{1, 2}, 2},
	} {
		got, next := page.Cut(list, c.rows, 2, itself)
		want := ""
		if c.after != 0 {
			want = list.Cursor(c.after)
		}
		if !slices.Equal(got, c.want) || next != want {
			t.Errorf("%v is cut to %v and %q, want %v and %q", c.rows, got, next, c.want, want)
		}
	}
}

func TestLimits(t *testing.T) {
	limits := page.Limits{Default: 5, Max: 9}
	for _, c := range []struct {
		limit, size int
		in          bool
	}{{-1, 5, false}, {math.MinInt, 5, false}, {0, 5, true}, {1, 1, true}, {9, 9, true}, {10, 9, false}, {math.MaxInt, 9, false}} {
		err := limits.Check(c.limit)
		if got := limits.Size(c.limit); got != c.size || (err == nil) != c.in || (len(limits.Wrong(c.limit)) == 0) != c.in {
			t.Errorf("limit %d is a page of %d, %v", c.limit, got, err)
		}
		if err != nil && fault.From(err).Fields[0] != (fault.Field{Name: "limit", Message: "must be from 1 to 9"}) {
			t.Errorf("limit %d: %v", c.limit, err)
		}
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("limit %d: %v", c.limit, err)
		}
	}
}

// TestLongEntriesMakeAShorterPage: a page has as many as its bytes allow, and the
// next one goes on behind the last.
func TestLongEntriesMakeAShorterPage(t *testing.T) {
	list := page.NewList[int]("texts")
	long := strings.Repeat("x", page.MaxBytes/4)
	for name, c := range map[string]struct {
		rows []string
		size int
		want int
		more bool
	}{
		"nothing":                 {nil, 3, 0, false},
		"short ones":              {[]string{"a", "b", "c", "d"}, 3, 3, true},
		"all that there are":      {[]string{"a", "b"}, 3, 2, false},
		"just what fits":          {[]string{long, long, long, long}, 4, 4, false},
		"one more than fits":      {[]string{long, long, long, long, "a"}, 5, 4, true},
		"more than the size":      {[]string{long, "a", "b"}, 2, 2, true},
		"the first alone is long": {[]string{strings.Repeat("x", 2*page.MaxBytes), "b"}, 2, 1, true},
	} {
		size := page.Fit(c.rows, c.size, func(text *string) int { return len(*text) })
		got, next := page.Cut(list, c.rows, size, func(string) int { return 1 })
		if len(got) != c.want || (next != "") != c.more {
			t.Errorf("%s: %d entries, next %q", name, len(got), next)
		}
	}
}
