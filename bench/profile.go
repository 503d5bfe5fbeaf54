package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// profileSeconds is the duration of the profile.
const profileSeconds = 20

// profiling writes the CPU profile of a server that answers requests for claims and
// for whole lists, for the compiler (https://go.dev/doc/pgo). Nothing is measured.
func (b *bench) profiling(ctx context.Context) error {
	e := b.engines[0]
	questions, _, err := b.writeQuestions(b.path("wallets.csv"))
	if err != nil {
		return err
	}
	tree, err := b.build(ctx, e, 0)
	if err != nil {
		return err
	}
	s, err := b.startBanyan(ctx, e, "BANYAN_ADMIN_PPROF=true")
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.fill(ctx, b.csv, tree.Root()); err != nil {
		return err
	}
	claims, err := s.someClaims(ctx, tree)
	if err != nil {
		return err
	}
	clients, err := dialAll(ctx, s.process, claims)
	if err != nil {
		return err
	}
	defer clients.close()
	asking, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		var err error
		for asking.Err() == nil && err == nil {
			if _, err = clients.ask(asking, 20*b.claims); err == nil {
				err = s.verify(asking, questions, b.path("verdicts"))
			}
		}
		if asking.Err() != nil {
			err = nil // it was stopped on purpose
		}
		ended <- err
	}()
	err = s.writeProfile(ctx, b.profile)
	stop()
	return errors.Join(err, <-ended)
}

// writeProfile writes the server's own CPU profile.
func (s *server) writeProfile(ctx context.Context, path string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.admin, profileSeconds)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	profile, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server gives no profile: %s %s: %w", resp.Status, profile, err)
	}
	return os.WriteFile(path, profile, 0o644) //nolint:gosec // readable for every user who builds
}
