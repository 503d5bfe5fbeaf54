package upkeep

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/webhooks"
)

// Webhooks are the servers of other people that receive a module's public events.
type Webhooks interface {
	// Webhooks returns the endpoints, and what they can receive.
	Webhooks(context.Context, WebhooksQuery) (WebhookList, error)
	// AddWebhook adds an endpoint and returns its secret, which no call returns again.
	// Invalid: the address cannot be sent to, or there is no such kind. Conflict: there are
	// as many as there can be.
	AddWebhook(context.Context, webhooks.NewEndpoint) (webhooks.Added, error)
	// ChangeWebhook stops, starts or removes an endpoint. NotFound: there is none.
	ChangeWebhook(context.Context, WebhookChange) (WebhookChanged, error)
	// RenewWebhookSecret makes a new secret; the one before signs, too, for a day.
	RenewWebhookSecret(context.Context, WebhookQuery) (webhooks.Added, error)
	// TestWebhook sends a test message and returns what came of it.
	TestWebhook(context.Context, WebhookQuery) (webhooks.Tested, error)
	// WebhookMessages returns a page of an endpoint's messages, newest first.
	WebhookMessages(context.Context, WebhookMessagesQuery) (WebhookMessages, error)
	// ReplayWebhook sends dead messages again.
	ReplayWebhook(context.Context, WebhookReplay) (Replayed, error)
}

// WebhooksQuery asks for nothing in particular.
type WebhooksQuery struct{}

// WebhookList is who receives the module's public events.
type WebhookList struct {
	Endpoints []webhooks.Endpoint  `json:"endpoints"`
	Kinds     []webhooks.Described `json:"kinds"`
}

// WebhookQuery names an endpoint.
type WebhookQuery struct {
	ID int64 `path:"id" json:"-"`
}

// The changes of an endpoint.
const (
	WebhookStop   = "stop"
	WebhookStart  = "start"
	WebhookRemove = "remove"
)

// WebhookChange changes an endpoint.
type WebhookChange struct {
	ID     int64  `path:"id" json:"-"`
	Change string `json:"change"` // stop, start or remove
}

// Validate refuses other changes.
func (c WebhookChange) Validate() error {
	switch c.Change {
	case WebhookStop, WebhookStart, WebhookRemove:
		return nil
	}
	return fault.New(fault.Invalid, "there is no such change of an endpoint").With(fault.Field{Name: "change", Message: "is stop, start or remove"})
}

// WebhookChanged names the endpoint.
type WebhookChanged struct {
	ID int64 `json:"id"`
}

// WebhookMessagesQuery asks for a page.
type WebhookMessagesQuery struct {
	ID     int64  `path:"id" json:"-"`
	State  string `query:"state" json:"-"` // waiting, delivered or dead; "" = all
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// WebhookMessages is a page of messages.
type WebhookMessages struct {
	Messages []webhooks.Delivery `json:"messages"`
	Next     string              `json:"next,omitempty"` // cursor; "" = that was all
}

// WebhookReplay asks for dead messages to be sent again.
type WebhookReplay struct {
	ID       int64   `path:"id" json:"-"`
	Messages []int64 `json:"messages"` // at most 200; none = all dead ones
}

type hookOperations struct {
	list     seam.Operation[WebhooksQuery, WebhookList]
	add      seam.Operation[webhooks.NewEndpoint, webhooks.Added]
	change   seam.Operation[WebhookChange, WebhookChanged]
	renew    seam.Operation[WebhookQuery, webhooks.Added]
	test     seam.Operation[WebhookQuery, webhooks.Tested]
	messages seam.Operation[WebhookMessagesQuery, WebhookMessages]
	replay   seam.Operation[WebhookReplay, Replayed]
}

func newHookOperations(c *seam.Contract) (o hookOperations) {
	o.list = seam.Read[WebhooksQuery, WebhookList](c, "webhooks", "GET /upkeep/webhooks", seam.Operators,
		"Servers that receive the module's public events, and the kinds of message that they can receive")
	o.add = seam.Write[webhooks.NewEndpoint, webhooks.Added](c, "addWebhook", "POST /upkeep/webhooks", seam.Operators,
		"Add a server that receives public events; the answer has its secret, once")
	o.change = seam.Write[WebhookChange, WebhookChanged](c, "changeWebhook", "POST /upkeep/webhooks/{id}", seam.Operators,
		"Stop, start or remove a receiver")
	o.renew = seam.Write[WebhookQuery, webhooks.Added](c, "renewWebhookSecret", "POST /upkeep/webhooks/{id}/secret", seam.Operators,
		"Make a new secret; the one before signs for a day more")
	o.test = seam.Write[WebhookQuery, webhooks.Tested](c, "testWebhook", "POST /upkeep/webhooks/{id}/test", seam.Operators,
		"Send a test message and wait for the answer")
	o.messages = seam.Read[WebhookMessagesQuery, WebhookMessages](c, "webhookMessages", "GET /upkeep/webhooks/{id}/messages", seam.Operators,
		"What was sent to a receiver, what waits, and what failed too often")
	o.replay = seam.Write[WebhookReplay, Replayed](c, "replayWebhook", "POST /upkeep/webhooks/{id}/replay", seam.Operators,
		"Send messages again that failed too often")
	return o
}

func (o hookOperations) to(s hookService) []seam.Binding {
	return []seam.Binding{
		o.list.To(s.Webhooks), o.add.To(s.AddWebhook), o.change.To(s.ChangeWebhook), o.renew.To(s.RenewWebhookSecret),
		o.test.To(s.TestWebhook), o.messages.To(s.WebhookMessages), o.replay.To(s.ReplayWebhook),
	}
}

// Webhooks implements Service.
func (c Client) Webhooks(ctx context.Context, q WebhooksQuery) (WebhookList, error) {
	return c.contract.hooks.list.Call(ctx, c.route, q)
}

// AddWebhook implements Service.
func (c Client) AddWebhook(ctx context.Context, q webhooks.NewEndpoint) (webhooks.Added, error) {
	return c.contract.hooks.add.Call(ctx, c.route, q)
}

// ChangeWebhook implements Service.
func (c Client) ChangeWebhook(ctx context.Context, q WebhookChange) (WebhookChanged, error) {
	return c.contract.hooks.change.Call(ctx, c.route, q)
}

// RenewWebhookSecret implements Service.
func (c Client) RenewWebhookSecret(ctx context.Context, q WebhookQuery) (webhooks.Added, error) {
	return c.contract.hooks.renew.Call(ctx, c.route, q)
}

// TestWebhook implements Service.
func (c Client) TestWebhook(ctx context.Context, q WebhookQuery) (webhooks.Tested, error) {
	return c.contract.hooks.test.Call(ctx, c.route, q)
}

// WebhookMessages implements Service.
func (c Client) WebhookMessages(ctx context.Context, q WebhookMessagesQuery) (WebhookMessages, error) {
	return c.contract.hooks.messages.Call(ctx, c.route, q)
}

// ReplayWebhook implements Service.
func (c Client) ReplayWebhook(ctx context.Context, q WebhookReplay) (Replayed, error) {
	return c.contract.hooks.replay.Call(ctx, c.route, q)
}

// hookService does the work in the process that has the module's data.
type hookService struct{ hooks *webhooks.Hooks }

// Webhooks implements Service.
func (s hookService) Webhooks(ctx context.Context, _ WebhooksQuery) (WebhookList, error) {
	list, err := s.hooks.Endpoints(ctx)
	return WebhookList{Endpoints: list, Kinds: s.hooks.Kinds()}, err
}

// AddWebhook implements Service.
func (s hookService) AddWebhook(ctx context.Context, q webhooks.NewEndpoint) (webhooks.Added, error) {
	return s.hooks.Add(ctx, q)
}

// ChangeWebhook implements Service.
func (s hookService) ChangeWebhook(ctx context.Context, q WebhookChange) (WebhookChanged, error) {
	change := s.hooks.Stop
	switch q.Change {
	case WebhookStart:
		change = s.hooks.Start
	case WebhookRemove:
		change = s.hooks.Remove
	}
	return WebhookChanged{q.ID}, change(ctx, q.ID)
}

// RenewWebhookSecret implements Service.
func (s hookService) RenewWebhookSecret(ctx context.Context, q WebhookQuery) (webhooks.Added, error) {
	return s.hooks.Renew(ctx, q.ID)
}

// TestWebhook implements Service.
func (s hookService) TestWebhook(ctx context.Context, q WebhookQuery) (webhooks.Tested, error) {
	return s.hooks.Test(ctx, q.ID)
}

// WebhookMessages implements Service.
func (s hookService) WebhookMessages(ctx context.Context, q WebhookMessagesQuery) (WebhookMessages, error) {
	all, next, err := s.hooks.Deliveries(ctx, q.ID, q.State, q.Cursor, q.Limit)
	return WebhookMessages{all, next}, err
}

// ReplayWebhook implements Service.
func (s hookService) ReplayWebhook(ctx context.Context, q WebhookReplay) (Replayed, error) {
	count, err := s.hooks.Replay(ctx, q.ID, q.Messages)
	if err == nil && count < int64(len(q.Messages)) {
		return Replayed{count}, fault.Newf(fault.NotFound, "%d of %d messages are dead and will be sent again; the others were replayed already: load the list again", count, len(q.Messages))
	}
	return Replayed{count}, err
}
