package service

import "log/slog"

// logTo hands over each line that is logged.
func logTo(line lineFunc) *slog.Logger { return slog.New(slog.NewTextHandler(line, nil)) }

type lineFunc func(string)

func (f lineFunc) Write(text []byte) (int, error) {
	f(string(text))
	return len(text), nil
}
