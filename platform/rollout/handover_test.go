package rollout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
	"banyan/platform/testenv/databasetest"
)

const module = "reputation"

// pair is a trunk and a module that runs alone, on one database, with their own
// keys and HTTP between them.
type pair struct {
	trunk, module *ownership.Ownership
	contract      *rollout.HandoverContract
	server        *httptest.Server
	trunkKeys     *identity.Keyring
	otherKeys     *identity.Keyring // of another module
}

func start(t *testing.T) pair {
	t.Helper()
	db := databasetest.Open(t, database.Options{
		Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"ownership"},
	})
	p := pair{contract: rollout.NewHandoverContract(module)}
	p.trunk = openAs(t, db, rollout.Trunk)
	p.module = openAs(t, databasetest.Again(t, db), module)
	p.trunkKeys, p.otherKeys = ring(t, ""), ring(t, "airdrop")
	// As in a module that runs alone: the trunk is trusted with anybody's word,
	// another module with its own.
	verifier := identity.NewVerifier(nil,
		identity.Trusted{Issuer: identity.TrunkIssuer, Keys: p.trunkKeys},
		identity.Trusted{Issuer: "airdrop", Keys: p.otherKeys, OnlyService: "airdrop"},
	)
	router := chi.NewRouter()
	router.Use(identity.BearerOnly(verifier, module, func(context.Context) string { return "" }))
	seam.NewRoute(p.contract.Bind(p.module)).Mount(router, seam.MountOptions{})
	p.server = httptest.NewServer(router)
	t.Cleanup(p.server.Close)
	return p
}

func openAs(t *testing.T, db *database.DB, name string) *ownership.Ownership {
	t.Helper()
	own, err := ownership.Open(t.Context(), db, ownership.Process{Name: name, URL: "http://" + name})
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func ring(t *testing.T, of string) *identity.Keyring {
	t.Helper()
	keys, err := identity.NewKeyring(identity.KeyringOptions{Module: of})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// client calls with these keys.
func (p pair) client(t *testing.T, tokens client.Tokens) rollout.HandoverClient {
	t.Helper()
	remote, err := seam.NewRemote(p.contract.Seam(), seam.RemoteOptions{URLs: []string{p.server.URL}, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	return p.contract.Client(seam.NewRemoteRoute(p.contract.Seam(), remote))
}

func TestTheTrunkHandsOverAndTakesBack(t *testing.T) {
	p := start(t)
	client := p.client(t, p.trunkKeys)
	ctx := identity.AsService(t.Context(), rollout.Trunk)
	before, err := client.State(ctx)
	if err != nil || before.Owner != rollout.Trunk || before.Epoch != 1 || before.Self != module || before.IsOwner {
		t.Fatalf("before: %+v, %v", before, err)
	}
	now, err := client.Take(ctx, before.Epoch, before.DataID)
	if err != nil || now.Epoch != 2 || now.Owner != module || now.URL != "http://"+module {
		t.Fatalf("take: %+v, %v", now, err)
	}
	if again, err := client.Take(ctx, before.Epoch, before.DataID); err != nil || again.Epoch != 2 {
		t.Errorf("the same take again: %+v, %v", again, err)
	}
	if after, err := client.State(ctx); err != nil || !after.IsOwner || after.Epoch != 2 {
		t.Errorf("after: %+v, %v", after, err)
	}
	if back, err := p.trunk.Take(t.Context(), 2); err != nil || back.Epoch != 3 {
		t.Errorf("taking back: %+v, %v", back, err)
	}
	if _, err := client.Take(ctx, 2, before.DataID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a take that comes too late: %v", err)
	}
	if _, err := client.Take(ctx, 0, before.DataID); !fault.Is(err, fault.Invalid) {
		t.Errorf("a take without an epoch: %v", err)
	}
}

func TestWhoMayAskWhat(t *testing.T) {
	p := start(t)
	as := func(c identity.Caller) context.Context { return identity.With(t.Context(), c) }
	for _, c := range []struct {
		who         string
		ctx         context.Context
		tokens      client.Tokens
		state, take fault.Code
	}{
		{"the trunk", as(identity.Caller{Service: rollout.Trunk}), p.trunkKeys, "", ""},
		{"the trunk for another module", as(identity.Caller{Service: "airdrop"}), p.trunkKeys, "", fault.Forbidden},
		{"an operator", as(identity.Caller{Subject: "operator", Role: identity.Operator}), p.trunkKeys, "", fault.Forbidden},
		{"a moderator", as(identity.Caller{Subject: "moderator", Role: identity.Moderator}), p.trunkKeys, fault.Forbidden, fault.Forbidden},
		{"nobody", t.Context(), p.trunkKeys, fault.Unauthenticated, fault.Unauthenticated},
	} {
		t.Run(c.who, func(t *testing.T) {
			client := p.client(t, c.tokens)
			if _, err := client.State(c.ctx); fault.CodeOf(err) != c.state {
				t.Errorf("state: %v, want %q", err, c.state)
			}
			if _, err := client.Take(c.ctx, 1, p.trunk.DataID()); fault.CodeOf(err) != c.take {
				t.Errorf("take: %v, want %q", err, c.take)
			}
		})
	}
}

// A module's keys cannot sign as the trunk, whatever its program says.
func TestAModuleCannotPassForTheTrunk(t *testing.T) {
	p := start(t)
	for name, keys := range map[string]*identity.Keyring{
		"a trusted module":   p.otherKeys,
		"a trunk of its own": ring(t, ""),
	} {
		client := p.client(t, keys)
		if _, err := client.Take(identity.AsService(t.Context(), rollout.Trunk), 1, p.trunk.DataID()); err == nil {
			t.Errorf("%s took the writes", name)
		}
	}
	if now, err := p.module.Current(t.Context()); err != nil || now.Owner != rollout.Trunk {
		t.Errorf("the row says %+v, %v", now, err)
	}
}

// The wire is part of the contract: operators' scripts read it.
func TestTheWire(t *testing.T) {
	p := start(t)
	token, err := p.trunkKeys.Token(identity.Caller{Service: rollout.Trunk}, module)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string) map[string]any {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, p.server.URL+"/api/v1/"+module+path, bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer := map[string]any{}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d, %v", method, path, resp.StatusCode, err)
		}
		return answer
	}
	taken := ask(http.MethodPost, "/ownership/take", `{"expected_epoch":1,"expected_data_id":"`+p.trunk.DataID()+`"}`)
	state := ask(http.MethodGet, "/ownership", "")
	for _, answer := range []map[string]any{taken, state} {
		if answer["epoch"] != 2.0 || answer["owner"] != module || answer["url"] != "http://"+module || answer["changed_ms"] == nil {
			t.Errorf("answered %v", answer)
		}
	}
	if state["self"] != module || state["is_owner"] != true || state["data_id"] != p.trunk.DataID() {
		t.Errorf("answered %v", state)
	}
}
