package host

import (
	"net/http"
	"net/url"

	"banyan/platform/config"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/legacy"
	"banyan/platform/rollout"
)

// operatorRealm separates operators' sessions from those of public_url.
const operatorRealm = "operators"

// openLegacy makes the program a proxy in front of an existing system.
func (p *Process) openLegacy(options *httpserver.Options) (err error) {
	s := p.settings.Legacy
	if s.URL == "" || !p.isTrunk() {
		return nil
	}
	o := legacy.Options{
		URL: s.URL, Host: s.Host, PublicURL: config.OriginOf(p.settings.PublicURL), Base: config.BasePath(p.settings.PublicURL), OwnHost: hostOf(s.OperatorURL),
		Timeout: s.Timeout, Idle: s.IdleTimeout, CA: s.CA, PassHeaders: s.PassHeaders, Take: s.Take,
		Keep:  []string{s.Prefix, "/api/v1/identity", "/api/v1/" + rollout.Contract.Module},
		Clock: p.clock, Log: p.log,
		Fail: func(w http.ResponseWriter, r *http.Request, err error) { p.server.Fail(w, r, err) },
	}
	for _, m := range p.slots {
		o.Keep = append(o.Keep, "/api/v1/"+m.name())
	}
	if p.legacy, err = legacy.New(o); err != nil {
		return err
	}
	p.registry.MustRegister(p.legacy)
	options.Front, options.PagePrefix = p.legacy.Front, s.Prefix
	if s.OperatorURL == "" {
		p.log.Warn("operators share an origin with the legacy system, whose scripts can act as an operator who is signed in: set legacy.operator_url to give them a host of their own")
	}
	return nil
}

// openSessions opens the sessions of people at public_url. Where operators have a
// host of their own, their sessions are invalid at public_url, and the
// highest role of a session there is member: the legacy system's scripts run there.
func (p *Process) openSessions() (err error) {
	o := signin.SessionOptions{
		Origin: config.OriginOf(p.settings.PublicURL), Path: config.BasePath(p.settings.PublicURL), Operators: p.settings.Identity.Operators,
		Idle: p.settings.Identity.SessionIdle, Absolute: p.settings.Identity.SessionAbsolute, Now: p.clock,
		SecondFactor: p.settings.Identity.SecondFactor == signin.FactorRequired, Contracts: p.contracts(),
	}
	o.Provider, o.ProviderAge = p.settings.Identity.OIDC.Open(p.clock), p.settings.Identity.OIDC.MaxAge
	below := "" // where the pages are
	if p.settings.Legacy.URL != "" {
		below = p.settings.Legacy.Prefix
	}
	o.Callback = o.Origin + o.Path + below + signin.CallbackPath
	if own := p.settings.Legacy.OperatorURL; own != "" {
		theirs := o
		theirs.Callback, o.Provider = own+below+signin.CallbackPath, nil
		theirs.Origin, theirs.Path, theirs.Realm = own, "", operatorRealm
		if p.operatorSessions, err = signin.NewSessions(p.identity.Keys, theirs); err != nil {
			return err
		}
		o.Highest = identity.Member
		host := hostOf(own)
		p.isOperatorHost = func(r *http.Request) bool { return httpserver.IsFor(r, host) }
	}
	p.identity.Sessions, err = signin.NewSessions(p.identity.Keys, o)
	return err
}

// hostOf returns host[:port] of a URL, "" if it is not one.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the settings were checked
		return ""
	}
	return u.Host
}
