package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"

	"github.com/go-chi/chi/v5"
)

// bareCommand is the argument that makes this program the bare handler: `bench bare CLAIMS.json`.
const bareCommand = "bare"

func bareProgram(ctx context.Context, self, answers string) *exec.Cmd {
	return exec.CommandContext(ctx, self, bareCommand, answers) //nolint:gosec // this program
}

// serveBare answers claims from a table, with the same headers: the least that a Go
// program with a router can do for the same bytes. It prints its address, and serves
// until it is killed.
func serveBare(answers string) error {
	text, err := os.ReadFile(answers) //nolint:gosec // the file that startBare has written
	if err != nil {
		return err
	}
	var claims []asked
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	byWallet := make(map[string]asked, len(claims))
	for _, c := range claims {
		byWallet[path.Base(string(c.Path))] = c
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("serving claims", "url", "http://"+listener.Addr().String())
	server := &http.Server{Handler: bareHandler(byWallet)} //nolint:gosec // without time-outs, which cost time
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func bareHandler(answers map[string]asked) http.Handler {
	router := chi.NewRouter()
	router.Get("/api/v1/airdrop/campaigns/{id}/claims/{wallet}", func(w http.ResponseWriter, r *http.Request) {
		answer, found := answers[chi.URLParam(r, "wallet")]
		if !found {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		for _, one := range answer.Header {
			header[one.Name] = one.Values
		}
		_, _ = w.Write(answer.Answer) // the client may have disconnected
	})
	return router
}
