package service_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"banyan/modules/airdrop/service"
	"banyan/platform/fault"
)

// The work before an output may take minutes: whether the output can be written
// is known before the first byte of the input is read.
func TestAnOutputThatCannotBeKeptIsRefusedBeforeTheInputIsRead(t *testing.T) {
	tree, folder := smallTree(t), t.TempDir()
	nowhere := filepath.Join(folder, "nowhere", "x")
	for name, c := range map[string]struct {
		args []string
		code fault.Code
	}{
		"tree to a pipe":     {[]string{"build", "--format", "oz", "--in", "-", "--out", "-"}, fault.Invalid},
		"tree nowhere":       {[]string{"build", "--format", "oz", "--in", "-", "--out", nowhere}, fault.NotFound},
		"import to a pipe":   {[]string{"import", "--in", "-", "--out", "-"}, fault.Invalid},
		"import nowhere":     {[]string{"import", "--in", "-", "--out", nowhere}, fault.NotFound},
		"verdicts nowhere":   {[]string{"verify", "--tree", tree, "--in", "-", "--out", nowhere}, fault.NotFound},
		"verdicts to folder": {[]string{"verify", "--tree", tree, "--in", "-", "--out", folder}, fault.Invalid},
		"csv to a folder":    {[]string{"export", "--tree", tree, "--as", "csv", "--out", folder}, fault.Invalid},
		"csv to a device":    {[]string{"export", "--tree", tree, "--as", "csv", "--out", os.DevNull}, fault.Invalid},
		"csv nowhere":        {[]string{"export", "--tree", tree, "--as", "csv", "--out", nowhere}, fault.NotFound},
		"shards nowhere":     {[]string{"export", "--tree", tree, "--as", "shards", "--out", nowhere}, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			command := service.Commands()
			command.SetArgs(c.args)
			command.SetIn(unread{t})
			command.SilenceErrors, command.SilenceUsage = true, true
			if err := command.ExecuteContext(t.Context()); !fault.Is(err, c.code) {
				t.Errorf("got %v", err)
			}
		})
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// unread is an input that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the input was read")
	return 0, io.EOF
}

func TestAFolderOfShardsMayEndInASlash(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "claims")
	if _, err := command(t, "", "export", "--tree", smallTree(t), "--as", "shards", "--out", folder+"/"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "root.json")); err != nil {
		t.Error(err)
	}
}

// After --in - and Ctrl-C no more input comes, and the command must end all the
// same.
func TestACommandThatWaitsForInputCanBeInterrupted(t *testing.T) {
	in, typing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(typing.Close(), in.Close()) }()
	if _, err := typing.WriteString(alice + ",1\n"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	command := service.Commands()
	command.SetArgs([]string{"build", "--in", "-", "--format", "oz", "--out", filepath.Join(folder, "x.tree")})
	command.SetIn(in)
	command.SilenceErrors, command.SilenceUsage = true, true
	done := make(chan error)
	go func() { done <- command.ExecuteContext(ctx) }()
	interrupt()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
