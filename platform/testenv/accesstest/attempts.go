package accesstest

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/seam"
)

// attempt is a way to call, and the expected status: 200 for a call that reaches the
// module.
type attempt struct {
	who     string
	headers map[string]string
	want    func(seam.Info) int
	entry   string // "" = both
}

// The status for each access level.
var (
	asNobody    = map[seam.Access]int{seam.Public: 200, seam.SignedIn: 401, seam.Moderators: 401, seam.Operators: 401, seam.Modules: 401}
	asMember    = map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 403, seam.Operators: 403, seam.Modules: 403}
	asModerator = map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 200, seam.Operators: 403, seam.Modules: 403}
	asOperator  = map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 200, seam.Operators: 200, seam.Modules: 403}
	asModule    = map[seam.Access]int{seam.Public: 200, seam.Modules: 200, seam.SignedIn: 403, seam.Moderators: 403, seam.Operators: 403}
)

func by(says map[seam.Access]int) func(seam.Info) int {
	return func(o seam.Info) int { return says[o.Access] }
}

// never is for those whom no operation is for.
func never(status int) func(seam.Info) int { return func(seam.Info) int { return status } }

// readsBy is for those who may only read: a write is for none of them.
func readsBy(says map[seam.Access]int) func(seam.Info) int {
	return func(o seam.Info) int {
		if o.Kind == seam.KindWrite && says[o.Access] == 200 {
			return 403
		}
		return says[o.Access]
	}
}

// safeBy is for a cookie without proof that a page of the site sent it.
func safeBy(says map[seam.Access]int) func(seam.Info) int {
	return func(o seam.Info) int {
		if o.Method != "GET" {
			return 403
		}
		return says[o.Access]
	}
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// attempts returns all of them, for every operation of a contract.
func (w *world) attempts(t *testing.T, c *seam.Contract) []attempt {
	all := []attempt{{"nobody", nil, by(asNobody), ""}}
	all = append(all, w.people(t)...)
	all = append(all, w.clients(t, c)...)
	all = append(all, w.ended(t)...)
	all = append(all, w.calls(t, c)...)
	return append(all, w.forged(t, c)...)
}

// people have sessions.
func (w *world) people(t *testing.T) (all []attempt) {
	for n, r := range []struct {
		role identity.Role
		says map[seam.Access]int
	}{{identity.Member, asMember}, {identity.Moderator, asModerator}, {identity.Operator, asOperator}} {
		cookie, csrf := w.cookie(t, keyOf(n+1))
		all = append(all,
			attempt{r.role.String() + ", by session", map[string]string{"Cookie": cookie, signin.CSRFHeader: csrf}, by(r.says), atTrunk},
			attempt{r.role.String() + ", by session, from another site", map[string]string{"Cookie": cookie}, safeBy(r.says), atTrunk},
			attempt{r.role.String() + ", by session, at the module", map[string]string{"Cookie": cookie, signin.CSRFHeader: csrf}, by(asNobody), alone},
			attempt{r.role.String() + ", by a wallet's token", bearer(w.token(t, signin.TokenRequest{Wallet: wallets[r.role], Role: identity.Operator}).Token), by(r.says), atTrunk},
			attempt{r.role.String() + ", by a wallet's token that is bounded", bearer(w.token(t, signin.TokenRequest{Wallet: wallets[r.role], Role: identity.Member}).Token), by(asMember), atTrunk},
			attempt{r.role.String() + ", by a wallet's token, at the module", bearer(w.token(t, signin.TokenRequest{Wallet: wallets[r.role], Role: identity.Operator}).Token), never(401), alone},
		)
	}
	cookie, csrf := w.withheld(t)
	return append(all, attempt{"an operator without the second factor, by session", map[string]string{"Cookie": cookie, signin.CSRFHeader: csrf}, by(asMember), atTrunk})
}

// clients have tokens without a wallet.
func (w *world) clients(t *testing.T, c *seam.Contract) (all []attempt) {
	for role, says := range map[identity.Role]map[seam.Access]int{identity.Member: asMember, identity.Moderator: asModerator, identity.Operator: asOperator} {
		with := func(scope identity.Scope) map[string]string {
			return bearer(w.token(t, signin.TokenRequest{Subject: "ci", Role: role, Scope: scope}).Token)
		}
		module := identity.Scope(c.Module)
		all = append(all,
			attempt{role.String() + ", by an API token", with(""), by(says), atTrunk},
			attempt{role.String() + ", by an API token, at the module", with(""), never(401), alone},
			attempt{role.String() + ", by an API token for this module", with(module), by(says), atTrunk},
			attempt{role.String() + ", by an API token for reads of this module", with(module + ":read"), readsBy(says), atTrunk},
			attempt{role.String() + ", by an API token for another module", with("elsewhere"), func(o seam.Info) int {
				return max(says[o.Access], 403) // what the role is not enough for is refused in any case
			}, atTrunk},
		)
	}
	return all
}

// ended are sessions, tokens and roles that once counted.
func (w *world) ended(t *testing.T) []attempt {
	w.grant(t, walletOf(keyOf(demoted)), identity.Operator)
	cookie, csrf := w.cookie(t, keyOf(demoted))
	former := w.token(t, signin.TokenRequest{Wallet: walletOf(keyOf(demoted)), Role: identity.Operator})
	w.grant(t, walletOf(keyOf(demoted)), identity.Member)

	out, outCSRF := w.cookie(t, keyOf(3))
	if err := w.sessions.SignOut(t.Context(), out[len("banyan="):]); err != nil {
		t.Fatal(err)
	}
	revoked := w.token(t, signin.TokenRequest{Subject: "ci", Role: identity.Operator})
	if err := w.tokens.Revoke(identity.With(t.Context(), identity.Caller{Subject: "test", Role: identity.Operator}), revoked.ID); err != nil {
		t.Fatal(err)
	}
	expired := w.token(t, signin.TokenRequest{Subject: "ci", Role: identity.Operator, TTL: time.Second})
	w.clock.Pass(time.Minute)
	return []attempt{
		{"a former operator, by session", map[string]string{"Cookie": cookie, signin.CSRFHeader: csrf}, by(asMember), atTrunk},
		{"a former operator, by token", bearer(former.Token), by(asMember), atTrunk},
		{"a session that was ended", map[string]string{"Cookie": out, signin.CSRFHeader: outCSRF}, by(asNobody), atTrunk},
		{"a token that was ended", bearer(revoked.Token), never(401), ""},
		{"a token that expired", bearer(expired.Token), never(401), ""},
	}
}

// calls are between processes, or look like it.
func (w *world) calls(t *testing.T, c *seam.Contract) []attempt {
	signed := func(issuer identity.Issuer, caller identity.Caller, audience string) map[string]string {
		t.Helper()
		token, err := issuer.Token(caller, audience)
		if err != nil {
			t.Fatal(err)
		}
		return bearer(token)
	}
	person := func(role identity.Role) identity.Caller { return identity.Caller{Wallet: wallets[role], Role: role} }
	operator, service := person(identity.Operator), identity.Caller{Service: intruder}
	reading, elsewhere := operator, operator
	reading.Scope, elsewhere.Scope = identity.ForCall(c.Module, false), identity.ForCall("elsewhere", true)
	return []attempt{
		{"a module as itself", signed(w.module, service, c.Module), by(asModule), ""},
		{"a module as itself, by the trunk's key", signed(w.keys, service, c.Module), by(asModule), alone},
		{"the trunk's call for a module, brought back", signed(w.keys, service, c.Module), never(401), atTrunk},
		{"a module that was asked to act for an operator", signed(w.module, operator, c.Module), by(asModule), ""},
		{"a module with a token for somebody else", signed(w.module, service, "elsewhere"), never(401), ""},
		{"a module with a token for the public API", signed(w.module, service, identity.PublicAudience), never(401), ""},
		{"a person with a token for somebody else", signed(w.keys, operator, "elsewhere"), never(401), ""},
		{"the trunk's call for a member", signed(w.keys, person(identity.Member), c.Module), by(asMember), alone},
		{"the trunk's call for a moderator", signed(w.keys, person(identity.Moderator), c.Module), by(asModerator), alone},
		{"the trunk's call for an operator", signed(w.keys, operator, c.Module), by(asOperator), alone},
		{"the trunk's read for an operator, used for more", signed(w.keys, reading, c.Module), readsBy(asOperator), alone},
		{"the trunk's call of another module", signed(w.keys, elsewhere, c.Module), never(403), alone},
		{"the trunk's call for an operator, brought back", signed(w.keys, operator, c.Module), never(401), atTrunk},
		{"the trunk's call for an operator, to the public API", signed(w.keys, operator, identity.PublicAudience), never(401), ""},
	}
}

// forged are tokens that their signer must not sign.
func (w *world) forged(t *testing.T, c *seam.Contract) []attempt {
	with := func(issuer string, more jwt.MapClaims) map[string]string {
		return bearer(w.forger.token(t, issuer, c.Module, more))
	}
	operator := wallets[identity.Operator].String()
	return []attempt{
		{"a module that forges an operator", with(intruder, jwt.MapClaims{"sub": operator, "role": "operator"}), never(401), ""},
		{"a module that forges an operator beside itself", with(intruder, jwt.MapClaims{"service": intruder, "role": "operator"}), never(401), ""},
		{"a module that forges a named operator", with(intruder, jwt.MapClaims{"sub": "cli", "role": "operator"}), never(401), ""},
		{"a module that forges another module", with(intruder, jwt.MapClaims{"service": "trunk"}), never(401), ""},
		{"a module that forges another process", with(intruder, jwt.MapClaims{"service": intruder, "act": map[string]any{"sub": identity.TrunkIssuer}}), never(401), ""},
		{"a module that forges the trunk", with(identity.TrunkIssuer, jwt.MapClaims{"role": "operator", "sub": "cli"}), never(401), ""},
		{"an unknown issuer", with("stranger", jwt.MapClaims{"service": "stranger"}), never(401), ""},
		{"the forger's key used as it may be", with(intruder, jwt.MapClaims{"service": intruder, "act": map[string]any{"sub": intruder}}), by(asModule), ""},
		{"a token of no form", bearer("secret"), never(401), ""},
	}
}
