package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/config"
)

// inContainer are settings as a container sets them.
type inContainer struct {
	Listen  string        `yaml:"listen"`
	Word    config.Secret `yaml:"word"`
	Count   int           `yaml:"count"`
	Nothing string        `yaml:"nothing"`
	At      config.URLs   `yaml:"at"`
}

func loadIn(t *testing.T, env ...string) (inContainer, *config.Loaded, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	var s inContainer
	loaded, err := config.Load(config.Options{Defaults: []byte("listen: :1\nword: \"\"\ncount: 4\nnothing: \"\"\nat: \"\"\n"), Env: env}, config.Section{Into: &s})
	return s, loaded, err
}

func TestVariablesOfKubernetesAndDockerAreLeftAside(t *testing.T) {
	_, loaded, err := loadIn(t,
		"BANYAN_SERVICE_HOST=10.96.0.7", "BANYAN_SERVICE_PORT=8080", "BANYAN_SERVICE_PORT_HTTP=8080", "BANYAN_PORT=tcp://10.96.0.7:8080",
		"BANYAN_PORT_8080_TCP=tcp://10.96.0.7:8080", "BANYAN_PORT_8080_TCP_PROTO=tcp", "BANYAN_REPUTATION_PORT=tcp://10.96.0.8:8081",
		"BANYAN_NAME=/web/banyan", "BANYAN_ENV_PATH=/usr/bin")
	if err != nil || len(loaded.Injected()) != 9 {
		t.Errorf("left aside %v, %v", loaded.Injected(), err)
	}
	for _, mine := range []string{"BANYAN_PORT=8080", "BANYAN_NAME=ours", "BANYAN_LISTN=:1"} {
		if _, _, err := loadIn(t, mine); err == nil {
			t.Errorf("%s was left aside, which no machine wrote", mine)
		}
	}
}

func TestWhatEnvFilesDoToValuesIsNamed(t *testing.T) {
	for pair, says := range map[string]string{
		`BANYAN_LISTEN=":2"`: "quotes", `BANYAN_NOTHING='x'`: "quotes", "BANYAN_LISTEN=": "empty", "BANYAN_COUNT=": "empty",
		"BANYAN_WORD=secret\n": "line feed", "BANYAN_AT=http://a http://b": "commas", "BANYAN_AT=http://a,http://a/": "twice",
	} {
		if _, _, err := loadIn(t, pair); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want a message with %q", pair, err, says)
		}
	}
	if s, _, err := loadIn(t, "BANYAN_NOTHING=", "BANYAN_AT=http://a/, http://b"); err != nil || strings.Join(s.At, " ") != "http://a http://b" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestASecretComesFromAFile(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, empty := file("good", "hunter2\n"), file("empty", "\n")
	if s, _, err := loadIn(t, "BANYAN_WORD_FILE="+good); err != nil || s.Word.Reveal() != "hunter2" {
		t.Errorf("got %q, %v", s.Word.Reveal(), err)
	}
	for _, env := range [][]string{
		{"BANYAN_WORD_FILE=" + filepath.Join(folder, "none")},
		{"BANYAN_WORD_FILE=" + empty},
		{"BANYAN_WORD_FILE=" + folder},
		{"BANYAN_WORD_FILE=" + good, "BANYAN_WORD=other"},
		{"BANYAN_LISTEN_FILE=" + good},
	} {
		if _, _, err := loadIn(t, env...); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", env, err)
		}
	}
}

func TestATabIsCalledATab(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(config.DefaultFile, []byte("listen: :1\n\tcount: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s inContainer
	_, err := config.Load(config.Options{Defaults: []byte("listen: :1\nword: \"\"\ncount: 4\nnothing: \"\"\nat: \"\"\n")}, config.Section{Into: &s})
	if err == nil || !strings.Contains(err.Error(), "a tab at the start of the line") {
		t.Errorf("got %v", err)
	}
}
