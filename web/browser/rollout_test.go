package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/web/webtest"
)

// moduleStops are the page of the modules in every state that looks different, by
// what the operator sees.
func moduleStops() []struct {
	stop
	make func(*webtest.Modules)
} {
	nothing := func(*webtest.Modules) {}
	return []struct {
		stop
		make func(*webtest.Modules)
	}{
		{stop{Name: "modules", Path: "/operator/modules"}, nothing},
		{stop{Name: "modules-open", Path: "/operator/modules", Open: true}, nothing},
		{stop{Name: "modules-wrong", Path: "/operator/modules#reputation"}, func(m *webtest.Modules) {
			m.Figures("reputation", webtest.WrongAnswers())
			m.Change("airdrop", func(s *rollout.ModuleState) {
				s.Problem, s.Followed = "the remote http://10.0.0.8:8081 has version 2 of the contract", 7
			})
		}},
		{stop{Name: "modules-news", Path: "/operator/modules#exchange-review"}, func(m *webtest.Modules) {
			m.Change("exchange-review", func(s *rollout.ModuleState) {
				s.Route.Guard.Rollback = &analysis.Rollback{From: seam.Plan{Mode: seam.ModeCanary, Percent: 50}, To: seam.Plan{Mode: seam.ModeShadow, Percent: 10}, Why: []string{"exchanges: p99 of 210 ms at the remote, 3.1 ms here"}, At: time.UnixMilli(webtest.SampleMS)}
			})
		}},
		{stop{Name: "modules-bare", Path: "/operator/modules"}, func(m *webtest.Modules) {
			for _, name := range []string{"reputation", "exchange-review", "airdrop"} {
				m.Change(name, func(s *rollout.ModuleState) { s.Route = nil })
			}
		}},
		{stop{Name: "modules-down", Path: "/operator/modules"}, func(m *webtest.Modules) { m.Fail(webtest.Gone("operator")) }},
		{stop{Name: "differences", Path: "/operator/modules/reputation/differences/score"}, nothing},
		{stop{Name: "differences-none", Path: "/operator/modules/reputation/differences/leaderboard"}, nothing},
		{stop{Name: "audit", Path: "/operator/modules/exchange-review/audit"}, nothing},
	}
}

// TestTheModulesInEveryLook finds no violation of WCAG A and AA, and nothing
// wider than its window.
func TestTheModulesInEveryLook(t *testing.T) {
	for _, l := range []look{desk, deskDark, phone, phoneDark} {
		t.Run(l.String(), func(t *testing.T) {
			for _, g := range moduleStops() {
				site := webtest.Full(t)
				g.make(site.Modules)
				ctx := open(t, l)
				signIn(t, ctx, site.URL, &extension{key: site.Operator})
				visit(t, ctx, site.URL, g.stop)
				if g.Name == "modules" || g.Name == "modules-wrong" {
					wait(t, ctx, `document.querySelector(".calls-here") !== null`) // it has been asked again
				}
				inspect(t, ctx, g.stop)
				picture(t, ctx, g.Name+"-"+l.String())
			}
		})
	}
}

// step presses a button of a module's form and waits for the page after it.
func step(t *testing.T, ctx context.Context, module, which string) {
	t.Helper()
	eval[bool](t, ctx, `window.isPageBefore = true`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`#`+module+` [data-step="`+which+`"]`)))
	wait(t, ctx, `!window.isPageBefore && document.querySelector("[data-outcome]") !== null`)
}

// goAnyway takes a step that is not shown to be safe: it is asked about once more, where
// the module stands in the window.
func goAnyway(t *testing.T, ctx context.Context, module string) {
	t.Helper()
	stood := eval[float64](t, ctx, `window.isPageBefore = true, scrollBy(0, 40), document.getElementById("`+module+`").getBoundingClientRect().top`)
	eval[bool](t, ctx, `document.querySelector("#`+module+` [data-step=next]").click(), true`)
	wait(t, ctx, `!window.isPageBefore && document.readyState === "complete" && document.activeElement.matches("[data-question]")`)
	wait(t, ctx, fmt.Sprintf(`Math.abs(document.getElementById("%s").getBoundingClientRect().top - %f) < 2`, module, stood))
	step(t, ctx, module, "anyway")
}

func isAt(t *testing.T, ctx context.Context, module, state string) {
	t.Helper()
	wait(t, ctx, `document.querySelector("#`+module+` .states .here").innerText.trim() === "`+state+`"`)
	wait(t, ctx, `document.querySelector("#label-`+module+` .what").innerText.trim() === "`+state+`"`)
}

// TestAnOperatorMovesAModuleOutAndBack presses every button on the way.
func TestAnOperatorMovesAModuleOutAndBack(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	do(t, ctx, chromedp.Navigate(site.URL+"/operator"), chromedp.Click(chromedp.CSS(`a[href$="/operator/modules"]`)))
	isAt(t, ctx, "reputation", "shadow 10 %")
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#why-reputation"), "everything matched\r")) // Enter moves nothing
	step(t, ctx, "reputation", "next")
	isAt(t, ctx, "reputation", "canary 10 %")
	goAnyway(t, ctx, "reputation")
	isAt(t, ctx, "reputation", "canary 50 %")
	goAnyway(t, ctx, "reputation")
	isAt(t, ctx, "reputation", "remote")
	wait(t, ctx, `document.querySelector('#reputation [data-step="next"]') === null`)
	step(t, ctx, "reputation", "back")
	isAt(t, ctx, "reputation", "canary 50 %")
	step(t, ctx, "reputation", "local")
	isAt(t, ctx, "reputation", "local")
	if changes := text(t, ctx, ".changes"); !strings.Contains(changes, "everything matched") {
		t.Errorf("the changes say:\n%s", changes)
	}
}

// TestThePageUpdatesByItself shows what others do without loading again, and
// keeps what is being typed.
func TestThePageUpdatesByItself(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	do(t, ctx, chromedp.Navigate(site.URL+"/operator/modules"), chromedp.SendKeys(chromedp.CSS("#why-reputation"), "half a sentence"))
	site.Modules.Figures("reputation", webtest.WrongAnswers())
	wait(t, ctx, `document.querySelector("#reputation [data-verdict]").dataset.verdict === "problem"`)
	wait(t, ctx, `document.querySelector("#found-reputation-score") !== null`)
	if typed := eval[string](t, ctx, `document.activeElement.value`); typed != "half a sentence" {
		t.Errorf("the field holds %q and should hold what was typed, with the focus", typed)
	}

	// Somebody else moves it. The form in hand stays, and its step is refused.
	site.Modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.Version, s.Followed, s.Plan.ChangedBy = 2, 2, "a colleague" })
	wait(t, ctx, `document.querySelector("#changes") !== null && document.querySelector('#reputation input[name="version"]').value === "1"`)
	step(t, ctx, "reputation", "next")
	wait(t, ctx, `document.querySelector("[data-outcome=refused]").innerText.includes("a colleague")`)
	wait(t, ctx, `document.querySelector("#why-reputation").value === "half a sentence"`)
	goAnyway(t, ctx, "reputation") // decided again
	isAt(t, ctx, "reputation", "canary 10 %")

	// A form that nobody holds follows.
	do(t, ctx, chromedp.Focus(chromedp.CSS("#main")))
	site.Modules.Change("airdrop", func(s *rollout.ModuleState) { s.Plan.Version, s.Followed = 9, 9 })
	wait(t, ctx, `document.querySelector('#airdrop input[name="version"]').value === "9"`)
}

// TestThePageSurvivesAModuleThatIsDown keeps the last figures while rollout
// does not answer, and goes to the sign-in when the session has ended.
func TestThePageSurvivesAModuleThatIsDown(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	do(t, ctx, chromedp.Navigate(site.URL+"/operator/modules"))
	site.Modules.Fail(webtest.Gone("operator"))
	wait(t, ctx, `document.querySelector("[data-missing]") !== null && document.querySelector("#reputation") !== null`)
	site.Modules.Fail(nil)
	wait(t, ctx, `document.querySelector("[data-missing]") === null`)

	site.Modules.Refuse(fault.New(fault.Unavailable, "the remote http://10.0.0.7:8081 does not answer: start it there, then try again"))
	step(t, ctx, "reputation", "next")
	wait(t, ctx, `document.querySelector("[data-outcome=refused]").innerText.includes("start it there")`)
	isAt(t, ctx, "reputation", "shadow 10 %")

	do(t, ctx, chromedp.Navigate(site.URL+"/operator/modules"))
	eval[int](t, ctx, `fetch("/sign-out", { method: "POST", body: new URLSearchParams({ csrf: document.querySelector("meta[name=csrf]").content }) }).then((r) => r.status)`)
	wait(t, ctx, `location.pathname === "/sign-in" && location.search === "?next=/operator/modules"`)
}
