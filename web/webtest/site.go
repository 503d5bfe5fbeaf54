package webtest

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/feature"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/requestctx"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/site"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/oidctest"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/upkeep"
	"banyan/platform/wallet"
	"banyan/web"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
)

// Site is the pages over modules in memory, served by the real HTTP server.
type Site struct {
	URL        string
	Reputation *Reputation
	Exchanges  *Exchanges
	Airdrop    *Airdrop
	Sessions   *signin.Sessions
	Tokens     *signin.Tokens
	Events     *securitylog.Log
	DemoKey    *ecdsa.PrivateKey  // of the demo wallet; the campaigns list it
	Operator   *ecdsa.PrivateKey  // a wallet that is an operator
	Modules    *Modules           // nil: the program has no route control
	Upkeep     map[string]*Upkeep // by module
	Backups    *Backups
	Provider   *oidctest.Provider // of staff accounts; nil: there is none
	Features   *feature.Flags     // nil: everybody is shown all

	more []web.Pages
	path string // of the site at its host; "" = all of it is the site
}

// AddressOf is the wallet of a key.
func AddressOf(key *ecdsa.PrivateKey) wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(key.PublicKey))
}

// Key makes the same key for the same name.
func Key(t testing.TB, name string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(name)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Full serves the sample community, with the demo wallet, and the pages of more
// modules.
func Full(t testing.TB, more ...web.Pages) *Site {
	s := &Site{more: more, DemoKey: Key(t, "demo wallet"), Operator: Key(t, "operator"), Modules: SampleModules()}
	s.Reputation, s.Exchanges, s.Airdrop = sampleReputation(), sampleExchanges(), sampleAirdrop(t, AddressOf(s.DemoKey))
	s.serve(t, web.NewDemoWallet(s.DemoKey, 1, nil))
	return s
}

// WithProvider is Full with a provider of staff accounts.
func WithProvider(t testing.TB) *Site {
	s := &Site{DemoKey: Key(t, "demo wallet"), Operator: Key(t, "operator"), Modules: SampleModules(), Provider: oidctest.New(t, time.Now)}
	s.Reputation, s.Exchanges, s.Airdrop = sampleReputation(), sampleExchanges(), sampleAirdrop(t, AddressOf(s.DemoKey))
	s.serve(t, web.NewDemoWallet(s.DemoKey, 1, nil))
	return s
}

// Flagged is Full with features that not everybody is shown.
func Flagged(t testing.TB, features *feature.Flags) *Site {
	s := &Site{DemoKey: Key(t, "demo wallet"), Operator: Key(t, "operator"), Modules: SampleModules(), Features: features}
	s.Reputation, s.Exchanges, s.Airdrop = sampleReputation(), sampleExchanges(), sampleAirdrop(t, AddressOf(s.DemoKey))
	s.serve(t, web.NewDemoWallet(s.DemoKey, 1, nil))
	return s
}

// Below is Full without more pages, at http://host/path.
func Below(t testing.TB, path string) *Site {
	s := &Site{path: path, DemoKey: Key(t, "demo wallet"), Operator: Key(t, "operator"), Modules: SampleModules()}
	s.Reputation, s.Exchanges, s.Airdrop = sampleReputation(), sampleExchanges(), sampleAirdrop(t, AddressOf(s.DemoKey))
	s.serve(t, web.NewDemoWallet(s.DemoKey, 1, nil))
	return s
}

// Empty serves three modules that hold nothing, without a demo wallet.
func Empty(t testing.TB) *Site {
	now := func() int64 { return SampleMS }
	s := &Site{
		Reputation: &Reputation{}, Exchanges: &Exchanges{NowMS: now}, Airdrop: &Airdrop{NowMS: now}, Operator: Key(t, "operator"),
	}
	s.serve(t, nil)
	return s
}

func (s *Site) serve(t testing.TB, demo *web.DemoWallet) {
	t.Helper()
	address := testneeds.Address(t) // what people sign names it, so it is needed before the server
	s.URL = "http://" + address + s.path
	db := databasetest.SQLite(t, "identity")
	api := newIdentity(t, db, s)
	s.Backups = &Backups{}
	s.Upkeep = map[string]*Upkeep{reputation.Name: {Hooks: &Hooks{}}, exchangereview.Name: {Hooks: &Hooks{}}, airdrop.Name: {Hooks: &Hooks{}}}
	if s.Modules != nil { // Full
		s.Upkeep[reputation.Name], s.Upkeep[exchangereview.Name] = &Upkeep{jobs: sampleUpkeep().jobs, Hooks: &Hooks{}}, &Upkeep{letters: sampleUpkeep().letters, Hooks: sampleHooks()}
	}
	log := slog.New(slog.DiscardHandler)
	options := web.Options{
		Pages:    append([]web.Pages{web.ReputationOf(s.Reputation), web.ExchangeReviewOf(s.Exchanges), web.AirdropOf(s.Airdrop)}, s.more...),
		Sessions: s.Sessions, Tokens: s.Tokens, SecurityLog: s.Events,
		Routes: func() []seam.Status { return sampleRoutes() }, PublicURL: s.URL, Demo: demo,
		Databases: sampleDatabases, Features: s.Features,
		Site: site.Open(db, s.Events, site.Options{}), Settings: sampleSettings, About: sampleAbout, Backups: s.Backups,
		Upkeep: func(module string) upkeep.Service {
			if s.Upkeep[module] == nil {
				return nil
			}
			return s.Upkeep[module]
		},
		TryDatabase: func(ctx context.Context, at database.URL, password config.Secret) (database.Server, error) {
			return database.Try(ctx, at, password, []string{reputation.Name})
		},
	}
	if accounts := api.Accounts(); accounts != nil {
		options.Accounts, options.Provider = accounts, "Example login"
	}
	if s.Modules != nil {
		options.Modules, options.EventLag = s.Modules, s.Modules.EventLag
	}
	pages, err := web.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpserver.New(httpserver.Options{
		Listen: address, PublicURL: s.URL, Logger: log, Page: pages.Page, Authenticate: api.Authenticate,
		Limits: httpserver.Settings{
			BodyLimit: 1 << 20, UploadLimit: 16 << 20, HeaderLimit: 32 << 10,
			ReadTimeout: time.Minute, WriteTimeout: time.Minute, UploadTimeout: time.Minute, ShutdownGrace: time.Minute,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	api.Mount(server.Router())
	pages.Mount(server.Router())
	document, err := json.Marshal(seam.OpenAPI("Banyan", "test", reputation.Contract, exchangereview.Contract, airdrop.Contract))
	if err != nil {
		t.Fatal(err)
	}
	server.Router().Get("/api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // the reader may be gone
	})
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the stop was not clean: %v", err)
		}
	})
}

func newIdentity(t testing.TB, db *database.DB, s *Site) *signin.API {
	t.Helper()
	events := securitylog.Open(db, securitylog.Options{})
	keys, err := signin.OpenKeys(context.Background(), db, signin.KeysOptions{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	operators := []wallet.Address{AddressOf(s.Operator)}
	s.Events, s.Tokens = events, signin.NewTokens(keys, signin.TokensOptions{Operators: operators})
	o := signin.SessionOptions{Origin: config.OriginOf(s.URL), Path: s.path, Operators: operators}
	if s.Provider != nil {
		o.Provider = oidc.New(oidc.Options{Issuer: s.Provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Scopes: []string{"email"}})
		o.ProviderAge, o.Callback = 8*time.Hour, s.URL+signin.CallbackPath
	}
	s.Sessions, err = signin.NewSessions(keys, o)
	if err != nil {
		t.Fatal(err)
	}
	return signin.NewAPI(signin.APIOptions{
		Sessions: s.Sessions, Tokens: s.Tokens, Events: s.Events, RequestID: requestctx.ID, IsNamed: httpserver.IsNamed,
		Verifier: identity.NewVerifier(time.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys}),
	})
}

func sampleDatabases() []database.Stats {
	return []database.Stats{
		{
			Database: reputation.Name, Dialect: database.SQLite, Written: 91204, Groups: 2012, Regrouped: 2, Withdrawn: 17, Waiting: 311, QueueSize: 1024,
			WaitP50: 0.0021, WaitP99: 0.0187, Turn: 3 * time.Millisecond, WAL: 71 << 20, OldestRead: 4 * time.Minute, Connections: 8, InUse: 3, ConnWaits: 12,
		},
		{Database: exchangereview.Name, Dialect: database.SQLite, QueueSize: 1024, Connections: 1},
		{Database: airdrop.Name, Dialect: database.Postgres, Connections: 4, InUse: 1},
	}
}

func sampleRoutes() []seam.Status {
	return []seam.Status{
		{Module: reputation.Name, Mode: seam.ModeRemote, URL: "http://127.0.0.1:8081", Version: 1, Operations: []analysis.OperationStats{
			{Operation: "score", Remote: analysis.SideStats{Calls: 182340, P50: 0.000412, P99: 0.00310, Failures: 3}},
			{Operation: "leaderboard", Remote: analysis.SideStats{Calls: 2210, P50: 0.0009, P99: 0.0061}},
		}},
		{Module: exchangereview.Name, Mode: seam.ModeLocal, Version: 1, Operations: []analysis.OperationStats{
			{Operation: "exchanges", Local: analysis.SideStats{Calls: 94112, P50: 0.000098, P99: 0.00077, Refusals: 41}},
			{Operation: "publishReview", Local: analysis.SideStats{Calls: 1204, P50: 0.0011, P99: 0.0092, Refusals: 12}},
		}},
		{Module: airdrop.Name, Mode: seam.ModeLocal, Version: 1, Operations: []analysis.OperationStats{
			{Operation: "claim", Local: analysis.SideStats{Calls: 402871, P50: 0.0000032, P99: 0.000045, Refusals: 20311}},
		}},
	}
}
