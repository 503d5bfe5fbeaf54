package process_test

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// TestASecondSignalEndsTheProgramAtOnce: the first asks it to stop in good order,
// which may take as long as the settings say.
func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, []string{"BANYAN_HTTP_DRAIN_DELAY=1h"}, "--listen", "127.0.0.1:0")
	patience := time.After(time.Minute)
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
		case <-patience:
			t.Fatalf("it still runs:\n%s", p.logged())
		}
	}
}
