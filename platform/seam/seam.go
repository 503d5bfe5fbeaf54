// Package seam is the line along which a module can be cut out of the binary
// and put back.
//
// A module describes each method of its Service once, as an Operation value of
// its Contract. From that value come the in-process call, the HTTP server, the
// HTTP client, the authorisation, the metrics and the OpenAPI document:
//
//	var contract = seam.NewContract("reputation", 1, "Who can be trusted, and why.")
//	var score = seam.Read[ScoreQuery, Score](contract, "score", "GET /scores/{wallet}", seam.Public,
//		"The score of one wallet")
//
//	// Bind ties the operations to the code that does the work.
//	func Bind(s Service) *seam.Local { return contract.Bind(score.To(s.Score)) }
//
//	// Client is the Service as everybody else sees it, wherever the module runs.
//	func (c Client) Score(ctx context.Context, q ScoreQuery) (Score, error) {
//		return score.Call(ctx, c.route, q)
//	}
//
// Every call passes through the module's Route, which leads it to a function of
// this process, to another one (HTTP/1.1 and JSON), or to both, and can change
// while the program runs; route.go draws how.
//
// What a call means does not depend on the route: requests and answers are
// values, access is checked on both sides, errors keep their code, and the
// deadline, the trace, the caller's signed identity, the idempotency key and
// the contract version go with it.
//
// Reading order: operation.go, route.go, codec.go, server.go, remote.go; then
// how a move is made safe: shadow.go, canary.go, guard.go, writes.go. Beside it:
//
//	seam/client     reaches the processes: balancing, ejection, breaker, retries
//	seam/diff       compares answers by their types
//	seam/analysis   counts calls and judges them: steps, guard, verdict
//	seam/timeout    deadlines, and whose they are
//	seam/buffer     buffers that are used again
package seam

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// Access says who may call an operation. It is declared on the operation and
// checked where the call begins and again where it arrives.
type Access uint8

// The access levels.
const (
	Public     Access = iota // everybody
	SignedIn                 // a member, moderator or operator
	Moderators               // a moderator or operator
	Operators                // an operator
	Modules                  // another module on its own behalf; no person
)

// String is the level's name in the OpenAPI document.
func (a Access) String() string {
	return [...]string{"public", "signed-in", "moderator", "operator", "module"}[a]
}

// check refuses callers that the level does not admit.
func (a Access) check(c identity.Caller) error {
	need := identity.Anonymous
	switch a {
	case Public:
		return nil
	case Modules:
		switch {
		case c.Service != "":
			return nil
		case c.IsAnonymous():
			return fault.New(fault.Unauthenticated, "only Banyan's own modules call this, with a token of theirs")
		}
		return fault.New(fault.Forbidden, "only Banyan's own modules call this: use the operations of the API document, /api/openapi.json")
	case SignedIn:
		need = identity.Member
	case Moderators:
		need = identity.Moderator
	case Operators:
		need = identity.Operator
	}
	if c.Role >= need {
		return nil
	}
	if c.IsAnonymous() {
		return fault.New(fault.Unauthenticated, "this needs a sign-in: sign in with your wallet, or send a token in the Authorization header")
	}
	return fault.Newf(fault.Forbidden, "this needs the role %s: ask an operator of this site; if it is yours, sign in with your second factor", need)
}

type idempotencyKey struct{}

// WithIdempotencyKey puts a key on the writes of this context: calls with one key
// are one intended effect.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// IdempotencyKey returns the key of the write under way, "" when there is none.
func IdempotencyKey(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}

func checkIdempotencyKey(key string) error {
	if len(key) > maxIdempotencyKey {
		return fault.Newf(fault.Invalid, "an Idempotency-Key has at most %d characters", maxIdempotencyKey)
	}
	for _, c := range key {
		if c < '!' || c > '~' {
			return fault.New(fault.Invalid, "an Idempotency-Key has only visible ASCII characters")
		}
	}
	return nil
}
