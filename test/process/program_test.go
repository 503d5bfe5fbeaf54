package process_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The tests in this folder run Banyan as processes of its own, of the program that
// TestMain builds.

var update = flag.Bool("update", false, "write generated files instead of comparing them")

// root is the repository.
const root = "../.."

// banyanPath is the program, built once for all tests.
var banyanPath string

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "banyan-test-")
	if err == nil {
		err = buildProgram(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder) // what is left of it is in the system's temporary folder
	os.Exit(code)
}

// buildProgram builds the program as the tests are built, with -race perhaps.
func buildProgram(folder string) error {
	banyanPath = filepath.Join(folder, "banyan")
	args := []string{"build", "-o", banyanPath}
	if underRace {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, ".")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// banyan runs a command line in the test's folder, for a minute at most.
func banyan(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var o, e bytes.Buffer
	cmd := exec.CommandContext(ctx, banyanPath, args...)
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}
