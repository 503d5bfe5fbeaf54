package chain

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/rpc"
)

// tooMuch are the words with which nodes say that a range of blocks is too wide or
// has too many events, in lower case. Their codes do not say it: -32602 also means
// that a request is malformed. From the sources of geth, reth, erigon and nethermind,
// and the answers of hosted nodes as Ponder and rindexer collect them.
var tooMuch = []string{
	"exceed maximum block range", "exceeds max block range", "query exceeds max results", "query returns too many logs", "query returned more than",
	"too many logs", "log response size exceeded", "query timeout exceeded", "block range is too wide", "block range too large", "block range too wide",
	"maximum block range", "limited to a ", "blocks are not supported", "response too large", "response size exceeded", "is limited to", "exceeds the range",
	"more than 10000 results", errLongAnswer.Error(),
}

// suggested finds the ranges that nodes suggest: "retry with the range 1-2" and
// "this block range should work: [0x1, 0x2]".
var suggested = regexp.MustCompile(`(?:range|range should work:|with this block range)\s*\[?\s*(0x[0-9a-f]+|[0-9]+)\s*[-,]\s*(0x[0-9a-f]+|[0-9]+)\]?`)

// tooWide reports whether a node refused a range because of its size, and how many
// blocks it says would do; 0 = it does not say.
func tooWide(err error) (wide bool, blocks uint64) {
	text := strings.ToLower(wordsOf(err))
	var status rpc.HTTPError
	wide = errors.As(err, &status) && status.StatusCode == http.StatusRequestEntityTooLarge
	for _, words := range tooMuch {
		wide = wide || strings.Contains(text, words)
	}
	if !wide {
		return false, 0
	}
	if m := suggested.FindStringSubmatch(text); m != nil {
		from, err1 := strconv.ParseUint(m[1], 0, 64)
		to, err2 := strconv.ParseUint(m[2], 0, 64)
		if err1 == nil && err2 == nil {
			if to < from { // some write them the other way round
				from, to = to, from
			}
			return true, to - from + 1
		}
	}
	return true, 0
}

// wordsOf is all that a node says in an error: hosted nodes put it into the data,
// or into the body of an HTTP status.
func wordsOf(err error) string {
	text := err.Error()
	var with rpc.DataError
	if errors.As(err, &with) {
		if more, ok := with.ErrorData().(string); ok {
			text += " " + more
		}
	}
	var status rpc.HTTPError
	if errors.As(err, &status) {
		text += " " + string(status.Body)
	}
	return text
}
