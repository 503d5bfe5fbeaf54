package seam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
	"banyan/platform/testenv/benchclock"
)

// BenchmarkLocalRoute compares a call through a local route with the bare
// interface call in the same run; over-bare-ns is what the route adds.
func BenchmarkLocalRoute(b *testing.B) {
	type service interface {
		store(context.Context, batch) (receipt, error)
	}
	ctx := as(member)
	r := seam.NewRoute(testModule{}.bind())
	request := batch{ID: "a", Amount: 1}
	rounds := func(n int, call func()) time.Duration {
		start := time.Now()
		for range n {
			call()
		}
		return time.Since(start)
	}
	var bare service = testModule{}
	var bareTook, routeTook time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(b.N-done, 10_000) // in turns, so that both see the same machine
		bareTook += rounds(n, func() { _, _ = bare.store(ctx, request) })
		routeTook += rounds(n, func() { _, _ = opStore.Call(ctx, r, request) })
		done += n
	}
	b.ReportMetric(float64(routeTook-bareTook)/float64(b.N), "over-bare-ns")
	b.ReportMetric(float64(routeTook)/float64(bareTook), "×bare")
}

// BenchmarkRemoteCall compares a remote call with a hand-written client and
// server of net/http with a tuned transport, at 64 callers, in turns.
func BenchmarkRemoteCall(b *testing.B) {
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") == "Bearer member" { // identity's cache of tokens is a look-up, too
				next.ServeHTTP(w, req.WithContext(identity.With(req.Context(), member)))
			}
		})
	})
	seam.NewRoute(testModule{}.bind()).Mount(router, mountOptions)
	server := httptest.NewServer(router)
	defer server.Close()
	remote, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: constantToken{}})
	if err != nil {
		b.Fatal(err)
	}
	r := seam.NewRemoteRoute(contract, remote)
	hand := httptest.NewServer(http.HandlerFunc(handWrittenServer))
	defer hand.Close()
	client := &http.Client{Transport: client.NewTransport()}
	request := batch{ID: "a", Items: []string{"tea", "silk"}, Amount: 12}
	ctx := as(member)
	bySeam := func() error { _, err := opStore.Call(ctx, r, request); return err }
	byHand := func() error { _, err := handWrittenCall(ctx, client, hand.URL, request); return err }
	var seamTook, handTook, seamBusy, handBusy time.Duration
	for range 2 {
		parallel(b, 256, bySeam) // connections open
		parallel(b, 256, byHand)
	}
	b.ResetTimer()
	for done := 0; done < b.N; {
		n, start := min(b.N-done, 1024), benchclock.ProcessorTime(b)
		handTook += parallel(b, n, byHand)
		middle := benchclock.ProcessorTime(b)
		seamTook += parallel(b, n, bySeam)
		handBusy, seamBusy = handBusy+middle-start, seamBusy+benchclock.ProcessorTime(b)-middle
		done += n
	}
	b.ReportMetric(float64(b.N)/seamTook.Seconds(), "calls/s")
	b.ReportMetric(100*handTook.Seconds()/seamTook.Seconds(), "%-of-hand-written")
	b.ReportMetric(100*handBusy.Seconds()/seamBusy.Seconds(), "%-of-hand-written-by-CPU") // when others use the machine, too
}

type constantToken struct{}

func (constantToken) Token(identity.Caller, string) (string, error) { return "member", nil }

// parallel does n calls from 64 callers.
func parallel(b *testing.B, n int, call func() error) time.Duration {
	const callers = 64
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan error, callers)
	start := time.Now()
	for range callers {
		go func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	return time.Since(start)
}

func handWrittenServer(w http.ResponseWriter, req *http.Request) {
	var c batch
	if err := json.NewDecoder(req.Body).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, _ := testModule{}.store(identity.With(req.Context(), member), c)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func handWrittenCall(ctx context.Context, client *http.Client, url string, c batch) (receipt, error) {
	var answer receipt
	body, err := json.Marshal(c)
	if err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/batches/a/batch", bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&answer)
	_, _ = io.Copy(io.Discard, resp.Body)
	return answer, err
}
