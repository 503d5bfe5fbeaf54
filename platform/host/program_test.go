package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"banyan/migrations"
	"banyan/platform/config"
	"banyan/platform/seam"
)

// The program of these tests has one module, "notes", with one operation and no
// table of its own.
type nothing struct{}

var (
	notes     = seam.NewContract("notes", 1, "Notes.")
	readNotes = seam.Read[nothing, nothing](notes, "notes", "GET /notes", seam.Public, "Nothing")
)

func notesModule() Module {
	return Module{Contract: notes, Start: func(context.Context, *Env) (*seam.Local, error) {
		return notes.Bind(readNotes.To(func(context.Context, nothing) (nothing, error) { return nothing{}, nil })), nil
	}}
}

// notesMigrations are the program's own, and one that makes nothing for the module.
func notesMigrations(t *testing.T) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(migrations.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.FS, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files[path.Join("notes", dialect, "00001_nothing.sql")] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}
	}
	return files
}

// newProcess is a whole program that does not run, over a folder of its own.
func newProcess(t *testing.T) *Process {
	t.Helper()
	text, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	modules := all["modules"].(map[string]any)
	for name, place := range modules { // of the real modules, which are not here
		delete(modules, name)
		delete(all, name)
		modules[notes.Module] = place
	}
	defaults, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	program := Program{Version: "test", Defaults: defaults, Migrations: notesMigrations(t), Modules: []Module{notesModule()}}
	t.Chdir(t.TempDir())
	loaded, err := program.Load(config.Options{BuiltIn: true, Flags: map[string]string{"data": t.TempDir(), "log.level": "error"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), loaded, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// The document follows the list of modules.
func TestTheAPIDocumentHasTheListedModules(t *testing.T) {
	text, err := Program{Modules: []Module{notesModule()}}.APIDocument("")
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Paths map[string]json.RawMessage }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/api/v1/notes/notes", "/api/v1/operator/modules", "/api/v1/identity/"} {
		if !bytes.Contains(text, []byte(`"`+want)) {
			t.Errorf("%s is missing", want)
		}
	}
	for name := range document.Paths {
		if strings.Contains(name, "reputation") {
			t.Errorf("%s is there, and its module is not listed", name)
		}
	}
}
