package process_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// BenchmarkStart builds the program as the Makefile does and measures a start on
// existing data: ms-to-first-answer is from exec to the home page, idle-MiB the
// resident memory two seconds later, both as medians.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	binary := filepath.Join(folder, "banyan")
	if out, err := exec.Command("go", "build", "-C", root, "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	data := filepath.Join(folder, "data")
	startOnce(b, binary, data, 0) // migrates
	var took, memory []float64
	for b.Loop() {
		ms, mb := startOnce(b, binary, data, 2*time.Second)
		took, memory = append(took, ms), append(memory, mb)
	}
	slices.Sort(took)
	slices.Sort(memory)
	b.ReportMetric(took[len(took)/2], "ms-to-first-answer")
	b.ReportMetric(memory[len(memory)/2], "idle-MiB")
	b.ReportMetric(0, "ns/op")
}

var residentKB = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

func startOnce(b *testing.B, binary, data string, idle time.Duration) (ms, mb float64) {
	b.Helper()
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:18080")
	cmd.Env = append(os.Environ(), "BANYAN_DATA="+data, "BANYAN_ADMIN_LISTEN=127.0.0.1:0")
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	for time.Since(begun) < time.Minute {
		resp, err := http.Get("http://127.0.0.1:18080/")
		if err == nil {
			resp.Body.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	ms = float64(time.Since(begun).Microseconds()) / 1000
	time.Sleep(idle)
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	if err != nil {
		return ms, 0 // not Linux
	}
	kb, _ := strconv.ParseFloat(string(residentKB.FindSubmatch(status)[1]), 64)
	return ms, kb / 1024
}
