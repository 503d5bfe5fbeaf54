//go:build devchain

package service_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/publish"
	"banyan/modules/airdrop/service"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

const keyPassword = "correct horse 4711"

// keyFile writes a key as geth does, and its password beside it.
func keyFile(t *testing.T, key *ecdsa.PrivateKey) (file, password string) {
	t.Helper()
	text, err := keystore.EncryptKey(&keystore.Key{Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key}, keyPassword, keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		t.Fatal(err)
	}
	file, password = filepath.Join(t.TempDir(), "key.json"), filepath.Join(t.TempDir(), "password")
	for name, content := range map[string]string{file: string(text), password: keyPassword + "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, password
}

// A key file publishes a campaign: what is wrong is found before anything is sent, what
// was sent before is not sent again, and the password is in no message.
func TestAKeyFilePublishesACampaign(t *testing.T) {
	m := newTeam(t, 18)
	ctx, cancel := context.WithCancel(context.Background())
	sealing := make(chan error, 1)
	go func() { sealing <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-sealing; err != nil {
			t.Error(err)
		}
	})
	chains := openChain(t, m)
	key, password := keyFile(t, m.key)
	empty, _ := crypto.GenerateKey()
	poor, poorPassword := keyFile(t, empty)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), small(20))
		planned := must(w.PlanDistributor(operator, m.plan(c.ID)))(t)
		batch := filepath.Join(t.TempDir(), "batch.json")
		if err := os.WriteFile(batch, []byte(planned.Safe), 0o600); err != nil {
			t.Fatal(err)
		}
		args := func(more ...string) []string {
			return append([]string{"publish", "--batch", batch, "--node", m.URL(), "--private", "--keystore", key, "--password-file", password}, more...)
		}
		var facts publish.Facts
		commandJSON(t, &facts, args()...)
		if facts.Distributor != planned.Address || !strings.HasSuffix(facts.Pays, " DEMO on chain 1337") || len(facts.Left) != 3 || facts.Left[0].Done {
			t.Errorf("it would send %+v", facts)
		}
		m.refusesToPublish(t, batch, args, facts.Pays, poor, poorPassword)

		m.send((*common.Address)(&planned.Calls[0].To), common.FromHex(planned.Calls[0].Data)) // as if it had stopped after the first
		m.Commit()
		var done struct {
			Distributor string
			Steps       []publish.Step
		}
		commandJSON(t, &done, args("--confirm", facts.Pays)...)
		if len(done.Steps) != 3 || done.Steps[0].TX != "" || done.Steps[2].TX == "" || done.Distributor != planned.Address.String() {
			t.Errorf("published %+v", done)
		}
		if got := m.has(t, common.Address(planned.Address)); got.Cmp(c.Total.ToBig()) != 0 {
			t.Errorf("the distributor has %s of %s", got, c.Total.Dec())
		}
		done.Steps = nil
		commandJSON(t, &done, args("--confirm", facts.Pays)...)
		if len(done.Steps) != 3 || done.Steps[1].TX != "" || done.Steps[2].TX != "" {
			t.Errorf("published again %+v", done)
		}
		w.reading(t)
		must(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: c.ID, Chain: 1337, Address: planned.Address}))(t)
		w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
	})
}

func (m *team) refusesToPublish(t *testing.T, batch string, args func(...string) []string, pays, poor, poorPassword string) {
	t.Helper()
	text, err := os.ReadFile(batch)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(old, new string) string {
		file := filepath.Join(t.TempDir(), "batch.json")
		other := strings.Replace(string(text), old, new, 1)
		if other == string(text) {
			t.Fatalf("the batch has no %q", old)
		}
		if err := os.WriteFile(file, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	no := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(no, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := common.Address(m.token)
	var batchJSON struct{ Transactions []struct{ To, Data string } }
	if err := json.Unmarshal(text, &batchJSON); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code fault.Code
	}{
		"another text":     {args("--confirm", strings.Replace(pays, "DEMO", "OMED", 1)), fault.Conflict},
		"another chain":    {args("--batch", changed(`"1337"`, `"1"`)), fault.Unavailable},
		"another token":    {args("--batch", changed(token.Hex(), numbered(3).String())), fault.Invalid},
		"a payment":        {args("--batch", changed(`"value": "0"`, `"value": "1"`)), fault.Invalid},
		"another spender":  {args("--batch", changed("0x095ea7b3", "0xa9059cbb")), fault.Invalid},
		"a wrong password": {args("--password-file", no), fault.Invalid},
		"no tokens":        {args("--keystore", poor, "--password-file", poorPassword), fault.Conflict},
		"no file":          {args("--batch", filepath.Join(t.TempDir(), "x")), fault.NotFound},
	} {
		if out, err := command(t, "", c.args...); fault.CodeOf(err) != c.code || strings.Contains(out+err.Error(), keyPassword) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if has := m.has(t, common.Address(numbered(3))); has.Sign() != 0 {
		t.Error("something was paid")
	}
}
