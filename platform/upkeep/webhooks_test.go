package upkeep_test

import (
	"context"
	"strings"
	"testing"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
)

// TestEndpointsAreKept: what an operator does to one, wherever the module runs; only the
// answer that makes a secret has it.
func TestEndpointsAreKept(t *testing.T) {
	eachWay(t, func(t *testing.T, ctx context.Context, db *database.DB, u upkeep.Service) {
		added, err := u.AddWebhook(ctx, webhooks.NewEndpoint{URL: "https://example.com/hook", Kinds: []string{"something.said"}})
		if err != nil || !strings.HasPrefix(added.Secret, "whsec_") {
			t.Fatalf("added %+v, %v", added, err)
		}
		if _, err := u.AddWebhook(ctx, webhooks.NewEndpoint{URL: "https://192.168.1.1/"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a private address: %v", err)
		}
		list, err := u.Webhooks(ctx, upkeep.WebhooksQuery{})
		if err != nil || len(list.Endpoints) != 1 || len(list.Kinds) != 1 || string(list.Kinds[0].Example) != `"hello"` {
			t.Fatalf("listed %+v, %v", list, err)
		}
		if e := list.Endpoints[0]; e.ID != added.ID || e.URL != "https://example.com/hook" || e.Kinds[0] != "something.said" || e.Stopped != "" {
			t.Errorf("the endpoint: %+v", e)
		}
		of := upkeep.WebhookQuery{ID: added.ID}
		if again, err := u.RenewWebhookSecret(ctx, of); err != nil || again.Secret == added.Secret {
			t.Errorf("renewed %+v, %v", again, err)
		}
		e, err := said.Event("", "hello")
		if err != nil {
			t.Fatal(err)
		}
		e.ID = "an event"
		if _, err := hooksOf(db).Consumers()[0].Deliver(ctx, events.Batch{Topic: said.Name(), Events: []events.Event{e}}); err != nil {
			t.Fatal(err)
		}
		page, err := u.WebhookMessages(ctx, upkeep.WebhookMessagesQuery{ID: added.ID, State: "waiting"})
		if err != nil || len(page.Messages) != 1 || page.Messages[0].MessageID != "an event" || !strings.Contains(page.Messages[0].Body, `"data":"hello"`) {
			t.Fatalf("messages %+v, %v", page, err)
		}
		if _, err := u.WebhookMessages(ctx, upkeep.WebhookMessagesQuery{ID: added.ID, State: "lost"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a state that is none: %v", err)
		}
		if _, err := u.ReplayWebhook(ctx, upkeep.WebhookReplay{ID: added.ID, Messages: []int64{page.Messages[0].ID}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a replay of what is not dead: %v", err)
		}
		for _, change := range []string{upkeep.WebhookStop, upkeep.WebhookStart, upkeep.WebhookRemove} {
			if _, err := u.ChangeWebhook(ctx, upkeep.WebhookChange{ID: added.ID, Change: change}); err != nil {
				t.Errorf("%s: %v", change, err)
			}
		}
		if _, err := u.ChangeWebhook(ctx, upkeep.WebhookChange{ID: added.ID, Change: "sell"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a change that is none: %v", err)
		}
		if _, err := u.TestWebhook(ctx, of); !fault.Is(err, fault.NotFound) {
			t.Errorf("a test of what was removed: %v", err)
		}
	})
}
