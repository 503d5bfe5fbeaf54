package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"banyan/platform/fault"
)

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Main runs the command line of the process and returns its exit code. Interrupt
// and SIGTERM end the command gracefully, a second one at once.
func Main(program Program) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Execute(ctx, program, os.Args[1:], os.Stdout, os.Stderr)
}

// Execute runs one command line and returns its exit code.
func Execute(ctx context.Context, program Program, args []string, out, errOut io.Writer) int {
	return run(ctx, newRoot(program), args, out, errOut)
}

func run(ctx context.Context, root *cobra.Command, args []string, out, errOut io.Writer) int {
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
	if fault.IsUsage(err) {
		fmt.Fprintf(errOut, "See '%s --help'.\n", command.CommandPath())
		return exitUsage
	}
	return exitFailure
}

// markUsage makes every error of a command line that cobra finds a fault.Usage, which
// decides the exit code: flags that cannot be parsed, arguments, missing flags, and
// unknown commands. It must be called after all commands were added.
func markUsage(root *cobra.Command) {
	root.InitDefaultHelpCmd() // cobra would add these two later
	root.InitDefaultCompletionCmd()
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fault.Usage(flagError(err)) })
	markEach(root)
}

func markEach(c *cobra.Command) {
	for _, sub := range c.Commands() {
		markEach(sub)
	}
	if c.HasSubCommands() {
		refuseUnknown(c)
		return
	}
	if accepts := c.Args; accepts != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := accepts(c, args)
			if none := cobra.NoArgs(c, args); err != nil && none != nil && err.Error() == none.Error() {
				err = noArgs(c, args) // cobra calls it an unknown command
			}
			return fault.Usage(err)
		}
	}
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		// cobra checks the same after this, without the type.
		if err := errors.Join(c.ValidateRequiredFlags(), c.ValidateFlagGroups()); err != nil {
			return fault.Usage(err)
		}
		if before == nil {
			return nil
		}
		return before(c, args)
	}
}

// flagError returns the error of a flag's value without the Go function that failed
// to parse it.
func flagError(err error) error {
	var value *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &value) || !errors.As(err, &number) {
		return err
	}
	return fmt.Errorf("invalid argument %q for \"--%s\" flag: see its help for valid values", value.GetValue(), value.GetFlag().Name)
}

// printError prints the message for people, with every wrong line of an input.
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

// refuseUnknown makes a group of commands fail for an unknown one, where cobra would
// print the help and succeed: a script with a typo must fail.
func refuseUnknown(group *cobra.Command) {
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
		return fault.Usage(errors.New(message))
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		message := fmt.Sprintf("%s takes no argument %q", cmd.CommandPath(), args[0])
		own := 0
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" {
				own++
			}
		})
		if own > 0 {
			message += ": what it works on is named by flags"
		}
		return fault.Usage(errors.New(message))
	}
	return nil
}
