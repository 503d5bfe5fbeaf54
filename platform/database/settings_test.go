package database_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"banyan/platform/config"
	"banyan/platform/database"
)

const settingsDefaults = "database:\n  url: \"\"\n  password: \"\"\n  readers: 4\n  connections: 10\n"

func settings(t *testing.T, env ...string) database.Settings {
	t.Helper()
	var s database.Settings
	if _, err := config.Load(config.Options{Defaults: []byte(settingsDefaults), Env: env, File: "/dev/null"}, config.Section{Key: "database", Into: &s}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheDriverGetsThePassword(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, ""},
		{[]string{"BANYAN_DATABASE_URL=postgres://banyan@db:5432/banyan", "BANYAN_DATABASE_PASSWORD=12345"}, "postgres://banyan:12345@db:5432/banyan"},
		{[]string{"BANYAN_DATABASE_URL=postgres://me@h/n", "BANYAN_DATABASE_PASSWORD=a/b@c"}, "postgres://me:a%2Fb%40c@h/n"},
		{[]string{"BANYAN_DATABASE_URL=postgres://me:hunter2@h:5/n?x=1"}, "postgres://me:hunter2@h:5/n?x=1"},
	} {
		s := settings(t, c.env...)
		if got := s.DSN(); got != c.want || s.Postgres() != (c.want != "") {
			t.Errorf("%v: the DSN is %q, PostgreSQL %t; want %q", c.env, got, s.Postgres(), c.want)
		}
	}
}

func TestWrongDatabaseSettings(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"BANYAN_DATABASE_URL=postgres://me:hunter2@h/n", "BANYAN_DATABASE_PASSWORD=hunter2"}, "contains one too"},
		{[]string{"BANYAN_DATABASE_URL=postgres://h/n", "BANYAN_DATABASE_PASSWORD=hunter2"}, "a password but no user"},
		{[]string{"BANYAN_DATABASE_URL=postgres://me:hunter2@h"}, "has no database name"},
		{[]string{"BANYAN_DATABASE_URL=postgres://me:***@h/n"}, "the mask"},
		{[]string{"BANYAN_DATABASE_URL=postgres://me:hunter2@h:port/n"}, "cannot be read"},
		{[]string{"BANYAN_DATABASE_READERS=0"}, "from 1 to 256"},
		{[]string{"BANYAN_DATABASE_CONNECTIONS=1"}, "from 2 to 1000"},
	} {
		var s database.Settings
		_, err := config.Load(config.Options{Defaults: []byte(settingsDefaults), Env: c.env, File: "/dev/null"}, config.Section{Key: "database", Into: &s})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v, want %q", c.env, err, c.want)
		}
	}
}

func TestDatabaseSettingsHideTheirSecrets(t *testing.T) {
	var out bytes.Buffer
	for _, s := range []database.Settings{
		settings(t, "BANYAN_DATABASE_URL=postgres://me@h/n", "BANYAN_DATABASE_PASSWORD=hunter2"),
		settings(t, "BANYAN_DATABASE_URL=postgres://me:hunter2@h:5/n?sslpassword=hunter2&x=1"),
	} {
		asJSON, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		asYAML, err := yaml.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s%s%v %+v %#v %s %q %x %x", asJSON, asYAML, s, s, s, s.Password, s.URL, s.Password, s.URL)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "password", s.Password, "url", s.URL, "all", s)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "password", s.Password, "url", s.URL, "all", s)
	}
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the password shows:\n%s", &out)
	}
	if !strings.Contains(out.String(), "postgres://me:***@h:5/n") {
		t.Errorf("the URL must stay readable beside its password:\n%s", &out)
	}
}

func TestAPasswordThatSplitsItsURLIsNamedAndNeverShown(t *testing.T) {
	for _, text := range []string{
		"postgres://app:hunter2#word@db:5432/banyan", "postgres://app:hunter2/ss@db:5432/banyan", "postgres://app:hunter2?x@db:5432/banyan",
		"postgres://app:100%hunter2@db:5432/banyan", "postgres://app:12/34hunter2@db:5432/banyan", "postgres://app:12?hunter2@db:5432/banyan",
	} {
		var u database.URL
		if err := u.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestURLsOfPostgreSQL(t *testing.T) {
	for text, shown := range map[string]string{
		"":                               "",
		"postgres://app@db:5432/banyan":  "postgres://app@db:5432/banyan",
		"postgres://app:p%23w@db/banyan": "postgres://app:***@db/banyan",
		"postgres:///banyan?host=/run/postgresql": "postgres:///banyan?host=%2Frun%2Fpostgresql",
		"postgresql://db/banyan?sslmode=require":  "postgresql://db/banyan?sslmode=require",
	} {
		var u database.URL
		if err := u.UnmarshalText([]byte(text)); err != nil || u.String() != shown || u.Reveal() != text {
			t.Errorf("%s: shown as %s, %v; want %s", text, u, err, shown)
		}
	}
	for _, text := range []string{"mysql://u@h/n", "postgres://db", "postgres:///n", "db", "postgres://u:***@h/n"} {
		var u database.URL
		if err := u.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
