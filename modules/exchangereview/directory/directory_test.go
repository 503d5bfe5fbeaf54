package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

func TestTheStarterDirectoryIsFortyWholeEntries(t *testing.T) {
	entries, err := Starter()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 40 {
		t.Errorf("got %d entries, want 40", len(entries))
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Website, "https://") || e.Year < 2009 {
			t.Errorf("%s: website %q, year %d", e.Slug, e.Website, e.Year)
		}
		if (e.Kind == Centralised) != (len(e.Countries) > 0) || (e.Kind == Decentralised) != (len(e.Chains) > 0) {
			t.Errorf("%s is a %s with countries %v and chains %v", e.Slug, e.Kind, e.Countries, e.Chains)
		}
	}
}

func TestSlugs(t *testing.T) {
	for id, want := range map[string]string{
		"kraken": "kraken", "Crypto.com": "crypto-com", "dex-bancor-v2_1": "dex-bancor-v2-1", "  A  b ": "a-b", "Ⓢ": "", "--": "", "é1": "1",
	} {
		if got := Slug(id); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

func TestFieldsAreRead(t *testing.T) {
	entries, err := Read(strings.NewReader("\xef\xbb\xbf" + `[{"id": "A_b", "name": " Ⓐ b ", "kind": "cex", "website": "https://a.example/x?y=1", "year": 2015,
		"countries": ["US", "UK", "pt-BR", "US", "EU"], "chains": ["Ethereum", "neon_evm"], "maker_fee": -0.0001, "taker_fee": 0,
		"spot": true, "pools": [{"deep": [1]}], "status": "incident", "status_since": "2025-02-21", "status_source": "https://news.example/a",
		"former_names": ["Old A", " Old A "], "licences": ["MiCA CASP"], "fees_url": ["https://a.example/fees", "https://b.example"], "routers": ["0x4B48F3D1Ddc9e5793D4817517255e6beF6d72A7C"],
		"wallets": ["0x4B48F3D1Ddc9e5793D4817517255e6beF6d72A7C"], "wallets_by_chain": {"Base": ["0xe5020961fa51ffd3662cdf307def18f9a87cce7c"]},
		"factories": ["0x7b72c4002ea7c276dd717b96b20f4956c5c904e7"], "factories_by_chain": {"Base": "0xe5020961fa51ffd3662cdf307def18f9a87cce7c", "avax": ["0xc009a670e2b02e21e7e75ae98e254f467f7ae257"]}},
		{"id": "c", "name": "C", "kind": "dex", "website": null, "year": null, "countries": [], "chains": null, "maker_fee": [[0, 0.2]], "taker_fee": null}]`))
	if err != nil {
		t.Fatal(err)
	}
	a, c := entries[0], entries[1]
	if a.Slug != "a-b" || a.Name != "Ⓐ b" || a.Kind != Centralised || a.Website != "https://a.example/x?y=1" || a.Year != 2015 {
		t.Errorf("got %+v", a)
	}
	if !slices.Equal(a.Countries, []string{"US", "GB", "BR", "EU"}) || !slices.Equal(a.Chains, []string{"ethereum", "neon_evm"}) {
		t.Errorf("got countries %v and chains %v", a.Countries, a.Chains)
	}
	if a.Status != Incident || a.StatusSince != "2025-02-21" || a.StatusSource == "" || !slices.Equal(a.FormerNames, []string{"Old A"}) ||
		!slices.Equal(a.Licences, []string{"MiCA CASP"}) || a.FeesURL == "" || len(a.Routers) != 1 || len(a.Factories) != 3 ||
		a.Factories[0].Chain != "" || a.Factories[1].Chain != "base" || a.Factories[2].Chain != "avax" || len(a.Wallets) != 2 || a.Wallets[1].Chain != "base" {
		t.Errorf("got %+v", a.Facts)
	}
	if a.MakerFee == nil || *a.MakerFee != -0.0001 || a.TakerFee == nil || *a.TakerFee != 0 {
		t.Errorf("got fees %v and %v", a.MakerFee, a.TakerFee)
	}
	if c.Website != "" || c.Year != 0 || len(c.Countries)+len(c.Chains) != 0 || c.MakerFee != nil || c.TakerFee != nil {
		t.Errorf("unknown fields have values: %+v", c)
	}
}

// entry returns one line of JSON with some fields replaced; "-" leaves one out.
func entry(changes ...string) string {
	fields := map[string]string{"id": `"x"`, "name": `"X"`, "kind": `"cex"`}
	for i := 0; i < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	var parts []string
	for name, value := range fields {
		if value != "-" {
			parts = append(parts, fmt.Sprintf("%q: %s", name, value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func TestWrongFieldsAreNamed(t *testing.T) {
	for _, c := range []struct{ field, value, says string }{
		{"id", "-", "missing"},
		{"id", `""`, "missing"},
		{"id", `7`, "not a text"},
		{"id", `"…"`, "no letters"},
		{"id", `"` + strings.Repeat("a", 65) + `"`, "more than 64"},
		{"name", "-", "missing"},
		{"name", `"   "`, "blank"},
		{"name", `"a\u0000b"`, "control"},
		{"name", `"` + strings.Repeat("é", 101) + `"`, "more than 100"},
		{"kind", "-", "missing"},
		{"kind", `"CEX"`, "neither"},
		{"kind", `1`, "neither"},
		{"website", `"javascript:alert(1)"`, "https://"},
		{"website", `"//x.example"`, "https://"},
		{"website", `"https://"`, "https://"},
		{"website", `"https://a@b.example"`, "user name"},
		{"website", `"https://b.example/` + strings.Repeat("a", 300) + `"`, "more than 300"},
		{"website", `["https://b.example"]`, "not a text"},
		{"year", `"2015"`, "not a year"},
		{"year", `2015.5`, "not a year"},
		{"year", `1492`, "not a year"},
		{"countries", `"US"`, "list of texts"},
		{"countries", `["USA"]`, `"USA"`},
		{"countries", `[1]`, "list of texts"},
		{"chains", `["two words"]`, `"two words"`},
		{"chains", `["` + strings.Repeat("a", 41) + `"]`, "not valid"},
		{"maker_fee", `0.11`, "share"},
		{"maker_fee", `"0.1 %"`, "share"},
		{"status", `"closed"`, "halted"},
		{"status_since", `"31.01.2026"`, "2026-01-31"},
		{"status_since", `"0001-01-01"`, "2026-01-31"},
		{"status_source", `"news"`, "https://"},
		{"licences", `["a\u0000"]`, "not valid"},
		{"factories", `["0x12"]`, "not an address"},
		{"factories_by_chain", `["x"]`, "object"},
		{"factories_by_chain", `{"two words": "0x7b72c4002ea7c276dd717b96b20f4956c5c904e7"}`, "not a chain"},
		{"routers", `"0x12"`, "list of texts"},
		{"wallets", `["0x12"]`, "not an address"},
		{"taker_fee", `-1`, "share"},
		{"taker_fee", `1e999`, "share"},
	} {
		entries, err := Read(strings.NewReader("[\n" + entry("id", `"ok"`) + ",\n" + entry(c.field, c.value) + "\n]"))
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code != fault.Invalid || len(f.Fields) != 1 || entries != nil {
			t.Errorf("%s %s: got %v", c.field, c.value, err)
			continue
		}
		got := f.Fields[0]
		if got.Name != c.field || got.Line != 3 || !strings.Contains(got.Message, "entry 2") || !strings.Contains(got.Message, c.says) {
			t.Errorf("%s %s: got %+v, want line 3, entry 2 and %q", c.field, c.value, got, c.says)
		}
	}
}

func TestEveryWrongFieldIsNamedUpToAHundred(t *testing.T) {
	two := "[" + entry("kind", `"x"`, "year", `1`) + "]"
	if f := readFault(t, two); len(f.Fields) != 2 {
		t.Errorf("got %v, want both fields", f.Fields)
	}
	var many []string
	for i := range 150 {
		many = append(many, entry("id", fmt.Sprintf(`"x%d"`, i), "year", "1"))
	}
	f := readFault(t, "["+strings.Join(many, ",\n")+"]")
	if len(f.Fields) != 100 || f.Fields[99].Line != 100 || !strings.Contains(f.Message, "at least 100") {
		t.Errorf("got %d fields, the last %+v: %s", len(f.Fields), f.Fields[len(f.Fields)-1], f.Message)
	}
}

func TestTheSameSlugTwiceNamesBothLines(t *testing.T) {
	f := readFault(t, "["+entry("id", `"a.b"`)+",\n\n"+entry("id", `"A b"`)+"]")
	if len(f.Fields) != 1 || f.Fields[0].Line != 3 || !strings.Contains(f.Fields[0].Message, "line 1") {
		t.Errorf("got %+v", f.Fields)
	}
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	whole := entry()
	for name, c := range map[string]struct{ text, says string }{
		"empty":             {"", "ends in entry 1"},
		"an object":         {whole, "array"},
		"cut in an entry":   {"[" + whole + ",\n" + whole[:10], "ends in entry 2"},
		"cut after a comma": {"[" + whole + ",\n", "entry 2"},
		"cut at the end":    {"[" + whole, "ends in entry 2"},
		"two values":        {"[" + whole + "] []", "after its closing"},
		"not JSON":          {"[" + whole + ",\n{id: 1}]", "entry 2"},
		"a number inside":   {"[1]", "not a JSON object"},
		"UTF-16":            {"\xff\xfe[\x00]\x00", "UTF-16"},
		"Latin-1":           {"[{\"id\": \"x\", \"name\": \"\xe9\", \"kind\": \"cex\"}]", "UTF-8"},
		"gzip":              {"\x1f\x8b\x08\x00", "compressed"},
	} {
		entries, err := Read(strings.NewReader(c.text))
		if !fault.Is(err, fault.Invalid) || entries != nil {
			t.Errorf("%s: got %v", name, err)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want it to say %q", name, err, c.says)
		}
	}
}

func TestFaultsOfTheUploadStay(t *testing.T) {
	tooLarge := fault.New(fault.TooLarge, "over the limit")
	_, err := Read(io.MultiReader(strings.NewReader("["+entry()+","), iotest.ErrReader(tooLarge)))
	if !errors.Is(err, tooLarge) {
		t.Errorf("got %v, want the reader's own fault", err)
	}
	endless := io.MultiReader(strings.NewReader(`["`), repeat('a'))
	if _, err := Read(endless); !fault.Is(err, fault.TooLarge) {
		t.Errorf("endless: got %v", err)
	}
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

func readFault(t *testing.T, text string) *fault.Fault {
	t.Helper()
	_, err := Read(strings.NewReader(text))
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		t.Fatalf("got %v, want an invalid fault", err)
	}
	return f
}

// The real directory: made by others, with nulls, tiers for fees, language tags
// for countries, and fields that are ignored.
func TestTheRealDirectoryIsRead(t *testing.T) {
	entries, err := Read(bytes.NewReader(testneeds.ReadData(t, "directory/exchange_directory.json")))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	var tiered, bancor bool
	contracts := 0
	for _, e := range entries {
		kinds[e.Kind]++
		contracts += len(e.Factories) + len(e.Routers)
		tiered = tiered || e.Slug == "p2b" && e.MakerFee == nil
		bancor = bancor || e.Slug == "dex-bancor-v2-1"
	}
	if contracts < 700 {
		t.Errorf("got %d addresses of contracts", contracts)
	}
	if kinds[Centralised] != 90 || kinds[Decentralised] != 1279 || !tiered || !bancor {
		t.Errorf("got kinds %v, p2b without fees %v, bancor's slug %v", kinds, tiered, bancor)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[" + entry() + "]")
	f.Add(`[{"id":"a","name":"b","kind":"dex","chains":["x"],"maker_fee":1e-3},{}]`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Read(strings.NewReader(text))
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, e := range entries {
			if e.Slug == "" || e.Slug != Slug(e.Slug) || e.Name == "" || (e.Kind != Centralised && e.Kind != Decentralised) {
				t.Fatalf("%q is read as %+v", text, e)
			}
		}
	})
}
