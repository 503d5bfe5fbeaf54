// Package browser holds the tests of the pages in a real Chromium, from the
// outside: what a person sees and does, under the production
// Content-Security-Policy, with a wallet injected as an extension would.
package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"banyan/platform/testenv/testneeds"
)

// testTimeout bounds one test in the browser, and waitTimeout one wait in it; no
// test asserts them.
const (
	testTimeout = 10 * time.Minute
	waitTimeout = 2 * time.Minute
)

// chromium is one browser for all tests of this package.
var chromium struct {
	sync.Once
	ctx  context.Context
	stop context.CancelFunc
	err  error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(code)
}

// start returns the browser, and skips the test without one, or fails it if
// BANYAN_TEST_REQUIRE names chromium.
func start(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testneeds.Missing(t, testneeds.Chromium, "no chromium was found: install Debian's package chromium")
	}
	chromium.Do(func() {
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
			chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
			chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stop := chromedp.NewContext(allocator)
		chromium.ctx, chromium.stop = ctx, func() { stop(); stopAllocator() }
		chromium.err = chromedp.Do(ctx)
	})
	if chromium.err != nil {
		t.Fatalf("start %s: %v", path, chromium.err)
	}
	return chromium.ctx
}

// look is how a tab shows pages.
type look struct {
	Width, Height int64
	Theme         string // light or dark, as the system would say
	Language      string // that the browser asks for; "" = its own, which is English
}

var (
	desk      = look{Width: 1280, Height: 900, Theme: "light"}
	deskDark  = look{Width: 1280, Height: 900, Theme: "dark"}
	phone     = look{Width: 390, Height: 844, Theme: "light"}
	phoneDark = look{Width: 390, Height: 844, Theme: "dark"}
	// German is seen in two of the four: its words are longer, the colours are the same.
	deskGerman  = look{Width: 1280, Height: 900, Theme: "light", Language: "de"}
	phoneGerman = look{Width: 390, Height: 844, Theme: "dark", Language: "de"}
)

func (l look) String() string {
	name := fmt.Sprintf("%d-%s", l.Width, l.Theme)
	if l.Language != "" {
		name += "-" + l.Language
	}
	return name
}

// open returns a tab with cookies and storage of its own. When the test ends, a
// script error, a breach of the Content-Security-Policy or a request to
// another host fails it.
func open(t *testing.T, l look) context.Context {
	t.Helper()
	parent := start(t)
	tab, closeTab := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(tab, l.apply()); err != nil {
		closeTab()
		t.Fatalf("open a tab: %v", err)
	}
	if _, err := chromedp.Call(tab, log.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("listen to the page's log: %v", err)
	}
	watch(t, tab, closeTab)
	ctx, cancel := context.WithTimeout(tab, testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func (l look) apply() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		mobile := l.Width < 600
		if _, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: l.Width, Height: l.Height, DeviceScaleFactor: 1, Mobile: mobile,
		}); err != nil {
			return err
		}
		if l.Language != "" {
			if _, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.Language}}); err != nil {
				return err
			}
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.Theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

func watch(t *testing.T, tab context.Context, closeTab context.CancelFunc) {
	var listeners sync.WaitGroup
	var mu sync.Mutex
	var complaints []string
	complain := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, text)
	}
	logged := chromedp.Events(tab, log.EntryAdded)
	thrown := chromedp.Events(tab, runtime.ExceptionThrown)
	asked := chromedp.Events(tab, network.RequestWillBeSent)
	listeners.Go(func() {
		for ev, err := range logged {
			if err != nil {
				return
			}
			// A 404 page is a network error of the log, and no mistake.
			if ev.Entry.Level == log.EntryLevelError && ev.Entry.Source != log.EntrySourceNetwork {
				complain("the browser logged: " + ev.Entry.Text)
			}
		}
	})
	listeners.Go(func() {
		for ev, err := range thrown {
			if err != nil {
				return
			}
			text := ev.ExceptionDetails.Text
			if ev.ExceptionDetails.Exception != nil {
				text += " " + ev.ExceptionDetails.Exception.Description
			}
			complain("a script failed: " + text)
		}
	})
	listeners.Go(func() {
		for ev, err := range asked {
			if err != nil {
				return
			}
			if u := ev.Request.URL; !strings.HasPrefix(u, "http://127.0.0.1:") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
				complain("the page asked another host: " + u)
			}
		}
	})
	t.Cleanup(func() {
		closeTab()
		listeners.Wait()
		for _, text := range complaints {
			t.Error(text)
		}
	})
}

// do runs steps and fails the test when one fails.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		where, _ := chromedp.Run(ctx, chromedp.Location())
		shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("main")?.innerText ?? ""`))
		t.Fatalf("%v\nat %s:\n%s", err, where, shown)
	}
}

// wait waits until the expression is true in the page, through navigations. A
// page is looked at when it is there as a whole: what stands further down, and
// is asked for next, may still be on its way.
func wait(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	waiting, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		// An error is a page between two documents; the next look shows.
		if ok, err := chromedp.Run(waiting, chromedp.Evaluate[bool](`document.readyState === "complete" && Boolean(`+expression+`)`)); err == nil && ok {
			return
		}
		select {
		case <-look.C:
		case <-waiting.Done():
			where, _ := chromedp.Run(ctx, chromedp.Location())
			shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("main")?.innerText ?? ""`))
			t.Fatalf("never came true: %s\nat %s:\n%s", expression, where, shown)
		}
	}
}

// eval runs an expression in the page; promises are awaited.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return v
}

// shot takes a picture of the whole page.
func shot(t *testing.T, ctx context.Context) []byte {
	t.Helper()
	size := eval[[]float64](t, ctx, `[document.documentElement.clientWidth, document.documentElement.scrollHeight]`)
	res, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip:                  &page.Viewport{Width: size[0], Height: min(size[1], 6000), Scale: 1},
		CaptureBeyondViewport: new(true),
	})
	if err != nil {
		t.Fatalf("take a picture: %v", err)
	}
	return res.Data
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
