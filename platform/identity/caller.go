// Package identity identifies callers: tokens that name a caller, the keys that
// sign and verify them, and the caller in a request's context. It opens no
// database; sessions, stored keys and sign-in are in package signin.
package identity

import (
	"context"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Role is what a signed-in caller may do beyond reading. Each role includes
// the ones before it.
type Role uint8

// The roles, in ascending order.
const (
	Anonymous Role = iota // nobody signed in
	Member                // a wallet that signed in
	Moderator             // may moderate content
	Operator              // may operate the program
)

var roleNames = [...]string{"anonymous", "member", "moderator", "operator"}

// Valid reports whether a wallet or a token can have the role.
func (r Role) Valid() bool { return r > Anonymous && int(r) < len(roleNames) }

// String returns the role's name, as in tokens and on the command line.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "unknown"
}

// ParseRole reads a role's name. Fails with fault.Invalid.
func ParseRole(name string) (Role, error) {
	for i, n := range roleNames {
		if i > 0 && n == name {
			return Role(i), nil
		}
	}
	return 0, fault.Newf(fault.Invalid, "there is no role %q: choose one of %s", name, strings.Join(roleNames[1:], ", "))
}

// Caller says for whom a call is made. It is comparable, so that it can be the key
// of a cache.
type Caller struct {
	Wallet  wallet.Address // zero for programs and anonymous callers
	Subject string         // name of the token's holder if there is no wallet
	Role    Role
	// Service names the module that makes the call on its own behalf (its
	// relay, its jobs), "" for people and API clients.
	Service string
	// Scope is what the token of the call is for; "" = all that the role allows.
	Scope Scope
}

// IsAnonymous reports whether nobody is known to be calling.
func (c Caller) IsAnonymous() bool {
	c.Scope = ""
	return c == Caller{}
}

// Name returns a name for logs and audits: the wallet, the token's subject, or the
// module.
func (c Caller) Name() string {
	switch {
	case c.Service != "":
		return "module " + c.Service
	case !c.Wallet.IsZero():
		return c.Wallet.String()
	case c.Subject != "":
		return c.Subject
	}
	return "anonymous"
}

type callerKey struct{}

// presence is the value in the context: for whom a call is made, and by which
// process.
type presence struct {
	caller  Caller
	process string
}

// With returns ctx with the caller.
func With(ctx context.Context, c Caller) context.Context {
	return WithProcess(ctx, c, "")
}

// WithProcess returns ctx with the caller of a request and the name of the process
// that sent it, "" for an external client. Only code that has verified the
// process's token may call it.
func WithProcess(ctx context.Context, c Caller, process string) context.Context {
	return context.WithValue(ctx, callerKey{}, presence{c, process})
}

// From returns the caller of this context, the anonymous one if there is none.
func From(ctx context.Context) Caller {
	p, _ := ctx.Value(callerKey{}).(presence)
	return p.caller
}

// Process returns the name of the Banyan process that sent the request, as its
// signed token proves: TrunkIssuer or a module. It is "" for all other clients, and
// then headers that only Banyan's own processes may send, such as the deadline, are
// ignored. A caller set by With has no process: a call that a module makes on its
// own behalf is not the request that led to it.
func Process(ctx context.Context) string {
	p, _ := ctx.Value(callerKey{}).(presence)
	return p.process
}

// AsService returns the context of a call that a module makes on its own behalf.
func AsService(ctx context.Context, module string) context.Context {
	return With(ctx, Caller{Service: module})
}
