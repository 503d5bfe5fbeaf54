package analysis

import (
	"testing"
	"time"
)

func TestAWindowForgetsWhatIsBeyondIt(t *testing.T) {
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var w Window
	w.Start(30*time.Second, Sample{At: start})
	for now := start; now.Before(start.Add(5 * time.Minute)); now = now.Add(time.Second) {
		w.Take(Sample{At: now})
		if n := len(w.kept); n > keptSamples+2 {
			t.Fatalf("%d samples are kept", n)
		}
		if age := now.Sub(w.Oldest().At); age > 33*time.Second || now.Sub(start) > 33*time.Second && age < 30*time.Second {
			t.Fatalf("after %s the window begins %s ago", now.Sub(start), age)
		}
	}
}
