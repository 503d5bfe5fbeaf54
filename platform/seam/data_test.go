package seam_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	ourData   = "11111111222222223333333344444444"
	otherData = "aaaaaaaabbbbbbbbccccccccdddddddd"
)

// group is a process of the testModule over some data.
type group struct {
	server *httptest.Server
	done   atomic.Int64 // operations that were done there
}

// over starts a process that has this data; "" is one of a release that does
// not say.
func over(t *testing.T, data string) *group {
	t.Helper()
	p := &group{}
	h := testModule{}
	local := contract.Bind(
		opFind.To(func(ctx context.Context, q findQuery) (found, error) { p.done.Add(1); return h.found(ctx, q) }),
		opStore.To(func(ctx context.Context, c batch) (receipt, error) { p.done.Add(1); return h.store(ctx, c) }),
		opMeasure.To(func(ctx context.Context, m upload) (measured, error) { p.done.Add(1); return h.measure(ctx, m) }),
		opMeasurePublic.To(h.measure), opLog.To(h.log), opFail.To(h.fail), opInternal.To(h.internalCall))
	router := chi.NewRouter()
	router.Use(limitBody, readPlainToken)
	seam.NewRoute(local).Mount(router, seam.MountOptions{Data: func() string { return data }})
	p.server = httptest.NewServer(router)
	t.Cleanup(p.server.Close)
	return p
}

// led is a route of a program with our data to these processes.
func led(t *testing.T, groups ...*group) (*seam.Route, *seam.Remote) {
	t.Helper()
	urls := make([]string, len(groups))
	for i, p := range groups {
		urls[i] = p.server.URL
	}
	remote, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: urls, Tokens: plainTokens{}, Data: ourData})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	return seam.NewRemoteRoute(contract, remote), remote
}

func TestNothingIsDoneOverOtherData(t *testing.T) {
	foreign := over(t, otherData)
	route, _ := led(t, foreign)
	operator := member
	operator.Role = 3
	calls := map[string]func() error{
		"a read": func() error {
			_, err := opFind.Call(as(operator), route, findQuery{Group: "a", Wallet: member.Wallet})
			return err
		},
		"a write": func() error { _, err := opStore.Call(as(operator), route, batch{ID: "ada"}); return err },
		"an upload": func() error {
			_, err := opMeasure.Call(as(operator), route, upload{Body: strings.NewReader("1,2")})
			return err
		},
		"a stream": func() error { _, err := opLog.Call(as(operator), route, logQuery{Lines: 2}); return err },
	}
	for what, call := range calls {
		err := call()
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s over other data: %v", what, err)
			continue
		}
		for _, want := range []string{"aaaaaaaa", "11111111", "database.url", "testModule"} {
			if !strings.Contains(fault.From(err).Message, want) {
				t.Errorf("%s over other data says %q, without %q", what, fault.From(err).Message, want)
			}
		}
	}
	if n := foreign.done.Load(); n != 0 {
		t.Errorf("%d operations were done over other data", n)
	}
}

// One replica of several has other data: nobody notices but the operator.
func TestAReplicaOverOtherDataGetsNoCalls(t *testing.T) {
	ours, foreign := over(t, ourData), over(t, otherData)
	route, remote := led(t, foreign, ours)
	const rounds = 50
	for range rounds {
		if _, err := opFind.Call(as(member), route, findQuery{Group: "a", Wallet: member.Wallet}); err != nil {
			t.Fatalf("a read: %v", err)
		}
		if _, err := opStore.Call(as(member), route, batch{ID: "ada"}); err != nil {
			t.Fatalf("a write: %v", err)
		}
	}
	if ours.done.Load() != 2*rounds || foreign.done.Load() != 0 {
		t.Errorf("%d operations were done over our data, want %d; over other data %d", ours.done.Load(), 2*rounds, foreign.done.Load())
	}
	for _, e := range remote.Endpoints() {
		if isForeign := e.URL == foreign.server.URL; isForeign && (e.Failures == 0 || e.Failures != e.Calls || !strings.Contains(e.LastError, "aaaaaaaa")) || !isForeign && e.Failures > 0 {
			t.Errorf("the operator sees %+v", e)
		}
	}
}

// The process is another one from one call to the next, as after a restart.
func TestAProcessThatIsStartedAgainOverOtherDataIsFound(t *testing.T) {
	ours, foreign := over(t, ourData), over(t, otherData)
	var now atomic.Pointer[http.Handler]
	now.Store(&ours.server.Config.Handler)
	address := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(w, r) }))
	defer address.Close()
	route, _ := led(t, &group{server: address})
	read := func() error {
		_, err := opFind.Call(as(member), route, findQuery{Group: "a", Wallet: member.Wallet})
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	now.Store(&foreign.server.Config.Handler)
	if err := read(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "aaaaaaaa") {
		t.Errorf("after a restart over other data: %v", err)
	}
	now.Store(&ours.server.Config.Handler)
	if err := read(); err != nil {
		t.Errorf("over our data again: %v", err)
	}
}

// Processes of the release before do not say, and calls from elsewhere do not
// ask: both go on as before.
func TestWithoutADataIDCallsGoOn(t *testing.T) {
	for _, data := range []string{"", ourData} {
		process := over(t, data)
		route, _ := led(t, process)
		if _, err := opFind.Call(as(member), route, findQuery{Group: "a", Wallet: member.Wallet}); err != nil {
			t.Errorf("with our id at a process that says %q: %v", data, err)
		}
		resp, err := http.Post(process.server.URL+"/api/v1/testModule/fail/invalid", "application/json", bytes.NewBufferString("{}"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Banyan-Data") != "" {
			t.Errorf("a person at a process over %q: %d, with the id %q", data, resp.StatusCode, resp.Header.Get("Banyan-Data"))
		}
	}
}

// What stands between two processes drops the caller's id: the answer shows the
// other data all the same, and what was done over there is not done once more.
func TestAnIDThatGetsLostOnTheWayDoesNotRepeatAWrite(t *testing.T) {
	ours, foreign := over(t, ourData), over(t, otherData)
	handler := foreign.server.Config.Handler
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Banyan-Data")
		handler.ServeHTTP(w, r)
	}))
	defer between.Close()
	route, remote := led(t, &group{server: between}, ours)
	failed := 0
	for foreign.done.Load() == 0 {
		_, err := opStore.Call(as(member), route, batch{ID: "ada"})
		if err != nil && fault.Is(err, fault.Unavailable) && strings.Contains(err.Error(), "aaaaaaaa") {
			failed++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	var calls uint64
	for _, e := range remote.Endpoints() {
		calls += e.Calls
	}
	if failed != 1 || foreign.done.Load()+ours.done.Load() != int64(calls) {
		t.Errorf("%d writes failed; %d calls were done %d times over our data and %d times over other data",
			failed, calls, ours.done.Load(), foreign.done.Load())
	}
}

func TestEachEndpointCanBeAskedByItself(t *testing.T) {
	first, second := over(t, ourData), over(t, ourData)
	_, remote := led(t, first, second)
	each := remote.Each()
	if len(each) != 2 || each[0].URL() != first.server.URL || each[1].URL() != second.server.URL {
		t.Fatalf("%d endpoints", len(each))
	}
	for i, one := range each {
		for range 3 {
			if _, err := opFind.Call(as(member), seam.NewRemoteRoute(contract, one), findQuery{Group: "a", Wallet: member.Wallet}); err != nil {
				t.Errorf("endpoint %d: %v", i, err)
			}
		}
	}
	if first.done.Load() != 3 || second.done.Load() != 3 {
		t.Errorf("asked %d and %d times, want 3 each", first.done.Load(), second.done.Load())
	}
}
