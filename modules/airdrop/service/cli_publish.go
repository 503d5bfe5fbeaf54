package service

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/spf13/cobra"

	"banyan/modules/airdrop/publish"
	"banyan/platform/chain"
	"banyan/platform/fault"
)

// passwordVariable has the password of the key file where no file is named.
const passwordVariable = "BANYAN_KEYSTORE_PASSWORD" //nolint:gosec // the name of a variable

// publishFlags are those of `banyan airdrop publish`.
type publishFlags struct {
	batch, node, keystore, password, confirm string
	private, asJSON                          bool
}

func publishCommand() *cobra.Command {
	var q publishFlags
	c := &cobra.Command{
		Use:   "publish --batch SAFE-BATCH.json --node URL --keystore KEY.json [--password-file FILE] [--confirm TEXT]",
		Short: "Deploy and fund a campaign's distributor from a key file",
		Long: `Publish sends the transactions that the page of a campaign plans, from a key in a
geth key file. SAFE-BATCH.json is what "Download them for a Safe" writes; nothing is
sent that does not deploy, fund or set the root of that one distributor.

Before the first transaction it compares the batch with the chain: the node's chain,
the token and its decimals, what the account has, and what is done already, so that
it goes on where it was stopped. Without --confirm it only says what it would send;
repeat that text with --confirm to send it.

The password of the key is the first line of --password-file, or stands in the
variable ` + passwordVariable + `. A URL of a node that has a key in it can stand
in a file: --node @FILE.`,
		Example: `  banyan airdrop publish --batch safe-batch.json --node https://rpc.example.org --keystore team.json --password-file team.password
  banyan airdrop publish --batch safe-batch.json --node https://rpc.example.org --keystore team.json --password-file team.password \
    --confirm "150000 BAN on chain 1"`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error { return q.run(c) },
	}
	f := c.Flags()
	f.StringVar(&q.batch, "batch", "", "the `FILE` for Safe's Transaction Builder")
	f.StringVar(&q.node, "node", "", "the `URL` of a node's JSON-RPC, or @FILE that has it")
	f.BoolVar(&q.private, "private", false, "the node may be on this machine or in a private network")
	f.StringVar(&q.keystore, "keystore", "", "the geth key `FILE`")
	f.StringVar(&q.password, "password-file", "", "the `FILE` whose first line is its password")
	f.StringVar(&q.confirm, "confirm", "", "the `TEXT` that says what is paid, as the command prints it without this flag")
	f.BoolVar(&q.asJSON, "json", false, "print the result as JSON")
	return c
}

func (q publishFlags) run(c *cobra.Command) error {
	for flag, value := range map[string]string{"--batch": q.batch, "--node": q.node, "--keystore": q.keystore} {
		if value == "" {
			return fault.UsageOf(flag, "is needed: see banyan airdrop publish --help")
		}
	}
	text, err := smallFile(q.batch)
	if err != nil {
		return err
	}
	batch, err := publish.Read(text)
	if err != nil {
		return err
	}
	settings, err := q.chain(batch.Chain)
	if err != nil {
		return err
	}
	key, err := q.key()
	if err != nil {
		return err
	}
	chains := chain.Open(settings, slog.New(slog.DiscardHandler))
	defer chains.Close()
	p := publish.New(batch, chains, chains.Sender(batch.Chain, key.PrivateKey))
	if q.confirm == "" {
		facts, err := p.Look(c.Context())
		if err != nil {
			return err
		}
		return q.show(c, facts)
	}
	var steps []publish.Step
	err = p.Send(c.Context(), q.confirm, func(s publish.Step) {
		if steps = append(steps, s); q.asJSON {
			return
		}
		if s.TX == "" {
			fmt.Fprintf(c.OutOrStdout(), "%-14s done before\n", s.What)
			return
		}
		fmt.Fprintf(c.OutOrStdout(), "%-14s %s in block %d\n", s.What, s.TX, s.Block)
	})
	if err != nil {
		return err
	}
	return show(c, q.asJSON, struct {
		Distributor string         `json:"distributor"`
		Steps       []publish.Step `json:"steps"`
	}{batch.Distributor.String(), steps}, "the distributor is %s: name it on the campaign's page\n", batch.Distributor)
}

func (q publishFlags) show(c *cobra.Command, f publish.Facts) error {
	var steps strings.Builder
	for _, s := range f.Left {
		fmt.Fprintf(&steps, "  %s", s.What)
		if s.Done {
			steps.WriteString(" (done before)")
		}
		steps.WriteByte('\n')
	}
	return show(c, q.asJSON, f, "from         %s\nhas          %s\ndistributor  %s\ntoken        %s\npays         %s\ntransactions\n%snothing was sent: to send them, add --confirm %q\n",
		f.From, f.Has, f.Distributor, f.Token, f.Pays, steps.String(), f.Pays)
}

// chain is how the node of a chain is asked.
func (q publishFlags) chain(id uint64) (s chain.Settings, err error) {
	url := q.node
	if name, isFile := strings.CutPrefix(url, "@"); isFile {
		text, err := smallFile(name)
		if err != nil {
			return s, err
		}
		url, _, _ = strings.Cut(string(text), "\n")
	}
	s = chain.Settings{Private: q.private, Agree: 1, Timeout: 30 * time.Second, Gas: 30_000_000, Nodes: make([]chain.Node, 1)}
	if err := s.Nodes[0].UnmarshalText(fmt.Appendf(nil, "%d %s", id, strings.TrimSpace(url))); err != nil {
		return s, fault.UsageOf("--node", err.Error())
	}
	return s, nil
}

// key opens the key file. What fails says nothing of the password.
func (q publishFlags) key() (*keystore.Key, error) {
	text, err := smallFile(q.keystore)
	if err != nil {
		return nil, err
	}
	password, set := os.LookupEnv(passwordVariable)
	if q.password != "" {
		line, err := smallFile(q.password)
		if err != nil {
			return nil, err
		}
		password, _, _ = strings.Cut(string(line), "\n")
		password = strings.TrimSuffix(password, "\r")
	} else if !set {
		return nil, fault.UsageOf("--password-file", "name the file with the password of the key, or set "+passwordVariable)
	}
	key, err := keystore.DecryptKey(text, password)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the key file "+q.keystore+" does not open with this password, or is no key file of geth (version 3): check both")
	}
	return key, nil
}

// smallFile reads a file of at most a megabyte.
func smallFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "the file "+name+" cannot be opened: check its name and its rights")
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, mebibyte+1))
	if err == nil && len(text) > mebibyte {
		err = fault.Newf(fault.TooLarge, "%s has more than a megabyte: it is another file than is meant", name)
	}
	return text, err
}
