package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/params"
	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/loopback"
	"banyan/web"
	"banyan/web/demo"
)

func demoCommand(s *source) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Serve an invented community from a temporary folder, to look around",
		Long: "Serve an invented community from a temporary folder, to look around.\n\n" +
			"The demo invents reviews and has an operator whose wallet anybody on this machine can use, so it\n" +
			"never uses your data: it stores everything in SQLite in a folder that it makes and removes, makes\n" +
			"new keys at each start, and runs on the built-in settings. It does not read ./" + config.DefaultFile + ", refuses\n" +
			"--config and the BANYAN_ variables that are settings, and listens on loopback addresses only.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := refuseSettings(s, os.Environ()); err != nil {
				return err
			}
			address, url, err := demoAddress(cmd.Context(), listen)
			if err != nil {
				return err
			}
			_, release := catchHangups() // nothing is reloaded here, and a lost terminal must not leave the folder behind
			defer release()
			folder, err := temporaryFolder(temporaryPlaces(), "banyan-demo-")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
			return runDemo(cmd, s, map[string]string{"listen": address, "public_url": url, "data": folder})
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "loopback `address` to listen on")
	return c
}

// refuseSettings refuses settings that were given on purpose: ignored silently, they
// would seem to be in force. A ./banyan.yaml
// is not refused: it may be there for serve.
func refuseSettings(s *source, environ []string) error {
	file := s.file
	named, err := s.program.NamedSources(config.Options{File: file, Env: environ})
	if err != nil || len(named) == 0 {
		return err
	}
	var what, unset []string
	for _, origin := range named {
		if origin.Kind == config.FromFile {
			what = append(what, "--config "+origin.Name)
			continue
		}
		what, unset = append(what, origin.Name), append(unset, " -u "+origin.Name)
	}
	advice := "omit --config"
	if len(unset) > 0 {
		advice = "start it with `env" + strings.Join(unset, "") + " banyan demo`"
		if file != "" {
			advice += ", without --config"
		}
	}
	return fault.Usage(fmt.Errorf("the demo does not use settings from %s: it invents reviews and an operator whose wallet anybody on this machine can use, "+
		"which must never get into your data; %s, or serve your own data with `banyan serve`", strings.Join(what, ", "), advice))
}

// demoAddress returns the address on which the demo listens, and the URL that wallets
// sign in to. A name is not resolved: a name server could return another machine.
func demoAddress(ctx context.Context, listen string) (address, url string, err error) {
	host, port, err := net.SplitHostPort(listen)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil {
		return "", "", fault.Usage(fmt.Errorf("--listen %q is not an address to listen on: write host:port, like 127.0.0.1:8080", listen))
	}
	if !loopback.Host(host) {
		return "", "", fault.Usage(fmt.Errorf("--listen %s can be reached by other machines, and the demo's wallet, an operator's, signs for everybody: "+
			"use a loopback address, like 127.0.0.1:%s, and from another machine forward the port: ssh -L 8080:127.0.0.1:%s THIS-MACHINE", listen, port, port))
	}
	ip := host
	if net.ParseIP(host) == nil {
		ip = "127.0.0.1"
	}
	if number == 0 { // chosen now, because the message that wallets sign contains it
		if port, err = freePort(ctx, ip); err != nil {
			return "", "", err
		}
	}
	return net.JoinHostPort(ip, port), "http://" + net.JoinHostPort(host, port), nil
}

func freePort(ctx context.Context, ip string) (string, error) {
	var listen net.ListenConfig
	free, err := listen.Listen(ctx, "tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port on %s for the demo: %w", ip, err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	return port, errors.Join(err, free.Close()) // nothing was connected: the port is free at once
}

// runDemo serves an invented community on the built-in settings and own.
func runDemo(cmd *cobra.Command, s *source, own map[string]string) (err error) {
	started := time.Now()
	if _, err := os.Lstat(config.DefaultFile); err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is not used by the demo\n\n", config.DefaultFile)
	}
	community := demo.New()
	own["log.level"], own["admin.listen"] = "warn", "127.0.0.1:0"
	own["identity.operators"] = community.Wallet().String()
	chain, err := startDemoChain(community.Wallet())
	if err != nil {
		return err
	}
	var walletChain web.DemoChain
	if chain != nil {
		defer func() { err = errors.Join(err, chain.Close()) }()
		sealing, stop := context.WithCancel(cmd.Context())
		done := make(chan error, 1)
		go func() { done <- chain.Run(sealing) }()
		defer func() { stop(); err = errors.Join(err, <-done) }()
		community.OnChain(chain)
		walletChain = chain
		own["chain.nodes"], own["chain.private"] = fmt.Sprintf("%d %s", chain.Number(), chain.URL()), "true"
	}
	for _, m := range s.modules {
		for key, value := range m.Demo.Settings(community) {
			own[key] = value
		}
	}
	loaded, err := s.program.Load(config.Options{Flags: own, BuiltIn: true})
	if err != nil {
		return flagOrSettings(err)
	}
	wallet := web.NewDemoWallet(community.Key(), params.MainnetChainConfig.ChainID.Uint64(), walletChain)
	return serve(cmd.Context(), loaded, host.Options{Clock: community.Now, Pages: pages(s.modules, wallet)}, func(p *host.Process) error {
		if err := host.MarkDemoFolder(loaded.Settings.Data); err != nil { // its databases are open; no other process may open them
			return err
		}
		var steps []demo.Step
		for _, m := range s.modules {
			if m.Demo.Fill != nil {
				steps = append(steps, m.Demo.Step(m.Name(), p.Route(m.Contract)))
			}
		}
		made, err := community.Fill(cmd.Context(), steps)
		if err != nil {
			return err
		}
		describeDemo(cmd.OutOrStdout(), loaded.Settings.PublicURL, made, time.Since(started))
		return nil
	})
}

// describeDemo says what was made, and where to look first.
func describeDemo(out io.Writer, url string, made []demo.Made, took time.Duration) {
	counts := []string{fmt.Sprintf("%d wallets", demo.Wallets)}
	tour := []string{fmt.Sprintf("Open %s and sign in with the \"Demo wallet\": no extension needed. It is an operator, too.", url)}
	for _, m := range made {
		counts, tour = append(counts, m.What), append(tour, m.Look(url))
	}
	tour = append(tour, fmt.Sprintf("Try the API in the browser: %s/docs, and the modules at %s/operator", url, url))
	last := len(counts) - 1
	fmt.Fprintf(out, "A community of %s and %s, made up in %.1f s and gone when you stop it.\n\n", strings.Join(counts[:last], ", "), counts[last], took.Seconds())
	for i, line := range tour {
		fmt.Fprintf(out, "  %d. %s\n", i+1, line)
	}
}
