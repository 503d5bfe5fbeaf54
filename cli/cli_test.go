package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/seam"
)

// testProgram has one module, "first", and the real config.yaml but for the
// settings of the modules that it lacks.
func testProgram(t *testing.T) Program {
	t.Helper()
	text, err := os.ReadFile("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	modules := all["modules"].(map[string]any)
	for name, place := range modules {
		delete(modules, name)
		delete(all, name)
		modules["first"] = place
	}
	defaults, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	wait := func(c *cobra.Command, _ []string) error {
		<-c.Context().Done()
		return c.Context().Err()
	}
	return Program{Defaults: defaults, Modules: []Module{{Module: host.Module{
		Contract: seam.NewContract("first", 1, "A module of the tests."),
		Commands: func() *cobra.Command { return &cobra.Command{Use: "first", RunE: wait} },
	}}}}
}

// The README's commands are run in a clone, where ./config.yaml lists every
// default: it is documentation, and not a file of settings.
func TestAModuleAloneDoesNotTakeTheTrunksAdminAddress(t *testing.T) {
	program := testProgram(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("config.yaml", program.Defaults, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                      "127.0.0.1:0",
		"data: elsewhere\n":                     "127.0.0.1:0",
		"admin:\n  listen: 127.0.0.1:8090\n":    "127.0.0.1:8090",
		"admin: {listen: \"127.0.0.1:9000\"}\n": "127.0.0.1:9000",
	} {
		if err := os.WriteFile(config.DefaultFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := source{program: program.host()}
		s.set("module", "first")
		loaded, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		standalone(loaded)
		if got := loaded.Settings.Admin.Listen; got != want {
			t.Errorf("with %.40q the admin address is %s, want %s", text, got, want)
		}
	}
}

func TestAnInterruptedCommandSaysSo(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, errOut bytes.Buffer
	code := Execute(ctx, testProgram(t), strings.Fields("first"), &out, &errOut)
	if code != exitFailure || errOut.String() != "banyan: interrupted before the work was done\n" {
		t.Errorf("exit %d, printed %q", code, errOut.String())
	}
}

// The exit code follows the type of an error, whatever its message says and
// whatever its fields are called.
func TestTheExitCodeFollowsTheErrorsType(t *testing.T) {
	field := fault.New(fault.Invalid, "the list is wrong").With(fault.Field{Name: "Address", Line: 2, Message: "is missing"})
	for _, c := range []struct {
		err  error
		code int
	}{
		{errors.New("unknown outcome of the commit"), exitFailure},
		{errors.New("required flag of the remote is not set"), exitFailure},
		{field, exitFailure},
		{fault.Usage(field), exitUsage},
		{fmt.Errorf("read the list: %w", fault.UsageOf("--in", "name a file")), exitUsage},
	} {
		root := &cobra.Command{Use: "banyan", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(&cobra.Command{Use: "work", RunE: func(*cobra.Command, []string) error { return c.err }})
		markUsage(root)
		var errOut bytes.Buffer
		if code := run(t.Context(), root, []string{"work"}, io.Discard, &errOut); code != c.code {
			t.Errorf("%v: exit %d, want %d", c.err, code, c.code)
		}
		if says := strings.Contains(errOut.String(), "See 'banyan work --help'"); says != (c.code == exitUsage) {
			t.Errorf("%v: printed %q", c.err, errOut.String())
		}
	}
}
