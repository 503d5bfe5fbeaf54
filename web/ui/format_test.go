package ui

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"
)

func TestAmountsAreExact(t *testing.T) {
	for _, c := range []struct {
		base     string
		decimals int
		want     string
	}{
		{"0", 18, "0"},
		{"1", 18, "0.000000000000000001"},
		{"1000000000000000000", 18, "1"},
		{"400000000000000000000", 18, "400"},
		{"1234567890000000", 6, "1,234,567,890"},
		{"1500000", 6, "1.5"},
		{"999", 0, "999"},
		{"1000", 0, "1,000"},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935", 18, "115,792,089,237,316,195,423,570,985,008,687,907,853,269,984,665,640,564,039,457.584007913129639935"},
	} {
		if got := Units(*uint256.MustFromDecimal(c.base), c.decimals); got != c.want {
			t.Errorf("%s base units with %d decimals read %s, want %s", c.base, c.decimals, got, c.want)
		}
	}
}

func TestSharesKeepThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0 %", 1: "100 %", 0.42: "42.0 %", 0.0273: "2.73 %", 0.0012: "0.120 %", 0.0000123: "0.00123 %", 1e-9: "< 0.00001 %",
	} {
		if got := Share(x); got != want {
			t.Errorf("Share(%v) = %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{1: "100 %", 0.9999: "99.9 %", 0.5: "50 %"} {
		if got := percent(x); got != want {
			t.Errorf("percent(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestDurationsAreReadable(t *testing.T) {
	for seconds, want := range map[float64]string{0: "–", 96e-9: "96 ns", 12.3e-6: "12.3 µs", 0.00155: "1.55 ms", 2.5: "2.5 s", 599: "599 s", 3720: "62 min", 36_000: "10 h", 9e6: "2,500 h"} {
		if got := Took(seconds); got != want {
			t.Errorf("Took(%v) = %s, want %s", seconds, got, want)
		}
	}
}

func TestSizesAreReadable(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1,023 B", 4152: "4.05 KiB", 64 << 20: "64 MiB", 1<<20 + 1<<19: "1.5 MiB", 3 << 30: "3 GiB"} {
		if got := size(bytes); got != want {
			t.Errorf("size(%d) = %s, want %s", bytes, got, want)
		}
	}
}

func TestBrowsersAreNamed(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox on Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":                               "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                                "Chrome on Android",
		"curl/8.0": "curl",
		"":         "An unknown browser",
	} {
		if got := agentName(agent); got != want {
			t.Errorf("%s is named %s, want %s", agent, got, want)
		}
	}
}

func TestNamesOfSlugs(t *testing.T) {
	for slug, want := range map[string]string{"ethereum": "Ethereum", "bnb-chain": "Bnb Chain", "okx": "OKX", "": ""} {
		if got := slugName(slug); got != want {
			t.Errorf("%q is named %q, want %q", slug, got, want)
		}
	}
}

func TestChartsShowTheirNumbers(t *testing.T) {
	if lit := string(stars(3.5)); !strings.Contains(lit, `<svg width="63.0"`) { // 3.5 of 5 stars, 18 each
		t.Errorf("3.5 stars: %s", lit)
	}
	if bar := string(meter(2, "")); !strings.Contains(bar, `class="fill-leaf" width="200.0"`) {
		t.Errorf("a bar may not leave its track: %s", bar)
	}
}
