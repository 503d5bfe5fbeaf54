package host_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/seam"
)

// The program of the tests has the modules alpha, which has settings of its own,
// and beta.
type alphaSettings struct {
	Every time.Duration `yaml:"every"`
}

// Check implements config.Checker.
func (s *alphaSettings) Check(c *config.Checks) { c.AtLeast("every", s.Every, time.Second) }

// defaults are config.yaml with the sections of the test's modules in place of
// the real ones.
func defaults(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	section, isKept := "", map[string]bool{
		"admin": true, "database": true, "log": true, "tls": true, "tracing": true, "http": true, "identity": true, "events": true, "redis": true, "chain": true, "legacy": true, "peers": true, "flags": true,
		"public_url": true, "listen": true, "data": true, "module": true,
	}
	for line := range strings.Lines(string(text)) {
		if name, _, found := strings.Cut(line, ":"); found && !strings.HasPrefix(name, " ") && !strings.HasPrefix(name, "#") {
			section = name
		}
		if isKept[section] {
			kept.WriteString(line)
		}
	}
	kept.WriteString("\nmodules:\n")
	for _, name := range []string{"alpha", "beta"} {
		kept.WriteString("  " + name + ":\n    mode: local\n    url: \"\"\n    timeout: 5s\n")
	}
	kept.WriteString("alpha:\n  every: 1m\n")
	return []byte(kept.String())
}

func program(t *testing.T) (p host.Program, alpha *alphaSettings) {
	t.Helper()
	alpha = &alphaSettings{}
	return host.Program{Defaults: defaults(t), Modules: []host.Module{
		{Contract: seam.NewContract("alpha", 1, "The first."), Settings: alpha},
		{Contract: seam.NewContract("beta", 1, "The second.")},
	}}, alpha
}

func TestAModulesSettingsComeFromItsSection(t *testing.T) {
	p, alpha := program(t)
	loaded, err := p.Load(config.Options{BuiltIn: true, Flags: map[string]string{"public_url": "https://banyan.example.org:8443", "alpha.every": "2m"}})
	if err != nil {
		t.Fatal(err)
	}
	if alpha.Every != 2*time.Minute {
		t.Errorf("alpha.every is %s", alpha.Every)
	}
	if d := loaded.Settings.Domain(); d != "banyan.example.org:8443" {
		t.Errorf("wallets sign in to %q", d)
	}
}

func TestMessagesNameTheModulesOfTheList(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"module", "gamma", `there is no module "gamma": choose alpha or beta`},
		{"alpha.every", "1ms", "alpha.every: is 1ms, must be 1s or more"},
		{"modules.beta.url", "ftp://x", "modules.beta.url: "},
	} {
		p, _ := program(t)
		_, err := p.Load(config.Options{BuiltIn: true, Flags: map[string]string{c.key: c.value}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %q", c.key, c.value, err, c.want)
		}
	}
	p, _ := program(t)
	if _, err := p.Find("gamma"); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "choose alpha or beta") {
		t.Errorf("a module that is not listed: %v", err)
	}
	if m, err := p.Find("beta"); err != nil || m.Name() != "beta" {
		t.Errorf("a module that is listed: %v %v", m.Name(), err)
	}
}

// A name that leads nowhere would be refused as unknown.
func TestEveryOldNameLeadsToASetting(t *testing.T) {
	p, _ := program(t)
	text := string(p.Defaults)
	for old, key := range new(host.Settings).Renamed() {
		section, name, _ := strings.Cut(key, ".")
		if _, rest, found := strings.Cut(text, "\n"+section+":\n"); !found || !strings.Contains(rest, "\n  "+name+":") {
			t.Errorf("%s is said to be %s now, which config.yaml does not have", old, key)
		}
	}
	t.Chdir(t.TempDir())
	loaded, err := p.Load(config.Options{Env: []string{"BANYAN_STRANGLER_LEGACY=http://127.0.0.1:3000", "BANYAN_STRANGLER_TAKE=/exchanges 10 %"}})
	if err != nil || loaded.Settings.Legacy.URL != "http://127.0.0.1:3000" || len(loaded.Settings.Legacy.Take) != 1 || len(loaded.Source.Renamed()) != 2 {
		t.Errorf("%+v, %v", loaded.Settings.Legacy, err)
	}
}
