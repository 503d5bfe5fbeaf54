package seam_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"banyan/platform/seam"
)

// BenchmarkShadowedRoute compares a read through a local route that shadows
// 10 % with the bare interface call in the same run; over-bare-ns is what the
// caller pays, when the queue takes every sampled read and when it is full. The
// remote stands for another machine: it lets each question wait, so that it
// takes little of this machine's time.
func BenchmarkShadowedRoute(b *testing.B) {
	b.Run("with room", func(b *testing.B) { benchmarkShadowed(b, max(b.N, 256)) })
	b.Run("full", func(b *testing.B) { benchmarkShadowed(b, 16) })
}

func benchmarkShadowed(b *testing.B, queue int) {
	type service interface {
		numberQuery(context.Context, numberQuery) (number, error)
	}
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-req.Context().Done():
		}
		w.Header().Set("Banyan-Contract", "1")
		_, _ = w.Write([]byte(`{"n":1}`))
	}))
	defer far.Close()
	var bare service = smallLight{}
	r := begin(b, &scripted{numberQuery: bare.numberQuery}, seam.RouteOptions{Shadow: seam.ShadowOptions{Queue: queue}})
	set(b, r, seam.ModeShadow, 10, scriptedRemote(b, far.URL))
	ctx := as(member)
	rounds := func(n int, call func()) time.Duration {
		start := time.Now()
		for range n {
			call()
		}
		return time.Since(start)
	}
	var bareTook, routeTook time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(b.N-done, 10_000) // in turns, so that both see the same machine
		bareTook += rounds(n, func() { _, _ = bare.numberQuery(ctx, numberQuery{1}) })
		routeTook += rounds(n, func() { _, _ = opNumber.Call(ctx, r, numberQuery{1}) })
		done += n
	}
	b.StopTimer()
	b.ReportMetric(float64(routeTook-bareTook)/float64(b.N), "over-bare-ns")
	s := figures(r, "numberQuery").Shadow
	if s.Persistent+s.Failed > 0 || b.N > 100_000 && (s.Matched == 0 || (s.Dropped == 0) != (queue > b.N/5)) {
		b.Errorf("nothing was compared, or wrongly, or the queue was not as it should be: %+v", s)
	}
}

type smallLight struct{}

func (smallLight) numberQuery(_ context.Context, q numberQuery) (number, error) {
	return number(q), nil
}
