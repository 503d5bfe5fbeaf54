package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/periodic"
	"banyan/platform/rollout"
	"banyan/platform/transfer"
)

// moveLook is how often a command asks where a move is.
const moveLook = time.Second

func moduleMoveCommand(o *operating) *cobra.Command {
	var to, toDatabase string
	var home, cancel, noWait, asJSON bool
	c := &cobra.Command{
		Use:   "move NAME",
		Short: "Move a module's data to another host or to PostgreSQL while it is used, and back",
		Long: "Copies the data of one module while the program serves, compares both sides, holds writes for a\n" +
			"moment, and goes on there; --home brings it back to the data folder. The move goes on by itself when\n" +
			"this command ends, and after a restart. Until writes are held it can be canceled; then the data is\n" +
			"where it was.\n\n" +
			"--to moves it to another host, where `banyan serve --module NAME` runs over an empty data folder: the\n" +
			"module's calls are led there in the same moment. What stays in the data folder here is a copy that\n" +
			"nobody reads or writes any longer.\n\n" +
			"--to-database moves it into a database of PostgreSQL. The password is kept in the data folder, in the\n" +
			"file of the module.",
		Example: "  banyan module move reputation --to https://host:8081\n" +
			"  banyan module move reputation --to-database postgres://banyan@db.example:5432/banyan\n" +
			"  banyan module move reputation --cancel\n" +
			"  banyan module move reputation --home",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one module: banyan module move reputation --to https://host:8081"))
			}
			if cancel {
				return o.cancelMove(cmd, args[0], asJSON)
			}
			switch {
			case home:
				to = rollout.Home
			case toDatabase != "":
				to = toDatabase
			}
			r := withoutPassword(rollout.MoveRequest{Name: args[0], To: to})
			if err := r.Validate(); err != nil {
				return fault.Usage(err)
			}
			return o.move(cmd, r, noWait, asJSON)
		},
	}
	c.Flags().StringVar(&to, "to", "", "`address` of the module's process on another host: https://host:8081")
	c.Flags().StringVar(&toDatabase, "to-database", "", "`URL` of the PostgreSQL database: postgres://user:password@host:5432/name")
	c.Flags().BoolVar(&home, "home", false, "back to where the settings say")
	c.Flags().BoolVar(&cancel, "cancel", false, "end the move that runs, with the data where it was")
	c.Flags().BoolVar(&noWait, "no-wait", false, "only begin; `banyan module list` says where the move is")
	c.MarkFlagsMutuallyExclusive("to", "to-database", "home", "cancel")
	c.MarkFlagsOneRequired("to", "to-database", "home", "cancel")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// withoutPassword takes the password out of the URL, which is shown and logged.
func withoutPassword(r rollout.MoveRequest) rollout.MoveRequest {
	u, err := url.Parse(r.To)
	if err != nil || u.User == nil {
		return r
	}
	if password, has := u.User.Password(); has {
		r.Password = password
		u.User = url.User(u.User.Username())
		r.To = u.String()
	}
	return r
}

func (o *operating) cancelMove(cmd *cobra.Command, name string, asJSON bool) error {
	return o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) error {
		state, err := modules.CancelMove(ctx, rollout.MoveCancellation{Name: name})
		if err != nil {
			return err
		}
		return printMove(cmd.OutOrStdout(), state, asJSON)
	})
}

// move begins a move and shows where it is until it has ended.
func (o *operating) move(cmd *cobra.Command, r rollout.MoveRequest, noWait, asJSON bool) error {
	var state rollout.MoveState
	err := o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) (err error) {
		state, err = modules.Move(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	for last := ""; !noWait && !state.Ended; {
		if text := moveText(state); text != last {
			fmt.Fprintln(cmd.ErrOrStderr(), text)
			last = text
		}
		if err := periodic.Sleep(cmd.Context(), moveLook); err != nil {
			return err
		}
		err := o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) error {
			now, err := modules.Module(ctx, rollout.ModuleQuery{Name: r.Name})
			if err == nil && now.Move != nil {
				state = *now.Move
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("the move goes on by itself, and cannot be looked at: %w", err)
		}
	}
	if err := printMove(cmd.OutOrStdout(), state, asJSON); err != nil {
		return err
	}
	switch state.Step {
	case transfer.StepFailed:
		return fault.New(fault.Conflict, "the data of "+r.Name+" was not moved: "+state.Problem)
	case transfer.StepCanceled:
		return fault.New(fault.Conflict, "the move of the data of "+r.Name+" was canceled")
	}
	return nil
}

func printMove(w io.Writer, s rollout.MoveState, asJSON bool) error {
	if asJSON {
		return printJSON(w, s)
	}
	_, err := fmt.Fprintf(w, "%s to %s: %s\nnext: %s\n", s.Module, s.To, moveText(s), s.Next)
	return err
}

// moveText is a move on one line.
func moveText(s rollout.MoveState) string {
	var text strings.Builder
	text.WriteString(string(s.Step))
	if s.Table != "" {
		text.WriteString(" " + s.Table)
	}
	fmt.Fprintf(&text, ", %d of %d rows", s.Rows, max(s.Rows, s.OfRows))
	if s.Rounds > 0 {
		fmt.Fprintf(&text, ", %d rounds, the last of %d rows", s.Rounds, s.Lag)
	}
	if s.PauseMS > 0 {
		fmt.Fprintf(&text, ", writes waited %d ms", s.PauseMS)
	}
	if s.Problem != "" {
		text.WriteString("; " + s.Problem)
	}
	return text.String()
}
