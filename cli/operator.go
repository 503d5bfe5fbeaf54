package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"unicode"

	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/loopback"
	"banyan/platform/page"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// operating is an operator at the command line.
type operating struct {
	source *source
	server string
	token  string
	errOut io.Writer // for warnings
}

// with runs fn with a client of the running program's operator API, and explains
// what kept it from being asked.
func (o *operating) with(ctx context.Context, fn func(context.Context, rollout.Client) error) error {
	loaded, err := o.source.load()
	if err != nil {
		return err
	}
	server := strings.TrimSuffix(o.server, "/")
	if server == "" {
		server = loaded.Settings.PublicURL
	}
	token, own, err := o.bearer(ctx, loaded.Settings)
	if err != nil {
		return err
	}
	for _, warning := range elsewhere(server, loaded.Settings.PublicURL, own) {
		fmt.Fprintln(o.errOut, "banyan: warning:", warning)
	}
	remote, err := seam.NewRemote(rollout.Contract, seam.RemoteOptions{URLs: []string{server}, Site: true, Tokens: fixedToken(token), Timeout: commandWait})
	if err != nil {
		return fault.Usage(fmt.Errorf("--server %q is not an address: write one like http://127.0.0.1:8080", server))
	}
	defer remote.Close()
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	// What the token allows is for the program to say; the route asks for an operator
	// before it calls.
	ctx = identity.With(ctx, identity.Caller{Subject: commandSubject(), Role: identity.Operator})
	err = fn(ctx, rollout.NewClient(seam.NewRemoteRoute(rollout.Contract, remote)))
	return explain(err, server)
}

// elsewhere says what is to be known before a token goes to a server; own is one that
// was made with the keys of the program at publicURL.
func elsewhere(server, publicURL string, own bool) (warnings []string) {
	to, err := url.Parse(server)
	if err != nil || to.Hostname() == "" || loopback.Host(to.Hostname()) {
		return nil // an address that is none is refused before anything is sent
	}
	if to.Scheme == "http" {
		warnings = append(warnings, "an operator's token goes to "+server+" without encryption: who is on the way can read it and act with it; use https, or a tunnel to a loopback address")
	}
	if home, err := url.Parse(publicURL); own && err == nil && !strings.EqualFold(home.Host, to.Host) {
		warnings = append(warnings, server+" is not public_url ("+publicURL+") and gets a token made with this program's keys: who runs that server can act as an operator here while it is valid; for another program set "+tokenVariable+" to a token made there")
	}
	return warnings
}

// fixedToken says who is asking, whatever is asked.
type fixedToken string

// Token implements seam.Tokens.
func (t fixedToken) Token(identity.Caller, string) (string, error) { return string(t), nil }

// explain keeps the program's own words, except where it was not the program that
// answered, and the command line has more to go by: what the seam wraps is not an answer of the
// program's.
func explain(err error, server string) error {
	if !fault.Is(err, fault.Unavailable) {
		return err
	}
	var answer *fault.Fault
	var connection *net.OpError
	switch cause := errors.Unwrap(fault.From(err)); {
	case cause == nil:
		return err
	case errors.As(cause, &answer) && answer.Code == fault.Unauthenticated:
		return fault.Wrap(err, fault.Unauthenticated, "the program at "+server+" does not take this token: run the command with the settings of that program (--config), or give it a token that `banyan token create --role operator` made there")
	case answer != nil:
		return fault.Wrap(err, fault.Unavailable, "what answers at "+server+" is not Banyan, or not this release of it: name the program's address with --server")
	case errors.As(cause, &connection) && connection.Op == "dial":
		return fault.Wrap(err, fault.Unavailable, "nothing answers at "+server+": start the program with `banyan serve`, or name its address with --server")
	}
	return fault.Wrap(err, fault.Unavailable, "the answer of "+server+" did not arrive: look with `banyan module list` whether a change was made, and check the address in --server")
}

// bearer finds or makes the token that says who is asking; own is one that it made.
func (o *operating) bearer(ctx context.Context, settings *host.Settings) (token string, own bool, err error) {
	// What was read from a file often ends with a line feed, which no header takes.
	if token := strings.TrimSpace(o.token); token != "" {
		return token, false, nil
	}
	if token := strings.TrimSpace(os.Getenv(tokenVariable)); token != "" {
		return token, false, nil
	}
	if !settings.Database.Postgres() {
		// Without the program's file a new key would be made, which nobody trusts.
		if _, err := os.Stat(filepath.Join(settings.Data, "identity.db")); errors.Is(err, fs.ErrNotExist) {
			return "", false, fault.Newf(fault.NotFound, "the program's keys are not in %s: run this where the program runs, with its settings (--config), or set %s to a token that `banyan token create --role operator` made there", settings.Data, tokenVariable)
		}
	}
	err = withIdentity(ctx, o.source, func(ctx context.Context, i *host.Identity) error {
		made, err := i.Tokens.Create(ctx, signin.TokenRequest{
			Subject: commandSubject(), Role: identity.Operator, Scope: identity.Scope(rollout.Contract.Module), TTL: commandTokenTTL,
		})
		token = made.Token
		return err
	})
	return token, true, err
}

// commandSubject is who stands in the audit: cli-ada.
func commandSubject() string {
	const most = 64 // letters of a token's subject
	who, err := user.Current()
	if err != nil || who.Username == "" {
		return "cli"
	}
	name := strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@-", r)) {
			return r
		}
		return '-'
	}, "cli-"+who.Username)
	return name[:min(len(name), most)]
}

// audit reads the last changes of a module, page by page.
func (o *operating) audit(ctx context.Context, name string, limit int) ([]rollout.Entry, error) {
	entries := []rollout.Entry{}
	err := o.with(ctx, func(ctx context.Context, modules rollout.Client) error {
		q := rollout.AuditQuery{Name: name}
		for len(entries) < limit {
			q.Limit = min(limit-len(entries), page.Standard().Max)
			found, err := modules.Audit(ctx, q)
			if err != nil {
				return err
			}
			entries = append(entries, found.Entries...)
			if q.Cursor = found.Next; q.Cursor == "" {
				return nil
			}
		}
		return nil
	})
	return entries, err
}
