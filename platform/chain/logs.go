package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

// filterLogs is eth.FilterLogs with a decoder that reads the answer once
// (BenchmarkDecodingLogs prints how much faster it is).
func filterLogs(ctx context.Context, eth *ethclient.Client, q ethereum.FilterQuery) ([]types.Log, error) {
	asked := map[string]any{"address": q.Addresses, "topics": q.Topics}
	if q.BlockHash != nil {
		asked["blockHash"] = *q.BlockHash
	} else {
		asked["fromBlock"], asked["toBlock"] = fmt.Sprintf("0x%x", q.FromBlock), fmt.Sprintf("0x%x", q.ToBlock)
	}
	var answer json.RawMessage
	if err := eth.Client().CallContext(ctx, &answer, "eth_getLogs", asked); err != nil {
		return nil, err
	}
	return decodeLogs(answer)
}

// decodeLogs reads an array of logs. The usual form is read here, in one pass; whatever
// else a node writes is left to go-ethereum's decoder, so that both always say the same.
func decodeLogs(text []byte) ([]types.Log, error) {
	s := logScanner{text: text}
	if logs, ok := s.all(); ok {
		return logs, nil
	}
	var logs []types.Log
	if err := json.Unmarshal(text, &logs); err != nil {
		return nil, fmt.Errorf("read the logs of a node: %w", err)
	}
	return logs, nil
}

// usualLog is about how long a log is in JSON, in bytes.
const usualLog = 600

// logScanner reads logs. Each method returns false where the text is another than the
// usual one; then all of it is read by the other decoder.
type logScanner struct {
	text   []byte
	at     int
	topics []common.Hash // room for the topics of many logs
	data   []byte        // and for their data
}

func (s *logScanner) all() (logs []types.Log, ok bool) {
	if !s.is('[') {
		return nil, false
	}
	logs = make([]types.Log, 0, len(s.text)/usualLog+1)
	for !s.is(']') {
		if len(logs) > 0 && !s.is(',') {
			return nil, false
		}
		logs = append(logs, types.Log{})
		if !s.log(&logs[len(logs)-1]) {
			return nil, false
		}
	}
	s.space()
	return logs, s.at == len(s.text)
}

func (s *logScanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

// is passes one character.
func (s *logScanner) is(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// word passes a literal.
func (s *logScanner) word(w string) bool {
	s.space()
	if bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		s.at += len(w)
		return true
	}
	return false
}

// str passes a string without escapes, and returns what is in it.
func (s *logScanner) str() ([]byte, bool) {
	if !s.is('"') {
		return nil, false
	}
	n := bytes.IndexByte(s.text[s.at:], '"')
	if n < 0 {
		return nil, false
	}
	in := s.text[s.at : s.at+n]
	s.at += n + 1
	return in, true
}

// hex passes a string of hex digits, and returns them without 0x.
func (s *logScanner) hex() ([]byte, bool) {
	in, ok := s.str()
	if !ok || len(in) < 2 || in[0] != '0' || in[1] != 'x' {
		return nil, false
	}
	return in[2:], true
}

// digit is the value of each hex digit plus 1; 0: it is none.
var digit = func() (of [256]byte) { //nolint:gochecknoglobals // a table of constants
	for i, c := range []byte("0123456789abcdef") {
		of[c] = byte(i + 1)
	}
	for i, c := range []byte("ABCDEF") {
		of[c] = byte(i + 11)
	}
	return of
}()

// into decodes hex digits into as many bytes.
func into(to, digits []byte) bool {
	if len(digits) != 2*len(to) {
		return false
	}
	for i := range to {
		high, low := digit[digits[2*i]], digit[digits[2*i+1]]
		if high == 0 || low == 0 {
			return false
		}
		to[i] = (high-1)<<4 | (low - 1)
	}
	return true
}

func (s *logScanner) fixed(to []byte) bool {
	digits, ok := s.hex()
	return ok && into(to, digits)
}

// quantity reads a number as nodes write it, without leading zeros.
func (s *logScanner) quantity() (n uint64, ok bool) {
	digits, ok := s.hex()
	if !ok || len(digits) == 0 || len(digits) > 16 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	for _, c := range digits {
		if digit[c] == 0 {
			return 0, false
		}
		n = n<<4 | uint64(digit[c]-1)
	}
	return n, true
}

func (s *logScanner) bytes() (data []byte, ok bool) {
	digits, ok := s.hex()
	if !ok || len(digits)%2 != 0 {
		return nil, false
	}
	n := len(digits) / 2
	if s.data == nil || len(s.data)+n > cap(s.data) {
		s.data = make([]byte, 0, max(n, 64<<10))
	}
	from := len(s.data)
	s.data = s.data[:from+n]
	data = s.data[from : from+n : from+n]
	return data, into(data, digits)
}

func (s *logScanner) topicsOf() (topics []common.Hash, ok bool) {
	if !s.is('[') {
		return nil, false
	}
	if cap(s.topics)-len(s.topics) < 4 {
		s.topics = make([]common.Hash, 0, 4096)
	}
	from := len(s.topics)
	for !s.is(']') {
		n := len(s.topics)
		if n == from+4 || n > from && !s.is(',') { // more than the four that logs have
			return nil, false
		}
		s.topics = s.topics[:n+1]
		if !s.fixed(s.topics[n][:]) {
			return nil, false
		}
	}
	return s.topics[from:len(s.topics):len(s.topics)], true
}

// The fields that a log must have.
const (
	hasAddress = 1 << iota
	hasTopics
	hasData
	hasTX
	hasAll = hasAddress | hasTopics | hasData | hasTX
)

func (s *logScanner) log(l *types.Log) bool {
	if !s.is('{') {
		return false
	}
	has := 0
	for first := true; !s.is('}'); first = false {
		if !first && !s.is(',') {
			return false
		}
		key, ok := s.str()
		if !ok || !s.is(':') || !s.field(l, key, &has) {
			return false
		}
	}
	return has == hasAll
}

func (s *logScanner) field(l *types.Log, key []byte, has *int) (ok bool) {
	var n uint64
	switch string(key) {
	case "address":
		*has |= hasAddress
		return s.fixed(l.Address[:])
	case "topics":
		*has |= hasTopics
		l.Topics, ok = s.topicsOf()
	case "data":
		*has |= hasData
		l.Data, ok = s.bytes()
	case "transactionHash":
		*has |= hasTX
		return s.fixed(l.TxHash[:])
	case "blockHash":
		return s.fixed(l.BlockHash[:])
	case "blockNumber":
		l.BlockNumber, ok = s.quantity()
	case "blockTimestamp":
		l.BlockTimestamp, ok = s.quantity()
	case "transactionIndex":
		n, ok = s.quantity()
		l.TxIndex = uint(n)
	case "logIndex":
		n, ok = s.quantity()
		l.Index = uint(n)
	case "removed":
		l.Removed = s.word("true")
		return l.Removed || s.word("false")
	}
	return ok // another field: rare enough for the other decoder
}
