package seam

import (
	"banyan/platform/identity"
	"banyan/platform/seam/client"
)

// Dial returns the route to a module of a Banyan server, for a program that is
// not a part of that server: an API client. It needs the module's contract alone,
// no database and no C compiler.
//
//	route, closeRoute, err := seam.Dial(reputation.Contract, "https://banyan.example.org", token)
//	…
//	defer closeRoute()
//	score, err := reputation.NewClient(route).Score(ctx, reputation.ScoreQuery{Wallet: w})
//	if fault.CodeOf(err) == fault.NotFound { … }
//
// The token is one that `banyan token create` or the server's API has made; ""
// calls anonymously. It goes to whoever answers at the address: use https outside
// of this machine. Calls are retried and bounded as between Banyan's own
// processes, but nothing is sent that only these may say (see headers.go), and
// the error of a call is what the server answered. Fails with fault.Invalid when
// the address is not http(s)://host[:port][/path].
//
// Who may call is decided by the server. The routes of several modules are dialed
// one by one.
func Dial(c *Contract, server, token string) (route *Route, closeRoute func(), err error) {
	o := RemoteOptions{URLs: []string{server}, Site: true, Outside: true}
	if token != "" {
		o.Tokens = apiToken(token)
	}
	remote, err := NewRemote(c, o)
	if err != nil {
		return nil, nil, err
	}
	route = NewRemoteRoute(c, remote)
	route.dialed = true
	return route, remote.Close, nil
}

// apiToken is one token for every call.
type apiToken string

var _ client.Tokens = apiToken("")

// Token implements Tokens.
func (t apiToken) Token(identity.Caller, string) (string, error) { return string(t), nil }
