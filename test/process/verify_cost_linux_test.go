package process_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop"
)

// What anybody may cost the server by one of the requests below. Processor time
// and memory do not depend on what else the machine does, so they hold on a busy
// one as well.
const (
	mostProcessorTime = 1500 * time.Millisecond
	mostMemory        = 200 << 20 // bytes beside what the server had before
	mostAnswered      = 16 << 20  // bytes
)

// The four requests were measured before there were limits, on two cores:
//
//	8 KB of line ends         4.6 s of processor time
//	the same, client gone     the same and more: the work went on
//	331 bytes of short lines  an answer of 212 MiB
//	16 unfinished uploads     3.5 GiB of memory
func TestACheckByAnybodyCostsTheServerLittle(t *testing.T) {
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	server := p.start(t, nil, "--listen", "127.0.0.1:0")
	verify := server.builtCampaign(p.token(t)) + "/verify"
	post := func(body []byte) (status int, answered int64) {
		resp, err := http.Post(server.url+verify, "text/csv", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answered, err = io.Copy(io.Discard, resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answered
	}
	post([]byte(newAuthor(1).address.String() + "\n")) // what is made once is made
	t.Run("8 KB of line ends", func(t *testing.T) {
		server.costs(t, func() {
			for _, window := range []int{27, 23} { // what was sent, and the largest that is unpacked
				if status, answered := post(lineEnds(window, 2048)); status != http.StatusRequestEntityTooLarge || answered > 4<<10 {
					t.Errorf("status %d and %d bytes: want a refusal", status, answered)
				}
			}
		})
	})
	t.Run("line ends whose client has gone", func(t *testing.T) {
		server.costs(t, func() {
			before := server.requests(verify)
			for _, window := range []int{23, 27} {
				body := lineEnds(window, 2048)
				c := server.begin(t, verify, len(body), body)
				c.Close()
			}
			for server.requests(verify) < before+2 { // until the work is over
				server.must("GET", "/api/v1/airdrop/campaigns?limit=1", "", nil, nil)
			}
		})
	})
	t.Run("a few hundred bytes of short lines", func(t *testing.T) {
		server.costs(t, func() {
			body := shortLines(t)
			if len(body) > 2000 {
				t.Fatalf("the request has %d bytes", len(body))
			}
			if status, answered := post(body); answered > mostAnswered {
				t.Errorf("%d bytes were answered (%d) with %d bytes", len(body), status, answered)
			}
		})
	})
	t.Run("16 uploads that do not end", func(t *testing.T) {
		server.costs(t, func() { server.unfinished(t, verify, 16, 15) })
	})
	// The place of a client who has left is free when the server has noticed.
	eventually(t, "after all that an honest check is answered", func() bool {
		status, answered := post([]byte(newAuthor(1).address.String() + "\n"))
		if status != http.StatusTooManyRequests && (status != http.StatusOK || answered == 0) {
			t.Fatalf("after all that an honest check has status %d and %d bytes", status, answered)
		}
		return status == http.StatusOK
	})
	t.Run("16 clients whose uploads do not end", func(t *testing.T) {
		if err := server.stop(); err != nil {
			t.Fatal(err)
		}
		many := p.start(t, []string{"BANYAN_HTTP_EXPENSIVE_PER_CLIENT=0"}, "--listen", "127.0.0.1:0") // each has a place
		many.costs(t, func() { many.unfinished(t, verify, 16, 0) })
	})
}

// unfinished begins uploads of 17 KB, each without its last bytes, and waits
// until the server has dealt with what was sent: so many are refused, and the
// others have their places until their clients leave.
func (p *process) unfinished(t *testing.T, path string, n, want int) {
	t.Helper()
	before := p.requests(path)
	body := lineEnds(27, 1500)
	for range 260 { // raw blocks of addresses
		line := newAuthor(1).address.String() + "\n"
		body = appendBlock(body, 0, len(line), line)
	}
	var open []net.Conn
	refused := make(chan *http.Response, n)
	for range n {
		c := p.begin(t, path, len(body)+100, body)
		open = append(open, c)
		go func() {
			if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				refused <- resp
			}
		}()
	}
	for i := range want {
		select {
		case resp := <-refused:
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
				t.Errorf("an unfinished upload has status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
			_ = resp.Body.Close()
		case <-time.After(3 * time.Minute):
			t.Fatalf("%d of %d unfinished uploads were refused, want %d: a client has one place", i, n, want)
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
	for p.requests(path) < before+n {
		p.must("GET", "/api/v1/airdrop/campaigns?limit=1", "", nil, nil)
	}
}

// builtCampaign returns the path of a campaign with a tree.
func (p *process) builtCampaign(token string) string {
	p.t.Helper()
	const campaigns = "/api/v1/airdrop/campaigns"
	draft, err := json.Marshal(draftOf("a drop"))
	if err != nil {
		p.t.Fatal(err)
	}
	var c airdrop.Campaign
	p.must("POST", campaigns, token, bytes.NewReader(draft), &c)
	var list strings.Builder
	for i := range 100 {
		fmt.Fprintf(&list, "%s,%d\n", newAuthor(i).address, i+1)
	}
	p.must("PUT", campaigns+"/"+c.ID+"/list", token, strings.NewReader(list.String()), nil)
	p.must("POST", campaigns+"/"+c.ID+"/build", token, nil, nil)
	return campaigns + "/" + c.ID
}

// lineEnds is a zstd frame of line ends alone: each block is 4 bytes long and
// says that its one byte is there 128 KiB times. The window is 2^windowLog.
// https://www.rfc-editor.org/rfc/rfc8878#name-blocks
func lineEnds(windowLog, blocks int) []byte {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(windowLog-10) << 3}
	for range blocks {
		frame = appendBlock(frame, 1, 128<<10, "\n")
	}
	return frame
}

// appendBlock adds a block that is not the last one.
func appendBlock(frame []byte, kind, size int, content string) []byte {
	header := binary.LittleEndian.AppendUint32(nil, uint32(size<<3|kind<<1))
	return append(append(frame, header[:3]...), content...)
}

// shortLines is 4 MB of lines that hold no wallet, packed.
func shortLines(t *testing.T) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(bytes.Repeat([]byte("x\n"), 2_000_000), nil)
}

// begin sends a request and what there is of its body.
func (p *process) begin(t *testing.T, path string, announced int, body []byte) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", path, announced, body); err != nil {
		t.Fatal(err)
	}
	return c
}

// requests is how many requests of a path have ended.
func (p *process) requests(path string) int {
	return strings.Count(p.logged(), `"path":"`+path+`"`)
}

// costs runs work and holds what the server took for it against the limits.
func (p *process) costs(t *testing.T, work func()) {
	t.Helper()
	pid := p.cmd.Process.Pid
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // the peak is now
		t.Fatal(err)
	}
	memory, used := peakMemory(t, pid), processorTime(t, pid)
	work()
	memory, used = peakMemory(t, pid)-memory, processorTime(t, pid)-used
	t.Logf("%v of processor time, %d MiB of memory", used, memory>>20)
	most := mostProcessorTime
	if underRace {
		most *= 3 // a check takes 0.1 s without the detector, and up to 1.8 s with it
	}
	if used > most {
		t.Errorf("it took %v of processor time, want at most %v", used, most)
	}
	if memory > mostMemory {
		t.Errorf("it took %d MiB of memory, want at most %d", memory>>20, mostMemory>>20)
	}
}

// peakMemory is the most that a process has had in memory, in bytes
// (proc_pid_status(5), VmHWM).
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the system does not say how much memory a process has had")
	return 0
}

// processorTime is what a process has used (proc_pid_stat(5), utime and stime,
// in clock ticks of 10 ms).
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	fields := strings.Fields(after)
	ticks := int64(0)
	for _, field := range fields[11:13] { // the 14th and 15th, and the first two are cut off
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
