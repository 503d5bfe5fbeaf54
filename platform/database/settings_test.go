package database_test

import (
	"strings"
	"testing"

	"banyan/platform/database"
)

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
