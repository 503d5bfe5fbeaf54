package web

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/upkeep"
	"banyan/web/ui"
)

// deskPages returns the pages of operators, for the list on each of them.
func (w *Web) deskPages() []ui.Entry {
	list := []ui.Entry{{Path: "/operator", Label: "Overview"}}
	add := func(there bool, path, label string) {
		if there {
			list = append(list, ui.Entry{Path: path, Label: label})
		}
	}
	add(w.o.Site != nil, "/operator/setup", "Set up")
	add(true, "/operator/modules", "Modules")
	for _, s := range w.sections {
		list = append(list, s.OperatorPages...)
	}
	add(true, "/operator/users", "Users")
	add(true, "/operator/access", "Roles and tokens")
	add(w.o.Upkeep != nil, "/operator/events", "Events")
	add(w.o.Upkeep != nil, "/operator/webhooks", "Webhooks")
	add(w.o.Upkeep != nil, "/operator/jobs", "Jobs")
	add(w.o.Backups != nil, "/operator/backups", "Backups")
	add(w.o.Settings != nil, "/operator/settings", "Settings")
	add(true, "/operator/security-log", "Security log")
	add(w.o.About != nil, "/operator/about", "Version")
	return list
}

// mountDesk adds the pages of operators that follow from what the program has.
func (w *Web) mountDesk(r chi.Router) {
	get := func(path string, page ui.Handler) { r.Get(path, w.forOperator(page)) }
	post := func(path, back string, action func(http.ResponseWriter, *http.Request) (string, error), show ui.ShowOutcome) {
		r.Post(path, w.asOperator(w.ui.Operate(back, action, show)))
	}
	get("/operator/users", w.users)
	get("/operator/users/{wallet}", w.user)
	post("/operator/users/{wallet}/role", "/operator/users/{wallet}", w.setUserRole, w.showUser)
	post("/operator/users/{wallet}/end", "/operator/users/{wallet}", w.endUser, w.showUser)
	post("/operator/users/{wallet}/sessions/{id}/end", "/operator/users/{wallet}", w.endUserSession, w.showUser)
	post("/operator/users/{wallet}/tokens/{id}/end", "/operator/users/{wallet}", w.endAnyToken, w.showUser)
	post("/operator/access/tokens", "/operator/access", w.makeToken, w.showAccess)
	if w.o.Site != nil {
		get("/operator/setup", w.checklist)
		post("/operator/setup/profile", "/operator/setup", w.setProfile, w.showChecklist)
		post("/operator/setup/decision", "/operator/setup", w.decide, w.showChecklist)
	}
	if w.o.TryDatabase != nil {
		get("/operator/postgresql", w.postgres)
		r.Post("/operator/postgresql", w.asOperator(w.tryPostgres))
	}
	if w.o.Upkeep != nil {
		get("/operator/events", w.events)
		post("/operator/events/{module}/replay", "/operator/events", w.replay, w.showEvents)
		get("/operator/webhooks", w.webhooks)
		post("/operator/webhooks/{module}", "/operator/webhooks", w.addWebhook, w.showWebhooks)
		get("/operator/webhooks/{module}/{id}", w.webhook)
		post("/operator/webhooks/{module}/{id}", "/operator/webhooks", w.changeWebhook, w.showWebhooks)
		post("/operator/webhooks/{module}/{id}/replay", "/operator/webhooks/{module}/{id}", w.replayWebhook, w.showWebhook)
		get("/operator/jobs", w.jobs)
		post("/operator/jobs/{module}/{id}/cancel", "/operator/jobs", w.cancelJob, w.showJobs)
	}
	if w.o.Backups != nil {
		get("/operator/backups", w.backups)
		post("/operator/backups", "/operator/backups", w.startBackup, w.showBackups)
	}
	if w.o.Settings != nil {
		get("/operator/settings", w.settings)
	}
	if w.o.About != nil {
		get("/operator/about", w.about)
	}
}

// alarmTime is how long a page of operators waits for what might need one.
const alarmTime = 300 * time.Millisecond

// alarms finds what needs an operator. What cannot be asked in time is none of it:
// the page that it is about says so.
func (w *Web) alarms(r *http.Request) []ui.Alarm {
	ctx, cancel := context.WithTimeout(r.Context(), alarmTime)
	defer cancel()
	list := w.rollout.Alarms(r.WithContext(ctx))
	dead, unsent := make([]int64, len(w.sections)), make([]int64, len(w.sections))
	w.ofEachModule(func(i int, _ Section, of upkeep.Service) {
		if hooks, err := of.Webhooks(ctx, upkeep.WebhooksQuery{}); err == nil {
			for _, e := range hooks.Endpoints {
				unsent[i] += e.Dead
			}
		}
		found, err := of.Consumers(ctx, upkeep.ConsumersQuery{})
		if err != nil {
			return
		}
		for _, c := range found.Consumers {
			dead[i] += c.Dead
		}
	})
	for i, n := range dead {
		if n > 0 {
			list = append(list, ui.Alarm{
				Text: ui.Plural(int(n), "event of ", "events of ") + w.sections[i].Title + " failed too often and wait for you.", Path: "/operator/events", Label: "Look at them",
			})
		}
	}
	for i, n := range unsent {
		if n > 0 {
			list = append(list, ui.Alarm{
				Text: ui.Plural(int(n), "message of ", "messages of ") + w.sections[i].Title + " did not reach a webhook in three days.", Path: "/operator/webhooks", Label: "Look at them",
			})
		}
	}
	return list
}
