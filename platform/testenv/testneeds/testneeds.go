// Package testneeds finds what tests need from outside the repository: real data,
// programs, and an address to listen on. A test is skipped, visibly, without what it
// needs, or fails if BANYAN_TEST_REQUIRE names it, as in
// "postgres,pgbouncer,chromium,data". It is imported by tests only.
package testneeds

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The values of BANYAN_TEST_REQUIRE.
const (
	RealData  = "data"
	Postgres  = "postgres"
	PgBouncer = "pgbouncer"
	Chromium  = "chromium"
	NATS      = "nats"
	Redis     = "redis"
)

// PostgresURL returns the URL of the test server: BANYAN_TEST_POSTGRES, or a default.
func PostgresURL() string {
	if url := os.Getenv("BANYAN_TEST_POSTGRES"); url != "" {
		return url
	}
	return "postgres://postgres@127.0.0.1:5432/test"
}

// Data returns the path of a file of the real data, "oz/oz_vectors.json": below
// BANYAN_TEST_DATA, or in ../shared/data beside the repository. Tests that change
// their working directory must call it before.
func Data(t testing.TB, name string) (path string) {
	t.Helper()
	folder := os.Getenv("BANYAN_TEST_DATA")
	if folder == "" {
		folder = filepath.Join(repository(t), "..", "shared", "data")
	}
	path = filepath.Join(folder, filepath.FromSlash(name))
	_, err := os.Stat(path) //nolint:gosec // the folder is set by the user who runs the tests
	if errors.Is(err, fs.ErrNotExist) {
		Missing(t, RealData, "there is no "+path+": set BANYAN_TEST_DATA to the folder of the real data")
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// ReadData returns the content of such a file.
func ReadData(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(Data(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Missing skips the test, or fails it if the need must be met; why says what to
// do.
func Missing(t testing.TB, need, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("BANYAN_TEST_REQUIRE"), ","), need) {
		t.Fatal("BANYAN_TEST_REQUIRE requires it: " + why)
	}
	t.Skip("SKIPPED: " + why)
}

// repository returns the folder of go.mod: a package's tests run below it.
func repository(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("the test does not run below the repository")
		}
		folder = above
	}
}
