package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"banyan/web/webtest"
)

// TestASecondFactorIsSetUpAndThenAskedForAtTheSignIn goes the way of an operator, and
// looks at each page on it.
func TestASecondFactorIsSetUpAndThenAskedForAtTheSignIn(t *testing.T) {
	for _, l := range []look{desk, phone, phoneDark, phoneGerman} {
		t.Run(l.String(), func(t *testing.T) {
			site := webtest.Full(t)
			ctx, x := open(t, l), &extension{key: site.Operator}
			look := func(name string) {
				t.Helper()
				inspect(t, ctx, stop{Name: name})
				picture(t, ctx, name+"-"+l.String())
			}
			signIn(t, ctx, site.URL, x)
			do(t, ctx, chromedp.Navigate(site.URL+"/second-factor"))
			look("second-factor-none")
			do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="second-factor/begin"] button`)))
			wait(t, ctx, `!!document.querySelector("#totp-secret")`)
			look("second-factor-begun")
			secret := strings.ReplaceAll(text(t, ctx, "#totp-secret"), " ", "")
			give(t, ctx, "confirm", codeOf(t, secret, 0))
			wait(t, ctx, `document.querySelectorAll("[data-recovery] .codes li").length === 10`)
			look("second-factor-recovery")
			do(t, ctx, chromedp.Navigate(site.URL+"/second-factor"))
			look("second-factor-on")

			do(t, ctx, chromedp.Click(chromedp.CSS(`details.who summary`)), chromedp.Click(chromedp.CSS(`details.who form[action$="sign-out"] button`)))
			wait(t, ctx, `location.pathname === "/"`)
			do(t, ctx, chromedp.Navigate(site.URL+"/sign-in?next=/operator/access"), chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="test.wallet"]`)))
			wait(t, ctx, `location.pathname === "/second-factor"`)
			look("second-factor-asked")
			do(t, ctx, chromedp.Navigate(site.URL+"/exchanges"))
			look("second-factor-withheld")
			do(t, ctx, chromedp.Navigate(site.URL+"/operator/access"))
			give(t, ctx, "second-factor", codeOf(t, secret, 1))
			wait(t, ctx, `location.pathname === "/operator/access"`)
		})
	}
}

func codeOf(t *testing.T, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// give types a code into the form that is sent to an address with this end.
func give(t *testing.T, ctx context.Context, end, code string) {
	t.Helper()
	form := `form[action$="` + end + `"]`
	do(t, ctx, chromedp.SendKeys(chromedp.CSS(form+` input[name="code"]`), code), chromedp.Click(chromedp.CSS(form+` button`)))
}
