package service

import "log/slog"

// logTo returns a logger that calls line with each line.
func logTo(line lineFunc) *slog.Logger { return slog.New(slog.NewTextHandler(line, nil)) }

type lineFunc func(string)

func (f lineFunc) Write(text []byte) (int, error) {
	f(string(text))
	return len(text), nil
}
