package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/host"
)

func supportCommand(s *source) *cobra.Command {
	c := &cobra.Command{Use: "support", Short: "Collect what somebody needs who is to help you"}
	var out string
	bundle := &cobra.Command{
		Use:   "bundle",
		Short: "Write settings, findings, metrics and states into one file, without secrets",
		Long: "The file has the version, the settings in force with secrets masked, what banyan doctor finds, the state of\n" +
			"databases and events, and, when the program runs, its metrics and readiness. It has no rows of people:\n" +
			"no wallets, texts, tokens or keys. Read it before you send it: it is a tar of small text files.",
		Example: "  banyan support bundle --out support.tar.gz",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if out == "" {
				return fault.Usage(errors.New("name the file to write with --out; - is standard output"))
			}
			files, err := collectSupport(cmd, s)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if out != "-" {
				// Not over a file that is there: it may be somebody's only copy.
				file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return fmt.Errorf("write the file: %w", err)
				}
				defer func() { err = errors.Join(err, file.Close()) }()
				w = file
			}
			if err := packSupport(w, files, time.Now()); err != nil {
				return err
			}
			if out != "-" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s has %d files; read them before you send it\n", out, len(files))
			}
			return nil
		},
	}
	bundle.Flags().StringVar(&out, "out", "", "`file` to write, a gzip-compressed tar; - is standard output")
	c.AddCommand(bundle)
	return c
}

// supportFile is one file of the bundle.
type supportFile struct {
	name    string
	content []byte
}

// collectSupport collects the files. What cannot be had is said in its file.
func collectSupport(cmd *cobra.Command, s *source) ([]supportFile, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	standalone(loaded)
	ctx := cmd.Context()
	var files []supportFile
	add := func(name string, collect func(io.Writer) error) {
		var content bytes.Buffer
		if err := collect(&content); err != nil {
			fmt.Fprintf(&content, "could not be collected: %v\n", err)
		}
		files = append(files, supportFile{name, content.Bytes()})
	}
	add("program.json", func(w io.Writer) error { return printJSON(w, describeProgram(loaded)) })
	add("settings.yaml", func(w io.Writer) error { return loaded.Source.Print(w) })
	add("doctor.txt", func(w io.Writer) error {
		found, err := diagnose(cmd, s)
		if err == nil {
			printDiagnosis(w, found)
		}
		return err
	})
	add("databases.json", func(w io.Writer) error { return printJSON(w, databaseStates(ctx, loaded)) })
	add("events.json", func(w io.Writer) error { return printEventStates(ctx, w, loaded) })
	if where, known := loaded.Settings.AdminURL(); known {
		for _, path := range []string{"readyz", "metrics"} {
			add(path+".txt", func(w io.Writer) error { return copyAdmin(ctx, w, where, "/"+path) })
		}
	}
	return files, nil
}

// describeProgram says what runs where, without names of this machine.
func describeProgram(loaded host.Loaded) map[string]any {
	about := map[string]any{
		"version": loaded.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "processors": runtime.NumCPU(),
		"time": time.Now().UTC().Format(time.RFC3339), "modules": loaded.ModuleNames(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			if b.Key == "vcs.revision" || b.Key == "vcs.modified" || b.Key == "-tags" {
				about[b.Key] = b.Value
			}
		}
	}
	return about
}

// databaseStates returns the state of each database: its migrations, or why not.
func databaseStates(ctx context.Context, loaded host.Loaded) map[string]any {
	all := make(map[string]any)
	for _, name := range loaded.Databases() {
		status, err := loaded.DatabaseStatus(ctx, name)
		if err != nil {
			all[name] = fault.From(err).Message
			continue
		}
		all[name] = status
	}
	return all
}

// printEventStates prints counts and positions; the texts of errors stay out, which may
// quote what people wrote.
func printEventStates(ctx context.Context, w io.Writer, loaded host.Loaded) error {
	all := make(map[string][]outbox.Status)
	for _, name := range loaded.ModuleNames() {
		status, err := loaded.DatabaseStatus(ctx, name)
		if err != nil || !status.Exists || status.Pending() {
			continue // databases.json says so
		}
		err = withDatabases(ctx, loaded, []string{name}, func(name string, db *database.DB) error {
			list, err := outbox.ReadStatus(ctx, db)
			for i := range list {
				list[i].LastError = ""
			}
			all[name] = list
			return err
		})
		if err != nil {
			return err
		}
	}
	return printJSON(w, all)
}

// maxAdminAnswer bounds what is copied from the running program, in bytes.
const maxAdminAnswer = 16 << 20

// copyAdmin copies an answer of the admin address.
func copyAdmin(ctx context.Context, w io.Writer, where, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*healthWait)
	defer cancel()
	transport, address := &http.Transport{}, where
	if socket, isSocket := config.SocketPath(where); isSocket {
		address = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return errors.New("nothing answers at " + where + ": the program does not run, or has another admin address")
	}
	defer func() { _ = response.Body.Close() }() // read as far as wanted
	_, err = io.Copy(w, io.LimitReader(response.Body, maxAdminAnswer))
	return err
}

func packSupport(w io.Writer, files []supportFile, now time.Time) error {
	packed := gzip.NewWriter(w)
	archive := tar.NewWriter(packed)
	for _, f := range files {
		if err := archive.WriteHeader(&tar.Header{Name: "banyan-support/" + f.name, Mode: 0o600, Size: int64(len(f.content)), ModTime: now}); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}
