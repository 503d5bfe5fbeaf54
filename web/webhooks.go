package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
	"banyan/web/ui"
)

// moduleHooks are the webhooks of one module.
type moduleHooks struct {
	Name, Title string
	Endpoints   []webhooks.Endpoint
	Kinds       []webhooks.Described
	Typed       typedHook
	Missing     *ui.Missing
}

// typedHook is what was typed into a refused form.
type typedHook struct {
	URL    string
	Chosen map[string]bool
}

type hooksData struct {
	Outcome *ui.Outcome
	Modules []moduleHooks
}

func (w *Web) webhooks(rw http.ResponseWriter, r *http.Request) error {
	return w.showWebhooks(rw, r, http.StatusOK, nil)
}

func (w *Web) showWebhooks(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	d := hooksData{Outcome: done, Modules: make([]moduleHooks, len(w.sections))}
	w.ofEachModule(func(i int, s Section, of upkeep.Service) {
		m := moduleHooks{Name: s.Module, Title: s.Title}
		found, err := of.Webhooks(r.Context(), upkeep.WebhooksQuery{})
		m.Endpoints, m.Kinds = found.Endpoints, found.Kinds
		m.Missing = ui.Part(r.Context(), err, s.Title, "the webhooks of "+s.Title)
		if done != nil && done.Fault != nil && chi.URLParam(r, "module") == s.Module {
			m.Typed = typedHook{URL: r.PostFormValue("url"), Chosen: make(map[string]bool)}
			for _, kind := range r.PostForm["kinds"] {
				m.Typed.Chosen[kind] = true
			}
		}
		d.Modules[i] = m
	})
	return w.ui.Show(rw, r, status, "site/webhooks", ui.Page{Title: "Webhooks", Nav: "/operator", Data: d})
}

// addWebhook adds an endpoint, and shows its secret once.
func (w *Web) addWebhook(rw http.ResponseWriter, r *http.Request) (string, error) {
	of, err := w.sectionOf(r)
	if err != nil {
		return "", err
	}
	q := webhooks.NewEndpoint{URL: r.PostFormValue("url"), Kinds: r.PostForm["kinds"]}
	made, err := of.AddWebhook(r.Context(), q)
	if err != nil {
		return "", err
	}
	w.tellSecret(rw, r, "The endpoint is added. It receives what happens from now on; send it a test.", made.Secret)
	return "", nil
}

func (w *Web) tellSecret(rw http.ResponseWriter, r *http.Request, done, secret string) {
	w.ui.TellSecret(rw, r, done, "Copy it now: it is not shown again. The receiver checks with it that a message comes from here.", secret)
	w.ui.GoTo(rw, r, "/operator/webhooks")
}

// hookOf is the endpoint in the path.
func (w *Web) hookOf(r *http.Request) (of upkeep.Service, id int64, err error) {
	if of, err = w.sectionOf(r); err != nil {
		return nil, 0, err
	}
	if id, err = strconv.ParseInt(chi.URLParam(r, "id"), 10, 64); err != nil {
		return nil, 0, fault.New(fault.NotFound, "there is no endpoint of this number: load the page again")
	}
	return of, id, nil
}

// hookChanges are what the page says after a change.
var hookChanges = map[string]string{
	upkeep.WebhookStop:   "Nothing is sent to the endpoint, and nothing new is kept for it, until it is started again.",
	upkeep.WebhookStart:  "The endpoint receives messages again, first those that wait for it.",
	upkeep.WebhookRemove: "The endpoint is removed, with its messages.",
}

func (w *Web) changeWebhook(rw http.ResponseWriter, r *http.Request) (string, error) {
	of, id, err := w.hookOf(r)
	if err != nil {
		return "", err
	}
	switch change := r.PostFormValue("change"); change {
	case "secret":
		made, err := of.RenewWebhookSecret(r.Context(), upkeep.WebhookQuery{ID: id})
		if err != nil {
			return "", err
		}
		w.tellSecret(rw, r, "The endpoint has a new secret. For one more day messages are signed with the old one, too.", made.Secret)
		return "", nil
	case "test":
		tested, err := of.TestWebhook(r.Context(), upkeep.WebhookQuery{ID: id})
		if err != nil {
			return "", err
		}
		if tested.Problem != "" {
			return "", fault.New(fault.Conflict, "the endpoint did not take the test message: "+tested.Problem)
		}
		return fmt.Sprintf("The endpoint took the test message: it answered with the status %d in %d ms.", tested.Status, tested.TookMS), nil
	default:
		if _, err := of.ChangeWebhook(r.Context(), upkeep.WebhookChange{ID: id, Change: change}); err != nil {
			return "", err
		}
		return hookChanges[change], nil
	}
}

// hookMessage is a message for people.
type hookMessage struct{ webhooks.Delivery }

// Tries is how often it was tried.
func (m hookMessage) Tries() int { return int(m.Attempts) }

// Text is its body, at most 2 KB of it.
func (m hookMessage) Text() string {
	const most = 2 << 10
	if len(m.Body) > most {
		return strings.ToValidUTF8(m.Body[:most], "") + " …"
	}
	return m.Body
}

type hookData struct {
	Outcome  *ui.Outcome
	Module   string
	Endpoint webhooks.Endpoint
	State    string
	Messages []hookMessage
	Pager    ui.Pager
	Missing  *ui.Missing
}

func (w *Web) webhook(rw http.ResponseWriter, r *http.Request) error {
	return w.showWebhook(rw, r, http.StatusOK, nil)
}

func (w *Web) showWebhook(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	of, id, err := w.hookOf(r)
	if err != nil {
		return err
	}
	d := hookData{Outcome: done, Module: chi.URLParam(r, "module"), State: r.URL.Query().Get("state")}
	all, err := of.Webhooks(r.Context(), upkeep.WebhooksQuery{})
	for i := range all.Endpoints {
		if all.Endpoints[i].ID == id {
			d.Endpoint = all.Endpoints[i]
		}
	}
	if err == nil && d.Endpoint.ID == 0 {
		return fault.New(fault.NotFound, "there is no endpoint of this number: load the list of webhooks again")
	}
	if err == nil {
		var page upkeep.WebhookMessages
		page, err = of.WebhookMessages(r.Context(), upkeep.WebhookMessagesQuery{ID: id, State: d.State, Cursor: r.URL.Query().Get("cursor"), Limit: 20})
		for _, m := range page.Messages {
			d.Messages = append(d.Messages, hookMessage{m})
		}
		d.Pager = ui.PagerOf(r, page.Next)
	}
	d.Missing = ui.Part(r.Context(), err, d.Module, "the messages of this endpoint")
	return w.ui.Show(rw, r, status, "site/webhook", ui.Page{Title: "Messages of a webhook", Nav: "/operator", Data: d})
}

func (w *Web) replayWebhook(_ http.ResponseWriter, r *http.Request) (string, error) {
	of, id, err := w.hookOf(r)
	if err != nil {
		return "", err
	}
	q := upkeep.WebhookReplay{ID: id}
	if text := r.PostFormValue("message"); text != "" {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", fault.New(fault.NotFound, "there is no message of this number: load the page again")
		}
		q.Messages = []int64{number}
	}
	done, err := of.ReplayWebhook(r.Context(), q)
	if err != nil {
		return "", err
	}
	return ui.Plural(int(done.Count), "message is", "messages are") + " sent again, within a few seconds.", nil
}
