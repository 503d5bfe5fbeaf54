package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"banyan/platform/config"
)

func TestBuiltInReadsNeitherFilesNorTheEnvironment(t *testing.T) {
	builtIn := defaults(t)
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
		o := config.Options{Defaults: builtIn, File: elsewhere, Env: env, Flags: map[string]string{"listen": "127.0.0.1:1"}, BuiltIn: true}
		cfg, sources, err := config.Load(o)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Data != "./data" || cfg.Listen != "127.0.0.1:1" {
			t.Errorf("beside %q: data %s, listen %s", content, cfg.Data, cfg.Listen)
		}
		if want := (config.Sources{"listen": {Kind: config.FromFlag, Name: "listen"}}); !reflect.DeepEqual(sources, want) {
			t.Errorf("beside %q: sources %v, want %v", content, sources, want)
		}
	}
}

func TestNamedAreTheSourcesThatSomebodyChose(t *testing.T) {
	builtIn := defaults(t)
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
		got, err := config.Named(config.Options{Defaults: builtIn, File: c.file, Env: c.env})
		if err != nil || len(got)+len(c.want) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}
