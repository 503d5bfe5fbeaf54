package appendjson_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/appendjson"
)

func FuzzFloats(f *testing.F) {
	for _, seed := range []float64{0, 1, -1, 0.1, 1e-6, 9.999999e-7, 1.5e-9, -2e-10, 1e-300, 1e20, 1e21, -1.25e22, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(math.Float64bits(seed))
	}
	f.Add(math.Float64bits(math.Copysign(0, -1)))
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		want, err := json.Marshal(v)
		if err != nil {
			t.Skip("it has no form in JSON")
		}
		if got := appendjson.ShortestOf(v).Append(nil); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

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
