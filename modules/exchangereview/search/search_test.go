package search

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func names(texts ...string) []Name {
	var all []Name
	for i, t := range texts {
		all = append(all, Name{ID: int64(i), Texts: []string{t}})
	}
	return all
}

var some = []string{
	"Binance", "Binance US", "Kraken", "Kraken Futures", "Uniswap", "uniswap-v3", "SushiSwap", "Curve",
	"Coinbase", "Crypto.com", "OKX", "HTX", "Bitfinex", "Bitstamp", "Café Échange", "Binance USDⓈ-M", "1inch", "PancakeSwap",
}

func find(t *testing.T, query string) []string {
	t.Helper()
	var got []string
	for _, m := range New(names(some...)).Find(query) {
		got = append(got, some[m.ID])
	}
	return got
}

func TestTheBestMatchComesFirst(t *testing.T) {
	for query, want := range map[string]string{
		"binance":      "Binance",
		"BINANCE":      "Binance",
		"binnance":     "Binance",
		"biannce":      "Binance",
		"inance":       "Binance",
		"bin":          "Binance",
		"krakn":        "Kraken",
		"krakne":       "Kraken",
		"futures":      "Kraken Futures",
		"uni swap":     "Uniswap",
		"uniswap v3":   "uniswap-v3",
		"v3 uniswap":   "uniswap-v3",
		"sushi-swap":   "SushiSwap",
		"cafe echange": "Café Échange",
		"ÉCHANGE":      "Café Échange",
		"usds-m":       "Binance USDⓈ-M",
		"us binance":   "Binance US",
		"cryptocom":    "Crypto.com",
		"1nch":         "1inch",
		"panckaeswap":  "PancakeSwap",
		"okx":          "OKX",
	} {
		if got := find(t, query); len(got) == 0 || got[0] != want {
			t.Errorf("%q: got %q, want %q first", query, got, want)
		}
	}
}

func TestWhatIsTooFarOffIsNotFound(t *testing.T) {
	for _, query := range []string{"", "  ", "…", "zzz", "okz", "completely different", "binance kraken", "xxxkraken"} {
		if got := find(t, query); len(got) != 0 {
			t.Errorf("%q: got %q, want nothing", query, got)
		}
	}
}

func TestKindsOfMatchAreOrdered(t *testing.T) {
	x := New(names("abankx", "xx bank", "bink", "bank of x", "bank"))
	var got []int64
	for _, m := range x.Find("bank") {
		got = append(got, m.ID)
	}
	if want := []int64{4, 3, 1, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("exact, beginning, word, inside, typing error: got %v, want %v", got, want)
	}
}

func TestEqualScoresKeepTheirOrderAndANameComesOnce(t *testing.T) {
	x := New([]Name{{ID: 7, Texts: []string{"kraken one", "kraken"}}, {ID: 3, Texts: []string{"kraken"}}, {ID: 9, Texts: []string{"kraken"}}})
	want := []Match{{7, exactScore}, {3, exactScore}, {9, exactScore}}
	if got := x.Find("kraken"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// slow is the definition of prefixDistance without a bound: the full table for
// each prefix of the text.
func slow(query, text []rune) int {
	fewest := len(query)
	for end := 0; end <= len(text); end++ {
		d := make([][]int, len(query)+1)
		for i := range d {
			d[i] = make([]int, end+1)
			for j := range d[i] {
				switch {
				case i == 0 || j == 0:
					d[i][j] = i + j
				default:
					same := 1
					if query[i-1] == text[j-1] {
						same = 0
					}
					d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+same)
					if i > 1 && j > 1 && query[i-1] == text[j-2] && query[i-2] == text[j-1] {
						d[i][j] = min(d[i][j], d[i-2][j-2]+1)
					}
				}
			}
		}
		fewest = min(fewest, d[len(query)][end])
	}
	return fewest
}

func TestDistanceMatchesItsDefinition(t *testing.T) {
	word := rapid.SliceOfN(rapid.SampledFrom([]rune("abc")), 1, 9)
	rapid.Check(t, func(t *rapid.T) {
		query, text := word.Draw(t, "query"), word.Draw(t, "text")
		most := rapid.IntRange(0, 3).Draw(t, "most")
		if got, want := prefixDistance(query, text, most), min(slow(query, text), most+1); got != want {
			t.Fatalf("%q in %q, at most %d: got %d, want %d", string(query), string(text), most, got, want)
		}
	})
}

// The filter by letters must never lose what the distance would have found.
func TestTheMaskRulesOutNoMatch(t *testing.T) {
	word := rapid.SliceOfN(rapid.SampledFrom([]rune("abcdeABé1 ")), 4, 10)
	rapid.Check(t, func(t *rapid.T) {
		query, _ := normalise(string(word.Draw(t, "query")))
		letters, words := normalise(string(word.Draw(t, "text")))
		if len(query) == 0 || len(letters) == 0 {
			return
		}
		p := newPattern(query)
		got := p.score(&text{letters: letters, words: words, mask: mask(letters)})
		all := p.score(&text{letters: letters, words: words, mask: ^uint64(0)})
		if got != all {
			t.Fatalf("%q in %q: %d with the mask, %d without", string(query), string(letters), got, all)
		}
	})
}

func FuzzFind(f *testing.F) {
	x := New(names(some...))
	f.Add("binnance")
	f.Add("\xff\xfe é")
	f.Fuzz(func(t *testing.T, query string) {
		seen := map[int64]bool{}
		last := exactScore
		for _, m := range x.Find(query) {
			if m.Score <= 0 || m.Score > last || seen[m.ID] {
				t.Fatalf("%q: match %v after score %d", query, m, last)
			}
			last, seen[m.ID] = m.Score, true
		}
	})
}

func BenchmarkFind(b *testing.B) {
	var all []Name
	for i := range 1400 {
		all = append(all, Name{ID: int64(i), Texts: []string{some[i%len(some)] + " " + some[(i/7)%len(some)]}})
	}
	x := New(all)
	for _, query := range []string{"krakn", "binnance", "panckaeswap coinbase"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				x.Find(query)
			}
		})
	}
}
