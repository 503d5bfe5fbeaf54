package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/config"
)

const builtIn = "data: ./data\nlisten: 127.0.0.1:8080\n"

type placeSettings struct {
	Data   string `yaml:"data"`
	Listen string `yaml:"listen"`
}

// loadHere reads the settings with the working folder that the caller has chosen.
func loadHere(t *testing.T, flag string, env ...string) (placeSettings, *config.Loaded, error) {
	t.Helper()
	var s placeSettings
	loaded, err := config.Load(config.Options{Defaults: []byte(builtIn), File: flag, Env: env}, config.Section{Into: &s})
	return s, loaded, err
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheFileOfSettingsIsFoundByFlagVariableAndName(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	write(t, "banyan.yaml", "data: here\n")
	byEnv := write(t, filepath.Join(folder, "env.yaml"), "data: env\n")
	byFlag := write(t, filepath.Join(folder, "flag.yaml"), "data: flag\n")
	for _, c := range []struct {
		flag string
		env  []string
		want string
	}{
		{"", nil, "here"},
		{"", []string{"BANYAN_CONFIG="}, "here"},
		{"", []string{"BANYAN_CONFIG=" + byEnv}, "env"},
		{byFlag, []string{"BANYAN_CONFIG=" + byEnv}, "flag"},
	} {
		s, _, err := loadHere(t, c.flag, c.env...)
		if err != nil || s.Data != c.want {
			t.Errorf("--config %q with %v: data %q, %v; want %q", c.flag, c.env, s.Data, err, c.want)
		}
	}
}

// In a clone of the repository ./config.yaml lists the defaults: read as the
// operator's file it would pass for a decision about every setting, and to change
// one would be to edit a file that git tracks.
func TestTheListOfDefaultsIsNotAFileOfSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "config.yaml", builtIn)
	s, loaded, err := loadHere(t, "")
	if err != nil || s.Data != "./data" {
		t.Fatalf("data %q, %v", s.Data, err)
	}
	if set := loaded.Sources(); len(set) != 0 {
		t.Errorf("nothing was set, and the sources are %v", set)
	}
	write(t, "config.yaml", "data: elsewhere\n")
	if s, _, err = loadHere(t, ""); err != nil || s.Data != "./data" {
		t.Errorf("beside an edited config.yaml: data %q, %v", s.Data, err)
	}
	write(t, "banyan.yaml", "listen: 127.0.0.1:1\n")
	if s, loaded, err = loadHere(t, ""); err != nil || s.Listen != "127.0.0.1:1" || len(loaded.Sources()) != 1 {
		t.Errorf("with a banyan.yaml: listen %q, %v, %v", s.Listen, loaded.Sources(), err)
	}
}

func TestAFileThatWasNamedMustExist(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		flag string
		env  []string
		want string
	}{
		{"none.yaml", nil, "--config names it"},
		{"", []string{"BANYAN_CONFIG=none.yaml"}, "BANYAN_CONFIG names it"},
	} {
		if _, _, err := loadHere(t, c.flag, c.env...); err == nil || !strings.Contains(err.Error(), "none.yaml") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--config %q with %v: %v", c.flag, c.env, err)
		}
	}
}
