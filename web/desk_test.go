package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/web/webtest"
)

// once returns the answer to a form without following its redirect.
func (v *visitor) once(path string, fields url.Values) (*http.Response, string) {
	v.t.Helper()
	fields.Set("csrf", v.csrf())
	follow := v.client.CheckRedirect
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { v.client.CheckRedirect = follow }()
	return v.fetch(http.MethodPost, path, "application/x-www-form-urlencoded", fields.Encode())
}

// TestWhatAFormDidIsSaidOnceOnTheNextPage: the answer redirects, so that loading the
// page again sends nothing again; a forged cookie says nothing.
func TestWhatAFormDidIsSaidOnceOnTheNextPage(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	answer, _ := v.once("/operator/setup/profile", url.Values{"name": {"Otters & Co"}, "description": {"Where otters meet."}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/operator/setup" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	page := v.get("/operator/setup", 200)
	contains(t, page, `data-outcome="done"`, "The site is called Otters &amp; Co.", "<span>Otters &amp; Co</span>", "Set up · Otters &amp; Co</title>", `content="Otters &amp; Co"`)
	if page = v.get("/operator/setup", 200); strings.Contains(page, `data-outcome`) {
		t.Error("it is said twice")
	}
	forged := []string{"Cookie", "banyan-told=eyJkIjoiYm9vIn0.AAAA"}
	if _, page := newVisitor(t, s).fetch(http.MethodGet, "/", "", "", forged...); strings.Contains(page, "data-outcome") {
		t.Error("somebody else puts words onto the page")
	}
	other := newVisitor(t, s)
	other.signIn(webtest.Key(t, "a member"))
	answer, _ = v.once("/operator/setup/profile", url.Values{"name": {"Otters"}})
	stolen := answer.Cookies()
	for _, c := range stolen {
		if c.Name == "banyan-told" {
			other.client.Jar.SetCookies(mustURL(t, s.URL), []*http.Cookie{c})
		}
	}
	if page := other.get("/", 200); strings.Contains(page, "The site is called Otters.") {
		t.Error("the words for one session are shown in another")
	}
	status, page := v.form("/operator/setup/profile", url.Values{"name": {strings.Repeat("n", 61)}})
	if status != 400 || !strings.Contains(page, "1 to 60 characters") || !strings.Contains(page, strings.Repeat("n", 61)) {
		t.Errorf("a name that is too long: %d", status)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestTheChecklistFollowsWhatIsThere: on an empty site the steps are open, and what
// was decided counts as taken until somebody changes their mind.
func TestTheChecklistFollowsWhatIsThere(t *testing.T) {
	s := webtest.Empty(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	page := v.get("/operator/setup", 200)
	contains(t, page, "7 steps are open", `data-step="10"`, "Fill the directory", "Choose the seeds", "let people vouch", "Prepare a first campaign", "Make a backup", "Try PostgreSQL", "for this machine only")
	page = v.done("/operator/setup/decision", url.Values{"decision": {"vouching"}, "value": {"yes"}})
	contains(t, page, "6 steps are open", "Trust comes from what people sign.", "Open the step again")
	page = v.done("/operator/setup/decision", url.Values{"decision": {"vouching"}, "value": {""}})
	contains(t, page, "7 steps are open")
	if status, _ := v.form("/operator/setup/decision", url.Values{"decision": {"everything"}, "value": {"yes"}}); status != 400 {
		t.Errorf("a decision that is none: %d", status)
	}
	v.done("/operator/backups", url.Values{})
	page = v.get("/operator/backups", 200)
	contains(t, page, "banyan-20260301T100000Z.banyan", "read back whole", "12 MiB")
	full := webtest.Full(t)
	w := newVisitor(t, full)
	w.signIn(full.Operator)
	contains(t, w.get("/operator/setup", 200), "3 steps are open", "There are exchanges")
	full.Reputation.Fail(webtest.Gone("reputation"))
	contains(t, w.get("/operator/setup", 200), "whether there are seeds")
}

// TestTheBackupsPageNamesTheScheduleAndWhatFailed, or how to get one.
func TestTheBackupsPageNamesTheScheduleAndWhatFailed(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/operator/backups", 200), "None is made by itself", "backup.every")
	s.Backups.Every(24*time.Hour, 7, fault.New(fault.Unavailable, "the disk of /var/lib/banyan/backups is full"))
	contains(t, v.get("/operator/backups", 200), "One is made every 24 h, and the last 7 of these are kept", "The last backup failed", "The disk of /var/lib/banyan/backups is full", "read back whole is of", "The next follows")
}

// done posts a form, and returns the page to which its answer leads.
func (v *visitor) done(path string, fields url.Values) string {
	v.t.Helper()
	status, page := v.form(path, fields)
	if status != http.StatusOK || !strings.Contains(page, `data-outcome="done"`) {
		v.t.Fatalf("POST %s: %d\n%.3000s", path, status, page)
	}
	return page
}

// TestOperatorsSeeUsersAndEndTheirSessions, one and all.
func TestOperatorsSeeUsersAndEndTheirSessions(t *testing.T) {
	s := webtest.Full(t)
	key := webtest.Key(t, "alice")
	alice, again := newVisitor(t, s), newVisitor(t, s)
	alice.signIn(key)
	again.signIn(key)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	of := webtest.AddressOf(key).String()
	contains(t, v.get("/operator/users", 200), `data-user="`+of+`"`, "by the settings")
	page := v.get("/operator/users?wallet="+strings.ToLower(of), 200) // followed to the wallet's own
	contains(t, page, "User "+webtest.AddressOf(key).Short())
	sessions := regexp.MustCompile(`data-session="([0-9a-f]+)"`).FindAllStringSubmatch(page, -1)
	if len(sessions) != 2 {
		t.Fatalf("%d sessions are listed, want 2", len(sessions))
	}
	page = v.done("/operator/users/"+of+"/sessions/"+sessions[0][1]+"/end", url.Values{})
	if strings.Contains(page, sessions[0][1]) || !strings.Contains(page, sessions[1][1]) {
		t.Error("not the one session was ended")
	}
	page = v.done("/operator/users/"+of+"/end", url.Values{})
	contains(t, page, "1 session and 0 tokens ended", "It is not signed in anywhere.")
	contains(t, alice.get("/sessions", 200), "data-sign-in")
	contains(t, again.get("/sessions", 200), "data-sign-in")
	contains(t, v.done("/operator/users/"+of+"/role", url.Values{"role": {"moderator"}}), "is moderator, from its next request on", `<span class="badge leaf">moderator</span>`)
	if status, page := v.form("/operator/users/"+of+"/role", url.Values{"role": {"king"}}); status != 400 || !strings.Contains(page, "no role") {
		t.Errorf("a role that is none: %d", status)
	}
	contains(t, v.get("/operator/users?wallet=0x12", 400), `aria-invalid="true"`)
	contains(t, v.get("/operator/users/"+nobody, 200), "It has no token.")
}

// TestATokenIsShownOnceWhereItIsMade, works, and is never shown again.
func TestATokenIsShownOnceWhereItIsMade(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	ask := url.Values{"subject": {"nightly"}, "role": {"operator"}, "scope": {""}, "days": {"0,5"}}
	page := v.done("/operator/access/tokens", ask)
	found := regexp.MustCompile(`id="told-secret">([^<]+)<`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the token is not shown:\n%.2000s", page)
	}
	program := newVisitor(t, s)
	_, me := program.fetch(http.MethodGet, "/api/v1/identity/me", "", "", "Authorization", "Bearer "+found[1])
	contains(t, me, `"subject":"nightly"`, `"role":"`+identity.Operator.String()+`"`)
	if page = v.get("/operator/access", 200); strings.Contains(page, found[1]) || !strings.Contains(page, "nightly") {
		t.Error("the token is shown again, or is not listed")
	}
	for name, change := range map[string][2]string{"no holder": {"subject", ""}, "a role": {"role", "king"}, "too long": {"days", "91"}, "no days": {"days", "many"}, "NaN days": {"days", "NaN"}} {
		wrong := url.Values{"subject": {"x"}, "role": {"member"}, "days": {"1"}}
		wrong.Set(change[0], change[1])
		if status, page := v.form("/operator/access/tokens", wrong); status != 400 || !strings.Contains(page, "Nothing was changed") {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// TestOperatorsReplayDeadLettersAndCancelJobs, and a module that is gone says so while
// the others are shown.
func TestOperatorsReplayDeadLettersAndCancelJobs(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/operator", 200), "1 event of Exchange reviews failed too often")
	page := v.get("/operator/events", 200)
	contains(t, page, "the wallet is not known to reputation", "&lt;b&gt;&amp;&lt;/b&gt;", "Deliver again")
	page = v.done("/operator/events/exchange-review/replay", url.Values{"consumer": {"reputation"}, "event": {"01936f4e-2c1f-7c3a-9d5e-1f2a3b4c5d6e"}})
	contains(t, page, "1 event is delivered again")
	if got := strings.Join(s.Upkeep["exchange-review"].Replayed, " "); got != "01936f4e-2c1f-7c3a-9d5e-1f2a3b4c5d6e reputation" {
		t.Errorf("replayed %q", got)
	}
	if page = v.get("/operator", 200); strings.Contains(page, "failed too often") {
		t.Error("the alarm stays")
	}
	page = v.get("/operator/jobs", 200)
	contains(t, page, `data-job="12" data-state="running"`, "4,200 of 10,000, 42 %", "Writing scores", `hx-trigger="every 2s"`, "The seeds are gone")
	page = v.done("/operator/jobs/reputation/12/cancel", url.Values{})
	contains(t, page, `data-job="12" data-state="canceled"`)
	if strings.Contains(page, "every 2s") {
		t.Error("the page asks again although nothing runs")
	}
	if status, page := v.form("/operator/jobs/reputation/12/cancel", url.Values{}); status != 404 || !strings.Contains(page, "it has ended") {
		t.Errorf("cancelling it again: %d", status)
	}
	if status, _ := v.form("/operator/jobs/nothing/12/cancel", url.Values{}); status != 404 {
		t.Errorf("a module that is none: %d", status)
	}
	s.Upkeep["airdrop"].Fail(webtest.Gone("airdrop"))
	contains(t, v.get("/operator/events", 200), "the events of Airdrops", "Exchange reviews")
	contains(t, v.get("/operator/jobs", 200), "the jobs of Airdrops", `data-job="11"`)
}

// TestOperatorsSeeSettingsWithTheirSourceAndTheBuild; secrets are masked before they
// come here.
func TestOperatorsSeeSettingsWithTheirSourceAndTheBuild(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	page := v.get("/operator/settings", 200)
	contains(t, page, `data-setting="database.url"`, "BANYAN_DATABASE_URL", "banyan@db", "banyan.yaml:7", "3 of them are set")
	if strings.Contains(page, `data-setting="listen"`) {
		t.Error("a default is among those that are set")
	}
	contains(t, v.get("/operator/settings?all=true", 200), `data-setting="listen"`, "default")
	contains(t, v.get("/operator/about", 200), "1.2.0", "0123456789abcdef", "SQLite in", "linux/amd64")
}

// TestTheDeskIsForOperatorsAlone: every page of it, by its own list.
func TestTheDeskIsForOperatorsAlone(t *testing.T) {
	s := webtest.Full(t)
	boss, member := newVisitor(t, s), newVisitor(t, s)
	boss.signIn(s.Operator)
	member.signIn(webtest.Key(t, "a member"))
	links := regexp.MustCompile(`<nav class="desk"[^>]*>(.*?)</nav>`).FindStringSubmatch(boss.get("/operator", 200))
	if links == nil {
		t.Fatal("there is no list of the operators' pages")
	}
	paths := regexp.MustCompile(`href="\./([^"]+)"`).FindAllStringSubmatch(links[1], -1)
	if len(paths) < 13 {
		t.Errorf("only %d pages are listed: %s", len(paths), links[1])
	}
	for _, path := range append(paths, []string{"", "operator/postgresql"}, []string{"", "operator/users/" + nobody}) {
		contains(t, boss.get("/"+path[1], 200), `<nav class="desk"`)
		member.get("/"+path[1], http.StatusForbidden)
		contains(t, newVisitor(t, s).get("/"+path[1], 200), "data-sign-in")
	}
	if page := member.get("/", 200); strings.Contains(page, `class="desk"`) {
		t.Error("a member sees the list of the operators' pages")
	}
}

// TestAPostgreSQLServerIsTriedOnAPage, and what was typed as a password is not said
// again.
func TestAPostgreSQLServerIsTriedOnAPage(t *testing.T) {
	s := webtest.Empty(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	for name, c := range map[string]struct {
		at, password, says string
		status             int
	}{
		"no address":           {"db.example.org", "hunter2", "postgres://user@host:5432/name", 400},
		"no name":              {"postgres://u@127.0.0.1:1", "hunter2", "no database name", 400},
		"nobody there":         {"postgres://u@127.0.0.1:1/banyan", "hunter2", "cannot be reached", 503},
		"a password that cuts": {"postgres://u:hunter2#@127.0.0.1:1/banyan", "", "write them as", 400},
	} {
		status, page := v.form("/operator/postgresql", url.Values{"url": {c.at}, "password": {c.password}})
		if status != c.status || !strings.Contains(page, c.says) || strings.Contains(page, "hunter2") {
			t.Errorf("%s: %d\n%.2500s", name, status, page[strings.Index(page, "<main"):])
		}
	}
}

// TestOperatorsKeepWebhooks: they add an endpoint and see its secret once, test it, stop it,
// and send dead letters again.
func TestOperatorsKeepWebhooks(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	page := v.get("/operator/webhooks", 200)
	contains(t, page, "https://example.com/reviews", "It did not answer in time", "an operator has stopped it", "ranking.published")
	added := url.Values{"url": {"https://example.net/hook"}, "kinds": {"review.published"}}
	contains(t, v.done("/operator/webhooks/exchange-review", added), "whsec_c2FtcGxl", "https://example.net/hook")
	if page = v.get("/operator/webhooks", 200); strings.Contains(page, "whsec_") {
		t.Error("the secret is shown again")
	}
	added.Set("url", "https://10.0.0.1/")
	status, page := v.form("/operator/webhooks/exchange-review", added)
	contains(t, page, "is in a private network", `value="https://10.0.0.1/"`, `value="review.published" checked`)
	if status != 400 {
		t.Errorf("a private address: %d", status)
	}
	const one = "/operator/webhooks/exchange-review/1"
	contains(t, v.done(one, url.Values{"change": {"test"}}), "status 204 in 31 ms")
	contains(t, v.done(one, url.Values{"change": {"secret"}}), "whsec_bmV3")
	for _, change := range []string{"stop", "start", "remove"} {
		v.done(one, url.Values{"change": {change}})
	}
	if status, page := v.form("/operator/webhooks/exchange-review/2", url.Values{"change": {"test"}}); status != 409 || !strings.Contains(page, "it did not answer in time") {
		t.Errorf("a test that fails: %d", status)
	}
	if status, _ := v.form(one, url.Values{"change": {"explode"}}); status != 400 {
		t.Errorf("an unknown change: %d", status)
	}
	page = v.get(one, 200)
	contains(t, page, `data-message="2" data-state="dead"`, "no room", "&lt;b&gt;&amp;&lt;/b&gt;", "12 attempts")
	if page = v.get(one+"?state=delivered", 200); strings.Contains(page, `data-state="dead"`) {
		t.Error("the list of delivered ones has a dead one")
	}
	contains(t, v.done(one+"/replay", url.Values{"message": {"2"}}), "1 message is sent again")
	v.get("/operator/webhooks/exchange-review/99", 404)
	if got := strings.Join(s.Upkeep["exchange-review"].Done, " "); got != "test secret stop start remove test replay" {
		t.Errorf("done: %s", got)
	}
}
