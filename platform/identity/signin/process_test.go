package signin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
)

// processOf asks a handler behind authenticate which process sent the request.
func processOf(t *testing.T, authenticate func(http.Handler) http.Handler, path, token string) (status int, process string) {
	t.Helper()
	handler := authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, identity.Process(r.Context()))
	}))
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// TestOnlyACallBetweenProcessesProvesAProcess: neither nobody's request nor an
// API client's token does, whatever its role.
func TestOnlyACallBetweenProcessesProvesAProcess(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		keys, verifier := openKeys(t, db, c)
		ring := newRing(t, "reputation", c, 2)
		verifier.Trust(identity.Trusted{Issuer: "reputation", Keys: ring, OnlyService: "reputation"})
		client, err := newTokens(keys).Create(t.Context(), signin.TokenRequest{Subject: "ci", Role: identity.Operator, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		sessions := newSessions(t, db, c)
		trunk := signin.NewAPI(signin.APIOptions{Sessions: sessions, Tokens: newTokens(keys), Events: eventsIn(db, c), Verifier: verifier}).Authenticate
		alone := identity.BearerOnly(verifier, "reputation", nil)
		const path = "/api/v1/reputation/scores"
		toModule := func(caller identity.Caller) string { return token(t, keys, caller, "reputation") }
		for name, tc := range map[string]struct {
			at      func(http.Handler) http.Handler
			token   string
			status  int
			process string
		}{
			"nobody, at the trunk":                        {trunk, "", 200, ""},
			"nobody, at the module":                       {alone, "", 200, ""},
			"an operator's API token":                     {trunk, client.Token, 200, ""},
			"the trunk for nobody, at the module":         {alone, toModule(identity.Caller{}), 200, "banyan"},
			"the trunk for a person, at the module":       {alone, toModule(identity.Caller{Wallet: newPerson(t, "a").wallet, Role: identity.Member}), 200, "banyan"},
			"a module on its own behalf, at the trunk":    {trunk, token(t, ring, identity.Caller{}, "reputation"), 200, "reputation"},
			"a person's call, brought back to the trunk":  {trunk, toModule(identity.Caller{Subject: "op", Role: identity.Operator}), 401, ""},
			"a service's call, brought back to the trunk": {trunk, toModule(identity.Caller{Service: "airdrop"}), 401, ""},
		} {
			status, process := processOf(t, tc.at, path, tc.token)
			if status != tc.status || status == 200 && process != tc.process {
				t.Errorf("%s: %d, process %q; want %d, %q", name, status, process, tc.status, tc.process)
			}
		}
	})
}

// TestACallerThatIsSetHasNoProcess: what a module begins on its own behalf is
// not the request that led to it.
func TestACallerThatIsSetHasNoProcess(t *testing.T) {
	ctx := identity.WithProcess(t.Context(), identity.Caller{Subject: "op"}, identity.TrunkIssuer)
	if got := identity.Process(ctx); got != identity.TrunkIssuer || identity.From(ctx).Subject != "op" {
		t.Fatalf("process %q, caller %+v", got, identity.From(ctx))
	}
	if got := identity.Process(identity.AsService(ctx, "airdrop")); got != "" {
		t.Errorf("process %q", got)
	}
	if identity.Process(t.Context()) != "" {
		t.Error("a context without a caller has a process")
	}
}
