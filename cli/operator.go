package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/strangler/control"
)

// operating is an operator at the command line.
type operating struct {
	source *source
	server string
	token  string
}

// ask calls an operation of the running program's operator API.
func (o *operating) ask(ctx context.Context, method, path string, body, into any) error {
	loaded, err := o.source.load()
	if err != nil {
		return err
	}
	server := strings.TrimSuffix(o.server, "/")
	if server == "" {
		server = loaded.Settings.PublicURL
	}
	if u, err := url.Parse(server); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fault.Usage(fmt.Errorf("--server %q is no address: write one like http://127.0.0.1:8080", server))
	}
	token, err := o.bearer(ctx, loaded.Settings)
	if err != nil {
		return err
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, server+"/api/v1/operator"+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	// A redirect would carry the token to somebody else.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "nothing answers at "+server+": start the program with `banyan serve`, or name its address with --server")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp, server)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fault.Wrap(err, fault.Unavailable, "what answers at "+server+" is not this release of Banyan: name the program's address with --server")
	}
	return nil
}

// refusal is the program's own words, except where the command line knows more.
func refusal(resp *http.Response, server string) error {
	err := fault.ReadProblem(resp)
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return fault.Wrap(err, fault.Unauthenticated, "the program at "+server+" does not take this token: run the command with the settings of that program (--config), or give it a token that `banyan token create --role operator` made there")
	case resp.Header.Get("Content-Type") != fault.MediaType:
		return fault.Newf(fault.Unavailable, "what answers at %s (%s) is not Banyan: name the program's address with --server", server, resp.Status)
	}
	return err
}

// bearer finds or makes the token that says who is asking.
func (o *operating) bearer(ctx context.Context, settings *host.Settings) (string, error) {
	// What was read from a file often ends with a line feed, which no header takes.
	if token := strings.TrimSpace(o.token); token != "" {
		return token, nil
	}
	if token := strings.TrimSpace(os.Getenv(tokenVariable)); token != "" {
		return token, nil
	}
	if !settings.Database.Postgres() {
		// Without the program's file its key would be made anew, and be none.
		if _, err := os.Stat(filepath.Join(settings.Data, "identity.db")); errors.Is(err, fs.ErrNotExist) {
			return "", fault.Newf(fault.NotFound, "the program's keys are not in %s: run this where the program runs, with its settings (--config), or set %s to a token that `banyan token create --role operator` made there", settings.Data, tokenVariable)
		}
	}
	var token string
	err := withKeys(ctx, o.source, func(keys *signin.Keys) error {
		made, err := keys.CreateToken(ctx, signin.TokenRequest{Subject: commandSubject(), Role: identity.Operator, TTL: commandTokenTTL})
		token = made.Token
		return err
	})
	return token, err
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
func (o *operating) audit(ctx context.Context, name string, limit int) ([]control.Entry, error) {
	entries := []control.Entry{}
	for cursor := ""; len(entries) < limit; {
		query := url.Values{"limit": {strconv.Itoa(min(limit-len(entries), 200))}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page control.AuditPage
		if err := o.ask(ctx, http.MethodGet, "/modules/"+url.PathEscape(name)+"/audit?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		entries = append(entries, page.Entries...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return entries, nil
}
