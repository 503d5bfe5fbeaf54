package database_test

import (
	"net/url"
	"strings"
	"testing"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testneeds"
)

// TestAPostgreSQLServerIsTriedAndWhatIsWrongSaidInPlainWords, and never a password.
func TestAPostgreSQLServerIsTriedAndWhatIsWrongSaidInPlainWords(t *testing.T) {
	db := databasetest.Postgres(t, "reputation") // skips without a server
	server := testneeds.PostgresURL()
	got, err := database.Try(t.Context(), database.URL(server), "", []string{strings.ReplaceAll(db.Options().Schema, "_", "-"), "airdrop"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Version == "" || got.Database == "" || got.User == "" || got.MaxConnections < 1 || len(got.Schemas) < 1 || got.Took <= 0 {
		t.Errorf("the server is described as %+v", got)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	change := func(with func(u *url.URL)) database.URL {
		other := *u
		with(&other)
		return database.URL(other.String())
	}
	for name, c := range map[string]struct {
		at       database.URL
		password string
		code     fault.Code
		says     string
	}{
		"nothing":                      {"", "", fault.Invalid, "must read postgres://"},
		"two passwords":                {change(func(u *url.URL) { u.User = url.UserPassword("a", "hunter2") }), "hunter3", fault.Invalid, "leave one of them out"},
		"a database that is not there": {change(func(u *url.URL) { u.Path = "/no-such-database" }), "", fault.Unavailable, "is not there: create it"},
		"a port where nobody is":       {change(func(u *url.URL) { u.Host = "127.0.0.1:1"; u.RawQuery = "" }), "hunter2", fault.Unavailable, "cannot be reached"},
	} {
		_, err := database.Try(t.Context(), c.at, config.Secret(c.password), []string{"airdrop"})
		f := fault.From(err)
		if f == nil || f.Code != c.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := f.Message
		for _, field := range f.Fields {
			text += " " + field.String()
		}
		if !strings.Contains(text, c.says) || strings.Contains(text+err.Error(), "hunter") {
			t.Errorf("%s: says %q", name, text)
		}
	}
}
