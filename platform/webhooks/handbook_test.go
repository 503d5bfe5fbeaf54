package webhooks_test

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/testenv/testneeds"
)

// TestTheReceiverOfTheHandbookWorks: it takes what is signed with its secret and nothing
// else.
func TestTheReceiverOfTheHandbookWorks(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		testneeds.Missing(t, "python", "the receiver of the handbook is written in Python")
	}
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindSubmatch(page)
	if code == nil {
		t.Fatal("the handbook has no receiver")
	}
	w := &world{t: t, db: databasetest.SQLite(t, module), clock: testclock.At(time.Now())}
	w.hooks = w.again(w.db, insecure())
	address := testneeds.Address(t)
	one, other := w.add("http://"+address), w.add("http://"+address)
	_, port, _ := strings.Cut(address, ":")
	cmd := exec.CommandContext(t.Context(), python, "-c", string(code[1]))
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+one.Secret, "PORT="+port)
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the receiver listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	good, err := w.hooks.Test(t.Context(), one.ID)
	if err != nil || good.Status != 204 {
		t.Errorf("with its own secret: %+v, %v", good, err)
	}
	bad, err := w.hooks.Test(t.Context(), other.ID)
	if err != nil || bad.Status != 401 || bad.Problem == "" {
		t.Errorf("with another secret: %+v, %v", bad, err)
	}
	w.clock.Pass(-time.Hour)
	if old, err := w.hooks.Test(t.Context(), one.ID); err != nil || old.Status != 401 {
		t.Errorf("of an hour ago: %+v, %v", old, err)
	}
	_ = cmd.Process.Kill() // it serves for ever
	_ = cmd.Wait()
	if !strings.Contains(out.String(), `"type":"webhook.test"`) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("it printed %s", &out)
	}
}
