package rollout_test

import (
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/rollout"
)

// A target that cannot be is refused with what is wrong, and without its password.
func TestATargetOfAMoveIsRead(t *testing.T) {
	for to, says := range map[string]string{
		"":                                 "is needed",
		"https://host:8081/path":           "without a path",
		"https://a:secret@host:8081":       "without a path",
		"postgres://a:secret@host/db":      "put it into the field password",
		"postgres://a@host/db?password=se": "put it into the field password",
	} {
		err := rollout.MoveRequest{To: to}.Validate()
		if !fault.Is(err, fault.Invalid) || len(fault.From(err).Fields) != 1 {
			t.Errorf("%q: %v", to, err)
			continue
		}
		if message := fault.From(err).Fields[0].Message; !strings.Contains(message, says) || strings.Contains(message, "secret") {
			t.Errorf("%q is refused with %q", to, message)
		}
	}
	for _, to := range []string{rollout.Home, "https://host:8081", "http://127.0.0.1:8081", "postgres://a@host:5432/db"} {
		if err := (rollout.MoveRequest{To: to}).Validate(); err != nil {
			t.Errorf("%q: %v", to, err)
		}
	}
}
