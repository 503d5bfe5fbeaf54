package seam_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/seam"
)

// A dashboard sees the same as the operator's page.
func TestTheMetricsOfAMove(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{})
	r := begin(t, &scripted{}, seam.RouteOptions{})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(seam.Collector{r})
	ask := func() {
		if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	set(t, r, seam.ModeShadow, 100, remote)
	ask()
	asked(t, r, 1)
	set(t, r, seam.ModeCanary, 100, nil)
	ask()
	gone := scriptedRemote(t, "http://127.0.0.1:1")
	set(t, r, seam.ModeCanary, 100, gone)
	ask()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			name := strings.TrimPrefix(f.GetName(), "banyan_seam_")
			for _, l := range m.Label {
				if l.GetName() != "module" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"route_mode local": 0, "route_mode shadow": 0, "route_mode canary": 1, "route_mode remote": 0, "route_percent": 100,
		"rollbacks_total":              0,
		"shadow_total profile matched": 1, "shadow_total profile errors": 0, "shadow_total profile persistent": 0, "shadow_total profile dropped": 0,
		"canary_total remote profile": 1, "canary_total local profile": 1,
		"call_seconds profile local": 3, "call_seconds profile shadow": 1, "call_seconds profile remote": 2,
		"call_errors_total server profile remote": 1, "call_errors_total server profile local": 0,
	} {
		if value, found := got[name]; !found || value != want {
			t.Errorf("%s is %g (%v), want %g", name, value, found, want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
