package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/params"
	"github.com/spf13/cobra"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/config"
	"banyan/platform/identity"
	"banyan/platform/memory"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
	"banyan/web"
	"banyan/web/demo"
)

// contracts are the modules' contracts, from the ground up.
var contracts = []*seam.Contract{reputation.Contract, exchangereview.Contract, airdrop.Contract}

// heapFloor is memory, in bytes, that the garbage collector counts and nobody
// touches, so the system never gives it. Go collects when the heap has doubled:
// with the 5 MB that this program lives on, a busy server marked them anew for
// every 5 MB of garbage, which took a quarter of its processors' time. What a busy
// server then lets lie before it collects is as much, so a small machine has less,
// and so has a small limit (GOMEMLIMIT), which the floor counts against. An
// available of 0 is unknown.
func heapFloor(available, limit int64) int64 {
	const most, share, unknown = 64 << 20, 32, 512 << 20
	if available == 0 {
		available = unknown
	}
	return min(most, available/share, limit/share)
}

// serve runs the program until the context ends. When it answers requests,
// ready is told the address.
func serve(ctx context.Context, cfg config.Config, clock func() time.Time, pages web.Options, ready func(*house) error) (err error) {
	h, err := build(ctx, cfg, clock, pages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.server.Listen(); err != nil {
		return err
	}
	what := cfg.Module
	if what == "" {
		what = "everything"
	}
	h.log.Info("serving "+what, "url", "http://"+h.server.Addr(), "admin", h.server.AdminAddr(), "version", version)
	floor := make([]byte, heapFloor(memory.Available(), debug.SetMemoryLimit(-1)))
	defer runtime.KeepAlive(floor)
	debug.FreeOSMemory() // reading the migrations took some 8 MB that are not needed again
	if ready != nil {
		if err := ready(h); err != nil {
			return err
		}
	}
	return h.run(ctx)
}

// apiDocument is the OpenAPI document of all modules. It does not depend on the
// settings, so it can be compared with the one in the repository.
func apiDocument() ([]byte, error) {
	document := seam.OpenAPI("Banyan", "v1", append(slices.Clone(contracts), control.Contract)...)
	document.Add("identity", "Who is calling: sign-in with a wallet, sessions, tokens.", identity.Describe())
	return json.MarshalIndent(document, "", " ")
}

func serveAPIDocument(w http.ResponseWriter, _ *http.Request) {
	text, err := apiDocument()
	if err != nil {
		panic(fmt.Sprintf("the API document: %v", err)) // maps and strings: a test has made it
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(text) // the caller may be gone; there is nobody left to tell
}

func demoCommand(s *settings) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Serve a made-up community from a temporary folder, to look around",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			folder, err := os.MkdirTemp("", "banyan-demo-")
			if err != nil {
				return fmt.Errorf("make a folder for the demo: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
			return runDemo(cmd, s, listen, folder)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`address` to listen on")
	return c
}

func runDemo(cmd *cobra.Command, s *settings, listen, folder string) error {
	begun := time.Now()
	s.set("listen", listen)
	s.set("public_url", "http://"+listen)
	s.set("data", folder)
	s.set("log.level", "warn")
	s.set("admin.listen", "127.0.0.1:0")
	cfg, _, err := s.load()
	if err != nil {
		return flagOrSettings(err)
	}
	cfg.Reputation.Seeds = demo.SeedWallets()
	cfg.Identity.Operators = append(cfg.Identity.Operators, demo.Wallet())
	clock := &demo.Clock{}
	pages := web.Options{Demo: web.NewDemoWallet(demo.Key(), params.MainnetChainConfig.ChainID.Uint64())}
	return serve(cmd.Context(), cfg, clock.Now, pages, func(h *house) error {
		made, err := demo.Fill(cmd.Context(), demo.Services{Reputation: h.reputation, Exchanges: h.exchanges, Airdrop: h.airdrop}, clock)
		if err != nil {
			return err
		}
		url := "http://" + h.server.Addr()
		fmt.Fprintf(cmd.OutOrStdout(), `A community of %d wallets, %d trust edges, %d reviews and %d airdrops, made up in %.1f s and gone when you stop it.

  1. Open %s and sign in with the "Demo wallet": no extension needed. It is an operator, too.
  2. Write a review: %s/exchanges/kraken, signed by the demo wallet; edit it and look at its history.
  3. Check the demo wallet %s against %s/airdrops/%s
  4. See why it is trusted: %s/wallets/%s
  5. Try the API in the browser: %s/docs, and the modules at %s/operator
`, demo.Wallets, made.Edges, made.Reviews, len(made.Campaigns), time.Since(begun).Seconds(),
			url, url, demo.Wallet(), url, made.Campaigns[0].ID, url, demo.Wallet(), url, url)
		return nil
	})
}
