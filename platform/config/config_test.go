package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"banyan/platform/config"
)

func TestTheDefaultsHoldWithoutAnyFile(t *testing.T) {
	t.Chdir(t.TempDir())
	s, loaded, err := loadAll(config.Options{Defaults: []byte(defaults)})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		program: program{
			Listen: "127.0.0.1:8080", Data: "./data",
			HTTP:    server{Rate: 50, Burst: 200, BodyLimit: 1 << 20, ReadTimeout: 30 * time.Second},
			Modules: map[string]module{"exchange-review": {Mode: "local"}},
		},
		jobs:  jobs{Schedule: 0, Alpha: 0.15, MaxRows: 10_000_000},
		trust: trust{Seeds: []color{}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("the defaults are\n%+v\nwant\n%+v", s, want)
	}
	if len(loaded.Sources()) != 0 {
		t.Errorf("nothing was set, yet sources are %v", loaded.Sources())
	}
}

func TestALaterSourceWins(t *testing.T) {
	file := "listen: 127.0.0.1:1\njobs:\n  alpha: 1\nhttp:\n  burst: 2\n  rate: 7\n"
	s, loaded := mustLoad(t, file,
		[]string{"BANYAN_LISTEN=127.0.0.1:2", "BANYAN_HTTP_BURST=3", "HOME=/root"},
		map[string]string{"listen": "127.0.0.1:3"})
	if s.program.Listen != "127.0.0.1:3" || s.program.HTTP.Burst != 3 || s.program.HTTP.Rate != 7 || s.jobs.Alpha != 1 {
		t.Errorf("in force is %+v", s)
	}
	sources := loaded.Sources()
	for key, want := range map[string]string{
		"listen": "flag for listen", "http.burst": "BANYAN_HTTP_BURST", "http.rate": "banyan.yaml:6", "jobs.alpha": "banyan.yaml:3",
	} {
		if got := sources[key].String(); !strings.HasSuffix(got, want) {
			t.Errorf("%s is said to come from %q, want %q", key, got, want)
		}
	}
	if _, set := sources["data"]; set {
		t.Error("data was not set, but has a source")
	}
}

func TestTheEnvironmentReachesEveryShapeOfKey(t *testing.T) {
	s, _ := mustLoad(t, "", []string{
		"BANYAN_MODULES_EXCHANGE_REVIEW_MODE=remote",
		"BANYAN_MODULES__EXCHANGE_REVIEW__URL=http://127.0.0.1:8082, http://127.0.0.1:8083",
		"BANYAN_HTTP__BODY_LIMIT=2 MiB",
		"BANYAN_HTTP_PPROF=true",
		"BANYAN_SECRET=12345",
		"BANYAN_JOBS_ALPHA=1",
		"BANYAN_JOBS_SCHEDULE=15m",
		"BANYAN_TRUST_SEEDS=#010203, #0a0b0c",
		"BANYAN_TEST_POSTGRES=not ours", "BANYAN_KECCAK=scalar", "BANYAN_TOKEN=t", "BANYAN_CONFIG=",
	}, nil)
	if m := s.program.Modules["exchange-review"]; m.Mode != "remote" || strings.Join(m.URL, " ") != "http://127.0.0.1:8082 http://127.0.0.1:8083" {
		t.Errorf("exchange-review: %+v", m)
	}
	if s.program.HTTP.BodyLimit != 2<<20 || !s.program.HTTP.Pprof || s.jobs.Alpha != 1 || s.jobs.Schedule != config.Interval(15*time.Minute) {
		t.Errorf("in force is %+v", s)
	}
	if s.program.Secret.Reveal() != "12345" {
		t.Errorf("a secret of digits must stay a text; it is %q", s.program.Secret.Reveal())
	}
	if want := []color{{1, 2, 3}, {10, 11, 12}}; !reflect.DeepEqual(s.trust.Seeds, want) {
		t.Errorf("seeds %v, want %v", s.trust.Seeds, want)
	}
}

func TestBanyanConfigNamesTheFileAndTheFlagBeatsIt(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	here := write(config.DefaultFile, "data: here\n")
	byEnv := write("env.yaml", "data: env\n")
	byFlag := write("flag.yaml", "data: flag\n")
	t.Chdir(folder)
	for _, c := range []struct {
		flag string
		env  []string
		want string
	}{
		{"", nil, "here"},
		{"", []string{"BANYAN_CONFIG=" + byEnv}, "env"},
		{byFlag, []string{"BANYAN_CONFIG=" + byEnv}, "flag"},
		{here, nil, "here"},
	} {
		s, _, err := loadAll(config.Options{Defaults: []byte(defaults), File: c.flag, Env: c.env})
		if err != nil || s.program.Data != c.want {
			t.Errorf("--config %q with %v: data %q, %v; want %q", c.flag, c.env, s.program.Data, err, c.want)
		}
	}
}

func TestBuiltInReadsNeitherFilesNorTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, content := range []string{"data: /production\n", "not: [readable\n"} {
		if err := os.WriteFile(config.DefaultFile, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		elsewhere := filepath.Join(t.TempDir(), "other.yaml")
		if err := os.WriteFile(elsewhere, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		env := []string{"BANYAN_DATA=/production", "BANYAN_CONFIG=" + elsewhere, "BANYAN_NONSENSE=1"}
		s, loaded, err := loadAll(config.Options{
			Defaults: []byte(defaults), File: elsewhere, Env: env, Flags: map[string]string{"listen": "127.0.0.1:1"}, BuiltIn: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.program.Data != "./data" || s.program.Listen != "127.0.0.1:1" {
			t.Errorf("beside %q: data %s, listen %s", content, s.program.Data, s.program.Listen)
		}
		if want := (config.Sources{"listen": {Kind: config.FromFlag, Name: "listen"}}); !reflect.DeepEqual(loaded.Sources(), want) {
			t.Errorf("beside %q: sources %v, want %v", content, loaded.Sources(), want)
		}
	}
}

func TestNamedAreTheSourcesThatSomebodyChose(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(config.DefaultFile, []byte("data: /production\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	variable := func(names ...string) (list []config.Origin) {
		for _, name := range names {
			list = append(list, config.Origin{Kind: config.FromEnvironment, Name: name})
		}
		return list
	}
	file := config.Origin{Kind: config.FromFile, Name: "nowhere.yaml"}
	for name, c := range map[string]struct {
		file string
		env  []string
		want []config.Origin
	}{
		"a file that lies there": {"", []string{"HOME=/", "PGHOST=h", "DATA=x"}, nil},
		"--config":               {"nowhere.yaml", nil, []config.Origin{file}},
		"settings": {
			"nowhere.yaml",
			[]string{"BANYAN_LISTEN=:1", "BANYAN_HTTP__BURST=many", "BANYAN_DATA=", "BANYAN_DATA=x"},
			append([]config.Origin{file}, variable("BANYAN_DATA", "BANYAN_HTTP__BURST", "BANYAN_LISTEN")...),
		},
		"BANYAN_CONFIG":       {"", []string{"BANYAN_CONFIG=nowhere.yaml"}, variable("BANYAN_CONFIG")},
		"BANYAN_CONFIG empty": {"", []string{"BANYAN_CONFIG="}, nil},
		"no settings":         {"", []string{"BANYAN_TOKEN=t", "BANYAN_KECCAK=go", "BANYAN_TEST_DATA=d", "BANYAN_PORT=tcp://10.0.0.1:80"}, nil},
	} {
		got, err := config.Named(config.Options{Defaults: []byte(defaults), File: c.file, Env: c.env})
		if err != nil || len(got)+len(c.want) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := config.Named(config.Options{Defaults: []byte("a: [\n")}); err == nil {
		t.Error("defaults that are no YAML were taken")
	}
}

func TestASectionWithEverythingCommentedOutIsFine(t *testing.T) {
	for _, file := range []string{"http:\n  # rate: 1\njobs:\n  alpha: 1\n", "# nothing\n", "---\n", "x-unused: &a {alpha: 1}\n"} {
		_, _, err := load(t, file, nil, nil)
		if bad := strings.HasPrefix(file, "x-"); (err != nil) != bad {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestTheSectionsTakeAllOfTheDefaults: a program whose parts do not fit the
// built-in config.yaml does not start, and prints nothing as if it did.
func TestTheSectionsTakeAllOfTheDefaults(t *testing.T) {
	var s settings
	if _, err := config.Load(config.Options{Defaults: []byte(defaults), BuiltIn: true}, s.sections()[1:]...); err == nil || !strings.Contains(err.Error(), "no section of the program has the setting") {
		t.Errorf("settings that nobody takes: %v", err)
	}
	if _, _, err := loadAll(config.Options{Defaults: []byte(defaults + "extra: 1\n"), BuiltIn: true}); err == nil || !strings.Contains(err.Error(), "extra") {
		t.Errorf("a line without a field: %v", err)
	}
	_, loaded, err := loadAll(config.Options{Defaults: []byte(strings.Replace(defaults, "  alpha: 0.15\n", "", 1)), BuiltIn: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.YAML(); err == nil || !strings.Contains(err.Error(), "has no line for jobs.alpha") {
		t.Errorf("a field without a line: %v", err)
	}
}

func TestNamesOfVariables(t *testing.T) {
	for key, want := range map[string]string{
		"listen": "BANYAN_LISTEN", "http.body_limit": "BANYAN_HTTP_BODY_LIMIT",
		"modules.exchange-review.mode": "BANYAN_MODULES_EXCHANGE_REVIEW_MODE",
	} {
		if got := config.EnvName(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}
