package seam_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
	"banyan/platform/seam"
	"banyan/platform/seam/diff"
)

func TestTheLastHundredDifferencesAreKept(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{profile: func(_ context.Context, q profileQuery) (profile, error) {
		return profile{Place: q.Mark + " " + strings.Repeat("x", 20_000), Token: "there"}, nil
	}})
	r := begin(t, &scripted{profile: func(_ context.Context, q profileQuery) (profile, error) {
		return profile{Place: q.Mark, Token: "here"}, nil
	}}, seam.RouteOptions{Shadow: seam.ShadowOptions{Workers: 1, Queue: 200}})
	set(t, r, seam.ModeShadow, 100, remote)
	for i := range 130 {
		ctx := requestctx.WithID(context.Background(), fmt.Sprint("request-", i))
		if _, err := opProfile.Call(ctx, r, profileQuery{Wallet: member.Wallet, Mark: fmt.Sprint("m", i), Names: []string{"a"}, Token: "hidden"}); err != nil {
			t.Fatal(err)
		}
	}
	asked(t, r, 130)
	kept, err := r.Differences("profile")
	if err != nil || len(kept) != 100 || kept[0].RequestID != "request-129" || kept[99].RequestID != "request-30" {
		t.Fatalf("kept %d, from %s to %s; %v", len(kept), kept[0].RequestID, kept[len(kept)-1].RequestID, err)
	}
	d := kept[0]
	if got, want := string(d.Request), `{"mark":"m129","names":["a"],"token":"•••","wallet":"`+member.Wallet.String()+`"}`; got != want {
		t.Errorf("the request is shown as %s, want %s", got, want)
	}
	if got, want := string(d.Local), `{"names":null,"parts":null,"place":"m129","token":"•••","took_ms":0}`; got != want {
		t.Errorf("the answer is shown as %s", got)
	}
	if len(d.Remote) > 10_000 || strings.Contains(string(d.Remote), "there") {
		t.Errorf("a long answer is shown in %d bytes, or with its secret", len(d.Remote))
	}
	if len(d.Fields) != 2 || d.Fields[0].Path != "place" || d.Fields[0].Local != `"m129"` || len(d.Fields[0].Remote) > 300 ||
		d.Fields[1] != (diff.Field{Path: "token", Local: "•••", Remote: "•••"}) {
		t.Errorf("fields %+v", d.Fields)
	}
	if _, err := r.Differences("profiles"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown operation gave %v", err)
	}
}

// A module that panics when it is asked again must not end the process: there
// is not a caller who could have caught it.
func TestAPanicInAComparisonIsCaught(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{})
	var first atomic.Bool
	r := begin(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) {
		if first.CompareAndSwap(false, true) {
			return profile{Place: "elsewhere"}, nil
		}
		panic("asked again")
	}}, seam.RouteOptions{})
	set(t, r, seam.ModeShadow, 100, remote)
	if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
		t.Fatal(err)
	}
	if s := asked(t, r, 1); s.Failed != 1 || !strings.Contains(s.LastFailure, "asked again") {
		t.Errorf("counted %+v", s)
	}
}
