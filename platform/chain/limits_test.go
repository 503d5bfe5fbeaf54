package chain

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/rpc"
)

// What nodes say of ranges that are too wide, from their sources and answers.
func TestNodesSayThatARangeIsTooWide(t *testing.T) {
	for text, blocks := range map[string]uint64{
		"exceed maximum block range 50000":                                                0,
		"query exceeds max results 20000, retry with the range 100-199":                   100,
		"query exceeds max block range 100000":                                            0,
		"query returns too many logs, narrow your filter: 20000":                          0,
		"Too many logs requested. Max logs per response is 20000.":                        0,
		"query returned more than 10000 results. Try with this block range [0x10, 0x1f].": 16,
		"Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range, this block range should work: [0x1f, 0x10]": 16,
		"eth_getLogs is limited to a 10,000 range": 0,
		"block range is too wide":                  0, "maximum block range: 2048": 0, "ranges over 10000 blocks are not supported on free plan": 0, "backend response too large": 0,
	} {
		wide, n := tooWide(errors.New(text))
		if !wide || n != blocks {
			t.Errorf("%q: %v, %d blocks, want %d", text, wide, n, blocks)
		}
	}
	if wide, _ := tooWide(rpc.HTTPError{StatusCode: 413}); !wide {
		t.Error("413 is not understood")
	}
	for _, text := range []string{"block range extends beyond current head block", "invalid block range params", "unknown block", "pruned history unavailable", "daily request count exceeded", "missing value for required argument 0"} {
		if wide, _ := tooWide(errors.New(text)); wide {
			t.Errorf("%q is about something else", text)
		}
	}
	if wide, _ := tooWide(rpc.HTTPError{StatusCode: 429, Body: []byte("rate limit")}); wide {
		t.Error("429 asks to wait, not for less")
	}
}
