package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/web"
)

// databaseNames are all databases there are.
var databaseNames = []string{"identity", "routes", reputation.Name, exchangereview.Name, airdrop.Name}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "banyan",
		Short: "Reputation, exchange reviews and airdrops in one binary",
		Long: "Banyan tells a crypto community who can be trusted, which exchange is honest, and hands out\n" +
			"tokens with a proof for everybody. It is one program on SQLite; each of its modules can be\n" +
			"run as a service of its own.\n\n" +
			"Exit codes: 0 done, 1 failed, 2 the command line makes no sense.",
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	s := &settings{}
	root.PersistentFlags().StringVar(&s.file, "config", "", "settings `file` (default ./config.yaml where there is one)")
	root.AddCommand(
		serveCommand(s), demoCommand(s), configCommand(s), migrateCommand(s), moduleCommand(s), eventsCommand(s), tokenCommand(s), certsCommand(),
		airdrop.Commands(), reputation.Commands(), versionCommand(),
	)
	markUsage(root)
	return root
}

// settings are the sources of the configuration on the command line.
type settings struct {
	file  string
	flags map[string]string
}

func (s *settings) set(key, value string) {
	if s.flags == nil {
		s.flags = make(map[string]string)
	}
	s.flags[key] = value
}

func (s *settings) load() (config.Config, config.Sources, error) {
	return config.Load(config.Options{Defaults: defaults, File: s.file, Env: os.Environ(), Flags: s.flags})
}

// flagOrSettings marks what is wrong with the settings as a mistake in the command
// line where a flag set it; a file or the environment is none.
func flagOrSettings(err error) error {
	var wrong *config.Error
	if errors.As(err, &wrong) && slices.ContainsFunc(wrong.Problems, func(p config.Problem) bool { return p.Origin.Kind == config.FromFlag }) {
		return fault.Usage(err)
	}
	return err
}

func serveCommand(s *settings) *cobra.Command {
	var module, listen string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve everything, or one module alone",
		Example: "  banyan serve\n" +
			"  banyan serve --module reputation --listen 127.0.0.1:8081",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("module") {
				s.set("module", module)
			}
			if cmd.Flags().Changed("listen") {
				s.set("listen", listen)
			}
			cfg, sources, err := s.load()
			if err != nil {
				return flagOrSettings(err)
			}
			return serve(cmd.Context(), standalone(cfg, sources), time.Now, web.Options{}, nil)
		},
	}
	c.Flags().StringVar(&module, "module", "", "serve only this `module`: reputation, exchange-review or airdrop")
	c.Flags().StringVar(&listen, "listen", "", "`address` to listen on (default from the settings)")
	return c
}

// standalone changes what is different for a module that runs alone and was
// not said otherwise: its one client is the trunk, which limits people already,
// and the trunk has the usual admin address.
func standalone(cfg config.Config, sources config.Sources) config.Config {
	if cfg.Module == "" {
		return cfg
	}
	if isDefault(sources, "http.rate") {
		cfg.HTTP.Rate = 0
	}
	if isDefault(sources, "http.wallet_rate") {
		cfg.HTTP.WalletRate = 0
	}
	if isDefault(sources, "admin.listen") {
		cfg.Admin.Listen = "127.0.0.1:0"
	}
	return cfg
}

// isDefault: in a clone of the repository ./config.yaml is the list of defaults
// itself, and says nothing by standing there.
func isDefault(sources config.Sources, key string) bool {
	origin := sources[key]
	if origin.Kind != config.FromFile {
		return origin.Kind == config.FromDefault
	}
	text, err := os.ReadFile(origin.Name)
	return err == nil && bytes.Equal(text, defaults)
}

func configCommand(s *settings) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force and where they come from, secrets masked",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, sources, err := s.load()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), cfg)
			}
			return config.Print(cmd.OutOrStdout(), cfg, sources)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	}
}

func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// printTable prints rows for people.
func printTable(w io.Writer, head table.Row, rows []table.Row) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(head)
	t.AppendRows(rows)
	t.Render()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// withDatabases runs fn on the database of each name, opened as the settings
// say.
func withDatabases(ctx context.Context, cfg config.Config, names []string, fn func(name string, db *database.DB) error) error {
	for _, name := range names {
		db, err := openDatabase(ctx, cfg, name)
		if err != nil {
			return err
		}
		err = fn(name, db)
		if closeErr := db.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func migrateCommand(s *settings) *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "See or bring up to date the databases' schemas (serve does it at start)"}
	var asJSON bool
	status := &cobra.Command{
		Use: "status", Short: "List the migrations and which are applied; it creates nothing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := s.load()
			if err != nil {
				return err
			}
			all := map[string][]database.Migration{}
			var rows []table.Row
			for _, name := range databaseNames {
				found, err := database.ReadStatus(cmd.Context(), databaseOptions(cfg, name))
				if err != nil {
					return err
				}
				all[name] = found.Migrations
				rows = append(rows, migrationRows(name, found)...)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			printTable(cmd.OutOrStdout(), table.Row{"database", "set", "migration", "applied (UTC)"}, rows)
			return nil
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	up := &cobra.Command{
		Use: "up", Short: "Apply what is missing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := s.load()
			if err != nil {
				return err
			}
			return withDatabases(cmd.Context(), cfg, databaseNames, func(name string, db *database.DB) error {
				if err := db.Migrate(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), name, "is up to date")
				return nil
			})
		},
	}
	c.AddCommand(status, up)
	return c
}

// migrationRows are the lines of one database in the list of migrations.
func migrationRows(name string, found database.Status) []table.Row {
	if !found.Exists {
		return []table.Row{{name, "", "", "no database yet: banyan serve and banyan migrate up make it"}}
	}
	rows := make([]table.Row, len(found.Migrations))
	for i, m := range found.Migrations {
		applied := "waiting: run banyan migrate up"
		if m.Applied {
			applied = timeText(m.At)
		}
		rows[i] = table.Row{name, m.Set, m.Name, applied}
	}
	return rows
}

func tokenCommand(s *settings) *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make tokens for API clients, and change the key that signs them"}
	var role, subject string
	var ttl time.Duration
	var asJSON bool
	create := &cobra.Command{
		Use: "create", Short: "Make a token; it is shown once", Args: noArgs,
		Example: "  export TOKEN=$(banyan token create --role operator --ttl 8h)\n" +
			"  curl -H \"Authorization: Bearer $TOKEN\" -X POST http://127.0.0.1:8080/api/v1/reputation/epochs",
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := identity.ParseRole(role)
			if err != nil {
				return fault.Usage(err)
			}
			return withKeys(cmd.Context(), s, func(keys *identity.Keys) error {
				made, err := keys.CreateToken(cmd.Context(), identity.TokenRequest{Subject: subject, Role: parsed, TTL: ttl})
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), made)
				}
				fmt.Fprintln(cmd.OutOrStdout(), made.Token)
				return nil
			})
		},
	}
	create.Flags().StringVar(&role, "role", "", "what it may do: member, moderator or operator")
	create.Flags().StringVar(&subject, "subject", "cli", "whose it is: a `name` for logs")
	create.Flags().DurationVar(&ttl, "ttl", 0, "how long it holds (default identity.token_ttl)")
	create.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the time it expires")
	_ = create.MarkFlagRequired("role") // the flag is there
	rotate := &cobra.Command{
		Use: "rotate-key", Short: "Sign with a new key from now on; tokens of the old one hold until they expire", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withKeys(cmd.Context(), s, func(keys *identity.Keys) error {
				id, err := keys.Rotate(cmd.Context())
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "new tokens are signed with the key", id)
				}
				return err
			})
		},
	}
	c.AddCommand(create, rotate)
	return c
}

func withKeys(ctx context.Context, s *settings, fn func(*identity.Keys) error) error {
	cfg, _, err := s.load()
	if err != nil {
		return err
	}
	return withDatabases(ctx, cfg, []string{"identity"}, func(_ string, db *database.DB) error {
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		keys, err := identity.OpenKeys(ctx, db, identity.KeysOptions{TokenTTL: cfg.Identity.TokenTTL})
		if err != nil {
			return err
		}
		return fn(keys)
	})
}
