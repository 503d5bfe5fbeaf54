package process_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"banyan/migrations"
	"banyan/platform/database"
)

func TestLookingAtTheStatusCreatesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	folder := filepath.Join(t.TempDir(), "data")
	t.Setenv("BANYAN_DATA", folder)
	code, out, errOut := banyan(t, "migrate", "status")
	if code != exitOK || strings.Count(out, "no database yet") != len(databases) {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
	code, out, _ = banyan(t, "migrate", "status", "--json")
	var all map[string][]database.Migration
	if err := json.Unmarshal([]byte(out), &all); code != exitOK || err != nil || len(all) != len(databases) || len(all["routes"]) == 0 || all["routes"][0].Applied {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	for _, line := range []string{"events status", "events dead", "events replay --all"} {
		if code, _, errOut := banyan(t, strings.Fields(line)...); code != exitFailure || !strings.Contains(errOut, "there is no database of reputation:") {
			t.Errorf("%s: exit %d, %s", line, code, errOut)
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data folder was made: %v", err)
	}
	if code, _, errOut := banyan(t, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	if code, out, _ := banyan(t, "migrate", "status"); code != exitOK || strings.Contains(out, "no database") || strings.Contains(out, "waiting") {
		t.Errorf("after migrate up: exit %d, %s", code, out)
	}
}

// databases are the names of all there are.
var databases = append([]string{"identity", "routes"}, modules...)

// tables are those of a SQLite database that goose and SQLite do not keep for
// themselves.
func tables(t *testing.T, db *database.DB) (names []string) {
	t.Helper()
	err := db.Read().Select(t.Context(), &names, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose_%' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestADatabaseHasTheTablesItUses(t *testing.T) {
	t.Chdir(t.TempDir())
	folder := t.TempDir()
	t.Setenv("BANYAN_DATA", folder)
	if code, _, errOut := banyan(t, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	for _, name := range databases {
		db, err := database.Open(t.Context(), database.Options{Module: name, URL: "sqlite:" + folder, Readers: 1, Migrations: migrations.FS, Sets: migrations.Sets(name)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		shared := name != "identity" && name != "routes"
		for _, table := range []string{"event_outbox", "ownership", "once_answer", "jobs"} {
			if got := slices.Contains(tables(t, db), table); got != shared {
				t.Errorf("%s has a table %s: %t, want %t", name, table, got, shared)
			}
		}
	}
}

// An earlier release put the modules' shared tables into every database.
func TestADatabaseWithTablesThatNobodyUsesStillOpens(t *testing.T) {
	t.Chdir(t.TempDir())
	folder := t.TempDir()
	t.Setenv("BANYAN_DATA", folder)
	for _, name := range []string{"identity", "routes"} {
		before, err := database.Open(t.Context(), database.Options{
			Module: name, URL: "sqlite:" + folder, Migrations: migrations.FS, Sets: []string{"events", "ownership", "once", name},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(before.Migrate(t.Context()), before.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, errOut := banyan(t, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	code, out, errOut := banyan(t, "migrate", "status")
	if code != exitOK || strings.Contains(out, "waiting") || !strings.Contains(out, "identity") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
}
