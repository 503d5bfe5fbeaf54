package telemetry

import (
	"log/slog"
	"net/url"

	"banyan/platform/config"
)

// LogSettings say what is logged and how.
type LogSettings struct {
	Level    Level     `yaml:"level"`
	Format   LogFormat `yaml:"format"`
	Requests bool      `yaml:"requests"`
}

// TracingSettings say where spans go. Endpoint "" is off.
type TracingSettings struct {
	Endpoint config.Address `yaml:"endpoint"` // its path or query may be a key
	Sample   float64        `yaml:"sample"`   // 0..1
}

// Check implements config.Checker.
func (s TracingSettings) Check(c *config.Checks) {
	if !(s.Sample >= 0 && s.Sample <= 1) {
		c.Wrong("sample", "is %v, must be from 0 to 1", s.Sample)
	}
	if s.Endpoint == "" {
		return
	}
	u, err := url.Parse(s.Endpoint.Reveal())
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		c.Wrong("endpoint", "is not the URL of a collector: write one like http://127.0.0.1:4318")
	}
}

// Level is the least important kind of line that is logged.
type Level string

// UnmarshalText reads a level's name.
func (l *Level) UnmarshalText(text []byte) error {
	return config.OneOf(l, text, "debug", "info", "warn", "error")
}

// Slog returns the level for log/slog.
func (l Level) Slog() slog.Level {
	switch l {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// LogFormat is how a log line is written.
type LogFormat string

// The formats.
const (
	TextLog LogFormat = "text"
	JSONLog LogFormat = "json"
)

// UnmarshalText reads a format's name.
func (f *LogFormat) UnmarshalText(text []byte) error { return config.OneOf(f, text, TextLog, JSONLog) }
