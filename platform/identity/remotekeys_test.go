package identity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/testclock"
)

// otherSide publishes keys over HTTP, and counts how often it is asked.
type otherSide struct {
	*httptest.Server
	asked   atomic.Int64
	handler atomic.Pointer[http.Handler]
}

func newOtherSide(t *testing.T, h http.Handler) *otherSide {
	t.Helper()
	o := &otherSide{}
	o.set(h)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		(*o.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *otherSide) set(h http.Handler) { o.handler.Store(&h) }

func (o *otherSide) wantAsked(t *testing.T, times int64) {
	t.Helper()
	if n := o.asked.Load(); n != times {
		t.Errorf("the other side was asked %d times, want %d", n, times)
	}
}

func down() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
}

func says(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

// far is a trunk elsewhere and a verifier that knows it by its JWKS only.
func far(t *testing.T) (*testclock.Clock, *identity.Keyring, *otherSide, *identity.Verifier) {
	c := newClock()
	ring := newRing(t, "", c, 1)
	side := newOtherSide(t, identity.JWKSHandler(ring))
	keys := identity.NewRemoteKeys(side.URL+identity.JWKSPath, identity.RemoteKeysOptions{Now: c.Now})
	return c, ring, side, identity.NewVerifier(c.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
}

func TestKeysAreReadOverHTTPOnceAndUsedFromThen(t *testing.T) {
	_, ring, side, v := far(t)
	side.wantAsked(t, 0)
	for _, role := range []identity.Role{identity.Member, identity.Moderator, identity.Operator} {
		caller := identity.Caller{Subject: "x", Role: role}
		verifies(t, v, token(t, ring, caller, "reputation"), "reputation", caller)
	}
	side.wantAsked(t, 1)
}

func TestARestartedModuleIsKnownAgainByItsNewKey(t *testing.T) {
	c, old, side, v := far(t)
	caller := identity.Caller{Service: "airdrop"}
	before := token(t, old, caller, "reputation")
	verifies(t, v, before, "reputation", caller)

	c.Pass(10 * time.Second)
	fresh := newRing(t, "", c, 2)
	side.set(identity.JWKSHandler(fresh))
	verifies(t, v, token(t, fresh, caller, "reputation"), "reputation", caller)
	side.wantAsked(t, 2)
	_, err := verify(context.Background(), v, before, "reputation") // verified once, but its key is gone
	wantFault(t, err, fault.Unauthenticated, "not, or no longer, valid")
}

func TestUnknownKeysDoNotMakeUsAskAgainAndAgain(t *testing.T) {
	c, ring, side, v := far(t)
	verifies(t, v, token(t, ring, identity.Caller{}, "reputation"), "reputation", identity.Caller{})
	stranger := newRing(t, "", c, 9)
	c.Pass(6 * time.Second)
	var all sync.WaitGroup
	for i := range 50 {
		text := token(t, stranger, identity.Caller{Subject: "s" + strings.Repeat("x", i), Role: identity.Member}, "reputation")
		all.Go(func() {
			_, err := verify(context.Background(), v, text, "reputation")
			wantFault(t, err, fault.Unauthenticated, "not, or no longer, valid")
		})
	}
	all.Wait()
	side.wantAsked(t, 2)
}

func TestKnownKeysOutliveTheOtherSide(t *testing.T) {
	c, ring, side, v := far(t)
	verifies(t, v, token(t, ring, identity.Caller{Service: "airdrop"}, "reputation"), "reputation", identity.Caller{Service: "airdrop"})
	side.set(down())
	for range 3 { // far beyond the age at which the keys are read again
		c.Pass(20 * time.Minute)
		verifies(t, v, token(t, ring, identity.Caller{Service: "airdrop"}, "reputation"), "reputation", identity.Caller{Service: "airdrop"})
	}
	side.wantAsked(t, 4)
}

func TestARevokedKeyEndsWhenTheKeysAreReadAgain(t *testing.T) {
	c, ring, side, v := far(t)
	verifies(t, v, token(t, ring, identity.Caller{}, "reputation"), "reputation", identity.Caller{})
	side.set(says(`{"keys":[]}`))
	c.Pass(11 * time.Minute)
	_, err := verify(context.Background(), v, token(t, ring, identity.Caller{}, "reputation"), "reputation")
	wantFault(t, err, fault.Unauthenticated, "not, or no longer, valid")
}

func TestAnOtherSideThatCannotBeReadIsUnavailableAndHeals(t *testing.T) {
	redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	for name, h := range map[string]http.Handler{
		"down":                  down(),
		"a page instead":        says("<html>"),
		"a key that is none":    says(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AAAA"}]}`),
		"endless":               says(`{"keys":[` + strings.Repeat(" ", 100_000) + `]}`),
		"too many keys":         says(`{"keys":[{}` + strings.Repeat(`,{}`, 64) + `]}`),
		"an answer from beyond": redirect,
	} {
		t.Run(name, func(t *testing.T) {
			c, ring, side, v := far(t)
			side.set(h)
			text := token(t, ring, identity.Caller{Service: "airdrop"}, "reputation")
			for range 2 { // the second time without asking again
				_, err := verify(context.Background(), v, text, "reputation")
				wantFault(t, err, fault.Unavailable, "cannot be read at the moment")
			}
			side.wantAsked(t, 1)
			side.set(identity.JWKSHandler(ring))
			c.Pass(5 * time.Second)
			verifies(t, v, text, "reputation", identity.Caller{Service: "airdrop"})
		})
	}
}

func TestACallerThatGoesAwayDoesNotSpoilTheKeysForOthers(t *testing.T) {
	_, ring, _, v := far(t)
	gone, leave := context.WithCancel(context.Background())
	leave()
	text := token(t, ring, identity.Caller{}, "reputation")
	_, _ = verify(gone, v, text, "reputation") // either outcome is fine for somebody who left
	verifies(t, v, text, "reputation", identity.Caller{})
}

func TestKeysOfOtherKindsArePassedOver(t *testing.T) {
	c := newClock()
	ring := newRing(t, "", c, 1)
	mixed := strings.Replace(string(ring.JWKS()), `{"keys":[`,
		`{"keys":[{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB"},{"kty":"OKP","crv":"X25519","kid":"x","x":"AA"},{"kty":"OKP","crv":"Ed25519","use":"enc","kid":"e","x":"AA"},`, 1)
	side := newOtherSide(t, says(mixed))
	keys := identity.NewRemoteKeys(side.URL, identity.RemoteKeysOptions{Now: c.Now})
	v := identity.NewVerifier(c.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
	verifies(t, v, token(t, ring, identity.Caller{}, "reputation"), "reputation", identity.Caller{})
	if keys.Holds("r") || keys.Holds("x") || keys.Holds("e") {
		t.Error("a key of another kind was taken")
	}
}

func TestTheTrunksKeysSayWhichDataItHas(t *testing.T) {
	ring := newRing(t, "", newClock(), 1)
	shown := identity.DataFingerprint("0123456789abcdef0123456789abcdef")
	side := newOtherSide(t, identity.JWKSHandler(identity.WithData(ring, func() map[string]string { return map[string]string{"ledger": shown} })))
	keys := identity.NewRemoteKeys(side.URL, identity.RemoteKeysOptions{})
	if got := keys.Data("ledger"); got != "" {
		t.Errorf("before the keys were read it is %q", got)
	}
	if _, err := keys.PublicKey(t.Context(), "nobody's"); !fault.Is(err, fault.Unauthenticated) {
		t.Fatal(err)
	}
	if got := keys.Data("ledger"); got != shown || strings.Contains(got, "0123456789abcdef") {
		t.Errorf("the fingerprint is %q, want %q", got, shown)
	}
	if got := keys.Data("notes"); got != "" {
		t.Errorf("of a module that is not there it is %q", got)
	}
}
