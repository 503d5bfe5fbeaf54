package outbox

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/events/jetstream"
)

// Kind says what carries events from the outbox to the consumers.
type Kind string

const (
	Embedded Kind = "embedded" // the relay itself
	NATS     Kind = "nats"     // JetStream
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error { return config.OneOf(k, text, Embedded, NATS) }

// Settings are the settings of every relay.
type Settings struct {
	Broker      Kind          `yaml:"broker"`
	Poll        time.Duration `yaml:"poll"`
	MaxAttempts int           `yaml:"max_attempts"`
	Keep        time.Duration `yaml:"keep"`

	NATS jetstream.Settings `yaml:"nats"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("poll", s.Poll, 10*time.Millisecond)
	c.Within("max_attempts", s.MaxAttempts, 1, 1000)
	c.AtLeast("keep", s.Keep, time.Minute)
	if s.Broker == NATS {
		s.NATS.Check(c.Below("nats"))
		if s.NATS.MaxAge > s.Keep {
			c.Wrong("nats.max_age", "is longer than %s: an event must be kept here at least as long as there", c.Name("keep"))
		}
	}
}
