// Package contracttest detects changes of a contract. For each version of a contract
// the repository has the JSON of every request and every answer:
//
//	modules/reputation/testdata/contract/v1/score.request.json
//	modules/reputation/testdata/contract/v1/score.answer.json
//	modules/reputation/testdata/contract/v1/operations.json
//
// and the test compares them with the JSON of today's types. Two processes of
// one version may be of different releases, so within a version only additions
// are allowed:
//
//	a new operation, a new field             run make generate; the version stays
//	another access level                     the same
//	a field, an operation or a parameter     a new version: increment it in seam.NewContract,
//	  that is gone, renamed or of another    run make generate, keep the old files
//	  type; another path, method or kind
//
// The package is imported by tests only.
package contracttest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"banyan/platform/seam"
)

// Options say how a contract's examples are made and where the files are.
type Options struct {
	Dir    string // holds v1, v2 …
	Update bool   // write the files, if the change is allowed

	// Known are values of types whose fields cannot be generated, because a request
	// with them would be invalid. Their zero fields are filled.
	Known []any
	// Also are further parts of the contract by name: the lines of a stream
	// (under the operation's id and ".line"), the payloads of events.
	Also map[string]any
}

// Golden compares the contract with the files of its version, and decodes them
// with today's types.
func Golden(t *testing.T, c *seam.Contract, o Options) {
	t.Helper()
	for _, problem := range check(c, o) {
		t.Error(problem)
	}
}

// check returns everything that is wrong, each with what to do about it.
func check(c *seam.Contract, o Options) (problems []error) {
	s := newStage(c, o)
	now, err := s.take(o.Also)
	if err != nil {
		return []error{fmt.Errorf("contract %s: %w", c.Module, err)}
	}
	for v := 1; v < c.Version; v++ {
		if _, err := os.Stat(versionDir(o.Dir, v)); err != nil {
			problems = append(problems, fmt.Errorf("contract %s: the files of version %d are missing: restore them, those of every version must be kept: %w", c.Module, v, err))
		}
	}
	dir := versionDir(o.Dir, c.Version)
	kept, err := read(dir)
	if err != nil {
		return append(problems, err)
	}
	broken, changed := compare(kept, now)
	for _, what := range broken {
		problems = append(problems, fmt.Errorf(
			"contract %s: %s. Running processes of version %d would not be compatible with it. Either undo the change or, if it is necessary, increase the version to %d in seam.NewContract(%q, …), run make generate, and keep the files in %s",
			c.Module, what, c.Version, c.Version+1, c.Module, dir))
	}
	if len(broken) == 0 && o.Update {
		if err := write(dir, now); err != nil {
			problems = append(problems, err)
		}
		changed = nil
	}
	for _, what := range changed {
		problems = append(problems, fmt.Errorf("contract %s: %s. That is compatible: run make generate and review the difference; the version stays %d", c.Module, what, c.Version))
	}
	if len(broken) == 0 {
		problems = append(problems, s.readAll(kept)...)
	}
	return problems
}

func versionDir(dir string, version int) string {
	return filepath.Join(dir, fmt.Sprintf("v%d", version))
}

// read returns the files of a version, none when there is no folder yet.
func read(dir string) (snapshot, error) {
	files := make(snapshot)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func write(dir string, files snapshot) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

func writeNothing(io.Writer) error { return nil }
