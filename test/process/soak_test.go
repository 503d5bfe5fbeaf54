package process_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"banyan/platform/testenv/natstest"
	"banyan/platform/testenv/redistest"
	"banyan/platform/testenv/testneeds"
)

var soak = flag.Duration("soak", 0, "how long TestSoak goes on with its faults, and print its table; 0 = each fault once")

// replicas is how many of the trunk, and of each module, run.
const replicas = 3

// balancer stands in front of the trunks, as people's own does: it takes the next one when
// one is not reached or says that it is unavailable, if the request may be sent twice.
type balancer struct {
	trunks []string // host:port
	next   atomic.Uint64
	again  atomic.Int64 // requests that were sent to another trunk
	failed atomic.Int64 // reads without an answer after all that
}

// readsWithBody are how the paths of reads end that are POST, because of what they ask.
var readsWithBody = []string{"verify", "prepare", "batch"}

// sendAgainFor is how long a read is sent again.
const sendAgainFor = 30 * time.Second

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request did not arrive whole", http.StatusBadRequest)
		return
	}
	isRead := r.Method == http.MethodGet || r.Method == http.MethodHead || slices.Contains(readsWithBody, path.Base(r.URL.Path))
	deadline := time.Now().Add(sendAgainFor)
	for try := 0; ; try++ {
		resp, err := b.send(r, body)
		isAway := err != nil || resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusServiceUnavailable
		if !isAway || !isRead || time.Now().After(deadline) || r.Context().Err() != nil {
			if isAway && isRead && r.Context().Err() == nil {
				b.failed.Add(1)
			}
			forward(w, resp, err)
			return
		}
		if err == nil {
			_ = resp.Body.Close() // another trunk is asked
		}
		b.again.Add(1)
		if try >= len(b.trunks) {
			pause(50 * time.Millisecond)
		}
	}
}

// send sends the request to the next trunk.
func (b *balancer) send(r *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	out, err := http.NewRequestWithContext(ctx, r.Method, "http://"+b.trunks[b.next.Add(1)%uint64(len(b.trunks))]+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, err
	}
	out.Header, out.Host = r.Header.Clone(), r.Host
	resp, err := client.Transport.RoundTrip(out)
	if err != nil {
		cancel()
		return nil, err
	}
	whole, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to its end, or broken
	cancel()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(whole))
	return resp, nil
}

func forward(w http.ResponseWriter, resp *http.Response, err error) {
	if err != nil {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"unavailable","detail":"no trunk is reached"}`) // the client may be gone
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // likewise
}

// fleet is replicas of the trunk and of each module over one PostgreSQL, NATS and Redis.
type fleet struct {
	place
	t        *testing.T
	env      []string
	database string // its URL
	nats     *natstest.Server
	redis    *redistest.Server
	front    *balancer
	url      string // of the balancer
	token    string
	trunks   [replicas]*process
	alone    map[string]*[replicas]*process
	at       map[string][]string // where the modules' processes listen
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		t: t, database: newPostgres(t), nats: natstest.Start(t), redis: redistest.Start(t),
		front: &balancer{}, alone: map[string]*[replicas]*process{}, at: map[string][]string{},
	}
	f.place = place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + f.database}}
	server := httptest.NewServer(f.front)
	t.Cleanup(server.Close)
	f.url = server.URL
	f.env = []string{
		"BANYAN_PUBLIC_URL=" + f.url, "BANYAN_IDENTITY_TRUNK_URL=" + f.url, "BANYAN_DATABASE_CONNECTIONS=2",
		"BANYAN_EVENTS_BROKER=nats", "BANYAN_EVENTS_NATS_URL=" + f.nats.URL(), "BANYAN_EVENTS_NATS_USER=banyan", "BANYAN_EVENTS_NATS_PASSWORD=secret",
		"BANYAN_REDIS_URL=" + f.redis.URL(), "BANYAN_REDIS_PASSWORD=" + redistest.Password,
		"BANYAN_HTTP_RATE=100000", "BANYAN_HTTP_BURST=100000", "BANYAN_HTTP_WALLET_RATE=100000", "BANYAN_HTTP_WALLET_BURST=100000",
	}
	for _, m := range modules {
		var urls []string
		for range replicas {
			address := testneeds.Address(t)
			f.at[m] = append(f.at[m], address)
			urls = append(urls, "http://"+address)
		}
		f.env = append(f.env, "BANYAN_MODULES_"+strings.ToUpper(strings.ReplaceAll(m, "-", "_"))+"_URL="+strings.Join(urls, ","))
	}
	for range replicas {
		f.front.trunks = append(f.front.trunks, testneeds.Address(t))
	}
	for i := range replicas {
		f.startTrunk(i)
	}
	f.token = f.place.token(t)
	for _, m := range modules {
		f.alone[m] = &[replicas]*process{}
		for i := range replicas {
			f.startModule(m, i)
		}
		f.lead(m)
	}
	return f
}

func (f *fleet) startTrunk(i int) {
	f.trunks[i] = f.start(f.t, f.env, "--listen", f.front.trunks[i])
}

func (f *fleet) startModule(module string, i int) {
	f.alone[module][i] = f.start(f.t, f.env, "--module", module, "--listen", f.at[module][i])
}

// lead leads a module's calls to its own processes.
func (f *fleet) lead(module string) {
	f.t.Helper()
	var urls []string
	for _, address := range f.at[module] {
		urls = append(urls, "http://"+address)
	}
	body, err := json.Marshal(map[string]any{"mode": "remote", "urls": urls, "why": "replicas of its own", "anyway": true})
	if err != nil {
		f.t.Fatal(err)
	}
	status, text, err := call(f.t.Context(), "PUT", f.url+"/api/v1/operator/modules/"+module, f.token, bytes.NewReader(body), nil)
	if err != nil || status != http.StatusOK {
		f.t.Fatalf("lead %s to its processes: %d %s %v\n%s", module, status, text, err, f.trunks[0].logged())
	}
}

// harm is a fault while people use the site, and its end.
type harm struct {
	what string
	do   func(f *fleet)
}

// harms are done one after the other.
func harms() []harm {
	all := []harm{
		{"nothing", func(*fleet) { pause(2 * time.Second) }},
		{"kill -9 of a trunk", func(f *fleet) { f.trunks[0].kill(); pause(time.Second); f.startTrunk(0) }},
		{"rolling restart of the trunks", func(f *fleet) {
			for i := range replicas {
				f.stop(f.trunks[i])
				f.startTrunk(i)
			}
		}},
	}
	for _, m := range modules {
		all = append(all, harm{"kill -9 of one of " + m, func(f *fleet) { f.alone[m][0].kill(); pause(time.Second); f.startModule(m, 0) }})
	}
	for _, m := range modules {
		all = append(all, harm{"rolling restart of " + m, func(f *fleet) {
			for i := range replicas {
				f.stop(f.alone[m][i])
				f.startModule(m, i)
			}
		}})
	}
	return append(all,
		harm{"NATS away", func(f *fleet) { f.nats.Stop(); pause(2 * time.Second); f.nats.Start() }},
		harm{"NATS back without its data", func(f *fleet) { f.nats.Stop(); f.nats.Wipe(); f.nats.Start(); pause(time.Second) }},
		harm{"Redis away", func(f *fleet) { f.redis.Stop(); pause(2 * time.Second); f.redis.Start() }},
		harm{"all connections to PostgreSQL cut", func(f *fleet) { f.cutConnections() }},
	)
}

// stop ends a process as a rolling update does.
func (f *fleet) stop(p *process) {
	if err := p.stop(); err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) cutConnections() {
	f.t.Helper()
	db, err := sql.Open("pgx", f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	for range 3 {
		if _, err := db.ExecContext(f.t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			f.t.Error(err)
		}
		pause(300 * time.Millisecond)
	}
}

// used is what people found during one fault.
type used struct {
	what          string
	took          time.Duration
	again, failed int64
}

// TestSoak: three of each process, over one PostgreSQL, NATS and Redis, lose one after the
// other while people read and write, and the audit afterwards finds each acknowledged
// write once and each event counted once.
func TestSoak(t *testing.T) {
	f := startFleet(t)
	log := filepath.Join(t.TempDir(), "load.ndjson")
	rate := "40"
	if *soak > 0 {
		rate = "100"
	}
	load := exec.CommandContext(t.Context(), banyanPath, "load", "--server", f.url, "--duration", "1h", "--rate", rate, "--callers", "16", "--retry", "1m", "--log", log, "--json")
	load.Env, load.Dir = append(os.Environ(), "BANYAN_TOKEN="+f.token), t.TempDir()
	var out, errs bytes.Buffer
	load.Stdout, load.Stderr = &out, &errs
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	var loadErr error
	ended.Go(func() { loadErr = load.Wait() })
	var rows []used
	for begun := time.Now(); ; {
		for _, h := range harms() {
			at, again, failed := time.Now(), f.front.again.Load(), f.front.failed.Load()
			h.do(f)
			pause(time.Second)
			rows = append(rows, used{h.what, time.Since(at), f.front.again.Load() - again, f.front.failed.Load() - failed})
		}
		if time.Since(begun) >= *soak {
			break
		}
	}
	_ = load.Process.Signal(os.Interrupt) // it may have ended, which Wait says
	ended.Wait()
	f.judge(rows, out.Bytes(), errs.String(), loadErr)
	cmd := exec.CommandContext(t.Context(), banyanPath, "audit", log, "--wait", "2m")
	cmd.Env, cmd.Dir = append(os.Environ(), "BANYAN_TOKEN="+f.token), t.TempDir()
	verdict, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the audit finds differences:\n%s", verdict)
	}
	t.Logf("%s", verdict)
}

func (f *fleet) judge(rows []used, report []byte, errs string, err error) {
	f.t.Helper()
	var r struct {
		Requests int `json:"requests"`
		Failed   int `json:"failed"`
		Writes   int `json:"acknowledged_writes"`
	}
	if decoded := json.Unmarshal(report, &r); err != nil || decoded != nil {
		f.t.Fatalf("the load ends with %v (%v):\n%s%s", err, decoded, report, errs)
	}
	if r.Failed > 0 || r.Writes < 50 || f.front.failed.Load() > 0 {
		f.t.Errorf("%d of %d requests failed, %d reads at all trunks, %d writes were acknowledged:\n%s", r.Failed, r.Requests, f.front.failed.Load(), r.Writes, report)
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "fault\ttime\tasked another trunk\treads failed") // to memory, as below
	for _, row := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%.1f s\t%d\t%d\n", row.what, row.took.Seconds(), row.again, row.failed)
	}
	_ = w.Flush()
	f.t.Logf("%d requests, %d acknowledged writes\n%s%s", r.Requests, r.Writes, &table, report)
}
