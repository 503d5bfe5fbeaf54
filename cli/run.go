package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/host"
)

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError marks a command line that makes no sense, apart from work that
// failed.
type usageError struct{ error }

// Unwrap gives the error in the words meant for people.
func (u usageError) Unwrap() error { return u.error }

// Main runs the command line of the process and returns its exit code. Interrupt
// and SIGTERM end the command in good order, a second one at once.
func Main(program host.Program) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Execute(ctx, program, os.Args[1:], os.Stdout, os.Stderr)
}

// Execute runs one command line and returns its exit code.
func Execute(ctx context.Context, program host.Program, args []string, out, errOut io.Writer) int {
	root := newRoot(program)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "banyan: interrupted before the work was done")
		return exitFailure
	}
	printError(errOut, err)
	if isUsage(err) {
		fmt.Fprintf(errOut, "See '%s --help'.\n", command.CommandPath())
		return exitUsage
	}
	return exitFailure
}

// isUsage tells a command line that makes no sense from work that failed: ours
// says so by its type or names a --flag or an ARGUMENT, cobra's carries no type.
func isUsage(err error) bool {
	var usage usageError
	var f *fault.Fault
	if errors.As(err, &f) && f.Code == fault.Invalid && len(f.Fields) > 0 {
		name := f.Fields[0].Name
		if strings.HasPrefix(name, "--") || (name != "" && name[0] >= 'A' && name[0] <= 'Z') {
			return true
		}
	}
	return errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown ") || strings.HasPrefix(err.Error(), "required flag")
}

// flagWords leaves out the Go function that could not read a flag's value.
func flagWords(err error) error {
	message, _, isGo := strings.Cut(err.Error(), ": strconv.")
	if !isGo {
		return err
	}
	return errors.New(message + ": its help says what it takes")
}

// printError says what went wrong in the words meant for people, every wrong
// line of an input included.
func printError(w io.Writer, err error) {
	var f *fault.Fault
	if !errors.As(err, &f) {
		fmt.Fprintln(w, "banyan:", err)
		return
	}
	fmt.Fprintln(w, "banyan:", f.Message)
	for _, field := range f.Fields {
		fmt.Fprintln(w, "  "+field.String())
	}
	if cause := errors.Unwrap(f); cause != nil {
		fmt.Fprintln(w, "  because:", cause)
	}
}

// knowOnlyOwn makes a group of commands refuse one that it does not have, where
// cobra would print the help and succeed: a script with a slip must fail.
func knowOnlyOwn(group *cobra.Command) {
	for _, c := range group.Commands() {
		knowOnlyOwn(c)
	}
	if !group.HasSubCommands() {
		return
	}
	group.DisableFlagsInUseLine, group.SuggestionsMinimumDistance = true, 2
	group.Args = cobra.ArbitraryArgs
	group.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		message := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			message += ": did you mean " + strings.Join(near, " or ") + "?"
		}
		return usageError{errors.New(message)}
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no %q", cmd.CommandPath(), args[0])}
	}
	return nil
}
