package process_test

import (
	"database/sql"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"banyan/migrations"
)

// TestANewerProgramCopiesTheDatabasesBeforeItMigratesThem, and an older one refuses them
// then and says what to do.
func TestANewerProgramCopiesTheDatabasesBeforeItMigratesThem(t *testing.T) {
	folder := t.TempDir()
	p := place{[]string{"BANYAN_DATA=" + folder}}
	copies := func() []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(folder, "backups", "*-before-migration.banyan"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	restart := func(change string) {
		t.Helper()
		file, err := sql.Open("sqlite3", filepath.Join(folder, "identity.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	site := p.start(t, nil, "--listen", "127.0.0.1:0")
	write(t, site, newAuthor(5), "kraken", 4)
	if err := site.stop(); err != nil || len(copies()) != 0 {
		t.Fatalf("new databases were copied: %q, %v", copies(), err)
	}
	table := goosedTable(t, folder)
	// As the program from before the newest migration left it.
	version, undo := newestMigration(t)
	restart(undo + `; DELETE FROM ` + table + ` WHERE version_id = ` + version)
	site = p.start(t, nil, "--listen", "127.0.0.1:0")
	files := copies()
	if len(files) != 1 || !strings.Contains(site.logged(), files[0]) {
		t.Fatalf("there are %q, and the log is\n%s", files, site.logged())
	}
	if err := site.stop(); err != nil {
		t.Fatal(err)
	}
	p.command(t, true, "whole, and readable by this program", "backup", "verify", files[0])
	restart(`INSERT INTO ` + table + ` (version_id, is_applied) VALUES (9999, 1)`)
	p.command(t, false, "start the newer program, or restore a backup made before the upgrade", "serve", "--listen", "127.0.0.1:0")
	if again := copies(); len(again) != 1 {
		t.Errorf("a program that refuses the databases copied them: %q", again)
	}
	p.command(t, true, "restored into", "backup", "restore", "--force", files[0])
	p.start(t, nil, "--listen", "127.0.0.1:0")
}

// newestMigration is the number of the last migration of the identity database, and
// what undoes it.
func newestMigration(t *testing.T) (version, undo string) {
	t.Helper()
	files, err := fs.Glob(migrations.FS, "identity/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	newest := files[len(files)-1] // they are sorted
	text, err := fs.ReadFile(migrations.FS, newest)
	if err != nil {
		t.Fatal(err)
	}
	_, undo, found := strings.Cut(string(text), "-- +goose Down")
	version, _, _ = strings.Cut(path.Base(newest), "_")
	if version = strings.TrimLeft(version, "0"); !found || version == "" {
		t.Fatalf("%s says nothing of how it is undone", newest)
	}
	return version, undo
}

// goosedTable is where the applied migrations of the identity database are.
func goosedTable(t *testing.T, folder string) string {
	t.Helper()
	file, err := sql.Open("sqlite3", filepath.Join(folder, "identity.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var name string
	if err := file.QueryRowContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%version_id%'`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}
