package browser

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

// program is `banyan demo` as people start it: the real modules over the seam.
type program struct {
	URL      string
	Wallet   string // of the demo wallet
	Campaign string // id of one that lists it
}

var (
	saysWallet   = regexp.MustCompile(`demo wallet (0x[0-9a-fA-F]{40})`)
	saysCampaign = regexp.MustCompile(`/airdrops/([0-9a-z]+)`)
)

// built is the path of the program, built for the test.
func built(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "banyan")
	build := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", binary, ".")...)
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return binary
}

// demo builds and starts the program and waits until it says that it is ready.
func demo(t *testing.T) program {
	t.Helper()
	start(t) // skip before building
	binary := built(t)
	// The public address is part of what wallets sign, so the port is chosen
	// before the program starts.
	listen := testneeds.Address(t)
	run := exec.Command(binary, "demo", "--listen", listen)
	var complaints bytes.Buffer
	run.Stderr = &complaints
	said, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		if err := run.Wait(); err != nil {
			t.Errorf("the program ended with %v\n%s", err, complaints.String())
		}
	})
	stuck := time.AfterFunc(testTimeout, func() { _ = run.Process.Kill() })
	defer stuck.Stop()
	p := program{URL: "http://" + listen}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if found := saysWallet.FindStringSubmatch(lines.Text()); found != nil {
			p.Wallet = found[1]
		}
		if found := saysCampaign.FindStringSubmatch(lines.Text()); found != nil {
			p.Campaign = found[1]
		}
		if strings.Contains(lines.Text(), "/docs") {
			return p
		}
	}
	t.Fatalf("the program ended before it was ready\n%s", complaints.String())
	return p
}

// TestTheWholeProgram walks through the demo: every page of a real community
// passes axe-core in both themes, and the flows work on the real modules.
func TestTheWholeProgram(t *testing.T) {
	p := demo(t)
	t.Run("pages", func(t *testing.T) {
		looks := []look{desk, phoneDark}
		if *screenshots != "" {
			looks = []look{desk, phone, deskDark, phoneDark}
		}
		for _, l := range looks {
			ctx := open(t, l)
			signInWith(t, ctx, p.URL, "demo.banyan")
			for name, path := range map[string]string{
				"home": "/", "exchanges": "/exchanges", "exchange": "/exchanges/kraken", "airdrops": "/airdrops",
				"campaign": "/airdrops/" + p.Campaign + "?wallet=" + p.Wallet, "reputation": "/reputation",
				"wallet": "/wallets/" + p.Wallet, "sessions": "/sessions", "operator": "/operator", "docs": "/docs",
			} {
				s := stop{Name: name, Path: path}
				visit(t, ctx, p.URL, s)
				inspect(t, ctx, s)
				picture(t, ctx, "demo-"+name+"-"+l.String())
			}
		}
	})
	t.Run("demo wallet", func(t *testing.T) {
		ctx := open(t, desk)
		signInWith(t, ctx, p.URL, "demo.banyan")
		reviewTwice(t, ctx, p.URL+"/exchanges/kraken", p.Wallet)
		do(t, ctx,
			chromedp.Navigate(p.URL+"/airdrops/"+p.Campaign),
			chromedp.SendKeys(chromedp.CSS("#wallet"), p.Wallet+"\r"),
		)
		wait(t, ctx, `document.querySelector("[data-verdict=eligible]") !== null`)
	})
	t.Run("operator", func(t *testing.T) {
		ctx := open(t, phone)
		signInWith(t, ctx, p.URL, "demo.banyan")
		runCampaign(t, ctx, p.URL)
	})
	t.Run("a wallet of one's own", func(t *testing.T) {
		ctx, key := open(t, phone), webtest.Key(t, "somebody new")
		signIn(t, ctx, p.URL, &extension{key: key})
		reviewTwice(t, ctx, p.URL+"/exchanges/binance", webtest.AddressOf(key).String())
		do(t, ctx, chromedp.Navigate(p.URL+"/airdrops/"+p.Campaign+"?wallet="+webtest.AddressOf(key).String()))
		wait(t, ctx, `document.querySelector("[data-verdict=not-listed]") !== null`)
	})
}

// reviewTwice writes a review, sees it, edits it, and sees both versions.
func reviewTwice(t *testing.T, ctx context.Context, page, writer string) {
	t.Helper()
	mine := "#review-" + writer
	do(t, ctx, chromedp.Navigate(page), chromedp.SetValue(chromedp.CSS("#text"), "Quick & <b>honest</b>."))
	mark(t, ctx, "4", "3")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("`+mine+` .text")?.innerText.trim() === "Quick & <b>honest</b>."`)
	if stars := text(t, ctx, mine+" .rating b"); stars != "4" {
		t.Errorf("the review has %q stars, want 4", stars)
	}
	// The form now holds the review, and sends a second version.
	if kept := eval[string](t, ctx, `document.querySelector("input[name=fees]:checked").value`); kept != "3" {
		t.Errorf("the form holds %s for fees, want the 3 that was published", kept)
	}
	do(t, ctx, chromedp.SetValue(chromedp.CSS("#text"), "Slower since May."))
	mark(t, ctx, "2", "2")
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")))
	wait(t, ctx, `document.querySelector("`+mine+` .text")?.innerText.trim() === "Slower since May."`)
	do(t, ctx, chromedp.Click(chromedp.CSS(mine+" .who-line a[href*='/reviews/']")))
	wait(t, ctx, `document.querySelectorAll("main section.card").length >= 2`)
	if versions := text(t, ctx, "main"); !strings.Contains(versions, "Quick & <b>honest</b>.") || !strings.Contains(versions, "Slower since May.") {
		t.Errorf("the history does not show both versions: %s", versions)
	}
}
