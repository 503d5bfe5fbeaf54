package process_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestASecondSignalEndsTheProgramAtOnce: the first asks it to stop in good order,
// which may take as long as the settings say.
func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, []string{"BANYAN_HTTP_DRAIN_DELAY=1h"}, "--listen", "127.0.0.1:0")
	timeout := time.After(time.Minute)
	for asked := 0; ; asked++ { // the first may still be under way when the second comes
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil && asked < 2 {
			t.Fatal(err)
		}
		select {
		case <-p.done:
			if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); asked == 0 || !status.Signaled() {
				t.Errorf("asked %d times it ended with %v:\n%s", asked+1, p.cmd.ProcessState, p.logged())
			}
			return
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			t.Fatalf("it still runs:\n%s", p.logged())
		}
	}
}

// TestAHangupReloads: service managers and log rotation send it, and so does a
// terminal that is closed.
func TestAHangupReloads(t *testing.T) {
	file := t.TempDir() + "/own.yaml"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log:\n  level: info\n")
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0", "--config", file)
	for _, step := range []struct{ text, logged string }{
		{"log:\n  level: debug\n", `"log.level":"debug"`},
		{"log:\n  level: loud\n", "what was refused stays as it was"},
	} {
		write(step.text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the log says "+step.logged, func() bool { return strings.Contains(p.logged(), step.logged) })
	}
	if status, _, err := call(t.Context(), "GET", p.url+"/exchanges", "", nil, nil); err != nil || status != 200 {
		t.Errorf("after it: %d %v", status, err)
	}
}
