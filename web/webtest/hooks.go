package webtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"sync"

	"banyan/platform/fault"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
)

// Hooks are one module's webhooks in memory.
type Hooks struct {
	mu        sync.Mutex
	endpoints []webhooks.Endpoint
	messages  []webhooks.Delivery
	Done      []string // changes, tests and replays
}

var _ upkeep.Webhooks = (*Hooks)(nil)

func sampleHooks() *Hooks {
	body := `{"type":"review.published","timestamp":"2026-03-01T10:00:00.000Z","data":{"exchange":"<b>&</b>"}}`
	return &Hooks{
		endpoints: []webhooks.Endpoint{
			{ID: 1, URL: "https://example.com/reviews", Kinds: []string{"review.published"}, CreatedMS: SampleMS, Waiting: 2, Dead: 1, Failures: 3, LastMS: SampleMS, LastError: "it did not answer in time"},
			{ID: 2, URL: "https://example.org/all", CreatedMS: SampleMS, Stopped: "an operator has stopped it", OldUntilMS: SampleMS},
		},
		messages: []webhooks.Delivery{
			{ID: 3, MessageID: "m3", Kind: "review.published", State: "waiting", Body: body, CreatedMS: SampleMS, Attempts: 2, TriedMS: SampleMS, NextMS: SampleMS, Error: "it did not answer in time"},
			{ID: 2, MessageID: "m2", Kind: "review.published", State: "dead", Body: body, CreatedMS: SampleMS, Attempts: 12, TriedMS: SampleMS, Status: 500, Error: "it answered with the status 500: no room"},
			{ID: 1, MessageID: "m1", Kind: "review.published", State: "delivered", Body: body, CreatedMS: SampleMS, Attempts: 1, TriedMS: SampleMS, Status: 204},
		},
	}
}

// Webhooks implements upkeep.Webhooks.
func (h *Hooks) Webhooks(context.Context, upkeep.WebhooksQuery) (upkeep.WebhookList, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return upkeep.WebhookList{Endpoints: slices.Clone(h.endpoints), Kinds: []webhooks.Described{
		{Name: "review.published", About: "Somebody has published a review.", Example: json.RawMessage(`{}`)},
		{Name: "ranking.published", About: "The ranking of all exchanges was computed, and can be verified.", Example: json.RawMessage(`{}`)},
	}}, nil
}

// AddWebhook implements upkeep.Webhooks.
func (h *Hooks) AddWebhook(_ context.Context, q webhooks.NewEndpoint) (webhooks.Added, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.URL == "https://10.0.0.1/" {
		return webhooks.Added{}, fault.New(fault.Invalid, "the endpoint cannot be added: see the fields").With(fault.Field{Name: "url", Message: "is in a private network"})
	}
	id := int64(len(h.endpoints) + 1)
	h.endpoints = append(h.endpoints, webhooks.Endpoint{ID: id, URL: q.URL, Kinds: q.Kinds, CreatedMS: SampleMS})
	return webhooks.Added{ID: id, Secret: secretOf("sample")}, nil
}

// secretOf makes a secret that is none.
func secretOf(text string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(text)) }

func (h *Hooks) note(id int64, what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.endpoints, func(e webhooks.Endpoint) bool { return e.ID == id }) {
		return fault.NoSuch("endpoint", "there is no endpoint %d: it was removed, load the list again", id)
	}
	h.Done = append(h.Done, what)
	return nil
}

// ChangeWebhook implements upkeep.Webhooks.
func (h *Hooks) ChangeWebhook(_ context.Context, q upkeep.WebhookChange) (upkeep.WebhookChanged, error) {
	if err := q.Validate(); err != nil {
		return upkeep.WebhookChanged{}, err
	}
	return upkeep.WebhookChanged{ID: q.ID}, h.note(q.ID, q.Change)
}

// RenewWebhookSecret implements upkeep.Webhooks.
func (h *Hooks) RenewWebhookSecret(_ context.Context, q upkeep.WebhookQuery) (webhooks.Added, error) {
	return webhooks.Added{ID: q.ID, Secret: secretOf("new")}, h.note(q.ID, "secret")
}

// TestWebhook implements upkeep.Webhooks: only the first endpoint answers.
func (h *Hooks) TestWebhook(_ context.Context, q upkeep.WebhookQuery) (webhooks.Tested, error) {
	if q.ID != 1 {
		return webhooks.Tested{Problem: "it did not answer in time", TookMS: 10_000}, h.note(q.ID, "test")
	}
	return webhooks.Tested{Status: 204, TookMS: 31}, h.note(q.ID, "test")
}

// WebhookMessages implements upkeep.Webhooks.
func (h *Hooks) WebhookMessages(_ context.Context, q upkeep.WebhookMessagesQuery) (upkeep.WebhookMessages, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	page := upkeep.WebhookMessages{Messages: []webhooks.Delivery{}}
	for i := range h.messages {
		if q.State == "" || q.State == h.messages[i].State {
			page.Messages = append(page.Messages, h.messages[i])
		}
	}
	return page, nil
}

// ReplayWebhook implements upkeep.Webhooks.
func (h *Hooks) ReplayWebhook(_ context.Context, q upkeep.WebhookReplay) (upkeep.Replayed, error) {
	return upkeep.Replayed{Count: 1}, h.note(q.ID, "replay")
}
