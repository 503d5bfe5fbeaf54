package appendjson_test

import (
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/appendjson"
)

func FuzzDecimals(f *testing.F) {
	for _, seed := range []string{
		"0", "1", "9999999999999999999", "10000000000000000000", "18446744073709551615", "18446744073709551616",
		"100000000000000000000000000000000000000", "115792089237316195423570985008687907853269984665640564039457584007913129639935",
	} {
		v := uint256.MustFromDecimal(seed)
		f.Add(v[0], v[1], v[2], v[3])
	}
	f.Fuzz(func(t *testing.T, a, b, c, d uint64) {
		v := uint256.Int{a, b, c, d}
		if got, want := string(appendjson.Decimal(nil, v)), v.Dec(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
