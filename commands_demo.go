package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/params"
	"github.com/spf13/cobra"

	"banyan/web"
	"banyan/web/demo"
)

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
		return usageError{err}
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
