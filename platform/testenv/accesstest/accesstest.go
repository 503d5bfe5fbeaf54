// Package accesstest calls every operation of a contract as every kind of caller.
// It is imported by tests only.
package accesstest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

// intruder is the module that calls. The program has no such module.
const intruder = "intruder"

// person is a caller that a module's token must never name.
var person = identity.Caller{Wallet: wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7"), Role: identity.Operator}

// openToModules reports whether a module may call an operation of another.
func openToModules(a seam.Access) bool { return a == seam.Public || a == seam.Modules }

// inner returns a module that only records that a call reached it.
func inner(c *seam.Contract, reached *bool) *seam.Local {
	return c.BindAny(func(_ context.Context, o seam.Info, _ any) (any, error) {
		*reached = true
		if o.Streams {
			return seam.Stream{ContentType: "text/plain", Write: func(io.Writer) error { return nil }}, nil
		}
		return nil, nil
	})
}

// Check calls every operation of a contract, in process and over HTTP: a caller must
// get exactly those that the contract's access levels allow.
// client makes the contract's typed client.
func Check(t *testing.T, c *seam.Contract, client func(*seam.Route) any) {
	t.Run("in process", func(t *testing.T) { checkInProcess(t, c, client) })
	t.Run("over HTTP", func(t *testing.T) { checkOverHTTP(t, c) })
}

// checkInProcess calls as another module of the same process.
func checkInProcess(t *testing.T, c *seam.Contract, makeClient func(*seam.Route) any) {
	var reached bool
	client := reflect.ValueOf(makeClient(seam.NewRoute(inner(c, &reached))))
	for _, o := range c.Operations() {
		reached = false
		method := client.MethodByName(strings.ToUpper(o.ID[:1]) + o.ID[1:])
		if !method.IsValid() {
			t.Errorf("%s has no method for the operation %s", client.Type(), o.ID)
			continue
		}
		ctx := identity.AsService(t.Context(), intruder)
		out := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.Zero(o.Request)})
		err, _ := out[1].Interface().(error)
		switch {
		case openToModules(o.Access) && fault.Is(err, fault.Forbidden):
			t.Errorf("%s.%s is for %s and refuses a module: %v", c.Module, o.ID, o.Access, err)
		case !openToModules(o.Access) && (reached || !fault.Is(err, fault.Forbidden)):
			t.Errorf("%s.%s is for %s and a module got through: %v", c.Module, o.ID, o.Access, err)
		}
	}
}

// forger has a key that the trunk's and the modules' verifiers know as the
// intruder's, and signs any claims with it.
type forger struct{ key ed25519.PrivateKey }

func newForger(t *testing.T) *forger {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{key}
}

const forgedKey = "forged"

// PublicKey implements identity.KeySource.
func (f *forger) PublicKey(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if kid != forgedKey {
		return nil, fault.New(fault.Unauthenticated, "no such key")
	}
	return f.key.Public().(ed25519.PublicKey), nil
}

// Holds implements identity.KeySource.
func (f *forger) Holds(kid string) bool { return kid == forgedKey }

func (f *forger) token(t *testing.T, issuer, audience string, more jwt.MapClaims) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": issuer, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(), "role": "anonymous",
	}
	for name, value := range more {
		claims[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["typ"], token.Header["kid"] = "banyan+jwt", forgedKey
	text, err := token.SignedString(f.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The processes that serve a module.
const (
	alone   = "a process that serves it alone"
	atTrunk = "the trunk"
)

// entries returns the middleware of the two processes that serve a module over HTTP:
// a process that serves it alone, and the trunk.
func entries(v *identity.Verifier, sessions *signin.Sessions, module string) map[string]func(http.Handler) http.Handler {
	return map[string]func(http.Handler) http.Handler{
		alone:   identity.BearerOnly(v, module, nil),
		atTrunk: signin.NewAPI(signin.APIOptions{Verifier: v, Sessions: sessions}).Authenticate,
	}
}

func noSessions(t *testing.T) *signin.Sessions {
	t.Helper()
	db := databasetest.SQLite(t, "identity")
	sessions, err := signin.NewSessions(db, signin.SessionOptions{Origin: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

// attempt is a token and the expected status for each access level: 200 for a call
// that reaches the module.
type attempt struct {
	who   string
	token func(module string) string
	says  map[seam.Access]int
	entry string // "" = both
}

// all returns the same status for every access level.
func all(status int) map[seam.Access]int {
	return map[seam.Access]int{seam.Public: status, seam.SignedIn: status, seam.Moderators: status, seam.Operators: status, seam.Modules: status}
}

func keyring(t *testing.T, module string) *identity.Keyring {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{Module: module})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// attempts returns the attempts for every operation.
func attempts(t *testing.T, trunk, module *identity.Keyring, f *forger) []attempt {
	signed := func(ring *identity.Keyring, caller identity.Caller, audience string) func(string) string {
		return func(module string) string {
			to := audience
			if to == "" {
				to = module
			}
			token, err := ring.Token(caller, to)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
	}
	forged := func(issuer string, more jwt.MapClaims) func(string) string {
		return func(module string) string { return f.token(t, issuer, module, more) }
	}
	// A person's token for the public API, as people bring to the trunk.
	public := func(caller identity.Caller) func(string) string {
		return func(string) string {
			now := time.Now()
			token, _, err := trunk.Sign(caller, identity.PublicAudience, now, now.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
	}
	itself := map[seam.Access]int{seam.Public: 200, seam.Modules: 200, seam.SignedIn: 403, seam.Moderators: 403, seam.Operators: 403}
	member := identity.Caller{Wallet: person.Wallet, Role: identity.Member}
	moderator := identity.Caller{Wallet: person.Wallet, Role: identity.Moderator}
	service := identity.Caller{Service: intruder}
	asMember := map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 403, seam.Operators: 403, seam.Modules: 403}
	asModerator := map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 200, seam.Operators: 403, seam.Modules: 403}
	asOperator := map[seam.Access]int{seam.Public: 200, seam.SignedIn: 200, seam.Moderators: 200, seam.Operators: 200, seam.Modules: 403}
	return []attempt{
		{"nobody", nil, map[seam.Access]int{seam.Public: 200, seam.SignedIn: 401, seam.Moderators: 401, seam.Operators: 401, seam.Modules: 403}, ""},
		{"a module as itself", signed(module, service, ""), itself, ""},
		{"a module as itself, by the trunk's key", signed(trunk, service, ""), itself, alone},
		{"the trunk's call for a module, brought back", signed(trunk, service, ""), all(401), atTrunk},
		{"a module that was asked to act for an operator", signed(module, person, ""), itself, ""},
		{"a module with a token for somebody else", signed(module, service, "elsewhere"), all(401), ""},
		{"a person with a token for somebody else", signed(trunk, person, "elsewhere"), all(401), ""},
		{"a module that forges an operator", forged(intruder, jwt.MapClaims{"sub": person.Wallet.String(), "role": "operator"}), all(401), ""},
		{"a module that forges an operator beside itself", forged(intruder, jwt.MapClaims{"service": intruder, "role": "operator"}), all(401), ""},
		{"a module that forges a named operator", forged(intruder, jwt.MapClaims{"sub": "cli", "role": "operator"}), all(401), ""},
		{"a module that forges another module", forged(intruder, jwt.MapClaims{"service": "trunk"}), all(401), ""},
		{"a module that forges another process", forged(intruder, jwt.MapClaims{"service": intruder, "act": map[string]any{"sub": identity.TrunkIssuer}}), all(401), ""},
		{"a module that forges the trunk", forged(identity.TrunkIssuer, jwt.MapClaims{"role": "operator", "sub": "cli"}), all(401), ""},
		{"an unknown issuer", forged("stranger", jwt.MapClaims{"service": "stranger"}), all(401), ""},
		{"the forger's key used as it may be", forged(intruder, jwt.MapClaims{"service": intruder, "act": map[string]any{"sub": intruder}}), itself, ""},
		{"the trunk's call for a member", signed(trunk, member, ""), asMember, alone},
		{"the trunk's call for a moderator", signed(trunk, moderator, ""), asModerator, alone},
		{"the trunk's call for an operator", signed(trunk, person, ""), asOperator, alone},
		{"the trunk's call for an operator, brought back", signed(trunk, person, ""), all(401), atTrunk},
		{"a member", public(member), asMember, atTrunk},
		{"a moderator", public(moderator), asModerator, atTrunk},
		{"an operator", public(person), asOperator, atTrunk},
		{"an operator's token for the public API, at the module", public(person), all(401), alone},
	}
}

// checkOverHTTP sends every attempt to every operation of both processes, without
// the checks that Banyan's client makes before it sends.
func checkOverHTTP(t *testing.T, c *seam.Contract) {
	trunk, module, f := keyring(t, ""), keyring(t, intruder), newForger(t)
	tries, sessions := attempts(t, trunk, module, f), noSessions(t)
	v := identity.NewVerifier(nil,
		identity.Trusted{Issuer: identity.TrunkIssuer, Keys: trunk},
		identity.Trusted{Issuer: intruder, Keys: eitherKey{module, f}, OnlyService: intruder})
	for entry, authenticate := range entries(v, sessions, c.Module) {
		var reached bool
		router := chi.NewRouter()
		router.Use(authenticate)
		seam.NewRoute(inner(c, &reached)).Mount(router, seam.MountOptions{})
		for _, o := range c.Operations() {
			for _, a := range tries {
				if a.entry != "" && a.entry != entry {
					continue
				}
				reached = false
				status, text := request(t, router, o, a, c)
				want := a.says[o.Access]
				passed := status != 401 && status != 403 // the example request may be invalid, which is checked after the access
				if want == 200 && !passed || want != 200 && (status != want || reached) {
					t.Errorf("%s at %s.%s (%s, for %s): %d %s, want %d", a.who, c.Module, o.ID, entry, o.Access, status, text, want)
				}
			}
		}
	}
}

// eitherKey has the keys of a keyring and of a forger, as keys of one module.
type eitherKey struct {
	ring *identity.Keyring
	f    *forger
}

// PublicKey implements identity.KeySource.
func (e eitherKey) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if e.f.Holds(kid) {
		return e.f.PublicKey(ctx, kid)
	}
	return e.ring.PublicKey(ctx, kid)
}

// Holds implements identity.KeySource.
func (e eitherKey) Holds(kid string) bool { return e.f.Holds(kid) || e.ring.Holds(kid) }

// request sends one request to the server.
func request(t *testing.T, router http.Handler, o seam.Info, a attempt, c *seam.Contract) (status int, text string) {
	t.Helper()
	target := o.Path
	for _, part := range strings.Split(o.Path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		value := "x"
		if name == "wallet" {
			value = person.Wallet.String()
		}
		target = strings.Replace(target, "{"+name+"}", value, 1)
	}
	req := httptest.NewRequestWithContext(t.Context(), o.Method, target, bytes.NewReader([]byte("{}")))
	req.Header.Set("Banyan-Contract", strconv.Itoa(c.Version))
	if a.token != nil {
		req.Header.Set("Authorization", "Bearer "+a.token(c.Module))
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, req)
	return w.Code, fmt.Sprintf("%.200s", w.Body.String())
}
