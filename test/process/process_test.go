package process_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	_ "github.com/jackc/pgx/v5/stdlib"

	"banyan/migrations"
	"banyan/modules/exchangereview"
	"banyan/platform/database"
	seamclient "banyan/platform/seam/client"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// place is where processes keep their data: a folder, or a PostgreSQL database.
type place struct{ env []string }

// database is how a module's database is opened beside the processes.
func (p place) database(module string) database.Options {
	o := database.Options{Module: module, Readers: 1, Connections: 2, Migrations: migrations.FS}
	postgres := ""
	for _, line := range p.env {
		switch name, value, _ := strings.Cut(line, "="); name {
		case "BANYAN_DATA":
			o.URL = "sqlite:" + value
		case "BANYAN_DATABASE_URL":
			postgres = value
		}
	}
	if postgres != "" {
		o.URL = postgres
	}
	return o
}

// eachPlace runs a test on SQLite and on PostgreSQL.
func eachPlace(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, place{[]string{"BANYAN_DATA=" + t.TempDir()}}) })
	t.Run("postgres", func(t *testing.T) {
		test(t, place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + newPostgres(t)}})
	})
}

// newPostgres makes a database of its own, because the program names its
// schemas itself, and drops it after the test.
func newPostgres(t *testing.T) string {
	t.Helper()
	server := testneeds.PostgresURL()
	admin, err := sql.Open("pgx", server)
	if err == nil {
		err = admin.PingContext(t.Context())
	}
	if err != nil {
		testneeds.Missing(t, testneeds.Postgres, "no PostgreSQL answers (start one, or set BANYAN_TEST_POSTGRES): "+err.Error())
	}
	var b [6]byte
	_, _ = rand.Read(b[:])
	name := "banyan_test_" + hex.EncodeToString(b[:])
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// process is a running Banyan.
type process struct {
	t    *testing.T
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	mu   sync.Mutex
	log  bytes.Buffer
}

var servingAt = regexp.MustCompile(`"msg":"serving [^"]*","url":"([^"]*)"`)

// start runs `banyan serve` with these flags and waits until it serves.
func (p place) start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(banyanPath, append([]string{"serve"}, args...)...)
	cmd.Env = append(os.Environ(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0")
	cmd.Env = append(append(cmd.Env, p.env...), env...)
	if slices.Contains(env, withoutAdmin) {
		cmd.Env = slices.DeleteFunc(cmd.Env, func(pair string) bool { return strings.HasPrefix(pair, "BANYAN_ADMIN_LISTEN=") || pair == withoutAdmin })
	}
	cmd.Dir = t.TempDir() // no config.yaml there
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pr := &process{t: t, cmd: cmd, done: make(chan struct{})}
	serving := make(chan string, 1)
	go func() {
		defer close(pr.done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			pr.mu.Lock()
			pr.log.Write(append(lines.Bytes(), '\n'))
			pr.mu.Unlock()
			if m := servingAt.FindSubmatch(lines.Bytes()); m != nil {
				serving <- string(m[1])
			}
		}
		_ = cmd.Wait() // how it ended is for the test to judge
	}()
	t.Cleanup(func() {
		pr.kill()
		if log := pr.logged(); strings.Contains(log, "DATA RACE") { // the program was built as the test was, with -race perhaps
			t.Errorf("banyan %v:\n%s", args, log)
		}
	})
	select {
	case pr.url = <-serving:
	case <-pr.done:
		t.Fatalf("banyan %v ended at once:\n%s", args, pr.logged())
	case <-time.After(3 * time.Minute):
		t.Fatalf("banyan %v does not serve:\n%s", args, pr.logged())
	}
	return pr
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// stop asks politely and reports how it ended.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(3 * time.Minute):
		p.t.Error("the process does not stop when asked")
		p.kill()
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit code %d:\n%s", code, p.logged())
	}
	return nil
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// token makes an operator's token by the command.
func (p place) token(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(banyanPath, "token", "create", "--role", "operator")
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("token create: %v", err)
	}
	return strings.TrimSpace(string(out))
}

var client = &http.Client{Transport: seamclient.NewTransport(), Timeout: time.Minute}

// call sends a request and decodes the JSON answer into out (nil = leave it).
func call(ctx context.Context, method, address, token string, body io.Reader, out any) (status int, text string, err error) {
	return callOnce(ctx, method, address, token, "", body, out)
}

// callOnce is call for a write that is one effect, however often it is sent with
// this key.
func callOnce(ctx context.Context, method, address, token, key string, body io.Reader, out any) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Banyan-Wait", "yes") // a busy machine leaves no part of a page out
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && out != nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(answer, out)
	}
	return resp.StatusCode, string(answer), err
}

// must is call for what has to work.
func (p *process) must(method, path, token string, body io.Reader, out any) string {
	p.t.Helper()
	status, text, err := call(p.t.Context(), method, p.url+path, token, body, out)
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s %v\n%s", method, path, status, text, err, p.logged())
	}
	return text
}

// author is somebody with a wallet.
type author struct {
	key     *ecdsa.PrivateKey
	address wallet.Address
}

// newAuthor is the same wallet for the same number.
func newAuthor(n int) author {
	key, err := crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "author %d", n)))
	if err != nil {
		panic(err) // not for these numbers
	}
	return author{key, wallet.Address(crypto.PubkeyToAddress(key.PublicKey))}
}

// draft is what the author thinks of an exchange.
func (a author) draft(stars int) exchangereview.ReviewDraft {
	return exchangereview.ReviewDraft{
		Wallet: a.address, Overall: stars, Text: "written by " + a.address.Short(),
		Aspects: exchangereview.Aspects[int]{Withdrawals: stars, Support: stars, Fees: stars, Execution: stars, Security: stars, Ease: stars},
	}
}

// preparedReview is exchangereview.PreparedReview with the document as a wallet
// reads it.
type preparedReview struct {
	TypedData json.RawMessage             `json:"typed_data"`
	Review    exchangereview.SignedReview `json:"review"`
}

// sign is what the author's wallet does with a prepared review.
func (a author) sign(prepared preparedReview) (signed exchangereview.SignedReview, err error) {
	var typed apitypes.TypedData
	if err := json.Unmarshal(prepared.TypedData, &typed); err != nil {
		return signed, err
	}
	digest, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		return signed, err
	}
	signature, err := crypto.Sign(digest, a.key)
	if err != nil {
		return signed, err
	}
	signature[64] += 27
	signed = prepared.Review
	signed.Signature = exchangereview.Signature(signature)
	return signed, nil
}

// review has a review prepared and signs it, as the page and the wallet do.
func (a author) review(ctx context.Context, base, slug string, stars int) (exchangereview.SignedReview, error) {
	body, err := json.Marshal(a.draft(stars))
	if err != nil {
		return exchangereview.SignedReview{}, err
	}
	var prepared preparedReview
	status, text, err := call(ctx, "POST", base+"/api/v1/exchange-review/exchanges/"+slug+"/reviews/prepare", "", bytes.NewReader(body), &prepared)
	if err != nil || status != http.StatusOK {
		return prepared.Review, fmt.Errorf("prepare: %d %s %w", status, text, err)
	}
	return a.sign(prepared)
}

// publish sends a signed review.
func publish(ctx context.Context, base, slug string, r exchangereview.SignedReview) (exchangereview.Review, error) {
	var stored exchangereview.Review
	body, err := json.Marshal(r)
	if err != nil {
		return stored, err
	}
	status, text, err := call(ctx, "POST", base+"/api/v1/exchange-review/exchanges/"+slug+"/reviews", "", bytes.NewReader(body), &stored)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("publish: %d %s", status, text)
	}
	return stored, err
}

// nonce is what differs between two answers with the same page.
var nonce = regexp.MustCompile(`nonce="[^"]*"`)
