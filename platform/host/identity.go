package host

import (
	"context"
	"net/http"

	"banyan/platform/backup"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/requestctx"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/site"
)

// Identity is what identifies callers in the trunk, and what is recorded of it. All
// of it is in the identity database.
type Identity struct {
	Keys     *signin.Keys
	Tokens   *signin.Tokens
	Sessions *signin.Sessions // of people at public_url
	Events   *securitylog.Log
}

// OpenIdentity opens the identity database for a command, whose events come from the
// command line; call close afterwards.
func (l Loaded) OpenIdentity(ctx context.Context) (opened *Identity, closeIdentity func() error, err error) {
	db, err := l.OpenDatabase(ctx, identityDatabase)
	if err != nil {
		return nil, nil, err
	}
	if err = db.Migrate(ctx); err == nil {
		p := &Process{program: l.Program, settings: l.Settings}
		err = p.openIdentityIn(ctx, db, securitylog.Options{
			Origin: func(context.Context) string { return "the command line" }, Keep: l.Settings.Identity.SecurityLogKeep,
		})
		opened = &p.identity
	}
	if err != nil {
		_ = db.Close() // the first error says what is wrong
		return nil, nil, err
	}
	return opened, db.Close, nil
}

// IdentityStatus returns the state of the identity database's schema, and creates
// nothing.
func (l Loaded) IdentityStatus(ctx context.Context) (database.Status, error) {
	return l.DatabaseStatus(ctx, identityDatabase)
}

// openIdentityIn opens what is in the identity database, and the sessions of operators
// where these have a host of their own.
func (p *Process) openIdentityIn(ctx context.Context, db *database.DB, o securitylog.Options) (err error) {
	s := p.settings.Identity
	p.identity.Events = securitylog.Open(db, o)
	p.identity.Keys, err = signin.OpenKeys(ctx, db, signin.KeysOptions{SealKey: s.SealKey, Events: p.identity.Events, Now: p.clock})
	if err != nil {
		return err
	}
	p.identity.Tokens = signin.NewTokens(p.identity.Keys, signin.TokensOptions{TTL: s.TokenTTL, Operators: s.Operators, Log: p.log})
	return p.openSessions()
}

// openIdentity opens what identifies callers: in the trunk the identity database; in
// a module that runs alone the trunk's public keys, and a key of its own that signs
// for that module only.
func (p *Process) openIdentity(ctx context.Context) error {
	if !p.isTrunk() {
		ring, err := identity.NewKeyring(identity.KeyringOptions{Module: p.settings.Module, Now: p.clock})
		if err != nil {
			return err
		}
		p.tokens, p.jwks = ring, identity.JWKSHandler(ring)
		url := p.settings.Identity.TrunkURL
		keys, err := p.keysOf(url, rollout.Trunk)
		if err != nil {
			return err
		}
		trunk := &trunkKeys{keys: keys, hasOtherData: func() bool {
			own, theirs := p.dataFingerprints()[p.settings.Module], keys.Data(p.settings.Module)
			return own != "" && theirs != "" && own != theirs
		}, url: url, now: p.clock, log: p.log}
		p.health.Add("identity.trunk_url", trunk.ready)
		p.verifier = identity.NewVerifier(p.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: trunk})
		p.authenticate = identity.BearerOnly(p.verifier, p.settings.Module, requestctx.ID)
		return nil
	}
	db, err := p.openDatabase(ctx, identityDatabase)
	if err != nil {
		return err
	}
	err = p.openIdentityIn(ctx, db, securitylog.Options{
		Origin: clientAddress, Network: httpserver.ClientNetwork, Keep: p.settings.Identity.SecurityLogKeep, Now: p.clock, Log: p.log,
	})
	if err != nil {
		return err
	}
	keys := p.identity.Keys
	p.tokens, p.jwks = keys, identity.JWKSHandler(identity.WithData(keys, p.dataFingerprints))
	p.verifier = identity.NewVerifier(p.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
	p.api = signin.NewAPI(signin.APIOptions{
		Sessions: p.identity.Sessions, Operators: p.operatorSessions, IsOperators: p.isOperatorHost,
		Tokens: p.identity.Tokens, Events: p.identity.Events, Verifier: p.verifier, RequestID: requestctx.ID, Network: httpserver.ClientNetwork, IsNamed: httpserver.IsNamed,
	})
	p.authenticate = func(next http.Handler) http.Handler { return p.api.Authenticate(p.recordRefusals(next)) }
	p.addTask("identity", signin.Housekeeping{Keys: keys, Sessions: p.identity.Sessions, Log: p.log}.Run)
	p.addTask("the security log", p.identity.Events.Run)
	p.site = site.Open(db, p.identity.Events, site.Options{Now: p.clock})
	p.backups = newBackups(Loaded{Program: p.program, Settings: p.settings}, backup.OpenRuns(db, p.clock), p.identity.Events, p.log, p.clock)
	p.registry.MustRegister(p.backups.figures)
	p.addTask("backups", p.backups.run)
	return nil
}

// Accounts returns the way of staff to the provider of their accounts, nil where there is
// none.
func (p *Process) Accounts() *signin.Accounts {
	if p.api == nil {
		return nil
	}
	return p.api.Accounts()
}

// clientAddress is from where a request comes, for the security log.
func clientAddress(ctx context.Context) string {
	if ip := httpserver.ClientIP(ctx); ip.IsValid() {
		return ip.String()
	}
	return "this program"
}

// recordRefusals records who was refused what needs a role.
func (p *Process) recordRefusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		err := requestctx.Noted(r.Context())
		if err == nil || fault.CodeOf(err) != fault.Forbidden {
			return
		}
		p.identity.Events.Refused(r.Context(), securitylog.Event{
			What: securitylog.Access, Whom: r.Method + " " + r.URL.Path, Detail: fault.From(err).Message,
		})
	})
}

// recordAction records what an operator did, or tried to do, with a module.
func (p *Process) recordAction(ctx context.Context, a seam.Action) {
	e := securitylog.Event{What: securitylog.What(a.Operation), Detail: a.Request, Refused: a.Err != nil}
	if a.Err != nil {
		e.Detail = fault.From(a.Err).Message + " " + e.Detail
	}
	p.identity.Events.Note(ctx, e)
}
