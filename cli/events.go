package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
)

func eventsCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "See the delivery of events between modules, and replay dead letters",
		Long: "Modules publish events for each other, and each event is kept until it is delivered. An event that\n" +
			"has failed events.max_attempts times becomes a dead letter; later events are delivered anyway.\n" +
			"These commands work on the databases directly, also while the program runs.",
	}
	c.AddCommand(eventsStatusCommand(s), eventsDeadCommand(s), eventsReplayCommand(s), eventsForgetCommand(s))
	return c
}

// eachPublisher runs fn on the database of one publishing module, or of all.
func eachPublisher(ctx context.Context, s *source, module string, fn func(name string, db *database.DB) error) error {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	names := loaded.ModuleNames()
	if module != "" {
		if _, err := loaded.Find(module); err != nil {
			return fault.Usage(err)
		}
		names = []string{module}
	}
	away, err := loaded.Elsewhere(ctx)
	if err != nil {
		return err
	}
	if away[module] != "" {
		return requireHere(ctx, loaded, module)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return away[name] != "" }) // their events are there
	for _, name := range names {
		// It is neither created nor migrated here: an older program may be using it.
		found, err := loaded.DatabaseStatus(ctx, name)
		switch {
		case err != nil:
			return err
		case !found.Exists:
			return fault.Newf(fault.NotFound, "there is no database of %s: start the program, or name its settings file with --config (the setting data, or database.url, says where it is)", name)
		case found.Pending():
			return fault.Newf(fault.Conflict, "the database of %s is not up to date: run banyan migrate up, or start the program", name)
		}
	}
	return withDatabases(ctx, loaded, names, fn)
}

func eventsStatusCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "List the consumers with their waiting events, failures and dead letters", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := map[string][]outbox.Status{}
			var rows []table.Row
			err := eachPublisher(cmd.Context(), s, "", func(name string, db *database.DB) error {
				list, err := outbox.ReadStatus(cmd.Context(), db)
				all[name] = list
				for _, e := range list {
					rows = append(rows, table.Row{name, e.Consumer, e.Topic, e.Lag, e.Parked, e.Dead, timeText(e.MovedAt), e.LastError})
				}
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			printTable(cmd.OutOrStdout(), table.Row{"publisher", "consumer", "topic", "waiting", "retry pending", "dead", "moved (UTC)", "last error"}, rows)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func eventsDeadCommand(s *source) *cobra.Command {
	var module, consumer string
	var asJSON bool
	c := &cobra.Command{
		Use: "dead", Short: "List the dead letters", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := []outbox.DeadLetter{}
			var rows []table.Row
			err := eachPublisher(cmd.Context(), s, module, func(name string, db *database.DB) error {
				for cursor := ""; ; {
					letters, next, err := outbox.ListDead(cmd.Context(), db, consumer, cursor, 0)
					if err != nil {
						return err
					}
					for _, l := range letters {
						rows = append(rows, table.Row{name, l.Consumer, l.Event.ID, l.Event.Key, l.Attempts, timeText(l.ParkedAt), l.LastError})
					}
					all = append(all, letters...)
					if cursor = next; cursor == "" {
						return nil
					}
				}
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			if len(rows) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no dead letters.")
				return nil
			}
			printTable(cmd.OutOrStdout(), table.Row{"publisher", "consumer", "event", "key", "attempts", "first failed (UTC)", "last error"}, rows)
			return nil
		},
	}
	c.Flags().StringVar(&module, "module", "", "only events published by this `module`")
	c.Flags().StringVar(&consumer, "consumer", "", "only of this consumer (its `name` as events status shows it)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the events themselves")
	return c
}

func eventsReplayCommand(s *source) *cobra.Command {
	var module, consumer string
	var all bool
	c := &cobra.Command{
		Use: "replay [EVENT ...]", Short: "Deliver dead letters again",
		Example: "  banyan events replay 01936f4e-2c1f-7c3a-9d5e-1f2a3b4c5d6e\n  banyan events replay --all --consumer reputation",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return fault.Usage(fmt.Errorf("name the events to replay (banyan events dead lists them), or use --all"))
			}
			var revived int64
			err := eachPublisher(cmd.Context(), s, module, func(_ string, db *database.DB) error {
				n, err := outbox.Replay(cmd.Context(), db, consumer, ids...)
				revived += n
				return err
			})
			if err != nil {
				return err
			}
			if revived < int64(len(ids)) {
				return fault.Newf(fault.NotFound, "%d of %d events are dead letters and will be tried again; there are no dead letters with the other ids: list them with banyan events dead", revived, len(ids))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d events will be tried again\n", revived)
			return nil
		},
	}
	c.Flags().StringVar(&module, "module", "", "only events published by this `module`")
	c.Flags().StringVar(&consumer, "consumer", "", "only of this consumer (its `name` as events status shows it)")
	c.Flags().BoolVar(&all, "all", false, "replay all dead letters")
	return c
}

func eventsForgetCommand(s *source) *cobra.Command {
	var module string
	c := &cobra.Command{
		Use: "forget CONSUMER", Short: "Stop keeping events for a consumer that no release has any more, with its dead letters",
		Long: "Events are kept until every consumer has taken them. One that a release has removed or renamed\n" +
			"takes nothing any more: forget it, so that its events can be deleted. A consumer that is still\n" +
			"there comes back at the next start, and misses the events in between.",
		Example: "  banyan events forget CONSUMER --module MODULE",
		Args:    oneConsumer,
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachPublisher(cmd.Context(), s, module, func(name string, db *database.DB) error {
				if err := outbox.Forget(cmd.Context(), db, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s keeps no more events for %s\n", name, args[0])
				return nil
			})
		},
	}
	c.Flags().StringVar(&module, "module", "", "the `module` that publishes the events")
	_ = c.MarkFlagRequired("module") // the flag is there
	return c
}

func oneConsumer(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fault.Usage(fmt.Errorf("CONSUMER: name one (banyan events status lists them)"))
	}
	return nil
}
