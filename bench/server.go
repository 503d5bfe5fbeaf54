package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"banyan/platform/merkle"
)

// server is `banyan serve` on SQLite in a folder of its own, with one built
// campaign of the main list.
type server struct {
	*process
	data     string
	token    string // an operator's
	campaign string // path of the campaign
	tree     string // file that the campaign is served from
}

// notDefault are the settings that differ from the defaults: no limit on
// requests, for ours all come from one address, and no line in the log for each
// of them, as behind a proxy that writes its own.
func notDefault() []string { return []string{"http.rate: 0", "log.requests: false"} }

// settingsOf returns them as environment variables, and those that isolate a server.
func settingsOf(data string) []string {
	settings := []string{"BANYAN_DATA=" + data, "BANYAN_LISTEN=127.0.0.1:0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0", "BANYAN_LOG_FORMAT=json"}
	for _, setting := range notDefault() {
		key, value, _ := strings.Cut(setting, ": ")
		settings = append(settings, "BANYAN_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return settings
}

// serving measures the requests to a running server.
func (b *bench) serving(ctx context.Context) error {
	questions, want, err := b.writeQuestions(b.path("wallets.csv"))
	if err != nil {
		return err
	}
	for _, e := range b.engines {
		if !e.limited() && len(b.engines) > 1 {
			continue // a server hardly uses its engine
		}
		if err := b.servingWith(ctx, e, questions, want); err != nil {
			return fmt.Errorf("banyan serve on %s: %w", e.Name(), err)
		}
	}
	return nil
}

func (b *bench) servingWith(ctx context.Context, e engine, questions string, want verified) error {
	tree, err := b.build(ctx, e, 0)
	if err != nil {
		return err
	}
	s, err := b.startBanyan(ctx, e)
	if err != nil {
		return err
	}
	defer s.stop()
	took, err := wall(func() error { return s.fill(ctx, b.csv, tree.Root()) })
	if err != nil {
		return err
	}
	b.report.add(result{
		work: "upload and build, " + count(b.rows) + " rows", by: e.Name(), took: took,
		ratio: "banyan serve on SQLite, " + strings.Join(notDefault(), ", "),
	})
	claims, err := s.someClaims(ctx, tree)
	if err != nil {
		return err
	}
	if err := s.servedFromFile(); err != nil {
		return err
	}
	if err := b.askingClaims(ctx, e, s, claims); err != nil {
		return err
	}
	return b.posting(ctx, e, s, questions, want)
}

func (b *bench) startBanyan(ctx context.Context, e engine, more ...string) (*server, error) {
	s := &server{data: b.path("data-" + e.Name())}
	token := b.program.command(ctx, e, settingsOf(s.data), "token", "create", "--role", "operator")
	text, err := token.Output()
	if err != nil {
		return nil, fmt.Errorf("banyan token create: %w", err)
	}
	s.token = strings.TrimSpace(string(text))
	ctx, kill := context.WithCancel(ctx)
	s.process, err = startServer(b.program.command(ctx, e, append(settingsOf(s.data), more...), "serve"), kill)
	return s, err
}

// fill makes the campaign as in the README: draft, list, tree.
func (s *server) fill(ctx context.Context, csv string, root merkle.Hash) error {
	var made struct {
		ID   string
		Root merkle.Hash
	}
	draft := strings.NewReader(`{"name":"Bench","symbol":"TKN","decimals":18,"format":"oz","description":""}`)
	if err := s.operate(ctx, "POST", "/api/v1/airdrop/campaigns", draft, &made); err != nil {
		return err
	}
	s.campaign = "/api/v1/airdrop/campaigns/" + made.ID
	list, err := os.Open(csv)
	if err != nil {
		return err
	}
	defer func() { _ = list.Close() }() // only read
	if err := s.operate(ctx, "PUT", s.campaign+"/list", list, &made); err != nil {
		return err
	}
	if err := s.operate(ctx, "POST", s.campaign+"/build", nil, &made); err != nil {
		return err
	}
	if made.Root != root {
		return fmt.Errorf("the campaign has the root %s, the tree of its list %s", made.Root, root)
	}
	trees, err := filepath.Glob(filepath.Join(s.data, "trees", hex.EncodeToString(root[:])+"*.tree"))
	if err != nil || len(trees) != 1 {
		return fmt.Errorf("the campaign has the tree files %v, and not one: %w", trees, err)
	}
	s.tree = trees[0]
	return nil
}

// servedFromFile fails unless the server has mapped the campaign's tree file.
func (s *server) servedFromFile() error {
	if runtime.GOOS != "linux" {
		return nil // the file exists; this system does not show mappings
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", s.pid))
	if err == nil && !strings.Contains(string(maps), s.tree) {
		err = errors.New("the campaign is not served from its tree file")
	}
	return err
}

// operate sends an operator's request and reads the JSON answer.
func (s *server) operate(ctx context.Context, method, path string, body io.Reader, answer any) error {
	text, _, err := s.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (s *server) send(ctx context.Context, method, path string, body io.Reader) ([]byte, http.Header, error) {
	resp, err := s.open(ctx, method, path, body)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	text, err := io.ReadAll(resp.Body)
	return text, resp.Header, err
}

// open sends a request and returns a successful answer.
func (s *server) open(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	_ = resp.Body.Close() // only read
	return nil, errors.Join(fmt.Errorf("%s %s: %s %s", method, path, resp.Status, bytes.TrimSpace(text)), err)
}
