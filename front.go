package main

import (
	"net/http"
	"net/url"

	"banyan/platform/database"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/strangler/control"
	"banyan/platform/strangler/legacy"
)

// operatorRealm keeps operators' sessions apart from those of public_url.
const operatorRealm = "operators"

// buildLegacy puts the program in front of a system that is there already.
func (h *house) buildLegacy(options *httpserver.Options) (err error) {
	s := h.cfg.Strangler
	if s.Legacy == "" || h.cfg.Module != "" {
		return nil
	}
	o := legacy.Options{
		URL: s.Legacy, Host: s.Host, PublicURL: h.cfg.PublicURL, OwnHost: hostOf(s.OperatorURL),
		Timeout: s.Timeout, Idle: s.IdleTimeout, CA: s.CA, PassHeaders: s.PassHeaders,
		Keep:  []string{s.Prefix, "/api/v1/identity", "/api/v1/" + control.Contract.Module},
		Clock: h.clock, Log: h.log,
		Fail: func(w http.ResponseWriter, r *http.Request, err error) { h.server.Fail(w, r, err) },
	}
	for _, c := range contracts {
		o.Keep = append(o.Keep, "/api/v1/"+c.Module)
	}
	for _, t := range s.Take {
		o.Take = append(o.Take, legacy.Take(t))
	}
	if h.legacy, err = legacy.New(o); err != nil {
		return err
	}
	h.registry.MustRegister(h.legacy)
	options.Front, options.PagePrefix = h.legacy.Front, s.Prefix
	if s.OperatorURL == "" {
		h.log.Warn("operators share an origin with the legacy system, whose scripts can act as an operator who is signed in: set strangler.operator_url to give them a host of their own")
	}
	return nil
}

// openSessions opens the sessions of people at public_url. Where operators have a
// host of their own, their sessions are worth nothing at public_url, and nobody's
// session there is more than a member's: the legacy system's scripts run there.
func (h *house) openSessions(db *database.DB) (operators *identity.Sessions, isOperators func(*http.Request) bool, err error) {
	o := identity.SessionOptions{
		Origin: h.cfg.PublicURL, Operators: h.cfg.Identity.Operators,
		Idle: h.cfg.Identity.SessionIdle, Absolute: h.cfg.Identity.SessionAbsolute, Now: h.clock,
	}
	if own := h.cfg.Strangler.OperatorURL; own != "" {
		theirs := o
		theirs.Origin, theirs.Realm = own, operatorRealm
		if operators, err = identity.NewSessions(db, theirs); err != nil {
			return nil, nil, err
		}
		o.Highest = identity.Member
		host := hostOf(own)
		isOperators = func(r *http.Request) bool { return httpserver.IsFor(r, host) }
	}
	h.sessions, err = identity.NewSessions(db, o)
	return operators, isOperators, err
}

// hostOf is host[:port] of a URL, "" of none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the settings were checked
		return ""
	}
	return u.Host
}
