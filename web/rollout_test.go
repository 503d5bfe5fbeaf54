package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/transfer"
	"banyan/web/webtest"
)

const modulesPage = "/operator/modules"

// atTheModules is the operator of a full site.
func atTheModules(t *testing.T) (*visitor, *webtest.Modules) {
	t.Helper()
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	return v, s.Modules
}

// card is the part of the page that a module has for itself.
func card(t *testing.T, page, module string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `data-module="`+module+`"`)
	if !found {
		t.Fatalf("the page has no module %s", module)
	}
	card, _, _ := strings.Cut(rest, "</section>")
	return card
}

func TestTheModulesAreForOperatorsOnly(t *testing.T) {
	s := webtest.Full(t)
	pages := []string{"", "/live", "/reputation", "/reputation/audit", "/reputation/differences/score"}
	v := newVisitor(t, s)
	for _, page := range pages {
		if page == "/live" { // the script cannot follow to the sign-in
			v.get(modulesPage+page, http.StatusUnauthorized)
			continue
		}
		contains(t, v.get(modulesPage+page, http.StatusOK), "Sign in with your wallet")
	}
	v.signIn(webtest.Key(t, "a member"))
	for _, page := range pages {
		v.get(modulesPage+page, http.StatusForbidden)
	}
	for _, path := range []string{"/reputation", "/reputation/reset"} {
		if status, _ := v.form(modulesPage+path, url.Values{"to": {"local"}, "version": {"1"}}); status != http.StatusForbidden {
			t.Errorf("a member's step through %s: %d", path, status)
		}
	}
	operator := newVisitor(t, s)
	operator.signIn(s.Operator)
	if status, _ := operator.post(modulesPage+"/reputation", "application/x-www-form-urlencoded", "to=local&version=1"); status != http.StatusForbidden {
		t.Errorf("a step without the session's token: %d", status)
	}
	contains(t, card(t, operator.get(modulesPage, 200), "reputation"), "shadow 10 %")
}

func TestThePictureShowsEveryState(t *testing.T) {
	v, modules := atTheModules(t)
	page := v.get(modulesPage, http.StatusOK)
	contains(t, page,
		"Reputation, shadow 10 %: this process answers, and the remote&#39;s answers are compared", "Exchange reviews, canary 10 %: the remote answers some callers", "Airdrops, remote: the remote answers",
		"812 calls a second; the owner of the writes is trunk", "2,761 calls a second; the owner of the writes is airdrop",
		`class="root shadow" data-live="root-wide-0"`, `class="root canary" data-live="root-wide-1"`, `class="root remote" data-live="root-narrow-2"`, `class="ghost"`,
		"<b>871</b>", "2,767 remote", // 812 + 58.5 here; 6.5 of a canary and 2,760.8 at the remote, and none of the shadow's
	)
	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.Mode, s.Plan.Percent = seam.ModeLocal, 0 })
	modules.Figures("reputation", map[string]any{"mode": "local", "operations": []any{map[string]any{"operation": "score", "recent": map[string]any{"local": map[string]any{"per_second": 7.25, "p50": 4e-6, "p99": 6e-5}}}}})
	contains(t, v.get(modulesPage, http.StatusOK), "Reputation, local: this process answers; 7.2 calls a second", `class="root local" data-live="root-wide-0"`)
}

func TestTheVerdictsSayWhatToDo(t *testing.T) {
	v, modules := atTheModules(t)
	page := v.get(modulesPage, http.StatusOK)
	contains(t, card(t, page, "reputation"), `data-verdict="safe"`, "Safe to go to canary 10 %", "no persistent difference", "99.98 %")
	contains(t, card(t, page, "exchange-review"), `data-verdict="wait"`, "Not safe yet to go to canary 50 %", "640 of 1000 reads at this percentage")
	contains(t, card(t, page, "airdrop"), `data-verdict="safe"`, "Runs remotely without problems", "Roll back to canary 50 %")
	if strings.Contains(card(t, page, "airdrop"), `data-step="next"`) {
		t.Error("a module that is remote is offered a step further")
	}

	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.Mode, s.Plan.Percent = seam.ModeLocal, 0 })
	modules.Figures("reputation", map[string]any{"mode": "local", "verdict": map[string]any{"safe": false, "next": map[string]any{"mode": "shadow", "percent": 10}, "missing": []string{"no remote is known"}}})
	contains(t, card(t, v.get(modulesPage, http.StatusOK), "reputation"), `data-verdict="wait"`, "Enter the remote’s address, then go to shadow 10 %", "no remote is known")

	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.Mode, s.Plan.Percent = seam.ModeShadow, 10 })
	modules.Figures("reputation", webtest.WrongAnswers())
	wrong := card(t, v.get(modulesPage, http.StatusOK), "reputation")
	contains(t, wrong, `data-verdict="problem"`, "Not safe yet", "134 persistent differences; fix", "Warning: the remote fails or is slow", "Callers are not affected", "92.5 %",
		`href="../operator/modules/reputation/differences/score"`, ">134 persistent<", ">open<", "connection refused", "10.0.0.8")

	modules.Change("airdrop", func(s *rollout.ModuleState) { s.Plan.Mode = seam.ModeRemote })
	modules.Figures("airdrop", map[string]any{"mode": "remote", "operations": []any{}, "guard": map[string]any{"alarms": []string{"claim: 2.4 % of the calls failed"}}, "verdict": map[string]any{"safe": false}})
	contains(t, card(t, v.get(modulesPage, http.StatusOK), "airdrop"), `data-verdict="problem"`, "Runs remotely, with problems: remove their cause, or roll back to canary 50 %", "Nothing rolls back from remote automatically")

	modules.Change("reputation", func(s *rollout.ModuleState) { s.Route = nil })
	contains(t, card(t, v.get(modulesPage, http.StatusOK), "reputation"), `data-verdict="none"`, "there are no figures", "This process has no figures of the module")
	contains(t, v.get(modulesPage, http.StatusOK), "calls not known; the owner of the writes is trunk")

	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.Version, s.Problem = 9, "the remote does not answer" })
	contains(t, card(t, v.get(modulesPage, http.StatusOK), "reputation"), `data-news="problem"`, "The remote does not answer", "has not applied the plan yet")
}

func TestAStepAndItsTrace(t *testing.T) {
	v, _ := atTheModules(t)
	status, page := v.form(modulesPage+"/reputation", url.Values{"to": {"canary"}, "percent": {"2,5"}, "version": {"1"}, "why": {"all is <well>"}, "urls": {"http://10.0.0.9:1, http://10.0.0.9:2"}})
	if status != http.StatusOK {
		t.Fatalf("a step: %d", status)
	}
	contains(t, page, `data-outcome="done"`, "Reputation: canary 2.5 %", "all is &lt;well&gt;", "<code>http://10.0.0.9:1, http://10.0.0.9:2</code>", "version 2")
	contains(t, card(t, page, "reputation"), `value="2"`, `value="10"`, "Roll back to shadow 10 %", "Roll back to local")
	if strings.Contains(page, "not shown to be safe</span>") {
		t.Error("a step is shown as taken anyway, which nobody asked for")
	}

	if status, page = v.form(modulesPage+"/reputation", url.Values{"to": {"shadow:10"}, "version": {"2"}}); status != http.StatusOK {
		t.Fatalf("a rollback: %d", status)
	}
	contains(t, card(t, page, "reputation"), "shadow 10 %", "http://10.0.0.9:1") // the addresses are remembered
	if status, page = v.form(modulesPage+"/reputation/reset", url.Values{"version": {"3"}}); status != http.StatusOK {
		t.Fatalf("a reset: %d", status)
	}
	contains(t, page, "as the settings say")
	if strings.Contains(card(t, page, "reputation"), `data-news="differs"`) {
		t.Error("after a reset the plan still differs from the settings")
	}
	if status, page = v.form(modulesPage+"/reputation", url.Values{"to": {"remote"}, "version": {"4"}, "anyway": {"yes"}}); status != http.StatusOK {
		t.Fatalf("a step taken anyway: %d", status)
	}
	contains(t, page, "not shown to be safe</span>")
	contains(t, v.get(modulesPage+"/reputation/audit", http.StatusOK), "not shown to be safe</span>")
}

func TestRefusedStepsSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		fields url.Values
		refuse error
		status int
		says   string
	}{
		"an old version":         {url.Values{"to": {"canary"}, "percent": {"10"}, "version": {"0"}}, nil, 409, "The plan of reputation is version 1"},
		"no version":             {url.Values{"to": {"local"}}, nil, 400, "version of the plan that it was made for"},
		"no number":              {url.Values{"to": {"canary"}, "percent": {"many"}, "version": {"1"}}, nil, 400, "is from 0 to 100, like 10"},
		"too much":               {url.Values{"to": {"canary"}, "percent": {"101"}, "version": {"1"}}, nil, 400, "percent: is from 0 to 100"},
		"no state":               {url.Values{"to": {"moon"}, "version": {"1"}}, nil, 400, "is one of local, shadow, canary and remote"},
		"an address":             {url.Values{"to": {"remote"}, "urls": {"ftp://x"}, "version": {"1"}}, nil, 400, "are like http://10.0.0.7:8081"},
		"a remote that is gone":  {url.Values{"to": {"remote"}, "version": {"1"}}, fault.New(fault.Unavailable, "the remote does not answer: start it"), 503, "The remote does not answer: start it"},
		"an owner that holds on": {url.Values{"to": {"remote"}, "version": {"1"}}, fault.New(fault.Conflict, "the writes belong to trunk-2"), 409, "The writes belong to trunk-2"},
	} {
		t.Run(name, func(t *testing.T) {
			v, modules := atTheModules(t)
			modules.Refuse(c.refuse)
			c.fields.Set("why", "kept “words”")
			status, page := v.form(modulesPage+"/reputation", c.fields)
			if status != c.status {
				t.Fatalf("%d, want %d", status, c.status)
			}
			contains(t, page, `data-outcome="refused"`, c.says, "Nothing was changed")
			contains(t, card(t, page, "reputation"), "shadow 10 %", `value="kept “words”"`, `name="version" value="1"`)
			if strings.Contains(card(t, page, "airdrop"), "kept") {
				t.Error("another module's form has these words, too")
			}
		})
	}
	v, _ := atTheModules(t)
	if status, _ := v.form(modulesPage+"/nothing", url.Values{"to": {"local"}, "version": {"0"}}); status != http.StatusNotFound {
		t.Errorf("a module that is not there: %d", status)
	}
}

func TestTheModulesWithoutRollout(t *testing.T) {
	s := webtest.Empty(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get(modulesPage, http.StatusOK), "This program moves no modules")
	if strings.Contains(v.get(modulesPage, http.StatusOK), "data-live-from") {
		t.Error("the script would ask for what cannot be there")
	}
	v.get(modulesPage+"/reputation/audit", http.StatusNotFound)
	v.get(modulesPage+"/reputation/differences/score", http.StatusNotFound)
	if status, _ := v.form(modulesPage+"/reputation", url.Values{"to": {"local"}, "version": {"0"}}); status != http.StatusNotFound {
		t.Errorf("a step where no module can be moved: %d", status)
	}

	v, modules := atTheModules(t)
	modules.Fail(webtest.Gone("operator"))
	for _, path := range []string{modulesPage, modulesPage + "/live"} {
		contains(t, v.get(path, http.StatusOK), `data-missing="Rollout"`, `data-live="none"`)
	}
	if status, page := v.form(modulesPage+"/reputation", url.Values{"to": {"local"}, "version": {"1"}}); status != 503 || !strings.Contains(page, `data-outcome="refused"`) {
		t.Errorf("a step while rollout does not answer: %d", status)
	}
}

func TestTheLivePartsAreThoseOfThePage(t *testing.T) {
	v, _ := atTheModules(t)
	parts := regexp.MustCompile(`data-live="[^"]+"`)
	whole, live := parts.FindAllString(v.get(modulesPage, http.StatusOK), -1), v.get(modulesPage+"/live", http.StatusOK)
	if strings.Contains(live, "<html") {
		t.Error("the live parts come with a whole page around them")
	}
	if again := parts.FindAllString(live, -1); len(whole) < 25 || strings.Join(whole, " ") != strings.Join(again, " ") {
		t.Errorf("the script finds other parts than the page has:\n%v\n%v", whole, again)
	}
	seen := map[string]bool{}
	for _, part := range whole {
		if seen[part] {
			t.Errorf("two parts are called %s", part)
		}
		seen[part] = true
	}
	for _, path := range []string{modulesPage, modulesPage + "/reputation/differences/score", modulesPage + "/reputation/audit"} {
		if found := inline.FindString(v.get(path, http.StatusOK)); found != "" {
			t.Errorf("%s has inline style or script: %s", path, found)
		}
	}
}

func TestDifferencesShowBothAnswers(t *testing.T) {
	v, _ := atTheModules(t)
	page := v.get(modulesPage+"/reputation/differences/score", http.StatusOK)
	contains(t, page, "1 persistent", "1 transient", "components[0].share", "4f1c2a7790d3",
		"<mark>  score: 0.0546</mark>", "<mark>  score: 0.0521</mark>", "<mark>      share: 0.022932</mark>", "<span>      share: 0.27</span>",
		"error: &#34;not_found&#34;", "this wallet is not known")
	if strings.Count(page, "<mark>") != 5 { // two fields in two answers, and the error where there is one
		t.Errorf("%d lines are marked, want 5", strings.Count(page, "<mark>"))
	}
	contains(t, v.get(modulesPage+"/reputation/differences/leaderboard", http.StatusOK), "No differences recorded")
	v.get(modulesPage+"/reputation/differences/nothing", http.StatusNotFound)
}

func TestTheAuditHasPages(t *testing.T) {
	v, _ := atTheModules(t)
	page := v.get(modulesPage+"/exchange-review/audit", http.StatusOK)
	contains(t, page, "automatic", "the guard", "p99 of 210 ms")
	if strings.Contains(page, "first look at the new host") {
		t.Error("the first page has the oldest change")
	}
	contains(t, v.get(nextOf(t, page, modulesPage+"/exchange-review/audit"), http.StatusOK), "first look at the new host", "Back to the first page")
	contains(t, v.get(modulesPage+"/airdrop/audit", http.StatusOK), "No changes yet")
	v.get(modulesPage+"/nothing/audit", http.StatusNotFound)
}

// TestBeforeAnUnsafeStepIsAQuestion: what is missing is shown again, and only its
// own button goes on.
func TestBeforeAnUnsafeStepIsAQuestion(t *testing.T) {
	v, modules := atTheModules(t)
	status, page := v.form(modulesPage+"/exchange-review", url.Values{"to": {"canary"}, "percent": {"50"}, "version": {"4"}, "why": {"it is <urgent>"}, "urls": {"http://10.0.0.9:1"}})
	if status != http.StatusConflict {
		t.Fatalf("a step that is not shown to be safe: %d, want a question", status)
	}
	mine := card(t, page, "exchange-review")
	contains(t, page, "data-question")
	question, _, _ := strings.Cut(page[strings.Index(page, "data-question"):], "</form>")
	contains(t, question, "Go on with Exchange reviews although this is missing?", "640 of 1000 reads at this percentage", "Go to canary 50 % anyway", "Do not go",
		`name="anyway" value="yes"`, `name="to" value="canary"`, `name="percent" value="50"`, `name="urls" value="http://10.0.0.9:1"`, `value="it is &lt;urgent&gt;"`, `name="version" value="4"`)
	contains(t, mine, "canary 10 %")
	if strings.Contains(page, `data-outcome="refused"`) || strings.Contains(card(t, page, "reputation"), "data-question") {
		t.Error("the question stands where it does not belong, or as a refusal")
	}
	status, page = v.form(modulesPage+"/exchange-review", url.Values{"to": {"canary"}, "percent": {"50"}, "version": {"4"}, "why": {"it is urgent"}, "anyway": {"yes"}})
	if status != http.StatusOK {
		t.Fatalf("the step after the question: %d", status)
	}
	contains(t, page, "Exchange reviews: canary 50 %", "not shown to be safe</span>")

	// The settings lead to the remote, which is as far.
	modules.Change("exchange-review", func(s *rollout.ModuleState) { s.Config.Mode = seam.ModeRemote })
	if status, page = v.form(modulesPage+"/exchange-review/reset", url.Values{"version": {"5"}}); status != http.StatusConflict {
		t.Fatalf("letting the settings decide past the verdict: %d", status)
	}
	contains(t, page, "Go to what the settings say anyway", `/operator/modules/exchange-review/reset#exchange-review`)
}

func TestOldNewsIsMarkedAndDismissed(t *testing.T) {
	v, modules := atTheModules(t)
	at := time.Now().Add(-time.Hour)
	rollback := map[string]any{
		"module": "reputation", "from": map[string]any{"mode": "canary", "percent": 10}, "to": map[string]any{"mode": "shadow", "percent": 10}, "why": []string{"score: p99 of 2 s"}, "at": at,
	}
	figures := map[string]any{"mode": "shadow", "percent": 10, "operations": []any{}, "guard": map[string]any{"alarms": []string{"score: 2.4 % of the calls failed"}, "rollback": rollback}}
	modules.Figures("reputation", figures)
	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.ChangedMS = at.UnixMilli() })
	page := v.get(modulesPage, http.StatusOK)
	contains(t, card(t, page, "reputation"), `data-news="rollback"`, "Rolled back automatically from canary 10 % to shadow 10 %", "Score: p99 of 2 s.", "since <time")
	if strings.Contains(card(t, page, "reputation"), ">old<") {
		t.Error("a rollback of an hour ago after which nobody has decided is marked as old")
	}
	contains(t, v.get("/operator", http.StatusOK), "Reputation was rolled back automatically to shadow 10 %.", "Reputation fails or is slow at the remote.", "since <time")

	// Somebody has decided since: it is old, and no alarm any more.
	modules.Change("reputation", func(s *rollout.ModuleState) { s.Plan.ChangedMS = at.Add(10 * time.Minute).UnixMilli() })
	contains(t, card(t, v.get(modulesPage, http.StatusOK), "reputation"), `data-news="rollback"`, ">old<")
	overview := v.get("/operator", http.StatusOK)
	if strings.Contains(overview, "rolled back automatically") {
		t.Error("an old rollback is an alarm")
	}

	id := regexp.MustCompile(`value="(reputation:rollback:\d+)"`).FindStringSubmatch(v.get(modulesPage, http.StatusOK))
	if id == nil {
		t.Fatal("the rollback cannot be dismissed")
	}
	status, page := v.form(modulesPage+"/dismiss", url.Values{"module": {"reputation"}, "news": {id[1]}})
	if status != http.StatusOK || strings.Contains(page, `data-news="rollback"`) {
		t.Errorf("after it was dismissed (%d) it is still there", status)
	}
	contains(t, card(t, page, "reputation"), `data-news="alarm"`, `data-news="differs"`)
	if strings.Contains(card(t, page, "reputation"), `value="reputation:alarm`) {
		t.Error("an alarm whose cause is still there can be dismissed")
	}
	if status, _ = v.form(modulesPage+"/dismiss", url.Values{"module": {"reputation"}, "news": {"x; Path=/"}}); status != http.StatusOK {
		t.Errorf("what is none of ours: %d", status)
	}
	if strings.Contains(v.get(modulesPage, http.StatusOK), `data-news="rollback"`) {
		t.Error("what was dismissed is back")
	}
}

// The page says where the move of a module's data is and what happens next, and cancels
// it while it runs.
func TestAMoveOfDataIsShownAndCanceled(t *testing.T) {
	v, modules := atTheModules(t)
	modules.Change("reputation", func(s *rollout.ModuleState) {
		status := transfer.Status{To: "postgres://db.example/banyan", Step: transfer.StepFollowing, Rows: 1200, OfRows: 1300, Rounds: 2, Lag: 17, SlowedMS: 4}
		s.Move = &rollout.MoveState{Module: "reputation", Status: status, Next: status.Next()}
	})
	shown := card(t, v.get(modulesPage, http.StatusOK), "reputation")
	contains(t, shown, `data-move="following"`, "postgres://db.example/banyan", "1200 rows copied of 1300", "2 rounds", "the last of 17", "each write waits 4 ms",
		"writes wait for a moment", "Cancel the move")
	status, page := v.form(modulesPage+"/reputation/cancel-move", url.Values{})
	if status != http.StatusOK {
		t.Fatalf("a cancellation: %d", status)
	}
	contains(t, card(t, page, "reputation"), `data-move="canceled"`)
	if strings.Contains(card(t, page, "reputation"), "Cancel the move") {
		t.Error("a move that has ended can be canceled")
	}
	if status, _ := v.form(modulesPage+"/airdrop/cancel-move", url.Values{}); status != http.StatusNotFound {
		t.Errorf("a cancellation without a move: %d", status)
	}
}
