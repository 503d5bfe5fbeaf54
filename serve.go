package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/config"
	"banyan/platform/identity/signin"
	"banyan/platform/memory"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
	"banyan/web"
)

// contracts are the modules' contracts, from the ground up.
var contracts = []*seam.Contract{reputation.Contract, exchangereview.Contract, airdrop.Contract}

// heapFloor is memory, in bytes, that the garbage collector counts and nobody
// touches, so the system never gives it. Go collects when the heap has doubled:
// with the 5 MB that this program lives on, a busy server marked them anew for
// every 5 MB of garbage, which took a quarter of its processors' time. What a busy
// server then lets lie before it collects is as much, so a small machine has less,
// and so has a small limit (GOMEMLIMIT), which the floor counts against. An
// available of 0 is unknown.
func heapFloor(available, limit int64) int64 {
	const most, share, unknown = 64 << 20, 32, 512 << 20
	if available == 0 {
		available = unknown
	}
	return min(most, available/share, limit/share)
}

// serve runs the program until the context ends. When it answers requests,
// ready is told the address.
func serve(ctx context.Context, cfg config.Config, clock func() time.Time, pages web.Options, ready func(*house) error) (err error) {
	h, err := build(ctx, cfg, clock, pages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.server.Listen(); err != nil {
		return err
	}
	what := cfg.Module
	if what == "" {
		what = "everything"
	}
	h.log.Info("serving "+what, "url", "http://"+h.server.Addr(), "admin", h.server.AdminAddr(), "version", version)
	floor := make([]byte, heapFloor(memory.Available(), debug.SetMemoryLimit(-1)))
	defer runtime.KeepAlive(floor)
	debug.FreeOSMemory() // reading the migrations took some 8 MB that are not needed again
	if ready != nil {
		if err := ready(h); err != nil {
			return err
		}
	}
	return h.run(ctx)
}

// apiDocument is the OpenAPI document of all modules. It does not depend on the
// settings, so it can be compared with the one in the repository.
func apiDocument() ([]byte, error) {
	document := seam.OpenAPI("Banyan", "v1", append(slices.Clone(contracts), control.Contract)...)
	document.Add("identity", "Who is calling: sign-in with a wallet, sessions, tokens.", signin.Describe())
	return json.MarshalIndent(document, "", " ")
}

func serveAPIDocument(w http.ResponseWriter, _ *http.Request) {
	text, err := apiDocument()
	if err != nil {
		panic(fmt.Sprintf("the API document: %v", err)) // maps and strings: a test has made it
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(text) // the caller may be gone; there is nobody left to tell
}
