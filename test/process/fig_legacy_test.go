package process_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/testenv/legacytest"
	"banyan/platform/testenv/testneeds"
)

// takeOver puts Banyan before a system that is there already and moves one
// prefix over by 10, 50 and 100 %, as the settings do it: a new process takes the
// place of the one before, which ends its connections in peace. All the time the
// old system is used through Banyan, by requests and by WebSockets.
func takeOver(t *testing.T, f *figures) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "legacy %s", r.URL.Path) })
	mux.HandleFunc("/echo", legacytest.Echo)
	old := httptest.NewServer(mux)
	defer old.Close()

	clients := either(300, 1000)
	var front atomic.Value // the URL of the process that new requests go to
	var say []func(string) (string, error)
	inside := make([]bool, clients)
	traffic := legacyTraffic{t: t, front: &front}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wait func()
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	for _, percent := range []int{0, 10, 50, 100} {
		trunk := p.start(t, []string{
			"BANYAN_LEGACY_URL=" + old.URL, fmt.Sprintf("BANYAN_LEGACY_TAKE=/exchanges %d %%", percent),
		}, "--listen", testneeds.Address(t))
		front.Store(trunk.url)
		if wait == nil {
			wait = traffic.start(ctx)
		}
		open, _ := legacytest.Dial(t, trunk.url, "/echo", 10*time.Minute)
		say = append(say, open)
		led := 0
		for n := range clients {
			isOurs := servedByBanyan(t, trunk.url, n)
			if inside[n] && !isOurs {
				t.Errorf("client %d was led back to the old system at %d %%", n, percent)
			}
			if inside[n] = isOurs; isOurs {
				led++
			}
		}
		if share := led * 100 / clients; share < percent-5 || share > percent+5 {
			t.Errorf("at %d %% Banyan serves %d of %d clients", percent, led, clients)
		}
		for i, open := range say {
			if back, err := open("hello"); err != nil || back != "hello" {
				t.Errorf("at %d %% the WebSocket number %d says %q, %v", percent, i, back, err)
			}
		}
		f.say(t, "at %3d %%: %4d of %d clients are led to Banyan, nobody led back; %d WebSockets echo", percent, led, clients, len(say))
	}
	stop()
	wait()
	f.say(t, "beside it %d requests for the rest of the old system, %d failed", traffic.asked.Load(), traffic.failed.Load())
}

// servedByBanyan asks for the prefix as a client that is known by its program.
func servedByBanyan(t *testing.T, base string, client int) bool {
	t.Helper()
	status, text := getAs(t.Context(), base+"/exchanges", fmt.Sprintf("client/%d", client))
	switch {
	case status == http.StatusOK && text == "legacy /exchanges":
		return false
	case status == http.StatusOK && strings.Contains(text, "<title>Exchanges"):
		return true
	}
	t.Fatalf("client %d got %d %.200s", client, status, text)
	return false
}

func getAs(ctx context.Context, address, program string) (status int, text string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("User-Agent", program)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// legacyTraffic uses the part of the old system that nobody takes over.
type legacyTraffic struct {
	t             *testing.T
	front         *atomic.Value
	asked, failed atomic.Int64
}

func (s *legacyTraffic) start(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				path := fmt.Sprintf("/shop/%d/%d", n, turn)
				status, text := getAs(s.t.Context(), s.front.Load().(string)+path, "shop")
				if s.asked.Add(1); status != http.StatusOK || text != "legacy "+path {
					s.failed.Add(1)
					s.t.Errorf("%s answers %d %.200s", path, status, text)
					return
				}
				pause(pace)
			}
		})
	}
	return all.Wait
}
