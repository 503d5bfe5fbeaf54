package process_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
)

// hurried asks for a page as a browser does, and returns it with the time that it
// took.
func hurried(t *testing.T, address string, headers ...string) (status int, page string, took time.Duration) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	begun := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), time.Since(begun)
}

// TestAPageWaitsForNoModuleThatHangsOrIsSlow: what such a module owes is left out,
// the rest is there, and what is slow comes to those who wait.
func TestAPageWaitsForNoModuleThatHangsOrIsSlow(t *testing.T) {
	proxies := map[string]*proxy{}
	g := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.startCluster(t, func(module, address string) string {
		proxies[module] = newProxy(t, address)
		return proxies[module].address()
	}, "BANYAN_MODULES_EXCHANGE_REVIEW_TIMEOUT=9s")
	for _, module := range []string{reputation.Name, exchangereview.Name} {
		if err := g.setState(module, step{"remote", 0}); err != nil {
			t.Fatal(err)
		}
	}
	wallet := "/wallets/" + newAuthor(3).address.String()
	// owed are the parts that are left out of each page; all is the page as a whole.
	look := func(what string, owed map[string]string) {
		for _, path := range []string{"/", "/exchanges", "/reputation", wallet} {
			var times []time.Duration
			for range 8 {
				status, page, took := hurried(t, g.trunk.url+path)
				times = append(times, took)
				part := owed[path]
				switch {
				case part == "" && (status != http.StatusOK || strings.Contains(page, "data-missing=")):
					t.Errorf("%s: %s lacks something that it can have: %d", what, path, status)
				case part != "" && !strings.Contains(page, `data-missing="`+part+`"`):
					t.Errorf("%s: %s does not say that %s is missing: %d\n%.600s", what, path, part, status, page[max(0, strings.Index(page, "<main")):])
				case !strings.Contains(page, "</html>"):
					t.Errorf("%s: %s is not whole", what, path)
				}
			}
			slices.Sort(times)
			t.Logf("%s: %-12.12s p50 %v, slowest of %d %v", what, path, times[len(times)/2].Round(time.Millisecond), len(times), times[len(times)-1].Round(time.Millisecond))
		}
	}
	frozen := g.alone[reputation.Name]
	if err := frozen.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	look("reputation is frozen", map[string]string{"/": "Reputation", "/reputation": "Reputation", wallet: "Reputation"})
	if err := frozen.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "reputation is shown again", func() bool {
		_, page, _ := hurried(t, g.trunk.url+"/reputation", "Banyan-Wait", "yes")
		return !strings.Contains(page, "data-missing=")
	})
	proxies[exchangereview.Name].delay.Store(int64(1500 * time.Millisecond)) // there and back
	look("exchange-review takes 3 s", map[string]string{"/": "Exchange reviews", "/exchanges": "Exchange reviews", wallet: "Exchange reviews"})
	status, page, _ := hurried(t, g.trunk.url+"/exchanges", "Banyan-Wait", "yes")
	if status != http.StatusOK || strings.Contains(page, "data-missing=") {
		t.Errorf("for those who wait the exchanges are not there: %d", status)
	}
}
