package process_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

func TestTheDemoRefusesSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	if err := os.WriteFile("production.yaml", []byte("data: production\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env, line string
		says      []string
	}{
		{"", "--config production.yaml demo", []string{"not use settings from --config production.yaml", "invents reviews", "omit --config", "banyan serve"}},
		{"", "demo --config nowhere.yaml", []string{"--config nowhere.yaml", "omit --config"}},
		{"BANYAN_CONFIG=production.yaml", "demo", []string{"not use settings from BANYAN_CONFIG", "env -u BANYAN_CONFIG banyan demo"}},
		{"BANYAN_DATA=production", "demo", []string{"not use settings from BANYAN_DATA", "env -u BANYAN_DATA banyan demo"}},
		{"BANYAN_DATABASE_URL=postgres://me:hunter2@127.0.0.1:1/n", "demo", []string{"BANYAN_DATABASE_URL"}},
		{"BANYAN_HTTP__BURST=1", "--config production.yaml demo", []string{"--config production.yaml, BANYAN_HTTP__BURST", "env -u BANYAN_HTTP__BURST banyan demo`, without --config"}},
		{"BANYAN_IDENTITY_OPERATORS=0x52908400098527886E0F7030069857D2E4169EE7", "demo", []string{"BANYAN_IDENTITY_OPERATORS"}},
		{"", "demo --set data=production", []string{"unknown flag: --set"}},
		{"", "demo --listen 0.0.0.0:8080", []string{"--listen 0.0.0.0:8080 can be reached by other machines", "127.0.0.1:8080", "ssh -L"}},
		{"", "demo --listen :8080", []string{"can be reached by other machines"}},
		{"", "demo --listen [::]:8080", []string{"can be reached by other machines"}},
		{"", "demo --listen 192.0.2.1:8080", []string{"can be reached by other machines"}},
		{"", "demo --listen banyan.example.org:8080", []string{"can be reached by other machines"}},
		{"", "demo --listen 127.0.0.1", []string{"is not an address to listen on"}},
		{"", "demo --listen 127.0.0.1:http", []string{"is not an address to listen on"}},
	} {
		t.Run(c.env+" "+c.line, func(t *testing.T) {
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, value)
			}
			code, out, errOut := banyan(t, strings.Fields(c.line)...)
			if code != exitUsage || out != "" {
				t.Errorf("exit %d, want %d; said %q", code, exitUsage, out)
			}
			for _, part := range c.says {
				if !strings.Contains(errOut, part) {
					t.Errorf("said %q, want %q in it", errOut, part)
				}
			}
			if strings.Contains(errOut, "hunter2") {
				t.Errorf("a password shows: %s", errOut)
			}
		})
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("a refused demo left %v, %v", left, err)
	}
}

// demoProcess is a running `banyan demo`.
type demoProcess struct {
	url    string
	wallet wallet.Address // of the demo wallet
	folder string         // its temporary one
	said   string         // before the community
	cmd    *exec.Cmd
	client *http.Client // one browser's
}

var saysWallet = regexp.MustCompile(`Check the demo wallet (0x[0-9a-fA-F]{40})`)

// startDemo runs the demo in a working folder and waits until it answers.
func startDemo(t *testing.T, working string) *demoProcess {
	t.Helper()
	temporary, listen := t.TempDir(), testneeds.Address(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, banyanPath, "demo", "--listen", listen)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary, "PGHOST=127.0.0.1", "PGDATABASE=production")
	cmd.Dir = working
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &demoProcess{url: "http://" + listen, cmd: cmd, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	ready := false
	for lines := bufio.NewScanner(stdout); !ready && lines.Scan(); ready = strings.Contains(lines.Text(), "/docs") {
		if p.wallet.IsZero() && !strings.HasPrefix(lines.Text(), " ") {
			p.said += lines.Text() + "\n"
		}
		if m := saysWallet.FindStringSubmatch(lines.Text()); m != nil {
			p.wallet = wallet.MustParse(m[1])
		}
	}
	folders, err := filepath.Glob(filepath.Join(temporary, "banyan-demo-*"))
	if !ready || err != nil || len(folders) != 1 {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("the demo has the folders %v, %v and is ready: %t\n%s", folders, err, ready, complaints.String())
	}
	p.folder = folders[0]
	return p
}

// askWallet has the demo wallet do what a page asks.
func (p *demoProcess) askWallet(t *testing.T, method string, params ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result string }
	p.post(t, "/demo/sign", string(body), &answer)
	return answer.Result
}

func (p *demoProcess) post(t *testing.T, path, body string, out any) {
	t.Helper()
	if status, text := postJSON(t, p.client, p.url+path, body, out); status != http.StatusOK {
		t.Fatalf("POST %s: %d %s", path, status, text)
	}
}

func postJSON(t *testing.T, browser *http.Client, address, body string, out any) (status int, text string) {
	t.Helper()
	resp, err := browser.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all bytes.Buffer
	if _, err := all.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(all.Bytes(), out); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, all.String()
}

// operatorToken signs in with the demo wallet and returns its token for the API.
func (p *demoProcess) operatorToken(t *testing.T) string {
	t.Helper()
	var challenge struct{ Message string }
	p.post(t, "/api/v1/identity/nonce", `{"address":"`+p.wallet.String()+`","chain_id":1}`, &challenge)
	body, err := json.Marshal(map[string]any{
		"message": challenge.Message, "token": true,
		"signature": p.askWallet(t, "personal_sign", "0x"+hex.EncodeToString([]byte(challenge.Message)), p.wallet.String()),
	})
	if err != nil {
		t.Fatal(err)
	}
	var in struct{ Role, Token string }
	p.post(t, "/api/v1/identity/sign-in", string(body), &in)
	if in.Role != "operator" || in.Token == "" {
		t.Fatalf("the demo wallet signs in as %q, token %t", in.Role, in.Token != "")
	}
	return in.Token
}

// TestADemoBesideProductionLeavesItAlone: a demo that is started where a real
// installation has its settings reads nothing of it and writes nothing into it,
// what it makes is worth nothing there, and what it leaves is not served.
func TestADemoBesideProductionLeavesItAlone(t *testing.T) {
	working := t.TempDir()
	data := filepath.Join(working, "production")
	settings := "data: " + data + "\npublic_url: https://production.example\n" +
		"database:\n  url: postgres://banyan@127.0.0.1:1/production\n" + // nobody listens there: who reads this cannot start
		"identity:\n  operators: [\"0x52908400098527886E0F7030069857D2E4169EE7\"]\n"
	if err := os.WriteFile(filepath.Join(working, "banyan.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startDemo(t, working)
	if !strings.HasPrefix(p.said, "banyan.yaml is not used by the demo\n") {
		t.Errorf("it says %q about banyan.yaml", p.said)
	}
	if left, err := os.ReadDir(working); err != nil || len(left) != 1 {
		t.Errorf("beside banyan.yaml it made %v, %v", left, err)
	}
	for person := range uint64(100) { // what an earlier version derived from these words
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte("Banyan demo: worth nothing"), binary.BigEndian.AppendUint64(nil, person)))
		if err != nil {
			t.Fatal(err)
		}
		if p.wallet == wallet.Address(crypto.PubkeyToAddress(key.PublicKey)) {
			t.Fatalf("anybody can compute the key of the operator %s", p.wallet)
		}
	}
	token := p.operatorToken(t)
	if status, text, err := call(t.Context(), "POST", p.url+"/api/v1/reputation/epochs", token, nil, nil); err != nil || status != http.StatusOK {
		t.Errorf("the demo's own token: %d %s %v", status, text, err)
	}

	production := place{[]string{"BANYAN_DATA=" + data}}.start(t, nil, "--listen", "127.0.0.1:0")
	if status, text, err := call(t.Context(), "POST", production.url+"/api/v1/reputation/epochs", token, nil, nil); err != nil || status != http.StatusUnauthorized {
		t.Errorf("a demo's token in production: %d %s %v, want 401", status, text, err)
	}
	if status, text := postJSON(t, client, production.url+"/demo/sign", `{"method":"eth_accounts"}`, nil); status != http.StatusNotFound {
		t.Errorf("production signs: %d %s", status, text)
	}

	if err := p.cmd.Process.Kill(); err != nil { // so that its folder stays
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	for _, line := range []string{"serve --listen 127.0.0.1:0", "serve --module reputation --listen 127.0.0.1:0", "token create --role operator", "migrate status", "events dead"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it would serve for ever where it is not refused
		defer cancel()
		cmd := exec.CommandContext(ctx, banyanPath, strings.Fields(line)...)
		cmd.Env = append(os.Environ(), "BANYAN_DATA="+p.folder, "BANYAN_ADMIN_LISTEN=127.0.0.1:0")
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "left behind by banyan demo") || !strings.Contains(string(out), "set data to another folder") {
			t.Errorf("%s over a demo's folder: %v, %s", line, err, out)
		}
	}
}

func TestADemoRemovesItsFolder(t *testing.T) {
	p := startDemo(t, t.TempDir())
	if strings.Contains(p.said, "banyan.yaml") {
		t.Errorf("there is no banyan.yaml, and it says %q", p.said)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(p.folder); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
}
