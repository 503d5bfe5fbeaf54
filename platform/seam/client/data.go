package client

import (
	"net/http"
	"net/url"

	"banyan/platform/fault"
)

// OtherData is the refusal of a process of the module that has other data than
// the caller. The ids are as ownership.Ownership.DataID returns them.
//
//	trunk ── Banyan-Data: 1a2b… ──▶ process over 1a2b…: the answer, with Banyan-Data: 1a2b…
//	trunk ── Banyan-Data: 1a2b… ──▶ process over 5e6f…: 421 before anything is read or written
//
// It is checked on every call, because a process may be started again over other
// data, and a name may stand for another process, long after the module was led
// there. Both sides check: whichever is wrong, nothing is done over other data
// and no answer of it is believed. A process of a release without the header
// answers without it, and is believed, so that releases can be changed one
// process after the other; whoever leads a module there asks first
// (platform/handover).
func OtherData(module, caller, process string) *fault.Fault {
	return fault.Newf(fault.OtherData,
		"the process of the module %s has other data (id %s) than the program that leads calls to it (id %s): what is written there would be missing here. "+
			"Point its setting database.url (PostgreSQL) or data (SQLite) at the same database and start it again, or move the data there first",
		module, shortID(process), shortID(caller))
}

// shortID is enough of an id to tell two apart.
func shortID(id string) string {
	const letters = 8
	if len(id) > letters {
		return id[:letters]
	}
	return id
}

// otherData is the failure of an attempt that reached a process with other data;
// nil when it has the same, or does not say. The endpoint is at fault. If it has
// refused, nothing was done there, and the call goes on to another one; if not,
// the caller's id has not reached it, and what was done there is not repeated.
func (r *Client) otherData(resp *http.Response) *failure {
	if len(r.data) == 0 {
		return nil
	}
	there := first(resp.Header[HeaderData])
	if there == "" || there == r.data[0] {
		return nil
	}
	f := OtherData(r.module, r.data[0], there)
	f.Code = fault.Unavailable // to the person calling: the request was not at fault
	return &failure{err: f, blame: blameEndpoint, unsent: resp.StatusCode == fault.Status(fault.OtherData)}
}

// Each returns a client for every endpoint that is known at present, to ask each
// of them. They share connections, breakers and figures with r, follow no names,
// and end with r: only r is closed.
func (r *Client) Each() []*Client {
	set := *r.endpoints.Load()
	all := make([]*Client, len(set))
	for i, e := range set {
		one := &Client{
			module: r.module, bases: []*url.URL{e.base}, path: r.path, budget: r.budget, tokens: r.tokens, timeout: r.timeout,
			version: r.version, data: r.data, balance: r.balance, pattern: r.pattern, trust: r.trust, wrap: r.wrap, log: r.log, stop: func() {},
		}
		one.ejector.options = r.balance
		one.endpoints.Store(&[]*endpoint{e})
		all[i] = one
	}
	return all
}

// first is the first of a header's values, "" when there is none.
func first(values []string) string {
	if len(values) > 0 {
		return values[0]
	}
	return ""
}
