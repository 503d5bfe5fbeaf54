package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/modules/exchangereview/reviewlist"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

// importJob is one run of the command import.
type importJob struct {
	site, token, confirm string
	asJSON               bool
}

func importCommand() *cobra.Command {
	var job importJob
	c := &cobra.Command{
		Use:   "import DIRECTORY.json --site URL --token-file FILE",
		Short: "Show what a list of exchanges would change in a site's directory, and change it",
		Long: `Import sends a JSON array of exchanges to a site and prints what it would change:
exchanges that are new, and fields that are different. Nothing is changed until the
same list is sent again with the --confirm that it prints; if the list or the
directory has changed meanwhile, the site refuses it.

The fields are id, name, kind (cex or dex), website, countries, chains, maker_fee,
taker_fee, year, former_names, licences, fees_url, status (active, halted, dead,
incident), status_since, status_source, factories, factories_by_chain and routers.
A field that is absent, null or empty keeps the stored value.

The token is an operator's, from banyan token create; - reads it from standard input.`,
		Example: "  banyan exchange-review import exchanges.json --site https://banyan.example.org --token-file token\n" +
			"  banyan exchange-review import exchanges.json --site https://banyan.example.org --token-file token --confirm 5f0c…",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return job.run(c, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&job.site, "site", "", "the address of the site")
	f.StringVar(&job.token, "token-file", "", "a file with an operator's token; - is standard input")
	f.StringVar(&job.confirm, "confirm", "", "what the run before printed: makes these changes")
	f.BoolVar(&job.asJSON, "json", false, "print the answer as JSON")
	return c
}

func (j *importJob) run(c *cobra.Command, path string) error {
	for name, value := range map[string]string{"--site": j.site, "--token-file": j.token} {
		if value == "" {
			return fault.UsageOf(name, "is missing")
		}
	}
	list, err := readWhole(c.InOrStdin(), path, directory.MaxBytes)
	if err != nil {
		return err
	}
	token, err := readWhole(c.InOrStdin(), j.token, 64<<10)
	if err != nil {
		return err
	}
	route, closeRoute, err := seam.Dial(exchangereview.Contract, j.site, string(bytes.TrimSpace(token)))
	if err != nil {
		return err
	}
	defer closeRoute()
	answer, err := exchangereview.NewClient(route).ImportExchanges(c.Context(), exchangereview.ExchangeUpload{
		Check: j.confirm == "", Confirm: j.confirm, Body: bytes.NewReader(list),
	})
	if err != nil {
		return err
	}
	return j.print(c.OutOrStdout(), answer)
}

// readWhole reads a file of at most so many bytes.
func readWhole(stdin io.Reader, path string, most int64) ([]byte, error) {
	in := stdin
	if path != reviewlist.Stdio {
		file, err := os.Open(path)
		if err != nil {
			return nil, fault.Wrap(err, fault.NotFound, "cannot open "+path+": check the name and that you may read it")
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	content, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(content)) > most {
		err = fault.Newf(fault.TooLarge, "%s has more than %d bytes", path, most)
	}
	return content, err
}

func (j *importJob) print(out io.Writer, a exchangereview.ExchangesImported) error {
	if j.asJSON {
		return json.NewEncoder(out).Encode(a)
	}
	for _, change := range a.Changes {
		line := fmt.Sprintf("%s: %s: %q becomes %q", change.Slug, change.Field, change.From, change.To)
		if change.Field == "" {
			line = fmt.Sprintf("%s: is new: %q", change.Slug, change.To)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	if a.More > 0 {
		fmt.Fprintf(out, "… and %d further changes\n", a.More)
	}
	_, err := fmt.Fprintf(out, "%d added, %d updated, %d unchanged\n", a.Added, a.Updated, a.Unchanged)
	if err == nil && a.Confirm != "" {
		_, err = fmt.Fprintf(out, "nothing is changed yet: send the same with --confirm %s\n", a.Confirm)
	}
	return err
}
