package host

import (
	"testing"

	"banyan/platform/config"
)

// The operators' page of settings has what is in force: what a reload has changed, and
// not what waits for a restart.
func TestSettingsInForceAreThoseOfTheLastReload(t *testing.T) {
	p := newProcess(t)
	reload := func(settings map[string]string) {
		p.Reload(t.Context(), func() (Loaded, error) {
			return p.program.Reread(config.Options{BuiltIn: true, Flags: settings})
		})
	}
	value := func(key string) string {
		t.Helper()
		list, err := p.SettingsInForce()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.Key == key {
				return s.Value
			}
		}
		t.Fatalf("there is no setting %s", key)
		return ""
	}
	burst := value("http.burst")
	reload(map[string]string{"log.level": "warn", "flags.mutes.percent": "25", "http.burst": "7"})
	if level, percent := value("log.level"), value("flags.mutes.percent"); level != "warn" || percent != "25" {
		t.Errorf("after a reload the level is %s and the percentage %s", level, percent)
	}
	if got := value("http.burst"); got != burst {
		t.Errorf("a setting that needs a restart is %s", got)
	}
	reload(map[string]string{"log.level": "loud"})
	if got := value("log.level"); got != "warn" {
		t.Errorf("after a reload that was refused the level is %s", got)
	}
}
