package browser

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

var serves = regexp.MustCompile(`"msg":"serving `)

// serve starts a process of Banyan and waits until it serves. It is asked to
// end when the test does.
func serve(t *testing.T, binary string, env []string, args ...string) {
	t.Helper()
	run := exec.Command(binary, append([]string{"serve"}, args...)...)
	run.Env, run.Dir = append(os.Environ(), env...), t.TempDir() // no config.yaml there
	said, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	var log []byte
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			log = append(append(log, lines.Bytes()...), '\n')
			if serves.Match(lines.Bytes()) {
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		stuck := time.AfterFunc(testTimeout, func() { _ = run.Process.Kill() })
		defer stuck.Stop()
		<-ended
		if err := run.Wait(); err != nil || t.Failed() {
			t.Logf("banyan %v ended with %v:\n%s", args, err, log)
		}
	})
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("banyan %v ended at once", args)
	case <-time.After(testTimeout):
		t.Fatalf("banyan %v does not serve", args)
	}
}

// askAll is the load: callers that read until the context ends. It counts those
// answers that failed.
func askAll(ctx context.Context, url string, callers int) (failed *atomic.Int64, wait func()) {
	var all sync.WaitGroup
	failed = new(atomic.Int64)
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				if err != nil {
					failed.Add(1)
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					if ctx.Err() == nil {
						failed.Add(1)
					}
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body) // its status is what counts
				_ = resp.Body.Close()
				if resp.StatusCode >= 500 {
					failed.Add(1)
				}
			}
		})
	}
	return failed, all.Wait
}

// lead presses a button of a module's form until the module is at one of the
// states. Once may not be enough: on a busy machine the remote is slow, and the
// guard rolls back by itself, or warns; a step onward is taken anyway.
func lead(t *testing.T, ctx context.Context, module, which string, states ...string) {
	t.Helper()
	for {
		eval[bool](t, ctx, `window.isPageBefore = true`)
		do(t, ctx, chromedp.Click(chromedp.CSS(`#`+module+` [data-step="`+which+`"]`)))
		wait(t, ctx, `!window.isPageBefore && document.querySelector("[data-outcome], [data-question]") !== null`)
		if eval[bool](t, ctx, `document.querySelector("[data-question]") !== null`) {
			step(t, ctx, module, "anyway")
		}
		here := strings.TrimSpace(text(t, ctx, "#"+module+" .states .here"))
		if slices.Contains(states, here) {
			return
		}
		t.Logf("after %s the module is at %s", which, here)
	}
}

// TestAnOperatorMovesTheRealModuleUnderLoad takes reputation of the real
// program through all states on the page, while people read, and sees the
// figures move. Nobody gets an error.
func TestAnOperatorMovesTheRealModuleUnderLoad(t *testing.T) {
	start(t) // skip before building
	binary := built(t)
	key := webtest.Key(t, "operator")
	trunk, alone := testneeds.Address(t), testneeds.Address(t)
	env := []string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=http://" + trunk, "BANYAN_IDENTITY_TRUNK_URL=http://" + trunk,
		"BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(key).String(),
	}
	serve(t, binary, env, "--listen", trunk)
	serve(t, binary, env, "--module", "reputation", "--listen", alone)

	reading, stop := context.WithCancel(t.Context())
	failed, ended := askAll(reading, "http://"+trunk+"/api/v1/reputation/leaderboard", 4) // answered also before there are scores: errors are no evidence
	defer ended()
	defer stop()

	ctx := open(t, desk)
	signIn(t, ctx, "http://"+trunk, &extension{key: key})
	do(t, ctx, chromedp.Navigate("http://"+trunk+"/operator/modules"))
	isAt(t, ctx, "reputation", "local")
	wait(t, ctx, `Number(document.querySelector("#label-reputation .rate b").innerText.replace(",", "")) > 0`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#urls-reputation"), "http://"+alone), chromedp.SendKeys(chromedp.CSS("#why-reputation"), "the test says so"))
	step(t, ctx, "reputation", "next")
	isAt(t, ctx, "reputation", "shadow 10 %")
	wait(t, ctx, `document.querySelector("#reputation .met")?.innerText.includes("comparisons are made, at least 1000 are needed")`)
	if against := eval[[]string](t, ctx, `[...document.querySelectorAll("#reputation .unmet li")].map((li) => li.innerText).filter((text) => !text.includes("p99"))`); len(against) > 0 {
		t.Errorf("more is missing before the next step than this machine's slowness: %q", against)
	}
	picture(t, ctx, "real-shadow")
	lead(t, ctx, "reputation", "next", "canary 10 %")
	lead(t, ctx, "reputation", "next", "canary 50 %")
	lead(t, ctx, "reputation", "next", "remote")
	isAt(t, ctx, "reputation", "remote")
	calls := `[...document.querySelectorAll("#reputation .sides tbody tr:first-child td")].map((td) => Number(td.innerText.replace(",", "")))`
	wait(t, ctx, `((calls) => calls[0] === 0 && calls[1] > 0)(`+calls+`)`)
	wait(t, ctx, `document.querySelector("#reputation .evidence").innerText.includes("reputation")`) // the owner of the writes
	picture(t, ctx, "real-remote")
	lead(t, ctx, "reputation", "back", "canary 50 %", "shadow 50 %")
	lead(t, ctx, "reputation", "local", "local")
	isAt(t, ctx, "reputation", "local")
	picture(t, ctx, "real-home")
	if n := failed.Load(); n > 0 {
		t.Errorf("%d readers got an error", n)
	}
}
