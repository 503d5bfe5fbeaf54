package chain

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// transfers are logs as a node writes those of a token.
func transfers(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	hash := func() (h common.Hash) {
		for i := range h {
			h[i] = byte(random.Uint32())
		}
		return h
	}
	logs := make([]types.Log, n)
	for i := range logs {
		logs[i] = types.Log{
			Address: common.Address(hash().Bytes()[:20]), Topics: []common.Hash{hash(), hash(), hash()}[:1+i%3], Data: hash().Bytes()[:32*(i%2)],
			BlockNumber: uint64(i / 7), TxHash: hash(), TxIndex: uint(i % 7), BlockHash: hash(), BlockTimestamp: uint64(1_700_000_000 + i), Index: uint(i), Removed: i%11 == 0,
		}
	}
	text, err := json.Marshal(logs)
	if err != nil {
		panic(err)
	}
	return text
}

// sameLogs decodes a text with both decoders.
func sameLogs(t *testing.T, text []byte) {
	t.Helper()
	var want []types.Log
	wrong := json.Unmarshal(text, &want)
	got, err := decodeLogs(text)
	if (err == nil) != (wrong == nil) {
		t.Fatalf("%.2000q: %v, and go-ethereum says %v", text, err, wrong)
	}
	if err == nil && !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
		t.Fatalf("%.2000q is read in another way than go-ethereum does: %.300s", text, fmt.Sprint(got))
	}
}

func TestLogsAreDecodedAsGoEthereumDoes(t *testing.T) {
	text := transfers(500)
	s := logScanner{text: text}
	if logs, ok := s.all(); !ok || len(logs) != 500 {
		t.Fatalf("the usual form is not read in one pass: %d logs, %v", len(logs), ok)
	}
	sameLogs(t, text)
	one := string(transfers(2))
	for _, change := range [][2]string{
		{`"address"`, `"Address"`},
		{`"logIndex":"0x0"`, `"logIndex":"0x00"`},
		{`"logIndex":"0x0"`, `"logIndex":null`},
		{`"removed":true`, `"removed":null`},
		{`"data":"0x"`, `"data":"0x1"`},
		{`"data":"0x"`, `"data":null`},
		{`"transactionHash"`, `"hash"`},
		{`"topics":[`, `"topics":[ `},
		{`}]`, `} ] `},
		{`},{`, `}{`},
		{`"removed":true`, `"removed":true,"more":{"a":[1]}`},
		{`"removed":true`, `"removed":1`},
		{`"blockNumber":"0x0"`, `"blockNumber":"0X0"`},
		{`"blockNumber":"0x0"`, `"blockNumber":"0xfffffffffffffffff"`},
		{`"removed"`, `"r\u0065moved"`},
		{`[{`, `[{"data":"0x77",`},
		{`]`, ``},
		{`[{`, `{`},
		{`{`, `{,`},
	} {
		changed := strings.Replace(one, change[0], change[1], 1)
		if changed == one {
			t.Fatalf("there is no %s", change[0])
		}
		sameLogs(t, []byte(changed))
	}
	for _, text := range []string{"", "null", "[]", "[ ]", "[null]", "[{}]", "[", "{}", "[]]", `""`} {
		sameLogs(t, []byte(text))
	}
}

func FuzzLogs(f *testing.F) {
	f.Add(transfers(1))
	f.Add(transfers(3))
	f.Fuzz(func(t *testing.T, text []byte) { sameLogs(t, text) })
}

// BenchmarkDecodingLogs prints how many times faster logs are decoded than by ethclient's
// decoder, in the same run.
func BenchmarkDecodingLogs(b *testing.B) {
	const n = 20_000
	text := transfers(n)
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := decodeLogs(text); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		start = time.Now()
		var logs []types.Log
		if err := json.Unmarshal(text, &logs); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "times-ethclient")
	b.ReportMetric(float64(n*b.N)/ours.Seconds(), "logs/s")
	b.ReportMetric(float64(n*b.N)/theirs.Seconds(), "ethclient-logs/s")
	b.ReportMetric(0, "ns/op")
}
