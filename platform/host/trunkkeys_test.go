package host

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// keysThat answer every question with one error.
type keysThat struct{ err error }

func (k *keysThat) Holds(string) bool { return false }

func (k *keysThat) PublicKey(context.Context, string) (ed25519.PublicKey, error) { return nil, k.err }

func TestAWrongTrunkURLIsNamed(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	source := &keysThat{fault.Wrap(errors.New("connection refused"), fault.Unavailable, "cannot be read")}
	keys := &trunkKeys{keys: source, hasOtherData: func() bool { return false }, url: "http://127.0.0.1:1", now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := keys.ready(t.Context()); err != nil {
		t.Errorf("before anybody called: %v", err)
	}
	for range 3 {
		if _, err := keys.PublicKey(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "identity.trunk_url") {
			t.Errorf("the answer: %v", err)
		}
	}
	if err := keys.ready(t.Context()); err == nil || !strings.Contains(err.Error(), "identity.trunk_url") {
		t.Errorf("readiness: %v", err)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "identity.trunk_url=http://127.0.0.1:1") {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
	source.err = identity.ErrUnknownKey() // the trunk is there
	if err := keys.ready(t.Context()); err != nil {
		t.Errorf("when it answers again: %v", err)
	}
}

func TestATrunkURLThatLeadsToAnotherBanyanIsNamed(t *testing.T) {
	var log bytes.Buffer
	other := true
	source := &keysThat{identity.ErrUnknownKey()}
	keys := &trunkKeys{keys: source, hasOtherData: func() bool { return other }, url: "http://127.0.0.1:1", now: time.Now, log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := keys.PublicKey(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "identity.trunk_url leads to another Banyan") {
		t.Errorf("the answer: %v", err)
	}
	if err := keys.ready(t.Context()); err == nil || !strings.Contains(err.Error(), "identity.trunk_url") {
		t.Errorf("readiness: %v", err)
	}
	if !strings.Contains(log.String(), "another Banyan") {
		t.Errorf("the log:\n%s", &log)
	}
	other = false
	if err := keys.ready(t.Context()); err != nil {
		t.Errorf("with the right trunk: %v", err)
	}
}
